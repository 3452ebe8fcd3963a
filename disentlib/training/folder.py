"""A run's folder: the names of its files, whose it is, who works in it, and what it
holds.
"""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disentlib.checks import shown
from disentlib.files import read_mapping, remove_temporaries, try_lock, write_json
from disentlib.training.configuration import TrainingConfig
from disentlib.training.same import require_same, settings_then

SNAPSHOT = re.compile(r"model-(\d+)\.safetensors")


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run's files, each spelled here and nowhere else."""

    path: Path

    @property
    def configuration(self) -> Path:
        """The settings, as JSON: whose folder this is."""
        return self.path / "config.json"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def history(self) -> Path:
        """The curves."""
        return self.path / "history.csv"

    @property
    def result(self) -> Path:
        """The held-out losses, seconds and joules: written last, once training is
        done.
        """
        return self.path / "result.json"

    @property
    def scores(self) -> Path:
        """The scores."""
        return self.path / "scores.csv"

    @property
    def pictures(self) -> Path:
        """Reconstructions, traversals and importances."""
        return self.path / "pictures.npz"

    @property
    def scored_how(self) -> Path:
        """Of which weights the scores are, and their settings: written last, once
        scoring is done. A session on a card adds how it scored the end, and names no
        snapshots.
        """
        return self.path / "scored.json"

    @property
    def training_page(self) -> Path:
        """The page of training, executed."""
        return self.path / "training.ipynb"

    @property
    def scoring_page(self) -> Path:
        """The page of scoring, executed."""
        return self.path / "scoring.ipynb"

    @property
    def trained(self) -> Path:
        """A mark for the workflow, which may go: training is done."""
        return self.path / ".trained"

    @property
    def scored(self) -> Path:
        """A mark for the workflow, which may go: scoring is done."""
        return self.path / ".scored"

    def model(self, step: int | None = None) -> Path:
        """The weights in the end, or after `step`."""
        return self.path / (
            "model.safetensors" if step is None else f"model-{step}.safetensors"
        )

    def kept_on_the_way(self) -> dict[int, Path]:
        """Weights kept on the way, by step; copies under other names are none."""
        found = ((SNAPSHOT.fullmatch(p.name), p) for p in self.path.glob("model-*"))
        return dict(sorted((int(match[1]), path) for match, path in found if match))

    def settings(self) -> tuple[dict[str, Any] | None, Path]:
        """The configuration that the run had, and where it stands: in its own file, or
        if that is gone in the result; None where there is neither.
        """
        if self.configuration.exists():
            return read_mapping(self.configuration), self.configuration
        if self.result.exists():
            return read_mapping(self.result).get("config"), self.result
        return None, self.configuration


def compare(folder: str | Path, config: TrainingConfig) -> None:
    """Raise `ValueError` in one line where `folder` holds a run of other settings.

    Nothing is written. `steps` and `snapshots` may have grown, see
    `same.require_same`.
    """
    found, path = RunFolder(Path(folder)).settings()
    if found is not None:
        require_same(_configuration(found, path).to_dict(), config.to_dict(), path)


def claim(folder: str | Path, config: TrainingConfig) -> None:
    """Write the configuration into the run's folder; call it with the first thing
    worth keeping.

    Raises `ValueError` as `compare` does.
    """
    compare(folder, config)
    path = RunFolder(Path(folder)).configuration
    if not path.exists() or read_mapping(path) != config.to_dict():
        write_json(path, config.to_dict())


def finished_steps(files: RunFolder) -> int:
    """Steps of the finished run in the folder; 0 where there is none.

    Raises `ValueError` in one line for a damaged result.
    """
    if not files.result.exists() or not files.model().exists():
        return 0
    step = read_mapping(files.result).get("step", 0)
    if type(step) is not int:
        raise ValueError(
            f"{files.result}: step {shown(step)} is none; remove it and run again"
        )
    return step


def missing_snapshots(files: RunFolder, config: TrainingConfig, step: int) -> list[int]:
    """Snapshots before `step` that a run was to keep and has not; that of its last step
    is the model itself.
    """
    return [s for s in config.snapshots if s < step and not files.model(s).exists()]


def configuration_of(folder: str | Path) -> TrainingConfig:
    """The configuration of the run in `folder`; settings newer than it as they were
    then.

    Raises `FileNotFoundError` where there is no run, `ValueError` for a damaged file.
    """
    found, path = RunFolder(Path(folder)).settings()
    if found is None and path.exists():
        raise ValueError(f"{path}: names no configuration; remove it and run again")
    if found is None:
        raise FileNotFoundError(f"{path} is not there; train this run first")
    return _configuration(found, path)


def _configuration(found: dict[str, Any], path: Path) -> TrainingConfig:
    try:
        return TrainingConfig.from_dict(settings_then(found))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; the kernel lets go of it however the process
    ends.

    Half-written files of a process that was killed here are removed first.

    Raises `RuntimeError` in one line that names the process which holds it, `OSError`
    where the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        if try_lock(file.fileno(), folder / ".lock") is False:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise RuntimeError(
                f"{folder}: process {holder} is at work here; wait for it or stop it"
            )
        file.truncate(0)
        file.write(f"{os.getpid()} on {socket.gethostname()}")
        file.flush()
        for place in (folder, RunFolder(folder).checkpoints):
            remove_temporaries(place)
        try:
            yield
        finally:
            file.truncate(0)
