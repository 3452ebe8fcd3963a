"""Verdicts on tables in which the truth was planted, and on too few runs."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from disentlib.scoring.pictures import load_pictures, save_pictures
from disentlib.scoring.sizes import EXCESS
from disentlib.study import (
    permutation,
    verdicts,
    verdicts_beside,
    verdicts_hypothesis,
)
from disentlib.study.answer import answer, headline
from disentlib.study.correlation import correlation_within
from disentlib.study.effects import effect_of
from disentlib.study.evidence import evidence_of
from disentlib.study.measures import THESIS
from disentlib.study.pooled import Estimate
from disentlib.study.settings import batch_slopes, best_weights, gains_of_search
from disentlib.study.verdicts import FAILS, HOLDS, OPEN

ELEVEN = 11  # six claims, one of two halves; three of the hypothesis; the proposal


@pytest.fixture
def make(make_study, monkeypatch):
    monkeypatch.setattr(permutation, "COUNTED", 20_000)
    monkeypatch.setattr(permutation, "DRAWN", 2_000)
    return partial(make_study, pictures=False, steps=[1000])


def evidence(results, **beside):
    return evidence_of(results, beside)


def planted(effects):
    """An effect for `synthetic` from functions of D, by measure."""
    return lambda measure, model, D: effects.get(measure, lambda D: 0.0)(D)


def change(table, measure, amount):
    """Add to one measure what `amount` says of each of its rows."""
    chosen = table["measure"] == measure
    table.loc[chosen, "value"] += amount(table[chosen])


def test_every_claim_has_a_row_whatever_is_there(make):
    for options in (
        {},
        {"seeds": 1},
        {"seeds": 1, "levels": (4, 10)},
        {"excess": False},
    ):
        table = verdicts_beside.verdict_table(evidence(make(**options)))
        assert len(table) == ELEVEN
        assert set(table["verdict"]) <= {HOLDS, FAILS, OPEN}
        assert not table.isna().any().any() and (table["rule"].str.len() > 20).all()
        assert "nan" not in table.to_string()


def test_a_peak_at_ten_holds_and_a_flat_table_fails(make):
    peak = make(seeds=5, effect=planted({m: lambda D: 0.1 * (D == 10) for m in THESIS}))
    assert verdicts_hypothesis.best_dimension(evidence(peak)).decision == HOLDS
    flat = make(seeds=10)
    assert verdicts_hypothesis.best_dimension(evidence(flat)).decision == FAILS
    dip = make(seeds=5, effect=planted({m: lambda D: -0.1 * (D == 10) for m in THESIS}))
    assert verdicts_hypothesis.best_dimension(evidence(dip)).decision == FAILS
    # Ahead of the others on average, and behind D = 15: not the highest.
    later = planted({m: lambda D: 0.1 * (D == 10) + 0.12 * (D == 15) for m in THESIS})
    assert (
        verdicts_hypothesis.best_dimension(
            evidence(make(seeds=5, effect=later))
        ).decision
        == FAILS
    )


def test_ahead_of_one_on_average_is_not_ahead_of_each(make):
    low = planted({m: lambda D: -0.3 * (D == 4) for m in THESIS})
    results = make(seeds=5, effect=low)
    contrast = effect_of(evidence(results).table, THESIS, "sampled", question="best")
    assert contrast.pooled.low > 0  # by what D = 4 lacks
    assert verdicts_hypothesis.best_dimension(evidence(results)).decision != HOLDS


def test_one_seed_behind_is_behind_whatever_the_margin(make):
    """With one seed of each model nothing tells how far seeds lie apart."""
    dip = make(seeds=1, effect=planted({m: lambda D: -0.9 * (D == 10) for m in THESIS}))
    assert np.isnan(verdicts.spread_of(evidence(dip), THESIS))
    assert verdicts_hypothesis.best_dimension(evidence(dip)).decision == FAILS


def test_a_margin_is_that_of_what_is_judged(make):
    """The mean of three scores scatters less than one of them."""
    found = evidence(make(seeds=10))
    one, three = (verdicts.spread_of(found, what) for what in (THESIS[1], THESIS))
    assert three < 0.8 * one
    assert np.isnan(verdicts.spread_of(found, THESIS, step=7))


def test_rotations_that_score_more_with_D_decide_the_second_claim(make):
    results = make(seeds=5)
    assert verdicts.overestimates(evidence(results)).decision == FAILS
    for score in THESIS:
        change(results.table, score + EXCESS, lambda rows: -0.02 * rows["D"])
    assert verdicts.overestimates(evidence(results)).decision == HOLDS
    assert verdicts.overestimates(evidence(make(excess=False))).decision == OPEN


def test_a_purity_that_falls_with_D_decides_the_first_claim(make):
    results, rng = make(), np.random.default_rng(0)
    assert verdicts.traversals(evidence(results)).decision == OPEN
    rows = results.table[results.table["measure"] == "active_dimensions"]
    rows = rows.assign(measure=verdicts.PURITY)
    for slope, decision in ((-0.03, HOLDS), (0.03, FAILS)):
        read = rows.assign(value=slope * rows["D"] + 0.02 * rng.normal(size=len(rows)))
        read = replace(results, table=pd.concat([results.table, read]))
        assert verdicts.traversals(evidence(read)).decision == decision


def test_who_reconstructs_better_is_the_model_of_the_smaller_error(make):
    for worse, decision in ((5.0, HOLDS), (-5.0, FAILS)):

        def effect(measure, model, D, worse=worse):
            of_error = measure == "held_out_reconstruction"
            return worse * (of_error and model == "factor_vae")

        row = verdicts_hypothesis.reconstructs_better(evidence(make(effect=effect)))
        assert row.decision == decision


def test_a_beta_vae_score_that_rises_with_D_holds(make):
    for slope, decision in ((0.03, HOLDS), (-0.03, FAILS)):
        effect = planted({"beta_vae_score": lambda D, s=slope: s * D})
        row = verdicts_hypothesis.score_rises(evidence(make(effect=effect)))
        assert row.decision == decision


def test_a_correlation_through_seeds_decides_the_fifth_claim(make):
    results = make(seeds=5)
    assert verdicts.reconstruction(evidence(results)).decision != FAILS
    change(results.table, "held_out_reconstruction", lambda rows: rows["seed"] / 200)
    change(results.table, "factor_vae_score", lambda rows: rows["seed"] / 20_000)
    assert verdicts.reconstruction(evidence(results)).decision == FAILS


def test_the_correlation_is_within_cells(make):
    table = make(seeds=10).table
    # D moves both, seeds move neither: a correlation over all runs would be near -1.
    moved = table["measure"].isin(["held_out_reconstruction", "factor_vae_score"])
    sign = np.where(table["measure"] == "factor_vae_score", 0.1, -30)
    table.loc[moved, "value"] += (sign * table["D"])[moved]
    found = correlation_within(table, "held_out_reconstruction", "factor_vae_score")
    assert abs(found.value) < 0.3 and found.low < 0 < found.high and found.df == 88
    # Now the seed moves both.
    change(table, "held_out_reconstruction", lambda rows: -rows["seed"] / 200)
    change(table, "factor_vae_score", lambda rows: rows["seed"] / 20_000)
    found = correlation_within(table, "held_out_reconstruction", "factor_vae_score")
    assert found.high < -0.5


def test_intervals_of_the_correlation_hold_what_they_promise():
    rng, held, trials = np.random.default_rng(0), 0, 300
    D, seed = np.repeat([4, 6, 8, 10, 15], 6), np.tile(np.arange(6), 5)
    for _ in range(trials):
        pair = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], size=30)
        parts = [
            pd.DataFrame({"variant": "", "model": "m", "D": D, "seed": seed, "step": 1,
                          "codes": codes, "measure": name, "value": values})
            for name, codes, values in (("kl", "", pair[:, 0]), ("mig", "sampled", pair[:, 1]))
        ]  # fmt: skip
        found = correlation_within(pd.concat(parts), "kl", "mig")
        held += found.low <= 6 / np.pi * np.arcsin(0.25) <= found.high
    share = held / trials  # its own error: none where no interval fails
    assert abs(share - 0.95) < 4 * np.sqrt(share * (1 - share) / trials)


def test_a_weight_that_is_better_at_each_D_is_found(make):
    def effect(measure, model, D):
        variant, score = measure.split("/")
        best = {"beta_vae": 16, "factor_vae": 40}[model]
        return 0.1 * (score in THESIS and variant == f"w{best}")

    variants = {f"w{w}": {"beta": w / 1.0, "gamma": w / 1.0} for w in (4, 16, 40)}
    weights = make(name="weights", variants=variants, effect=effect, levels=(4, 10))
    row = verdicts_beside.weights(evidence(make(), weights=weights))
    assert row.decision == HOLDS and "β-VAE, of 4, 16 and 40, +0." in row.number
    assert "best weight of the β-VAE: 16 at D = 4 and 16 at D = 10;" in row.number
    assert "seeds, after 1,000 steps;" in row.number and "takes two" not in row.number
    values = verdicts_beside.weight_runs(weights, THESIS)
    assert best_weights(values).loc["beta_vae"].tolist() == [16.0, 16.0]
    lone = values[(values["seed"] == 0) | (values["weight"] == 4)]
    lone = lone.assign(value=lone["value"] + (lone["seed"] != 0))  # of one weight alone
    assert best_weights(lone).loc["beta_vae"].tolist() == [16.0, 16.0]
    assert best_weights(lone[lone["seed"] != 0]).loc["beta_vae"].tolist() == [4.0, 4.0]
    ours = values[values["model"] == "factor_vae"]
    assert set(gains_of_search(ours)) == {0.0}  # the thesis' own is the best
    assert gains_of_search(ours[ours["seed"] == 0]) == []


def test_noise_alone_gains_nothing_from_a_search(make):
    variants = {f"w{w}": {"beta": w / 1.0, "gamma": w / 1.0} for w in (4, 16, 40)}
    weights = make(name="weights", variants=variants, levels=(4, 6, 10), seeds=20)
    row = verdicts_beside.weights(evidence(make(), weights=weights))
    assert row.decision == FAILS
    beta = replace(weights, table=weights.table[weights.table["model"] == "beta_vae"])
    row = verdicts_beside.weights(evidence(make(), weights=beta))
    assert row.decision == OPEN and "; FactorVAE not searched;" in row.number


def test_batches_that_matter_at_one_D_are_found(make):
    def effect(measure, model, D):
        variant, score = measure.split("/")
        doublings = int(variant[1:].split("_")[0]) // 64
        return 0.1 * doublings * (score in THESIS and D == 15)

    variants = {f"b{b}": {"batch_size": b} for b in (32, 64, 128)}
    options = {"variants": variants, "levels": (4, 15), "effect": effect}
    batches = make(name="batches", steps=[500, 1000, 2000], **options)
    first, second = verdicts_beside.batches(evidence(make(), batches=batches))
    assert (first.decision, second.decision) == (HOLDS, HOLDS)
    values = verdicts_beside.batch_values(batches)
    assert values.groupby("rule")["batch_size"].nunique().tolist() == [3, 3]
    assert set(values.loc[values["rule"] == "images", "images"]) == {64_000}
    one = make(name="batches", steps=[500, 1000, 2000], **options | {"seeds": 1})
    for row in verdicts_beside.batches(evidence(make(), batches=one)):
        assert row.decision == OPEN and "[" not in row.number  # whatever the slopes
    assert (
        ", 1 seed, for a doubling: "
        in verdicts_beside.batches(evidence(make(), batches=one))[0].number
    )
    slopes = batch_slopes(values[values["model"] == "factor_vae"])
    assert abs(slopes[4].value) < 0.02 and slopes["more"].low > 0.05


def test_batches_of_which_half_is_missing_are_told(make):
    """As while a sweep goes on: one size at one D, or one size in all."""
    options = {"levels": (4, 15), "steps": [500, 1000, 2000]}
    variants = {f"b{b}": {"batch_size": b} for b in (32, 64, 128)}
    whole = make(name="batches", variants=variants, **options)
    one = whole.table["variant"] == "b64"
    for left in (one | (whole.table["D"] == 4), one):
        part = replace(whole, table=whole.table[left])
        rows = verdicts_beside.batches(evidence(make(), batches=part))
        assert [row.decision for row in rows] in ([FAILS, OPEN], [OPEN, OPEN])
        assert ("at D = 4" in rows[0].number) == (left is not one)
        assert "D = 15" not in rows[0].number and rows[1].number == "–"
    assert "no seed has two batch sizes" in rows[0].number
    values = verdicts_beside.batch_values(part)
    assert verdicts_beside.doublings(values) == ({}, {})
    one = one & (whole.table["seed"] == 2000)
    part = replace(whole, table=whole.table[one | (whole.table["seed"] < 2000)])
    rows = verdicts_beside.batches(evidence(make(), batches=part))
    assert ", 2 seeds, for a doubling" in rows[0].number


def test_readings_that_agree_with_the_diagram_decide_the_third_claim(make):
    read = evidence(make(seeds=1, pictures=True))
    row = verdicts.hinton(read)
    assert row.decision == HOLDS and "1.00 [1.00, 1.00], over 10 models" in row.number
    for path in (read.main.folder / "pictures").iterdir():
        one = load_pictures(path)
        others = np.arange(len(one.shares)) % 3 > 0  # these rows move another factor
        shares = np.where(others[:, None], np.roll(one.shares, 1, axis=1), one.shares)
        save_pictures(path, replace(one, shares=shares))
    row = verdicts.hinton(read)
    assert row.decision == FAILS and "factor: 0.39 [" in row.number
    assert verdicts.hinton(evidence(make(seeds=1, name="other"))).decision == OPEN


def test_the_proposal_is_judged_by_what_is_beyond_rotations(make):
    results = make(seeds=5)
    change(results.table, "pruned_factor_vae_score", lambda rows: -0.2)
    assert verdicts.proposal(evidence(results)).decision == FAILS
    change(results.table, "pruned_factor_vae_score" + EXCESS, lambda rows: 0.1)
    assert verdicts.proposal(evidence(results)).decision == HOLDS


def test_the_answer_follows_its_table(make):
    text = answer(evidence(make(seeds=10, steps=[500, 1000])))
    assert "No clear trend over D" in text and "500 → 1,000 steps" in text
    idle = next(line for line in text.splitlines() if "idle" in line)
    assert "β-VAE falls: −0." in idle and "FactorVAE falls: −0." in idle
    assert "β-VAE 4.0, 5.0, 5.0, 5.0, 5.0; FactorVAE 4.0, 6.0, 8.0, 10.0, 15.0" in text
    assert "ran away" not in text and "nan" not in text


def test_a_planted_rise_is_the_headline(make):
    rise = {m: lambda D: 0.02 * D for m in ("mig", "sap", *THESIS)}
    text = headline(evidence(make(seeds=3, effect=planted(rise))))
    assert "D changes" in text and "rises: +0.1" in text


def test_few_missing_and_runaway_runs_are_told(make):
    one = answer(evidence(make(seeds=1, levels=(4, 10))))
    assert "cannot say" in one and "excluded" not in one and "nan" not in one
    gone = [("beta_vae", 6, 0)]
    text = answer(evidence(make(missing=gone, runaway=("factor_vae", 15, 1000))))
    assert "1 planned run is not in" in text and "seed 1000 ran away" in text
    assert "Without the runs that ran away: FactorVAE" in text


def test_a_batch_matters_where_both_ways_of_counting_say_so():
    """By one alone it may be the steps or the images, which differ there besides."""
    clear, other = (
        Estimate(-0.1, -0.12, -0.08, 1e-6, 20),
        Estimate(0.1, 0.08, 0.12, 1e-6, 20),
    )
    open_ = Estimate(-0.1, -0.3, 0.1, 0.3, 20)

    def decided(steps, images):
        slopes = {"D = 4 and equal steps": steps, "D = 4 and equal images": images}
        return verdicts_beside.by_slopes(slopes, 0.05)

    assert decided(clear, clear) == HOLDS
    assert (
        decided(open_, clear) == decided(clear, open_) == decided(other, clear) == OPEN
    )
    assert (
        verdicts_beside.by_slopes({"equal steps": clear, "equal images": clear}, 1)
        == HOLDS
    )
