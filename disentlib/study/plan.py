"""A study as data: the grid of runs, the budget and the scoring that a file in studies/
names.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from disentlib.paths import RUNS, STUDIES
from disentlib.scoring.sizes import Scoring
from disentlib.training.configuration import TrainingConfig, checked_type

AXES = ("model", "D", "seed")  # what a grid spans; everything else is a setting
KEYS = ("title", "budget", "grid", "training", "scoring", "variants")


@dataclass(frozen=True)
class Run:
    """One run of a study; `variant` is empty where the study has no variants."""

    variant: str
    config: TrainingConfig

    @property
    def key(self) -> str:
        """Its place in the study's folder: [variant/]model/D<D>/seed<seed>."""
        place = f"{self.config.model}/D{self.config.D}/seed{self.config.seed}"
        return f"{self.variant}/{place}" if self.variant else place


@dataclass(frozen=True)
class Study:
    """A titled set of runs and how they are scored."""

    name: str
    title: str
    budget: str
    runs: tuple[Run, ...]
    scoring: Scoring

    def folder(self, run: Run) -> Path:
        """The folder in which `run` is trained and scored."""
        return RUNS / self.name / run.key

    def values(self, setting: str) -> list[Any]:
        """The different values of a setting over the runs, in the order of the file."""
        return list(dict.fromkeys(getattr(run.config, setting) for run in self.runs))


def load_study(name: str, **overrides: Any) -> Study:
    """The study of `studies/<name>.yml`; `overrides` are training settings, such as the
    device.

    The file gives `grid` (lists of model, D and seed), `training` (settings of
    `TrainingConfig` for all runs) and `scoring`. With `variants`, each name there holds
    the settings that differ, and may hold a grid of its own.

    Raises `ValueError` in one line that names the file, the key or value, and what may
    stand there.
    """
    path = STUDIES / f"{name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in STUDIES.glob("*.yml")))
        raise ValueError(
            f"study {name!r} is unknown; choose one of {known}, or write {path}"
        )
    try:
        content = yaml.safe_load(path.read_text())
        return _parsed(name, content if isinstance(content, dict) else {}, overrides)
    except yaml.YAMLError as error:
        raise ValueError(
            f"{path}: not YAML ({' '.join(str(error).split())})"
        ) from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def _parsed(
    name: str, content: Mapping[str, Any], overrides: Mapping[str, Any]
) -> Study:
    _known("key", content, KEYS)
    if missing := [key for key in ("title", "grid", "training") if key not in content]:
        raise ValueError(
            f"no {', '.join(missing)}; a study needs title, grid and training"
        )
    variants = content.get("variants", {"": {}})
    training = content["training"] | overrides
    runs: list[Run] = []
    for variant, settings in variants.items():
        settings = dict(settings or {})
        grid = content["grid"] | settings.pop("grid", {})
        _known("grid key", grid, AXES)
        for axis in AXES:
            if not isinstance(grid.get(axis), list) or not grid[axis]:
                raise ValueError(
                    f"grid: {axis} {grid.get(axis)!r} must be a list of values"
                )
        if repeated := {axis for axis in (*training, *settings) if axis in AXES}:
            raise ValueError(
                f"{', '.join(sorted(repeated))} belongs in the grid, as a list"
            )
        for point in product(*(grid[axis] for axis in AXES)):
            config = training | settings | overrides | dict(zip(AXES, point))
            runs.append(Run(variant, TrainingConfig.from_dict(config)))
    keys = [run.key for run in runs]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise ValueError(f"the grid names {twice[0]} twice; give each value once")
    scoring = content.get("scoring") or {}
    _known("scoring key", scoring, [field.name for field in fields(Scoring)])
    for key, value in scoring.items():
        if checked_type(key, value, int) < 0:
            raise ValueError(f"scoring: {key} {value} must be 0 or more")
    budget = str(content.get("budget", ""))
    return Study(name, str(content["title"]), budget, tuple(runs), Scoring(**scoring))


def _known(what: str, given: Mapping[str, Any], known: Any) -> None:
    if not isinstance(given, Mapping):
        raise ValueError(
            f"{what}s {given!r} must be a mapping with some of {', '.join(known)}"
        )
    if unknown := sorted(set(map(str, given)) - set(known)):
        raise ValueError(
            f"unknown {what} {', '.join(unknown)}; choose from {', '.join(known)}"
        )


def arguments(settings: Mapping[str, Any] | TrainingConfig | Scoring) -> dict[str, Any]:
    """Settings as plain parameters of a page."""
    plain = dict(settings) if isinstance(settings, Mapping) else asdict(settings)
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in plain.items()
    }
