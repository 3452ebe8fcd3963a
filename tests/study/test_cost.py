"""Energies are sums of the tables' joules."""

import re

import pandas as pd
import pytest
from synthetic_study import synthetic

from disentlib.study import cost, plan
from disentlib.study.results import IDENTITY
from disentlib.training.energy import WATTS_PER_BUSY_CORE


@pytest.fixture
def there(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    monkeypatch.setattr(cost, "RESULTS", tmp_path)
    made = synthetic(tmp_path, seeds=1, levels=(4, 10), pictures=False)
    monkeypatch.setattr(cost, "load_results", lambda name: made)
    monkeypatch.setattr(cost, "is_there", lambda name: True)
    return made


def test_a_study_is_the_sum_of_its_runs(there):
    assert cost.costs(there) == {
        "runs": 4.0,
        "hours": pytest.approx(400 / 3600),
        "kilowatt-hours": pytest.approx(4 * 3600 / 3.6e6),
    }
    assert cost.sources(there).startswith("estimate")
    (there.folder / "runs.csv").write_text("energy_source\nmeasured: NVML\n")
    assert cost.sources(there) == "measured: NVML"
    assert cost.cost_table()["runs"].tolist() == ["4"]


def test_the_thesis_sum_is_in_watt_hours():
    assert cost.thesis_kilowatt_hours() == 0.3 * 300 + 0.04 * 3000 == 210


def test_the_page_compares_them(there):
    values = cost.page_values()
    assert values["kwh"] == "0.00" and values["thesis"] == "210"
    assert values["ratio"] == "52500"


TOLD = re.compile(r"([\d.]+) (hours|seconds) of (one core|an H200)")


# What a person's own sweep has left beside them, such as the quick study's, costs what
# it costs there.
KEPT = [own for own in cost.studies_there() if (own.folder / "README.md").exists()]


@pytest.mark.parametrize("results", KEPT, ids=lambda r: r.study.name)
def test_each_study_says_what_its_training_cost(results):
    """Of a card the runs' hours, of a processor the hours in which it was busy."""
    text = (plan.STUDIES / f"{results.study.name}.yml").read_text()
    cost_line = next(line for line in text.splitlines() if line.startswith("# Cost"))
    told = {
        unit: (float(value) / {"hours": 1, "seconds": 3600}[of], value, of)
        for value, of, unit in TOLD.findall(cost_line)
    }
    both = (
        results.values(n).set_index(IDENTITY)["value"] for n in ("joules", "seconds")
    )
    rows = pd.concat(both, axis=1, keys=["joules", "seconds"])
    assert len(rows) == results.runs_there
    device = pd.Series("cpu", rows.index)  # of rows that are older than runs.csv
    if len(said := results.run_rows):
        device.update(said.set_index(IDENTITY)["device"])
    on_card = device.str.startswith("cuda")
    was = {}
    if on_card.any():
        was["an H200"] = rows.loc[on_card, "seconds"].sum() / 3600
    if not on_card.all():
        was["one core"] = rows.loc[~on_card, "joules"].sum() / (
            WATTS_PER_BUSY_CORE * 3600
        )
    assert told.keys() == was.keys()
    for unit, hours in was.items():
        half = 0.5 * 10.0 ** -len(told[unit][1].partition(".")[2])
        half /= {"hours": 1, "seconds": 3600}[told[unit][2]]
        assert abs(told[unit][0] - hours) <= half * 1.01
