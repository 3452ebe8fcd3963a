"""The stages of a study, as its workflow calls them.

Each looks at what is there first and does what is missing. What cost hours is never
removed; the mark that a stage leaves behind may be, and is made again in a moment.
"""

import os
from pathlib import Path
from typing import Any

from disentlib.pages import run_page
from disentlib.paths import ROOT
from disentlib.study.cards import card_for
from disentlib.study.marks import (
    is_scored,
    is_trained,
    mark_scored,
    mark_trained,
)
from disentlib.study.plan import OVERRIDES, Run, Study, arguments
from disentlib.training.configuration import check_device
from disentlib.training.folder import RunFolder, compare


def train(study: Study, run: Run) -> None:
    """Train `run` in its folder, unless it is trained, and mark it so.

    Raises `ValueError` in one line for a folder of another configuration, `Failed` and
    `Stopped` as `run_page` does.
    """
    folder = RunFolder(study.folder(run))
    compare(folder.path, run.config)
    if not is_trained(folder, run.config):
        with card_for(run.config.device):
            _run("training", folder.training_page, arguments(run.config), folder.path)
    mark_trained(folder)


def score(study: Study, run: Run) -> None:
    """Score the trained `run`, unless this model is scored in this way, and mark it so.

    Its device encodes where it is at hand, else the processor: codes differ by rounding
    only. Raises as `train` does, and `FileNotFoundError` for a run that is not trained.
    """
    folder = RunFolder(study.folder(run))
    compare(folder.path, run.config)
    if not folder.result.exists():
        raise FileNotFoundError(f"{folder.result} is not there; train this run first")
    if not is_scored(folder, study.scoring):
        settings = arguments(study.scoring) | {"device": device_here(run.config.device)}
        settings["conventions"] = False  # they are for one reader, not for a sweep
        with card_for(settings["device"]):
            _run("scoring", folder.scoring_page, settings, folder.path)
    mark_scored(folder, study.scoring)


def device_here(device: str) -> str:
    """`device`, or the processor where this machine does not have it."""
    try:
        check_device(device)
    except ValueError:
        return "cpu"
    return device


def _run(page: str, notebook: Path, settings: dict[str, Any], folder: Path) -> None:
    # From the repository, so that the notebook names no folder of this machine.
    place = os.path.relpath(folder, ROOT)
    run_page(ROOT / "notebooks" / f"{page}.md", notebook, settings | {"folder": place})


def chosen_run(study: Study, name: str) -> Run:
    """The run of that key, or of that number in the study, counted from 0.

    Raises `ValueError` in one line for one that the study does not have.
    """
    runs = {run.key: run for run in study.runs}
    runs |= {str(number): run for number, run in enumerate(study.runs)}
    if name not in runs:
        raise ValueError(
            f"run {name!r} is not in study {study.name}; "
            f"give 0 to {len(study.runs) - 1}, or such as {study.runs[0].key}"
        )
    return runs[name]


def override(text: str) -> tuple[str, Any]:
    """Name and value of a setting such as `device=cuda`; `ValueError` for any other."""
    name, sign, value = text.partition("=")
    if not sign or name not in OVERRIDES:
        raise ValueError(f"{text!r}: give {', '.join(f'{n}=…' for n in OVERRIDES)}")
    if name == "compile" and value.lower() not in ("true", "false"):
        raise ValueError(f"{text!r}: give compile=true or compile=false")
    return name, value.lower() == "true" if name == "compile" else value
