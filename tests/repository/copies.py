"""What Snakemake reads of the repository, in another place: a sweep that somebody ran
here is no part of a test.
"""

import runpy
import shutil
from pathlib import Path

from disentlib.paths import ROOT

FOLDERS = ("disentlib", "notebooks", "book", "studies", "profiles")
FILES = ("Snakefile", "_config.yml", "_toc.yml", "requirements.lock")


def copied(folder):
    """`folder` with a copy of what a study needs to run there."""
    for name in FOLDERS:
        made = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=made)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


def compiled(folder):
    """The files of the library that were imported there, by any process."""
    caches = (folder / "disentlib").rglob("__pycache__/*.pyc")
    files = (path.parents[1] / f"{path.name.split('.')[0]}.py" for path in caches)
    return {path.relative_to(folder).as_posix() for path in files}


def read_by_test(test):
    """The files that a change of which runs a file of tests again."""
    reads = runpy.run_path(str(ROOT / ".ci" / "reads.py"))
    every = reads["files"](ROOT, (".",))
    return {
        path.relative_to(ROOT).as_posix()
        for path in reads["of_a_test"](ROOT, Path(test), every)
    }
