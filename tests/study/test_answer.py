"""Sentences of the results stay true of tables with gaps, and name what they mean."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from disentlib.study import answer, sentences, shown
from disentlib.study.effects import Effect
from disentlib.study.evidence import evidence_of
from disentlib.study.measures import ONE_FOR_ONE, THESIS, runs
from disentlib.study.pooled import Estimate

NONE = (np.nan,) * 3


@pytest.fixture
def make(make_study):
    return partial(make_study, steps=[1000])


def effect(measure: str, p: float, p_family: float, low: float = -1.0) -> Effect:
    pooled = Estimate(0.5, low, 2.0, p, 10)
    return Effect(measure, "beta_vae", 0.5, NONE, pooled, p, p_family, NONE)


def test_the_nearest_effect_is_that_of_the_smallest_p():
    """Holm's correction makes ties of several."""
    found = [effect("mig", 0.164, 0.927), effect("sap", 0.155, 0.927)]
    said = sentences.effects_sentence(found, "slope")
    assert "closest is the SAP of β-VAE, with p = 0.927 in the" in said


def test_values_stand_at_their_own_D(make):
    gone = [("factor_vae", 6, 1000 * i) for i in range(3)]
    found = evidence_of(make(levels=(4, 6, 8), missing=gone), {})
    told = answer.by_D(found, "dimensions_in_use", "mean")
    assert told == "at D = 4, 6 and 8: β-VAE 4.0, 5.0, 5.0; FactorVAE 4.0, –, 8.0"


def test_what_a_test_does_not_bear_out_is_told_of_its_model_alone(make, monkeypatch):
    found = evidence_of(make(levels=(4, 6)), {})
    unsure = replace(effect(ONE_FOR_ONE, 0.03, 0.06, low=0.1), model="beta_vae")
    sure = replace(effect(ONE_FOR_ONE, 0.5, 0.5), model="factor_vae")
    monkeypatch.setattr(answer, "family_effects", lambda *_: [unsure, sure])
    said = answer.headline(found)
    assert "β-VAE +0.500 [0.100, 2.000] (its interval leaves out 0;" in said
    assert "FactorVAE +0.500 [−1.000, 2.000] for ten" in said


def test_dimensions_that_become_fewer_are_not_some_of_them(make):
    found = evidence_of(make(levels=(6, 8, 10)), {})
    used = found.table["measure"] == "dimensions_in_use"
    found.table.loc[used, "value"] = 20.0 - found.table.loc[used, "D"]
    assert "(fewer of them)" in sentences.plateau_sentence(found)


def test_a_run_that_lacks_a_score_is_in_no_mean_of_several():
    rows = [
        ("", "beta_vae", 4, seed, 5, "sampled", name, 0.5)
        for seed in (0, 1000)
        for name in THESIS
    ]
    columns = ["variant", "model", "D", "seed", "step", "codes", "measure", "value"]
    table = pd.DataFrame(rows, columns=columns)
    table.loc[0, "value"] = np.nan
    assert runs(table, THESIS, "sampled")["seed"].tolist() == [1000]


def test_pictures_are_those_of_the_first_seed_that_is_in(make):
    results = make(levels=(4, 6), missing=[("beta_vae", 6, 0)])
    found = evidence_of(results, {})
    assert shown.pictured_seed(found, "beta_vae", 4) == 0
    assert shown.pictured_seed(found, "beta_vae", 6) == 1000
    figure = shown.traversal_figure(found, "beta_vae")
    titles = [text.get_text() for text in figure.texts]
    assert titles == ["D = 4", "D = 6; 1 row without information left out"]


def test_occasions_are_told_where_they_go_with_D(make):
    results = make(levels=(4, 6))
    rows = [
        {"variant": "", "model": m, "D": D, "seed": 0, "steps": 1000, "commit": c}
        for m in ("beta_vae", "factor_vae")
        for D, c in ((4, "aaaaaaa1"), (6, "bbbbbbb1"))
    ]
    pd.DataFrame(rows).to_csv(results.folder / "runs.csv", index=False)
    said = sentences.occasions_sentence(evidence_of(results, {}))
    assert "D = 4 by commit `aaaaaaa` and D = 6 by commit `bbbbbbb`" in said
    same = pd.DataFrame(rows).assign(commit="aaaaaaa1")
    same.to_csv(results.folder / "runs.csv", index=False)
    said = sentences.occasions_sentence(evidence_of(results, {}))
    assert "of all D were trained by the same commits" in said
