"""A study as data: the grid of runs, the budget and the scoring that a file in studies/
names.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from disentlib.checks import shown
from disentlib.metrics.sampling import test_rows, training_rows
from disentlib.paths import RUNS, STUDIES
from disentlib.scoring.sizes import Scoring
from disentlib.sprites.grid import GRID
from disentlib.study.reading import (
    check_distinct,
    check_keys,
    check_name,
    mapping,
    read_yaml,
)
from disentlib.training.configuration import TrainingConfig
from disentlib.training.folder import compare

AXES = ("model", "D", "seed")  # what a grid spans; everything else is a setting
KEYS = ("title", "budget", "grid", "training", "scoring", "variants")
OVERRIDES = ("device", "precision", "compile")  # settings that a command may give
MOST_RUNS = 10_000  # more cannot be planned in a minute


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

    >>> load_study("thesis").values("D")
    [4, 6, 8, 10, 15]
    """
    check_name("study", name)
    path = STUDIES / f"{name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in STUDIES.glob("[!.]*.yml")))
        raise ValueError(
            f"study {name!r} is unknown; choose one of {known}, or write {path}"
        )
    try:
        return _parsed(name, read_yaml(path), overrides)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def check_folders(study: Study) -> None:
    """Raise `ValueError` in one line where a folder of the study's holds another run.

    Nothing is touched: what is there stays until a person moves it.
    """
    foreign = []
    for run in study.runs:
        try:
            compare(study.folder(run), run.config)
        except ValueError as error:
            foreign.append(str(error))
    if foreign:
        others = f" (and {len(foreign) - 1} others)" if foreign[1:] else ""
        raise ValueError(foreign[0] + others)


def _parsed(
    name: str, content: Mapping[str, Any], overrides: Mapping[str, Any]
) -> Study:
    check_keys("key", content, KEYS)
    if missing := [key for key in ("title", "grid", "training") if key not in content]:
        raise ValueError(
            f"no {', '.join(missing)}; a study needs title, grid and training"
        )
    variants = mapping("variants", content.get("variants", {"": {}}))
    if not variants:
        raise ValueError("variants: give at least one, or leave the key out")
    for variant in variants if "variants" in content else ():
        check_name("variant", variant)
    check_distinct("variant", variants)
    training = {**mapping("training", content["training"]), **overrides}
    common = mapping("grid", content["grid"])
    runs: list[Run] = []
    for variant, settings in variants.items():
        settings = dict(mapping(f"variant {variant}", settings or {}))
        # Without settings of its own a variant has no part in what is wrong.
        place = f"variant {variant}: " if settings else ""
        # What variants differ in is theirs: given from outside, they would be one.
        for key in filter(overrides.__contains__, settings):
            fixed = f"{place}has a {key} of its own, {shown(settings[key])}"
            raise ValueError(f"{fixed}; leave {key}={overrides[key]} out")
        with _named(place):
            own = mapping("grid", settings.pop("grid", {}))
            grid = _checked_grid({**common, **own}, {**training, **settings})
        if len(runs) + math.prod(map(len, grid.values())) > MOST_RUNS:
            raise ValueError(f"the grid has more than {MOST_RUNS:,} runs; give less")
        with _named(place):
            for point in product(*(grid[axis] for axis in AXES)):
                config = {**training, **settings, **dict(zip(AXES, point))}
                runs.append(Run(variant, TrainingConfig.from_dict(config)))
    key, times = Counter(run.key for run in runs).most_common(1)[0]
    if times > 1:
        raise ValueError(f"the grid names {key} twice; give each value once")
    given = mapping("scoring", content.get("scoring") or {})
    check_keys("scoring key", given, [field.name for field in fields(Scoring)])
    with _named("scoring: "):
        scoring = Scoring(**given)
        _check_classes(scoring)
    title, budget = content["title"], content.get("budget", "")
    if not isinstance(title, str) or not title.strip() or title.splitlines() != [title]:
        raise ValueError(
            f"title {shown(title)} must be a text of one line, say 'Desk study'"
        )
    if not isinstance(budget, str):
        raise ValueError(f"budget {shown(budget)} must be a text, or leave the key out")
    return Study(name, title, budget, tuple(runs), scoring)


@contextmanager
def _named(place: str) -> Iterator[None]:
    """Put the place in a study before what is said of a bad value there."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}{error}") from error


def _checked_grid(
    grid: Mapping[str, Any], settings: Mapping[str, Any]
) -> Mapping[str, Any]:
    check_keys("grid key", grid, AXES)
    for axis in AXES:
        if not isinstance(grid.get(axis), list) or not grid[axis]:
            raise ValueError(
                f"grid: {axis} {grid.get(axis)!r} must be a list of values"
            )
    if repeated := sorted(set(AXES) & set(settings)):
        raise ValueError(f"{', '.join(repeated)} belongs in the grid, as a list")
    return grid


def _check_classes(scoring: Scoring) -> None:
    if min(scoring.train, scoring.test) >= 1000:  # sure to show them all
        return
    seed = scoring.score_seed
    train = GRID.classes(training_rows(GRID, seed, scoring.train))
    test = GRID.classes(test_rows(GRID, seed, scoring.test))
    for k, name in enumerate(GRID.names):
        common = np.intersect1d(train[:, k], test[:, k])
        if len(np.unique(train[:, k])) < 2 or not len(common):
            raise ValueError(
                f"train {scoring.train} and test {scoring.test} images are too few to "
                f"tell the classes of {name}; give more"
            )


def arguments(settings: TrainingConfig | Scoring) -> dict[str, Any]:
    """Settings as plain parameters of a page."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(settings).items()
    }
