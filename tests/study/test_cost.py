"""Energies are sums of the tables' joules."""

import pytest
from synthetic_study import synthetic

from disentlib.study import cost, plan


@pytest.fixture
def there(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    monkeypatch.setattr(cost, "RESULTS", tmp_path)
    made = synthetic(tmp_path, seeds=1, levels=(4, 10), pictures=False)
    monkeypatch.setattr(cost, "load_results", lambda name: made)
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
