"""The share of a score's own draws in the variance between seeds."""

import numpy as np
import pytest
from synthetic_study import NOISE

from disentlib.study.evidence import evidence_of
from disentlib.study.measures import EVERY
from disentlib.study.score_noise import noise_sentence, noise_shares

SPREAD = 0.01  # of the synthetic study's draws


@pytest.fixture
def make(make_study):
    return lambda **options: evidence_of(make_study(pictures=False, **options), {})


def test_the_shares_are_those_that_were_planted(make):
    shares = noise_shares(make(seeds=40))
    of_mean, between = SPREAD**2 / 3, NOISE**2  # of means over three draws
    assert set(shares.index) >= set(EVERY)
    several = shares["several"]
    assert np.allclose(several, of_mean / between, rtol=0.25)
    # One draw in place of three has three times the noise on the same models.
    np.testing.assert_allclose(shares["one"], 3 * several / (1 + 2 * several))


def test_the_sentence_has_the_thesis_scores_and_the_largest_of_the_others(make):
    evidence = make(seeds=10)
    loud = evidence.table["measure"] == "explicitness"
    evidence.table.loc[loud, "spread"] = 3 * SPREAD
    said = noise_sentence(evidence)
    assert "with one draw and with the mean of 3: β-VAE score" in said
    assert "the largest among the others: explicitness" in said


@pytest.mark.parametrize("seeds, spread", [(1, SPREAD), (3, np.nan)])
def test_without_seeds_or_draws_there_is_no_share(make, seeds, spread):
    evidence = make(seeds=seeds)
    evidence.table["spread"] = spread
    assert noise_shares(evidence).empty
    assert "is told by seeds" in noise_sentence(evidence)
