"""Joules: from a counter where the machine has one, else an estimate that says so."""

import sys
import time
from typing import ClassVar

import pytest
import torch

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


class Cards:
    """NVML of a machine with four cards, in an order that is not torch's."""

    counters: ClassVar = {"GPU-d": 1_000, "GPU-c": 20_000, "GPU-b": 300, "GPU-a": 7}

    def nvmlInit(self):
        pass

    def nvmlDeviceGetHandleByUUID(self, name):
        if name not in self.counters:
            raise ValueError("Not Found")
        return name

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        return self.counters[handle]


@pytest.fixture
def cards(monkeypatch):
    """As under CUDA_VISIBLE_DEVICES=2,1: torch's 0 and 1 are the machine's 2 and 1."""
    cards = Cards()
    cards.counters = dict(Cards.counters)
    monkeypatch.setitem(sys.modules, "pynvml", cards)
    monkeypatch.setattr(energy, "uuid_of", lambda card: f"GPU-{'bc'[card]}")
    monkeypatch.setattr(energy.torch.cuda, "current_device", lambda: 0)
    return cards


@pytest.mark.parametrize(
    ("device", "name"), [("cuda", "GPU-b"), ("cuda:0", "GPU-b"), ("cuda:1", "GPU-c")]
)
def test_the_card_that_is_used_is_the_one_that_is_read(cards, device, name):
    source, joules = energy.open_meter(device)
    assert source == "measured: NVML counter of the graphics card"
    for other in cards.counters:
        cards.counters[other] += 2_000 if other == name else 50_000
    assert joules() == pytest.approx(2)


def test_a_card_without_a_counter_is_an_estimate_and_says_so(
    tmp_path, monkeypatch, cards
):
    """The processor's counter does not see the card: it is not called its measure."""
    package(tmp_path, 0, 0)
    monkeypatch.setattr(energy, "uuid_of", lambda card: "GPU-part-of-a-card")
    source, joules = energy.open_meter("cuda:0", tmp_path)
    assert source == "estimate: 300 W a card and 10 W a busy core"
    time.sleep(0.1)
    assert joules() >= 30


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_counter_of_a_real_card_runs():
    source, joules = energy.open_meter("cuda")
    assert source == "measured: NVML counter of the graphics card"
    x = torch.randn(8192, 8192, device="cuda")
    for _ in range(20):
        x = x @ x / 8192
    torch.cuda.synchronize()
    time.sleep(0.5)
    assert joules() > 1
