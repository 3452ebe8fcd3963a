"""What Snakemake reads of the repository, in another place: a sweep that somebody ran
here is no part of a test.
"""

import shutil

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
