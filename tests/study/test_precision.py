"""Runs in two precisions are found by their settings and compared pair by pair."""

import numpy as np
import pandas as pd
import pytest
from synthetic_study import no_effect, synthetic

from disentlib.study import plan
from disentlib.study.precision import (
    MEASURES,
    SAME,
    precision_bounds,
    precision_pairs,
    precision_sentence,
    precision_spread,
    precision_table,
)


def lowered(measure, model, D):
    return -0.3 * (measure == "factor_vae_score")


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Makes a study whose runs all have one precision."""
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")

    def make(name, precision, effect=no_effect, **settings):
        options = {"levels": (4, 15), "pictures": False, "effect": effect}
        results = synthetic(tmp_path, name=name, **options)
        rows = [
            {"variant": run.variant, "precision": precision, "device_name": "a card"}
            | {key: getattr(run.config, key) for key in (*SAME, "steps")}
            | settings
            for run in results.study.runs
        ]
        pd.DataFrame(rows).to_csv(results.folder / "runs.csv", index=False)
        return results

    return make


def test_a_planted_difference_is_found_and_no_other_is_large(made):
    studies = [made("one", "float32"), made("two", "bfloat16", lowered)]
    found = precision_pairs(studies)
    assert len(found.pairs) == 12 and found.step == 1000
    table = precision_table(found).set_index("measure")
    assert len(table) == len(MEASURES) and (table["pairs"] == 12).all()
    assert table.loc["FactorVAE score", "16 bits less 32"].startswith("−0.")
    sentence = precision_sentence(found)
    assert "12 pairs of runs (β-VAE and FactorVAE, D = 4 and 15)" in sentence
    assert "differ in the precision and nothing else" in sentence
    assert sentence.endswith("Where nothing differs, 0.7 of 13 would leave out zero.")
    assert "leaves out zero" in sentence and "FactorVAE score" in sentence
    assert "two seeds of one precision" in precision_spread(found)


def test_bounds_are_two_per_cent_of_the_error_and_three_hundredths_of_a_score(made):
    found = precision_pairs([made("one", "float32"), made("two", "bfloat16", lowered)])
    said = precision_bounds(found)
    mean = found.values.loc[found.values["measure"] == MEASURES[0], "value_float32"]
    assert (
        f"by 2 % of the reconstruction error, here {mean.mean() / 50:.1f} nats" in said
    )
    assert "of the error lies within the first, and its interval stays" in said
    assert "those of 9 of 10 scores lie within the second" in said
    own = found.values["measure"] == MEASURES[0]
    found.values.loc[own, "value_bfloat16"] += 10
    assert "lies beyond the first, and its interval reaches beyond it" in (
        precision_bounds(found)
    )


def test_runs_of_two_machines_are_no_pair(made):
    studies = [made("a", "float32", device_name="a CPU"), made("b", "bfloat16")]
    assert precision_pairs(studies) is None
    assert len(precision_pairs([*studies, made("c", "float32")]).pairs) == 12


def test_two_seeds_lie_apart_by_the_spread_of_all_cells_by_their_size(made):
    """A cell of two seeds says less than one of three."""
    studies = [made("a", "float32"), made("b", "bfloat16")]
    found = precision_pairs(studies)
    own = found.values["measure"] == MEASURES[0]
    for side in ("float32", "bfloat16"):
        found.values.loc[own, f"value_{side}"] = found.values["seed"] / 1000
    wide = own & (found.values["D"] == 4) & (found.values["seed"] == 1000)
    lone = own & (found.values["D"] == 4) & (found.values["seed"] == 2000)
    found.values.loc[wide, ["value_float32", "value_bfloat16"]] = 10.0
    few = type(found)(found.values[~lone], found.step)
    # By model and precision: (0, 10) has one degree and 50, (0, 1, 2) two and 2.
    assert f"two seeds of one precision {(2 * 52 / 3) ** 0.5:.1f} " in precision_spread(
        few
    )


def test_a_study_without_settings_has_no_pair_and_is_no_obstacle(made):
    studies = [made("a", "float32"), made("b", "bfloat16"), made("c", "float32")]
    (studies[2].folder / "runs.csv").unlink()
    found = precision_pairs(studies)
    assert len(found.pairs) == 12 and "two seeds of one" in precision_spread(found)


def test_scores_of_one_draw_and_means_of_several_are_told_apart(made):
    one, two = made("a", "float32"), made("b", "bfloat16")
    two.table["spread"] = np.nan
    assert "and the number of draws behind a score, and nothing else" in (
        precision_sentence(precision_pairs([one, two]))
    )
    two = made("b", "bfloat16")
    two.table.loc[two.table["seed"] == 0, "spread"] = np.nan
    assert "the precision and for 4 of them the number of draws behind a" in (
        precision_sentence(precision_pairs([one, two]))
    )


def test_runs_of_other_settings_are_no_pair(made):
    other = made("two", "bfloat16", beta=2.0)
    assert precision_pairs([made("one", "float32"), other]) is None
    assert precision_sentence(None).startswith("No two runs")
    assert precision_spread(None) == precision_bounds(None) == ""


def test_a_setting_newer_than_a_table_was_its_default_then(made):
    studies = [made("one", "float32"), made("two", "bfloat16", warmup=0)]
    table = studies[0].folder / "runs.csv"
    pd.read_csv(table).drop(columns="warmup").to_csv(table, index=False)
    assert len(precision_pairs(studies).pairs) == 12
    studies = [studies[0], made("two", "bfloat16", warmup=5)]
    assert precision_pairs(studies) is None


def test_one_pair_has_no_interval(made):
    studies = [made("one", "float32"), made("two", "bfloat16")]
    found = precision_pairs(studies)
    first = found.pairs.iloc[0]
    one = (found.values[list(first.index)] == first).all(axis=1)
    single = type(found)(found.values[one], found.step)
    assert "too few for an interval" in precision_sentence(single)
    assert not precision_table(single)["16 bits less 32"].str.contains(r"\[").any()
    assert np.array_equal(precision_table(single)["pairs"], [1] * len(MEASURES))
    assert precision_spread(single).endswith("(root mean square).")


def test_a_snapshot_on_a_cycle_is_no_pair_of_a_run_that_ended_there(made):
    cycle = {"schedule": "one_cycle"}
    studies = [
        made("one", "float32", **cycle),
        made("two", "bfloat16", steps=2000, **cycle),
    ]
    assert precision_pairs(studies) is None
    studies[1] = made("three", "bfloat16", **cycle)
    assert len(precision_pairs(studies).pairs) == 12
