"""Training: repeatable, seeds paired across D, stopped in one line when it
goes wrong.
"""

import json
import math
from dataclasses import replace
from itertools import pairwise
from threading import Thread

import numpy as np
import pytest
import torch
from small_runs import config, outcome, run

from disentlib.files import read_json
from disentlib.models.objectives import loss_weights
from disentlib.sprites.grid import FactorGrid
from disentlib.sprites.table import Sprites, train_test_split
from disentlib.training import history, load_model, train
from disentlib.training.configuration import MODELS
from disentlib.training.evaluation import held_out_index, held_out_losses
from disentlib.training.schedules import rate_factor, weights_of_step
from disentlib.training.state import new_state
from disentlib.training.step import recordable


class Watched(Sprites):
    """Sprites that note which rows were asked for."""

    def __init__(self, sprites, rows):
        super().__init__(sprites.packed, sprites.grid)
        object.__setattr__(self, "rows", rows)

    def to(self, device):
        return self

    def batch(self, index, device="cpu"):
        self.rows.append(np.asarray(index).copy())
        return super().batch(index, device)


def batches(settings, small, folder):
    """Rows of each training batch, in order (what is asked for after them
    is held out).
    """
    rows = []
    run(settings, Watched(small, rows), folder)
    return rows[: settings.steps], rows[settings.steps :]


# Repeatable


@pytest.mark.parametrize("model", MODELS)
def test_same_seed_same_bits(model, small, tmp_path):
    settings = config(model=model, steps=4, snapshots=(2,))
    for name in ("one", "two"):
        run(settings, small, tmp_path / name)
    assert outcome(tmp_path / "one") == outcome(tmp_path / "two")
    other = run(replace(settings, seed=1), small, tmp_path / "three")
    digests = [
        read_json(tmp_path / n / "result.json")["digest"] for n in ("one", "three")
    ]
    assert digests[0] != digests[1] and other[-1]["step"] == 4


def test_the_callers_random_state_is_not_used_and_not_touched(small, tmp_path):
    settings, ends = config(model="factor_vae", steps=2), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        before = torch.random.get_rng_state()
        run(settings, small, tmp_path / str(seed))
        assert torch.equal(before, torch.random.get_rng_state())
        ends.append(outcome(tmp_path / str(seed)))
    assert ends[0] == ends[1]


def test_a_thread_trains_to_the_same_bits(small, tmp_path):
    """A thread other than the main one, which may not listen to signals, trains all the
    same.
    """
    thread = Thread(target=run, args=(config(steps=2), small, tmp_path / "thread"))
    thread.start()
    thread.join()
    run(config(steps=2), small, tmp_path / "main")
    assert outcome(tmp_path / "thread") == outcome(tmp_path / "main")


def test_how_often_one_looks_changes_nothing(small, tmp_path):
    """Logging, checkpoints and snapshots are no part of the result."""
    ends = []
    for i, (log, keep, snapshots) in enumerate(
        [(1, 1, (1, 3)), (5, 100, ()), (2, 3, (4,))]
    ):
        settings = config(
            log_every=log, checkpoint_every=keep, snapshots=snapshots, steps=5
        )
        run(settings, small, tmp_path / str(i))
        ends.append(read_json(tmp_path / str(i) / "result.json")["digest"])
    assert len(set(ends)) == 1


def test_data_order_depends_on_the_seed_alone(small, tmp_path):
    base = config(steps=3)
    order, held_out = batches(base, small, tmp_path / "base")
    for name, changes in {
        "D": {"D": 7},
        "model": {"model": "factor_vae"},
        "beta": {"beta": 1.0},
        "optimizer": {
            "optimizer": "muon",
            "schedule": "one_cycle",
            "batch_norm": False,
        },
    }.items():
        again, held_out_again = batches(
            replace(base, **changes), small, tmp_path / name
        )
        assert all(np.array_equal(*pair) for pair in zip(order, again))
        assert all(np.array_equal(*pair) for pair in zip(held_out, held_out_again))
    other, held_out_other = batches(replace(base, seed=1), small, tmp_path / "seed")
    assert not any(np.array_equal(*pair) for pair in zip(order, other))
    assert all(np.array_equal(*pair) for pair in zip(held_out, held_out_other))


def test_each_epoch_is_a_new_order_of_the_training_rows(tmp_path):
    rng = np.random.default_rng(0)
    packed = torch.from_numpy(rng.integers(0, 256, (60, 512), dtype=np.uint8))
    tiny = Sprites(packed, FactorGrid(("a", "b"), (6, 10)))
    settings = config(steps=15, batch_size=8)  # 42 rows: 5 batches, 2 rows left over
    order, held_out = batches(settings, tiny, tmp_path)
    train_rows, test_rows = train_test_split(0, size=60)
    epochs = [np.concatenate(order[start : start + 5]) for start in (0, 5, 10)]
    for epoch in epochs:
        assert len(set(epoch)) == 40 and set(epoch) <= set(train_rows)
    assert not np.array_equal(
        np.sort(epochs[0]), np.sort(epochs[1])
    )  # the 2 rows differ
    assert not np.array_equal(epochs[1], epochs[2])
    assert set(np.concatenate(held_out)) <= set(test_rows)
    assert [r["epoch"] for r in run(settings, tiny, tmp_path)] == [
        0.6,
        1.2,
        1.8,
        2.4,
        3.0,
    ]


@pytest.mark.parametrize(
    "purpose", ["initialisation", "posterior noise", "permutations"]
)
def test_each_stream_is_used_and_disturbs_no_other(
    purpose, small, tmp_path, monkeypatch
):
    """Another seed for one purpose changes the weights, and the data order
    not at all.
    """
    import disentlib.training.batches
    import disentlib.training.state

    settings = config(model="factor_vae", steps=2)
    order, _ = batches(settings, small, tmp_path / "base")
    for module in (disentlib.training.state, disentlib.training.batches):
        plain = module.torch_stream

        def other(seed, name, *position, plain=plain, **device):
            return plain(seed + (name == purpose), name, *position, **device)

        monkeypatch.setattr(module, "torch_stream", other)
    again, _ = batches(settings, small, tmp_path / "other")
    assert all(np.array_equal(*pair) for pair in zip(order, again))
    ends = [
        read_json(tmp_path / name / "result.json")["digest"]
        for name in ("base", "other")
    ]
    assert ends[0] != ends[1]


def test_networks_of_a_seed_agree_where_D_plays_no_part():
    """The layers before the representation start alike for every D: seeds
    are paired.
    """
    one, other = (new_state(config(D=D)).vae.features.state_dict() for D in (3, 10))
    assert all(torch.equal(one[name], other[name]) for name in one)


# It learns


@pytest.mark.parametrize(("optimizer", "batch_norm"), [("adam", True), ("muon", False)])
def test_losses_fall(optimizer, batch_norm, small, tmp_path):
    settings = config(steps=40, batch_size=16, learning_rate=2e-3, log_every=10)
    settings = replace(
        settings, optimizer=optimizer, batch_norm=batch_norm, checkpoint_every=40
    )
    records = run(settings, small, tmp_path)
    assert records[0]["reconstruction"] < 4096 * math.log(2)
    assert records[-1]["reconstruction"] < 0.5 * records[0]["reconstruction"]


def test_adam_is_that_of_the_thesis_tables():
    state = new_state(config(model="factor_vae", discriminator_learning_rate=3e-4))
    ours, theirs = state.optimisers
    assert (ours.defaults["betas"], theirs.defaults["betas"]) == (
        (0.9, 0.999),
        (0.5, 0.9),
    )
    assert (ours.defaults["lr"], theirs.defaults["lr"]) == (1e-4, 3e-4)
    for optimiser, network in ((ours, state.vae), (theirs, state.discriminator)):
        assert type(optimiser) is torch.optim.Adam
        assert (
            optimiser.defaults["eps"] == 1e-8
            and optimiser.defaults["weight_decay"] == 0
        )
        assert not optimiser.defaults["amsgrad"]
        (group,) = optimiser.param_groups
        assert {id(p) for p in group["params"]} == {id(p) for p in network.parameters()}


def test_muon_takes_the_matrices_and_adam_the_rest():
    state = new_state(config(optimizer="muon"))
    adam, muon = (optimiser.param_groups[0]["params"] for optimiser in state.optimisers)
    assert all(p.ndim == 2 for p in muon) and all(p.ndim != 2 for p in adam)
    assert len(muon) == 5 and len(adam) + len(muon) == len(list(state.vae.parameters()))


def test_rates_follow_torchs_one_cycle():
    for steps in (10, 37, 1000):
        parameter = torch.nn.Parameter(torch.zeros(1))
        optimiser = torch.optim.SGD([parameter], lr=1.0)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1.0, total_steps=steps)
        for step in range(1, steps + 1):
            want = optimiser.param_groups[0]["lr"]
            cycling = config(steps=steps, schedule="one_cycle")
            assert rate_factor(step, cycling) == pytest.approx(want, rel=1e-9)
            assert rate_factor(step, config(steps=steps)) == 1
            optimiser.step()
            if step < steps:
                cycle.step()
    assert all(
        0 < rate_factor(s, config(steps=n, schedule="one_cycle")) <= 1
        for n in (1, 2, 3)
        for s in range(1, n + 1)
    )


def test_a_moving_weight_comes_to_its_value_along_a_line():
    falling = {"beta": 2.0, "gamma": 10.0, "weight_start": 3.0, "weight_steps": 4}
    steps = range(1, 8)
    seen = [weights_of_step(s, config(**falling)) for s in steps]
    assert seen == [(beta, 0) for beta in (6, 5, 4, 3, 2, 2, 2)]
    seen = [weights_of_step(s, config(model="factor_vae", **falling)) for s in steps]
    assert seen == [(1, gamma) for gamma in (30, 25, 20, 15, 10, 10, 10)]
    assert {weights_of_step(s, config(beta=2.0)) for s in steps} == {(2, 0)}


def test_what_moves_from_step_to_step_is_not_recorded():
    one = config(compile=True, device="cuda")
    assert recordable(one) and not recordable(replace(one, device="cpu"))
    assert not recordable(replace(one, compile=False))
    assert not recordable(replace(one, optimizer="muon"))
    assert not recordable(replace(one, weight_start=3.0, weight_steps=5))


def test_the_moving_weight_reaches_the_objective(small, tmp_path):
    settings = config(log_every=1, steps=4, beta=2.0, weight_start=3.0, weight_steps=2)
    records = run(settings, small, tmp_path)
    found = [(r["total"] - r["reconstruction"]) / r["kl"] for r in records]
    assert found == pytest.approx([6, 4, 2, 2], rel=1e-3)


def test_the_rate_reaches_the_optimiser_and_the_history(small, tmp_path):
    settings = config(schedule="one_cycle", log_every=1, learning_rate=0.01)
    records = run(settings, small, tmp_path)
    want = [0.01 * rate_factor(step, settings) for step in range(1, 8)]
    assert [r["learning_rate"] for r in records] == pytest.approx(want)
    constant = run(replace(settings, schedule="constant"), small, tmp_path / "constant")
    assert {r["learning_rate"] for r in constant} == {0.01}
    ends = [
        read_json(p / "result.json")["digest"]
        for p in (tmp_path, tmp_path / "constant")
    ]
    assert ends[0] != ends[1]


# Watched


def test_history_of_a_run(small, tmp_path):
    settings = config(model="factor_vae", log_every=3)
    records = run(settings, small, tmp_path)
    assert [r["step"] for r in records] == [3, 6, 7]
    per_epoch = round(0.7 * small.grid.size) // settings.batch_size
    assert [r["epoch"] for r in records] == [step / per_epoch for step in (3, 6, 7)]
    assert records == history.read_history(tmp_path / "history.csv")
    assert all(set(r) == set(history.columns(3)) for r in records)
    earlier = 0, 0.0, 0.0
    for r in records:
        assert math.fsum(r[f"kl_{j}"] for j in range(3)) == r["kl"] > 0
        assert r["active"] == sum(r[f"kl_{j}"] > 0.01 for j in range(3))
        want = r["reconstruction"] + r["kl"] + settings.gamma * r["total_correlation"]
        assert r["total"] == pytest.approx(want)
        assert 0 <= r["discriminator_accuracy"] <= 1 and r["discriminator_loss"] > 0
        assert r["seconds"] > earlier[1] and r["joules"] > earlier[2]
        earlier = r["step"], r["seconds"], r["joules"]
    # From record to record: images over seconds.
    for before, r in pairwise(records):
        images = 8 * (r["step"] - before["step"])
        assert r["images_per_second"] == pytest.approx(
            images / (r["seconds"] - before["seconds"])
        )


def test_a_finished_run_is_not_repeated(small, tmp_path):
    settings = config(steps=3)
    records = run(settings, small, tmp_path)
    files = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.name != ".lock"}
    rows = []
    again = run(settings, Watched(small, rows), tmp_path)
    assert rows == [] and [r["step"] for r in again] == [r["step"] for r in records]
    assert files == {
        p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.name != ".lock"
    }
    kept = [path.name for path in (tmp_path / "checkpoints").iterdir()]
    assert "step-000000003.safetensors" in kept  # from which a longer run goes on


def test_result_says_what_was_run_and_how(small, tmp_path):
    settings = config(steps=3)
    run(settings, small, tmp_path)
    result = read_json(tmp_path / "result.json")
    assert result["config"] == settings.to_dict() == read_json(tmp_path / "config.json")
    assert result["step"] == 3 and result["held_out_images"] == 16
    assert len(result["kl_per_dimension"]) == 3
    assert result["held_out"]["kl"] == pytest.approx(sum(result["kl_per_dimension"]))
    assert result["provenance"]["torch"] == torch.__version__
    assert result["provenance"]["threads"] == 1
    assert result["energy_source"].startswith(("measured: ", "estimate: "))


def test_models_are_read_back(small, tmp_path):
    run(config(steps=4, snapshots=(2,)), small, tmp_path)
    early, final = load_model(tmp_path, 2), load_model(tmp_path)
    assert not final.training and not any(p.requires_grad for p in final.parameters())
    assert not torch.equal(early.mean.weight, final.mean.weight)
    losses = held_out_losses(
        final,
        None,
        small,
        held_out_index(train_test_split(0, size=2400)[1], config()),
        config(),
    )
    want = read_json(tmp_path / "result.json")["held_out"]
    assert losses["elbo"] == pytest.approx(want["elbo"], rel=1e-6)
    for missing in (
        lambda: load_model(tmp_path, 3),
        lambda: load_model(tmp_path / "none"),
    ):
        with pytest.raises(
            FileNotFoundError, match="is not there; train this run first"
        ):
            missing()
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=rf"^{path}: cut short"):
        load_model(tmp_path)


# Going wrong


@pytest.mark.parametrize("model", ["beta_vae", "factor_vae"])
def test_a_loss_that_explodes_stops_the_run_in_one_line(model, small, tmp_path):
    settings = config(
        model=model, learning_rate=1e30, batch_norm=False, log_every=5, steps=50
    )
    with pytest.raises(FloatingPointError) as error:
        run(settings, small, tmp_path)
    message = str(error.value)
    assert message.startswith("step ") and "\n" not in message
    assert not (tmp_path / "result.json").exists() and not list(tmp_path.glob("model*"))


def test_a_run_that_goes_wrong_late_keeps_what_was_good(small, tmp_path, monkeypatch):
    import disentlib.training.step

    plain = disentlib.training.step.train_step

    def bad(state, x, noise, keys, settings):
        report = plain(state, x, noise, keys, settings)
        return report if state.step < 6 else report * math.nan

    monkeypatch.setattr(disentlib.training.step, "train_step", bad)
    settings, seen = config(steps=9), []
    with pytest.raises(
        FloatingPointError, match=r"^step 6: total loss nan, reconstruction nan"
    ):
        seen.extend(train(settings, small, tmp_path))
    assert [r["step"] for r in seen] == [3]
    kept = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
    assert kept == ["step-000000002.safetensors", "step-000000004.safetensors"]
    assert not (tmp_path / "result.json").exists()
    # What was kept is good: once the cause is gone the run goes on to the usual end.
    monkeypatch.setattr(disentlib.training.step, "train_step", plain)
    run(settings, small, tmp_path)
    run(settings, small, tmp_path / "twin")
    one, twin = (
        read_json(p / "result.json")["digest"] for p in (tmp_path, tmp_path / "twin")
    )
    assert one == twin


def test_weights_lost_in_the_very_last_update_are_no_result(
    small, tmp_path, monkeypatch
):
    import disentlib.training.step

    plain = disentlib.training.step.train_step

    def bad(state, x, noise, keys, settings):
        report = plain(state, x, noise, keys, settings)
        if (
            state.step == settings.steps
        ):  # the loss was fine, the update after it is not
            state.vae.mean.weight.data[0, 0] = math.nan
        return report

    monkeypatch.setattr(disentlib.training.step, "train_step", bad)
    with pytest.raises(
        FloatingPointError, match=r"^step 7: vae/mean.weight is no longer finite"
    ):
        run(config(), small, tmp_path)
    assert not (tmp_path / "result.json").exists() and not list(tmp_path.glob("model*"))


def test_a_batch_larger_than_the_data_is_refused(small, tmp_path):
    with pytest.raises(ValueError, match=r"^batch_size 4000 exceeds 1680 images$"):
        run(config(batch_size=4000), small, tmp_path)


def test_a_folder_of_another_configuration_is_refused(small, tmp_path):
    run(config(steps=2), small, tmp_path)
    before = (tmp_path / "result.json").read_text()
    with pytest.raises(
        ValueError, match=r"config.json is of another .*\(D 3, not 4\); "
    ) as error:
        run(config(steps=2, D=4), small, tmp_path)
    assert (
        "\n" not in str(error.value)
        and (tmp_path / "result.json").read_text() == before
    )


def test_a_damaged_configuration_is_named(small, tmp_path):
    (tmp_path / "config.json").write_text('{"model": ')
    with pytest.raises(ValueError, match=r"config.json: not a JSON file .*remove it"):
        run(config(), small, tmp_path)


# Losses on held-out images


def networks(model, **changes):
    settings = config(model=model, **changes)
    state = new_state(settings)
    with torch.no_grad():  # running statistics apart from those of any batch
        for module in state.vae.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_var.fill_(0.5)
    return settings, state


@pytest.mark.parametrize("model", MODELS)
def test_held_out_losses_are_means_over_images(model, small, monkeypatch):
    """One large batch, batches with a short last one, and one image at a time: all the
    same.
    """
    import disentlib.training.evaluation

    # The same "noise" for every image, however many come at a time.
    sample = lambda mu, logvar, noise: mu + (logvar / 2).exp()  # noqa: E731
    monkeypatch.setattr(
        disentlib.training.evaluation.objectives, "reparameterise", sample
    )
    settings, state = networks(model)
    index = np.arange(5, 2400, 23)[:101]
    found = []
    for chunk in (512, 40, 1):
        monkeypatch.setattr(disentlib.training.evaluation, "CHUNK", {"cpu": chunk})
        found.append(
            held_out_losses(state.vae, state.discriminator, small, index, settings)
        )
    for other in found[1:]:
        assert other.keys() == found[0].keys()
        for name, value in found[0].items():
            assert (other[name] is None) == (value is None)
            if value is not None:
                assert other[name] == pytest.approx(value, rel=1e-4, abs=1e-4), name
    assert found[0]["images"] == 101


@pytest.mark.parametrize("model", MODELS)
def test_held_out_losses_add_up_and_say_what_is_not_defined(model, small):
    settings, state = networks(model, beta=3.0, gamma=10.0)
    index = np.arange(64)
    t = held_out_losses(state.vae, state.discriminator, small, index, settings)
    kl_weight, tc_weight = loss_weights(model, 3.0, 10.0)
    total = t["reconstruction"]
    if model == "autoencoder":
        assert [t[n] for n in ("kl", "elbo", "kl_per_dimension", "active")] == [
            None
        ] * 4
    else:
        assert t["elbo"] == pytest.approx(-t["reconstruction"] - t["kl"])
        assert t["kl"] == pytest.approx(sum(t["kl_per_dimension"]))
        assert t["active"] == sum(value > 0.01 for value in t["kl_per_dimension"])
        total += kl_weight * t["kl"]
    if model == "factor_vae":
        total += tc_weight * t["total_correlation"]
    else:
        assert t["total_correlation"] is None
    assert t["total"] == pytest.approx(total)
    json.dumps(t, allow_nan=False)


def test_held_out_losses_leave_the_network_as_it_was(small):
    settings, state = networks("beta_vae")
    before = {name: tensor.clone() for name, tensor in state.vae.state_dict().items()}
    assert state.vae.training
    held_out_losses(state.vae, None, small, np.arange(32), settings)
    assert state.vae.training
    after = state.vae.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_held_out_losses_of_a_broken_network_are_refused(small):
    settings, state = networks("beta_vae")
    state.vae.mean.bias.data[0] = math.nan
    with pytest.raises(FloatingPointError, match="held-out loss nan is not finite"):
        held_out_losses(state.vae, None, small, np.arange(32), settings)


def test_the_held_out_subset_is_shared_by_all_runs_of_a_study():
    test_index = train_test_split(0, size=2400)[1]
    subset = held_out_index(test_index, config())
    assert len(subset) == 16 and set(subset) <= set(test_index)
    assert np.array_equal(subset, held_out_index(test_index, config(seed=5, D=9)))
    assert not np.array_equal(subset, held_out_index(test_index, config(split_seed=1)))
    for count in (0, 720, 10_000):
        everything = held_out_index(test_index, config(evaluation_images=count))
        assert np.array_equal(everything, test_index)
