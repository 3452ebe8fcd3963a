"""Others' scores stand beside the study's own, whatever it has."""

import pytest

from disentlib.study.evidence import evidence_of
from disentlib.study.published import PUBLISHED, longer_training, published_table


@pytest.fixture
def make(make_study):
    return lambda **options: evidence_of(make_study(pictures=False, **options), {})


def test_ours_have_a_spread_where_there_are_seeds_and_stand_above_theirs(make):
    table = published_table(make(seeds=5, levels=(4, 10)))
    assert len(table) == 4 + len(PUBLISHED) and table.shape[1] == 5
    assert table["model"][0] == "FactorVAE here, samples"
    assert table["MIG"][0].startswith("0.6") and " ± 0.0" in table["MIG"][0]
    one = published_table(make(seeds=1, levels=(4, 10), name="one"))
    assert "±" not in one["MIG"][0]


def test_a_study_without_d_10_leaves_theirs(make):
    evidence = make(levels=(4, 15), steps=(1000,))
    assert len(published_table(evidence)) == len(PUBLISHED)
    assert longer_training(evidence) == "311,040 steps, ours 1,000"
