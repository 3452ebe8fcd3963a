"""Where a campaign of kills takes place, and what was to be found there in the end."""

import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import killing
from small_runs import outcome

ROOT = Path(__file__).resolve().parents[1]
STUDY = """title: Mini
grid: {model: [beta_vae], D: [2], seed: [0]}
training: {steps: 6, batch_size: 8, log_every: 2, evaluation_images: 32, batch_norm: false, checkpoint_every: 2, snapshots: [3]}
scoring: {train: 60, test: 30, batch_size: 4, n_estimators: 1, score_seeds: 1}
"""
PAGE = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---
# A page
```{code-cell} ipython3
print(6 * 7)
```
"""
TOC = """format: jb-book
root: book/preface
parts:
  - caption: A part
    chapters: [file: notebooks/a_page]
"""
RUN = "beta_vae/D2/seed0"
CLOCK = ("seconds", "joules", "energy_source")


class Place:
    """A repository of its own, its cache and its temporary files; the forking parent."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.work = folder / "a repository", folder / "work"
        self.temporary, self.cache = folder / "temporary", folder / "cache"
        for place in (self.temporary, self.cache, self.work):
            place.mkdir()
        hide = shutil.ignore_patterns("__pycache__")
        for name in ("disentlib", "studies", "_extensions", "_static", "web"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=hide)
        for name in ("notebooks", "book"):
            (self.folder / name).mkdir()
        for name in ("training.md", "scoring.md"):
            text = (ROOT / "notebooks" / name).read_text().split("\n## Exercises")[0]
            (self.folder / "notebooks" / name).write_text(text)
        (self.folder / "notebooks" / "a_page.md").write_text(PAGE)
        (self.folder / "book" / "preface.md").write_text("# A book\n")
        shutil.copy(ROOT / "book" / "references.bib", self.folder / "book")
        for name in ("Snakefile", "_config.yml", "requirements.lock"):
            shutil.copy(ROOT / name, self.folder / name)
        (self.folder / "_toc.yml").write_text(TOC)
        (self.folder / "studies" / "mini.yml").write_text(STUDY)
        self.environment = {
            "PYTHONPATH": str(self.folder),
            "DISENTLIB_ROOT": str(self.folder),
            "DISENTLIB_CACHE": str(self.cache),
            "TMPDIR": str(self.temporary),
            "OMP_NUM_THREADS": "1",
            "STUDY": "mini",
        }
        os.environ.update(self.environment)  # the forking parent reads them once
        self.forks = multiprocessing.get_context("forkserver")
        rooms = ["torch._dynamo", "disentlib.training.loop", "disentlib.study.stages"]
        rooms += ["disentlib.study.explorer", "disentlib.study.book"]
        self.forks.set_forkserver_preload([*rooms, "killing", "small_runs"])
        self.twins: dict[str, object] = {}

    def start(self, words: list[str], slowed: float = 0.0, **changes: str):
        """A command of the library, forked."""
        given = (words, self.folder, self.environment | changes, slowed)
        process = self.forks.Process(target=killing.act, args=given)
        process.start()
        return process

    def clear(self, *names: str) -> None:
        """Remove what earlier rounds made."""
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def twin(self, name: str, make: Callable[[], object]) -> object:
        """What a round leaves to which nothing happens; made once."""
        if name not in self.twins:
            self.twins[name] = make()
        return self.twins[name]


def state(*places: Path) -> str:
    """What a kill meets there."""
    if killing.strays(*places):
        return "while a file was being written"
    if any(any(place.rglob("result.json")) for place in places):
        return "with a finished model there"
    if any(any(place.rglob("step-*")) for place in places):
        return "with a checkpoint there"
    return "before any was kept"


def end_of_run(folder: Path) -> dict:
    """All that a run left, but for the words on where it was made."""
    found = outcome(folder)
    del found["result"]["provenance"]
    return found


def end_of_study(place: Place) -> dict:
    """All that a study left, but for what the clock says."""
    run, results = place.folder / "runs/mini" / RUN, place.folder / "results" / "mini"
    table = (results / "table.csv").read_text().splitlines()
    found = end_of_run(run)
    found["files"] = [name for name in found["files"] if not name.startswith(".")]
    found["table"] = [row for row in table if not any(c in row for c in CLOCK)]
    for path in (run / "scores.csv", run / "pictures.npz", *results.glob("*/*.*")):
        found[path.name] = killing.sha256(path)
    found["results"] = sorted(str(p.relative_to(results)) for p in results.rglob("*"))
    return found


def study_twin(place: Place) -> dict:
    """A study to which nothing happens."""
    place.clear("runs", "results")
    for words in (["train", "mini", RUN], ["score", "mini", RUN], ["collect", "mini"]):
        process = place.start(words)
        process.join()
        if process.exitcode:
            raise AssertionError((place.folder / "words.log").read_text())
    found = end_of_study(place)
    for name in ("runs", "results"):
        shutil.move(place.folder / name, place.work / name)
    return found


def same(found: object, wanted: object, what: object) -> None:
    """What was hit has left what its twin has."""
    if found != wanted:
        raise AssertionError(f"{what} is not its twin: {found} {wanted}")


def no_stray(place: Place) -> None:
    """Nothing of ours is half there, and nothing temporary."""
    left = killing.strays(place.folder, place.cache, place.work)
    if left := [*left, *killing.strays(place.temporary)]:
        raise AssertionError(f"left behind: {left}")
