"""Marks of the workflow: small files that say of which model a stage is done.

What cost hours is never an output of the workflow; a mark may go at any time, and is
made again in a moment. It holds what the stage's work depends on, since Snakemake looks
at what a file holds before it runs what hangs on it.
"""

from pathlib import Path

from disentlib.files import read_mapping, write_json
from disentlib.scoring.sizes import Scoring, what_is_scored
from disentlib.study.plan import Study
from disentlib.training.configuration import TrainingConfig
from disentlib.training.folder import RunFolder, finished_steps, missing_snapshots


def is_trained(folder: RunFolder, config: TrainingConfig) -> bool:
    """Whether a run is trained for all of its steps, has kept its snapshots, and its
    page is there.
    """
    stands = finished_steps(folder)
    whole = stands >= config.steps and not missing_snapshots(folder, config, stands)
    return whole and folder.training_page.exists()


def is_scored(folder: RunFolder, scoring: Scoring) -> bool:
    """Whether the models that a run has now are scored in this way."""
    there = (folder.result, folder.scores, folder.pictures, folder.scored_how)
    if not all(map(Path.exists, (*there, folder.scoring_page))):
        return False
    how = read_mapping(folder.scored_how)
    asked = what_is_scored(folder, scoring)
    return all(how.get(name) == value for name, value in asked.items())


def mark_trained(folder: RunFolder) -> None:
    """Say of which model training is done."""
    result = read_mapping(folder.result)
    write_json(folder.trained, {name: result.get(name) for name in ("step", "digest")})


def mark_scored(folder: RunFolder, scoring: Scoring) -> None:
    """Say of which models scoring is done, and how."""
    write_json(folder.scored, what_is_scored(folder, scoring))


def remove_stale_marks(study: Study) -> None:
    """Remove the marks of stages that are to be done anew, for more steps were asked
    for, or trained or scored by hand since: the workflow would take them for done.
    """
    for run in study.runs:
        folder = RunFolder(study.folder(run))
        if folder.trained.exists() and not is_trained(folder, run.config):
            folder.trained.unlink(missing_ok=True)
        if folder.scored.exists() and not is_scored(folder, study.scoring):
            folder.scored.unlink(missing_ok=True)
