"""Runs trained together take the steps that each takes alone, rounding aside."""

from dataclasses import replace

import pytest
import torch
from small_runs import config

from disentlib.models import objectives
from disentlib.sprites import train_test_split
from disentlib.training.average import averaged
from disentlib.training.batches import rows_of_steps
from disentlib.training.state import new_state
from disentlib.training.step import stepper, train_step
from disentlib.training.together import (
    new_stack,
    stackable,
    step_of_all,
    train_together,
)

CASES = {
    "beta_vae": {},
    "factor_vae": {"model": "factor_vae"},
    "batch_norm": {"batch_norm": True},
    "mean_norm": {"mean_norm": True},
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_those_that_each_run_has_alone(case, small):
    """In float64, where nothing is lost to rounding; all weights, both networks."""
    base = config(**{"batch_norm": False} | CASES[case])
    configs = [base, replace(base, seed=1, beta=2.0, gamma=10.0)]
    x = small.batch(torch.arange(0, 2400, 150)).double()
    noise, keys = torch.randn(2, 8, 3).double(), torch.rand(2, 8, 3).double()
    stack = new_stack(configs)
    for tensors in (stack.vae, stack.discriminator):
        for name, tensor in tensors.items():
            if tensor.requires_grad:
                tensor.data = tensor.data.double()
            elif tensor.is_floating_point():
                tensors[name] = tensor.double()
    stack.optimisers, stack.average = [], []
    pairs = [objectives.loss_weights(c.model, c.beta, c.gamma) for c in configs]
    weights = tuple(torch.tensor(column).double() for column in zip(*pairs))
    report = step_of_all(stack, x.view(-1, 64, 64, 1), noise, keys, weights, base)
    for i, one in enumerate(configs):
        state = new_state(one)
        state.optimisers, state.average = [], []
        for network in (state.vae, state.discriminator):
            _ = network is not None and network.double()
        alone = train_step(state, x[8 * i : 8 * i + 8], noise[i], keys[i], one)
        torch.testing.assert_close(report[i], alone, equal_nan=True)
        parts = [(stack.vae, state.vae)]
        if state.discriminator is not None:
            parts.append((stack.discriminator, state.discriminator))
        for tensors, network in parts:
            for name, parameter in network.named_parameters():
                got = tensors[name].grad[i]
                scale = float(parameter.grad.abs().max())
                torch.testing.assert_close(
                    got, parameter.grad, rtol=1e-7, atol=1e-9 * scale + 1e-9
                )
        for name, buffer in state.vae.named_buffers():
            torch.testing.assert_close(stack.vae[name][i], buffer)


def moved(network, start):
    """How far each weight has gone from where it was."""
    pairs = zip(network.parameters(), start.parameters())
    return torch.cat([(new - old).detach().flatten() for new, old in pairs])


@pytest.mark.parametrize(
    "changes", [{}, {"model": "factor_vae"}, {"optimizer": "sgd"}], ids=str
)
def test_together_as_alone(changes, small):
    usual = {"batch_norm": False, "average": 0.9, "warmup": 2, "snapshots": (2,)}
    base = config(steps=3, **usual | changes)
    configs = [base, replace(base, seed=1, beta=2.0)]
    kept = {}

    def keep(i, state, network, source):
        assert source.endswith(", shared") and not source.startswith("measured: NVML")
        kept[i, state.step] = (state, network)

    assert list(train_together(configs, small, keep)) == [2, 3]
    train_index, _ = train_test_split(0, size=small.grid.size)
    data = small, train_index
    for i, one in enumerate(configs):
        state = new_state(one)
        advance = stepper(state, small, rows_of_steps(one, train_index), one)
        for _ in range(3):
            advance()
        got, scored = kept[i, 3]
        # Adam's first steps know a gradient's sign, which rounding turns where it is
        # small: few weights may go another way than alone.
        start = new_state(one)
        for name in ("vae", "discriminator"):
            if (network := getattr(state, name)) is not None:
                alone = moved(network, getattr(start, name))
                off = moved(getattr(got, name), getattr(start, name)) - alone
                assert off.norm() < 0.05 * alone.norm()
        average = torch.cat([tensor.flatten() for tensor in state.average])
        off = torch.cat([tensor.flatten() for tensor in got.average]) - average
        weights = torch.cat([p.detach().flatten() for p in start.vae.parameters()])
        assert off.norm() < 0.05 * (average / (1 - 0.9**3) - weights).norm()
        alone = moved(averaged(state.vae, state.average, 3, *data, one), start.vae)
        assert (moved(scored, start.vae) - alone).norm() < 0.05 * alone.norm()
        want = float(state.window[:3, 1].double().mean())
        assert got.records[-1]["total"] == pytest.approx(want, rel=1e-4)
        assert got.step == 3 and kept[i, 2][0].step == 2


def test_a_run_that_diverges_costs_the_others_nothing(small):
    base = config(steps=4, snapshots=(2,), log_every=2, batch_norm=False)
    configs = [base, replace(base, seed=1, beta=1e30)]
    kept = []

    def keep(i, state, network, source):
        kept.append((i, state.step))

    told = r"^seed 1, beta 1e\+30, gamma .*step"
    with pytest.raises(FloatingPointError, match=told):
        list(train_together(configs, small, keep))
    assert kept == [(0, 2), (0, 4)]
    steps = train_together(configs, small, keep)
    assert next(steps) == 2
    with pytest.raises(FloatingPointError, match=told):  # also where time is up
        steps.close()
    alone = replace(configs[1], steps=20)
    with pytest.raises(FloatingPointError, match=told):
        assert list(train_together([alone], small, keep)) == [2]


def test_a_stack_draws_nothing_from_torchs_own_generator(small):
    """Another stack may draw its first weights from it at the same time."""
    configs = [config(model="factor_vae", steps=2, batch_norm=True)]
    before = torch.random.get_rng_state()
    list(train_together(configs, small, lambda *_: None))
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_can_train_together():
    base = config()
    assert stackable([base, replace(base, seed=5, beta=8.0)])
    assert not stackable([base, replace(base, D=7)])
    assert not stackable([replace(base, optimizer="muon")] * 2)
    assert not stackable([replace(base, weight_start=2.0, weight_steps=3)] * 2)


def test_an_autoencoder_trains_alone():
    """It has no posterior to draw from."""
    one = config(model="autoencoder")
    assert not stackable([one, replace(one, seed=9)])


def test_stacks_start_from_each_runs_own_weights(small):
    configs = [config(seed=3, model="factor_vae"), config(seed=4, model="factor_vae")]
    stack = new_stack(configs)
    for i, one in enumerate(configs):
        state = new_state(one)
        for name, tensor in state.vae.state_dict().items():
            assert torch.equal(stack.vae[name][i], tensor)
        for name, tensor in state.discriminator.state_dict().items():
            assert torch.equal(stack.discriminator[name][i], tensor)
