"""What D does, asked of tables in which it was planted."""

from functools import partial

import numpy as np
import pytest
from synthetic_study import LEVELS, NOISE, PER_TEN

from disentlib.study.effects import contrast_weights, effect_of, effects_of
from disentlib.study.measures import FAMILIES, budgets, ran_away, runs, with_dimensions


@pytest.fixture
def make(make_study):
    return partial(make_study, pictures=False)


def test_planted_slopes_are_found_and_no_others(make):
    table = make(seeds=10).table
    scores = [score for scores in FAMILIES.values() for score in scores]
    found = effects_of(table, scores, "sampled")
    assert {e.measure for e in found if e.clear} == set(PER_TEN)
    for effect in found:
        truth = PER_TEN.get(effect.measure, 0.0)
        assert abs(effect.pooled.value - truth) < 4 * NOISE / np.sqrt(10 * 5) / 0.37
        assert effect.pooled.df == 50 - 11 and effect.p_family >= effect.p
        low, high = effect.spread[1:]
        assert low < 1.3 * NOISE and high > 0.8 * NOISE


def test_a_peak_and_a_step_at_K_are_found(make):
    def shaped(measure, model, D):
        peak, above = 0.1 * (D == 10), 0.1 * (D >= 5)
        return {"mig": peak, "sap": above}.get(measure, 0.0)

    table = make(seeds=5, effect=shaped).table
    best = {e.measure: e for e in effects_of(table, ["mig", "irs"], "mean", "best")}
    assert best["mig"].word == "rises" and not best["irs"].clear
    above = effect_of(table, "sap", "sampled", "beta_vae", "above")
    assert above.pooled.low < 0.1 < above.pooled.high and above.clear


@pytest.mark.parametrize("seeds, df", [(1, 3), (2, 7), (10, 39)])
def test_any_number_of_seeds(make, seeds, df):
    effect = effect_of(make(seeds=seeds).table, "irs", "sampled", "beta_vae")
    assert effect.pooled.df == df and effect.decided
    assert np.isnan(effect.by_seed[1]) == (seeds == 1) == np.isnan(effect.spread[0])


def test_too_few_runs_say_so(make):
    table = make(seeds=1, levels=(4, 10)).table
    effect = effect_of(table, "irs", "sampled", "beta_vae")
    assert effect.word == "too few runs" and not effect.decided and np.isnan(effect.p)
    best = effect_of(table, "irs", "sampled", "beta_vae", "best")
    assert best.pooled.value == pytest.approx(0.6 * effect.pooled.value)
    assert effect_of(table, "irs", "sampled", "beta_vae", "above").word == best.word
    assert effect_of(table, "nothing", "sampled", "beta_vae") is None


def test_missing_runs_are_done_without(make):
    gone = [("beta_vae", 10, 0), ("beta_vae", 4, 1000), ("beta_vae", 15, 2000)]
    table = make(seeds=3, missing=gone).table
    effect = effect_of(table, "irs", "sampled", "beta_vae")
    assert effect.pooled.df == 12 - 4 and effect.pooled.low < -0.12 < effect.pooled.high
    assert effect_of(table, "irs", "sampled", "beta_vae", "best").pooled.df == 12 - 7


def test_budgets_are_not_mixed(make):
    table = make(seeds=2, steps=(500, 1000)).table
    late = table[~((table["seed"] == 1000) & (table["step"] == 1000))]
    assert budgets(late) == [500, 1000]
    assert set(runs(late, "mig", "mean")["seed"]) == {0}
    assert set(runs(late, "mig", "mean", 500)["seed"]) == {0, 1000}


def test_the_mean_of_a_family_needs_all_of_it(make):
    table = make(seeds=2).table
    one = (table["measure"] == "irs") & (table["D"] == 4)
    both = runs(table[~one], ("irs", "modularity"), "mean", model="beta_vae")
    assert set(both["D"]) == set(LEVELS) - {4}
    first = both.iloc[0]
    where = {name: first[name] for name in ("model", "D", "seed")}
    parts = [runs(table, m, "mean", **where)["value"].item() for m in ("irs", "modularity")]  # fmt: skip
    assert first["value"] == pytest.approx(np.mean(parts))


def test_dimensions_in_use_are_counted_at_each_budget(make):
    table = with_dimensions(make(seeds=2))
    for step in (500, 1000):
        used = runs(table, "dimensions_in_use", step=step)
        beta = used[used["model"] == "beta_vae"]
        assert (beta["value"] == beta["D"].clip(upper=5)).all() and len(beta) == 10


def test_a_run_that_ran_away_is_named(make):
    out = ran_away(make(seeds=2, runaway=("factor_vae", 15, 1000)).table)
    assert out[["model", "D", "seed"]].values.tolist() == [["factor_vae", 15, 1000]]
    assert len(ran_away(make(seeds=2).table)) == 0


def test_questions():
    assert contrast_weights("best", LEVELS) == {
        10: 1,
        4: -0.25,
        6: -0.25,
        8: -0.25,
        15: -0.25,
    }
    assert (
        contrast_weights("above", LEVELS)[4] == -1
        and contrast_weights("above", (6, 8)) is None
    )
    with pytest.raises(ValueError, match="question 'worst'"):
        contrast_weights("worst", LEVELS)
