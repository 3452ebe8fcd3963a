"""Starts of Snakemake without what most of their eight seconds go to: imports."""

import multiprocessing
import os
import subprocess
import sys

SERVER = multiprocessing.get_context("forkserver")
IMPORTS = {"snakemake.cli", "lightgbm", "sklearn.ensemble", "scipy.stats"}


def snakemake(folder, *words):
    """Snakemake's command in a copy of the repository, whose library comes first, by a
    process that has its imports already.
    """
    said = folder / "said.txt"
    process = SERVER.Process(target=_main, args=(folder, said, words))
    process.start()
    process.join(1500)
    if process.is_alive():
        process.kill()
        raise TimeoutError(f"snakemake {' '.join(words)}: {said.read_text()}")
    text = said.read_text()
    said.unlink()
    return subprocess.CompletedProcess(words, process.exitcode, text, "")


def has_imports():
    """Exit with an error where this process, a fork, has yet to import something."""
    assert {*sys.modules} >= IMPORTS


def _main(folder, said, words):
    os.chdir(folder)
    sys.dont_write_bytecode = False  # `copies.compiled` asks what ran
    os.environ |= {"PYTHONPATH": str(folder), "MPLBACKEND": "agg"}
    sys.path.insert(0, str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "disentlib"]:
        del sys.modules[name]  # the copy's own is imported, whoever used the server
    with open(said, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from snakemake.cli import main

    main(list(words))
