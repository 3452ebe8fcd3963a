"""Training: the loop around a step, which repeats to the bit and cannot be hurt."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from disentlib.files import read_json, write_json
from disentlib.models.networks import VAE
from disentlib.sprites.table import Sprites, train_test_split
from disentlib.training import checkpoints, history
from disentlib.training.average import averaged
from disentlib.training.batches import rows_of_steps, steps_per_epoch
from disentlib.training.clock import Clock
from disentlib.training.configuration import TrainingConfig
from disentlib.training.evaluation import held_out_index, held_out_losses
from disentlib.training.folder import (
    RunFolder,
    claim,
    compare,
    locked,
)
from disentlib.training.machine import (
    check_device,
    chosen_precision,
    prepare_torch,
    provenance,
)
from disentlib.training.sigterm import noticing_sigterm
from disentlib.training.state import State, new_state, restore, save
from disentlib.training.step import own_stream, stepper

Evaluate = Callable[[], tuple[VAE, dict[str, Any]]]


def train(
    config: TrainingConfig, sprites: Sprites, folder: str | Path
) -> Iterator[dict[str, float]]:
    """Train one model in `folder`, yielding a record of the history every `log_every`
    steps.

    Goes on from the latest checkpoint there, if any, and ends in the same bits as a run
    that never stopped. Writes `model.safetensors`, then, last, `result.json`. A run of
    as many steps or more is not repeated, its history is yielded; one of fewer goes on,
    to the same bits as a run planned that long. On SIGTERM it keeps a checkpoint and
    exits with code 143.

    Raises in one line: `ValueError` for a folder of another configuration and for
    snapshots of steps that are past, `RuntimeError` where another process trains in it,
    `FloatingPointError` for losses that are no numbers or explode, `OSError` where the
    disk is full or read-only.
    """
    files = RunFolder(Path(folder))
    check_device(config.device)
    with locked(files.path), noticing_sigterm() as sigterm, own_stream(config):
        config = resolved(config, files)
        compare(files.path, config)
        if finished_steps(files) >= config.steps:
            yield from history.read_history(files.history)
            return
        train_index, test_index = train_test_split(
            config.split_seed, size=sprites.grid.size
        )
        per_epoch = steps_per_epoch(config, train_index)
        prepare_torch(config)
        state = opened(config, files)
        yield from state.records
        sprites = sprites.to(config.device)
        held_out = held_out_index(test_index, config)

        def evaluate() -> tuple[VAE, dict[str, Any]]:
            network = averaged(
                state.vae, state.average, state.step, sprites, train_index, config
            )
            judge = state.discriminator
            return network, held_out_losses(network, judge, sprites, held_out, config)

        clock = Clock(state, config)
        with sigterm.at_once("stopped while a snapshot was made, checkpoint kept"):
            keep_snapshot(state, files, config, evaluate)
        advance = stepper(state, sprites, rows_of_steps(config, train_index), config)
        while state.step < config.steps:
            advance()
            row = (state.step - 1) % config.log_every
            last, stop = state.step == config.steps, sigterm.is_set()
            log, snapshot = row == config.log_every - 1, state.step in config.snapshots
            regular = state.step % config.checkpoint_every == 0
            if not (log or last or stop or snapshot or regular):
                continue
            window = state.window[: row + 1].cpu()
            history.check_window(window, state.step - row)
            clock.read(state)
            if log or last:
                epoch = state.step / per_epoch
                record = history.record_of(window) | clock.record(state, epoch)
                if log:
                    state.records.append(record)
            if last or stop or snapshot or regular:
                claim(files.path, config)
                # A last record in the middle of a window is none of a longer run's.
                save(state, files, config, extra=[record] if last and not log else [])
            if log or last:
                yield record
            if stop and not last:
                said = f"SIGTERM: stopped after step {state.step}, checkpoint kept"
                print(said, file=sys.stderr)
                raise SystemExit(143)
            if snapshot:
                with sigterm.at_once(
                    f"stopped after step {state.step}, checkpoint kept"
                ):
                    keep_snapshot(state, files, config, evaluate)
        with sigterm.at_once(
            "stopped before the last losses were taken, checkpoint kept"
        ):
            network, losses = evaluate()
        keep_earlier_model(files)
        save_model(files.model(), network, state.step, losses)
        content = result_of(state, network, losses, config, clock.energy_source)
        write_json(files.result, content)


def resolved(config: TrainingConfig, files: RunFolder) -> TrainingConfig:
    """The configuration with "auto" replaced: by what the run began with, else by what
    is fastest here.
    """
    if config.precision != "auto":
        return config
    if files.configuration.exists():
        kept = read_json(files.configuration).get("precision")
        return replace(config, precision=kept)
    return replace(config, precision=chosen_precision(config.device))


def finished_steps(files: RunFolder) -> int:
    """Steps of the finished run in the folder; 0 where there is none."""
    if not files.result.exists() or not files.model().exists():
        return 0
    return int(read_json(files.result)["step"])


def opened(config: TrainingConfig, files: RunFolder) -> State:
    """The state to go on from: the latest checkpoint's, or a fresh one."""
    state = new_state(config)
    if kept := checkpoints.load_checkpoint(files.checkpoints, config.to_dict()):
        restore(state, *kept)
    elif finished := finished_steps(files):
        raise ValueError(
            f"{files.path}: finished after {finished} steps and its checkpoint is "
            f"gone; ask for {finished} steps, or train anew in another folder"
        )
    past = [
        step
        for step in config.snapshots
        if step < state.step and not files.model(step).exists()
    ]
    if past:
        raise ValueError(
            f"{files.path}: stands at step {state.step}, snapshots {past} are past; "
            "leave them out, or train anew in another folder"
        )
    return state


def keep_snapshot(
    state: State, files: RunFolder, config: TrainingConfig, evaluate: Evaluate
) -> None:
    """Write the model of this step, if it is one to keep and not yet there.

    Asked at the start too: a run may have stopped between its checkpoint and this.
    """
    path = files.model(state.step)
    if state.step in config.snapshots and not path.exists():
        network, losses = evaluate()
        save_model(path, network, state.step, losses)


def keep_earlier_model(files: RunFolder) -> None:
    """Before a longer run's model takes its name: the shorter run's by its step."""
    if not files.model().exists():
        return
    tensors, facts = checkpoints.load_tensors(files.model())
    if not (kept := files.model(facts["step"])).exists():
        checkpoints.save_tensors(kept, tensors, facts)


def save_model(path: Path, network: VAE, step: int, losses: dict[str, Any]) -> None:
    """Write a VAE's weights, with the step and the held-out losses among the file's
    facts.
    """
    facts = {"step": step, "held_out": losses}
    checkpoints.save_tensors(path, network.state_dict(), facts)


def result_of(
    state: State,
    network: VAE,
    losses: dict[str, Any],
    config: TrainingConfig,
    energy_source: str,
) -> dict[str, Any]:
    """What `result.json` says of a finished run."""
    terms = ("reconstruction", "kl", "total_correlation", "total", "elbo")
    return {
        "config": config.to_dict(),
        "step": state.step,
        "held_out": {name: losses[name] for name in terms},
        "held_out_images": losses["images"],
        "kl_per_dimension": losses["kl_per_dimension"],
        "active": losses["active"],
        "digest": checkpoints.digest(network.state_dict()),
        "seconds": state.seconds,
        "joules": state.joules,
        "energy_source": energy_source,
        "provenance": provenance(config.device),
    }
