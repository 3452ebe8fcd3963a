"""Training: the loop around a step, which repeats to the bit and cannot be hurt."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from disentlib.checks import checked_path, instance
from disentlib.files import read_mapping
from disentlib.sprites.table import Sprites, train_test_split
from disentlib.training import checkpoints, history
from disentlib.training.batches import rows_of_steps, steps_per_epoch
from disentlib.training.clock import Clock
from disentlib.training.configuration import TrainingConfig, check_device
from disentlib.training.folder import (
    RunFolder,
    claim,
    compare,
    finished_steps,
    locked,
    missing_snapshots,
)
from disentlib.training.machine import chosen_precision, prepare_torch
from disentlib.training.outcome import (
    check_earlier_model,
    evaluator,
    keep_result,
    keep_snapshot,
)
from disentlib.training.same import settings_then
from disentlib.training.sigterm import noticing_sigterm
from disentlib.training.state import State, new_state, restore, save
from disentlib.training.step import own_stream, stepper


def train(
    config: TrainingConfig, sprites: Sprites, folder: str | Path
) -> Iterator[dict[str, float]]:
    """Train one model in `folder`, yielding a record of the history every `log_every`
    steps.

    Goes on from the latest checkpoint there, if any, and ends in the same bits as a run
    that never stopped. Writes `model.safetensors`, then, last, `result.json`. A
    finished run of as many steps is not repeated, its history is yielded; one of fewer
    goes on, to the same bits as a run planned that long; one of more is another run's.
    On SIGTERM it keeps a checkpoint and exits with code 143; where all is written
    already, the signal has its usual effect in the end.

    Raises in one line: `ValueError` for a folder of another configuration and for
    snapshots of steps that are past, `RuntimeError` where another process trains in it,
    `FloatingPointError` for losses that are no numbers or explode, `OSError` where the
    disk is full or read-only.
    """
    files = RunFolder(checked_path("folder", folder))
    instance("config", config, TrainingConfig)
    instance("sprites", sprites, Sprites)
    check_device(config.device)
    with locked(files.path), noticing_sigterm() as sigterm, own_stream(config):
        config = resolved(config, files)
        compare(files.path, config)
        if is_done(files, config, sprites):
            yield from history_of_finished(files, config)
            return
        indices = train_test_split(config.split_seed, size=sprites.grid.size)
        per_epoch = steps_per_epoch(config, indices[0])
        prepare_torch(config)
        state = opened(config, files, sprites)
        yield from state.records
        sprites = sprites.to(config.device)
        evaluate = evaluator(state, sprites, indices, config)
        clock = Clock(state, config)
        with sigterm.at_once("stopped while a snapshot was made, checkpoint kept"):
            keep_snapshot(state, files, config, evaluate)
        advance = stepper(state, sprites, rows_of_steps(config, indices[0]), config)
        while state.step < config.steps:
            advance()
            due = what_is_due(state.step, config, sigterm.is_set())
            if not (due.record or due.checkpoint):
                continue
            window = checked_window(state, config)
            clock.read(state)
            if due.record:
                epoch = state.step / per_epoch
                record = history.record_of(window) | clock.record(state, epoch)
                if due.whole:
                    state.records.append(record)
            if due.checkpoint:
                claim(files.path, config)
                # A last record in the middle of a window is none of a longer run's.
                extra = [record] if due.record and not due.whole else []
                save(state, files, config, extra=extra)
            if due.record:
                yield record
            if due.stop or due.snapshot:
                words = f"stopped after step {state.step}, checkpoint kept"
                with sigterm.at_once(words):  # ends here if it is to stop
                    keep_snapshot(state, files, config, evaluate)
        with sigterm.at_once("stopped before the last losses, checkpoint kept"):
            evaluated = evaluate()
        keep_result(state, files, config, evaluated, clock.energy_source)


def history_of_finished(
    files: RunFolder, config: TrainingConfig
) -> list[dict[str, float]]:
    """The records of a finished run, whose configuration is there again if it was
    lost.
    """
    claim(files.path, config)
    return history.read_history(files.history)


@dataclass(frozen=True)
class Due:
    """What is to be done after a step."""

    record: bool  # of the history, yielded
    whole: bool  # the record is of a window in full
    checkpoint: bool
    snapshot: bool
    stop: bool  # as told, before the end


def what_is_due(step: int, config: TrainingConfig, told_to_stop: bool) -> Due:
    """What is to be done after `step`."""
    whole, last = step % config.log_every == 0, step == config.steps
    snapshot, regular = step in config.snapshots, step % config.checkpoint_every == 0
    return Due(
        record=whole or last,
        whole=whole,
        checkpoint=last or told_to_stop or snapshot or regular,
        snapshot=snapshot,
        stop=told_to_stop and not last,
    )


def checked_window(state: State, config: TrainingConfig) -> Tensor:
    """The reports of the steps since the last record in full, once they are known to
    be sound.
    """
    row = (state.step - 1) % config.log_every
    window = state.window[: row + 1].cpu()
    history.check_window(window, state.step - row)
    return window


def resolved(config: TrainingConfig, files: RunFolder) -> TrainingConfig:
    """The configuration with "auto" replaced: by what the run began with, else by what
    is fastest here.
    """
    if config.precision != "auto":
        return config
    if (found := files.settings()[0]) is not None:
        kept = settings_then(found)["precision"]
        return replace(config, precision=kept)
    return replace(config, precision=chosen_precision(config.device))


def opened(config: TrainingConfig, files: RunFolder, sprites: Sprites) -> State:
    """The state to go on from: the latest checkpoint's, or a fresh one."""
    state = new_state(config)
    state.images = sprites.checksum()
    wanted = config.to_dict(), state.images
    if kept := checkpoints.load_checkpoint(files.checkpoints, *wanted):
        restore(state, *kept)
    elif finished := finished_steps(files):
        raise ValueError(
            f"{files.path}: finished after {finished} steps and its checkpoint is "
            f"gone; ask for {finished} steps, or train anew in another folder"
        )
    check_snapshots(files, config, state.step)
    check_earlier_model(files)
    return state


def is_done(files: RunFolder, config: TrainingConfig, sprites: Sprites) -> bool:
    """Whether a run of as many steps or more is finished; raises as `check_snapshots`
    where it has not kept what is asked for, and `ValueError` for one on other images.
    """
    stands = finished_steps(files)
    if stands < config.steps:
        return False
    of = read_mapping(files.result).get("images")  # older results do not say
    if of and of != sprites.checksum():
        raise ValueError(checkpoints.OTHER_IMAGES.format(files.result))
    check_snapshots(files, config, stands)
    return True


def check_snapshots(files: RunFolder, config: TrainingConfig, stands: int) -> None:
    """Raise `ValueError` for snapshots that are past and were not kept, of a run that
    stands at a step.
    """
    if past := missing_snapshots(files, config, stands):
        raise ValueError(
            f"{files.path}: stands at step {stands}, snapshots {past} are past; "
            "leave them out, or train anew in another folder"
        )
