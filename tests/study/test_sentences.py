"""What sentences say of tables in which the truth was planted: which end, which sign."""

from functools import partial

import numpy as np
import pytest

from disentlib.study import sentences
from disentlib.study.budgets import along_budgets
from disentlib.study.evidence import evidence_of
from disentlib.study.measures import THESIS


@pytest.fixture
def make(make_study):
    usual = {"pictures": False, "excess": False, "levels": (4, 15), "noise": 0.0}
    return partial(make_study, **usual)


def test_a_change_along_the_budgets_goes_from_the_first_to_the_last(make):
    results = make(effect=lambda *_: 0.0)
    table, history = results.table, results.history
    late = (table["step"] == 1000) & (table["codes"] == "sampled")
    table.loc[late, "value"] += 0.02 * table["D"]
    early = (history["step"] <= 500) & (history["model"] == "factor_vae")
    history.loc[early, [f"kl_{d}" for d in range(8, 15)]] = 0.0
    told = along_budgets(evidence_of(results, {}))
    assert "FactorVAE slope 0.00 → +0.20 and dimensions in use at" in told
    assert "D = 15: 8.0 → 15.0" in told


def test_means_are_compared_with_samples_and_not_the_other_way(make):
    results = make(steps=[1000], effect=lambda *_: 0.0)
    table = results.table
    of_means = (table["codes"] == "mean") & (table["measure"] == "mig")
    table.loc[of_means & (table["model"] == "beta_vae"), "value"] -= 0.3
    assert sentences.codes_sentence(evidence_of(results, {})).endswith(
        "most for the MIG of β-VAE: −0.30."
    )


def test_an_error_is_told_at_the_smallest_and_then_at_the_largest_D(make):
    results = make(steps=[1000])
    of_error = results.table["measure"] == "held_out_reconstruction"
    results.table.loc[of_error, "value"] = 80.0 + results.table["D"]
    told = sentences.reconstruction_sentence(evidence_of(results, {}))
    assert "FactorVAE 84 nats at D = 4 and 95 at D = 15" in told


def test_seeds_that_move_all_D_alike_are_told_from_those_that_move_them_apart(make):
    results = make(seeds=5, steps=[1000], noise=0.01)
    rows = results.table["measure"].isin(THESIS)
    other = (results.table["D"] == 15) & (results.table["model"] == "factor_vae")
    move = results.table["seed"] / 1000 * np.where(other, -1, 1)
    results.table.loc[rows, "value"] += move[rows]
    told = sentences.pairing_sentence(evidence_of(results, {}))
    assert "+1.00 for the β-VAE and −1.00 for the FactorVAE" in told
