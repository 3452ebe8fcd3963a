"""Joules: from a counter where the machine has one, else an estimate that says so."""

import time

import pytest

from disentlib.training import energy


def package(folder, number, start, span=1_000_000, name="package-0"):
    zone = folder / f"intel-rapl:{number}"
    zone.mkdir()
    (zone / "name").write_text(f"{name}\n")
    (zone / "energy_uj").write_text(f"{start}\n")
    (zone / "max_energy_range_uj").write_text(f"{span}\n")
    return zone / "energy_uj"


def test_the_counter_is_read_from_its_start_and_summed_over_packages(tmp_path):
    one, two = package(tmp_path, 0, 400_000), package(tmp_path, 1, 7, name="package-1")
    source, joules = energy.open_meter("cpu", tmp_path)
    assert source == "measured: RAPL counter of the processor package"
    assert joules() == 0
    one.write_text("500000\n")
    two.write_text("50007\n")
    assert joules() == pytest.approx(0.15)
    assert joules() == pytest.approx(0.15)


def test_a_counter_that_starts_again_goes_on(tmp_path):
    counter = package(tmp_path, 0, 900_000)
    _, joules = energy.open_meter("cpu", tmp_path)
    total = 0
    for value in (990_000, 40_000, 999_999, 10, 10):
        before, now = int(counter.read_text()), value
        total += now - before if now >= before else now + 1_000_000 - before
        counter.write_text(str(value))
        assert joules() == pytest.approx(total / 1e6)


def test_the_whole_laptop_and_parts_of_a_package_are_not_counted_again(tmp_path):
    package(tmp_path, 0, 0)
    psys = package(tmp_path, 1, 0, name="psys")
    core = package(tmp_path, "0:0", 0, name="core")
    _, joules = energy.open_meter("cpu", tmp_path)
    psys.write_text("500000")
    core.write_text("500000")
    assert joules() == 0


def test_without_a_counter_it_is_an_estimate_and_says_so(tmp_path):
    source, joules = energy.open_meter("cpu", tmp_path / "none")
    assert source == "estimate: 10 W a busy core"
    start, busy = time.process_time(), time.process_time() + 0.05
    while time.process_time() < busy:
        pass
    used = joules()
    assert 0.5 <= used <= 10 * (time.process_time() - start) + 0.5
    idle = joules()
    time.sleep(0.1)
    assert joules() - idle < 0.5  # sleeping costs nothing


@pytest.mark.parametrize("content", ["", "unknown"])
def test_an_unreadable_counter_is_none(tmp_path, content):
    package(tmp_path, 0, 0).write_text(content)
    assert energy.open_meter("cpu", tmp_path)[0].startswith("estimate")


def test_a_card_without_a_counter_falls_back(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "nvml_counter", lambda device: None)
    package(tmp_path, 0, 0)
    assert energy.open_meter("cuda:0", tmp_path)[0].startswith("measured: RAPL")
    millijoules = iter([5.0, 8.0])
    monkeypatch.setattr(
        energy, "nvml_counter", lambda device: lambda: next(millijoules)
    )
    source, joules = energy.open_meter("cuda:0", tmp_path)
    assert source.startswith("measured: NVML") and joules() == 3
