"""A run that is extended ends as one that was planned that long."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_runs import config, outcome, run

from disentlib.files import read_json
from disentlib.training import average, checkpoints, load_model
from disentlib.training.average import averaged, new_average, update
from disentlib.training.state import new_state

USUAL = {"average": 0.9, "warmup": 3, "snapshots": (2, 5)}


def end(folder):
    """Bits and curves, without the list of files."""
    found = outcome(folder)
    return found["result"], found["history"], found["models"]


@pytest.mark.parametrize(
    "changes",
    [{}, {"model": "factor_vae"}, {"batch_norm": False}, {"precision": "bfloat16"}],
    ids=["beta_vae", "factor_vae", "no_norm", "bfloat16"],
)
def test_an_extended_run_ends_in_the_bits_of_a_long_one(
    changes, small, tmp_path, monkeypatch
):
    # Two batches tell as well whether they are the same ones.
    monkeypatch.setattr(average, "STATISTICS_BATCHES", 2)
    long = config(**USUAL | changes, steps=8)
    run(long, small, tmp_path / "planned")
    run(replace(long, steps=5), small, tmp_path / "extended")
    assert read_json(tmp_path / "extended" / "result.json")["step"] == 5
    run(long, small, tmp_path / "extended")
    assert end(tmp_path / "planned") == end(tmp_path / "extended")


def test_a_shorter_runs_model_is_kept_under_its_step(small, tmp_path):
    run(config(steps=4), small, tmp_path)
    before = checkpoints.load_tensors(tmp_path / "model.safetensors")
    run(config(steps=6), small, tmp_path)
    after = checkpoints.load_tensors(tmp_path / "model-4.safetensors")
    assert checkpoints.digest(before[0]) == checkpoints.digest(after[0])
    assert before[1] == after[1]


def test_a_cycle_cannot_be_extended(small, tmp_path):
    run(config(steps=4, schedule="one_cycle"), small, tmp_path)
    with pytest.raises(ValueError, match=r"of another configuration \(steps 4, not 6"):
        run(config(steps=6, schedule="one_cycle"), small, tmp_path)


def test_a_snapshot_that_is_past_is_refused(small, tmp_path):
    run(config(steps=4), small, tmp_path)
    with pytest.raises(ValueError, match=r"at step 4, snapshots \[3\] are past"):
        run(config(steps=6, snapshots=(3,)), small, tmp_path)


def test_a_run_whose_checkpoint_is_gone_says_so(small, tmp_path):
    run(config(steps=4), small, tmp_path)
    for path in (tmp_path / "checkpoints").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="finished after 4 steps and its checkpoint"):
        run(config(steps=6), small, tmp_path)
    assert load_model(tmp_path).D == 3


def test_the_average_is_that_of_its_definition(small):
    settings = config(average=0.75, batch_norm=False)
    state = new_state(settings)
    average, seen = new_average(state.vae, settings), []
    for step in range(4):
        with torch.no_grad():
            state.vae.mean.weight.fill_(float(step))
        update(average, state.vae.parameters(), settings)
        seen.append(float(step))
    weights = [0.75 ** (3 - step) for step in range(4)]
    want = sum(w * s for w, s in zip(weights, seen)) / sum(weights)
    network = averaged(state.vae, average, 4, small, torch.arange(100), settings)
    assert float(network.mean.weight.detach()[0, 0]) == pytest.approx(want, rel=1e-6)
    assert (
        float(state.vae.mean.weight.detach()[0, 0]) == 3
    )  # the run goes on from its own


def test_batch_norm_is_measured_for_the_averaged_weights(small, monkeypatch):
    settings = config(average=0.9, batch_size=16)
    state = new_state(settings)
    mean = new_average(state.vae, settings)
    update(mean, state.vae.parameters(), settings)
    rows = np.random.default_rng(1).permutation(2400)[:80]
    batches = iter(np.arange(80).reshape(5, 16))  # each row once
    order = SimpleNamespace(integers=lambda most, size: next(batches))
    monkeypatch.setattr(average, "STATISTICS_BATCHES", 5)
    monkeypatch.setattr(average, "stream", lambda *_: order)
    network = averaged(state.vae, mean, 1, small, rows, settings)
    first = network.features[:1](small.batch(torch.from_numpy(rows)))
    got, want = network.features[1].running_mean, first.mean(dim=(0, 2, 3))
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-6)
    assert network.features[1].momentum == state.vae.features[1].momentum


def test_no_dimension_collapses_where_the_means_are_normed(small):
    settings = config(mean_norm=True, batch_norm=False, batch_size=64)
    vae = new_state(settings).vae
    mu, _ = vae.encode(small.batch(torch.arange(0, 2400, 30)))
    torch.testing.assert_close(mu.mean(dim=0), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(
        mu.std(dim=0, correction=0), torch.full((3,), 0.5), rtol=1e-2, atol=0
    )


def test_a_finished_run_is_not_passed_off_as_one_with_another_snapshot(small, tmp_path):
    run(config(steps=4), small, tmp_path)
    with pytest.raises(ValueError, match=r"at step 4, snapshots \[2\] are past"):
        run(config(steps=4, snapshots=(2,)), small, tmp_path)
