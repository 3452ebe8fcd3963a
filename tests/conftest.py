"""What several files of tests share."""

import multiprocessing
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# No example has a deadline: a busy machine is no fault.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# A shell has what it starts in the background ignore this signal, and children would, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What children are forked with. A process has one server of forks, whose list is read when
# the first test starts it: where two tests have lists, the order of files decides. The
# name is in parts: who forks does not read all that is there before (.ci/reads.py).
FORKED = ["pytest", "torch._dynamo", ".".join(("disentlib", "training", "loop"))]
FORKED += ["snakemake.cli", "lightgbm", "sklearn.ensemble", "scipy.stats"]
multiprocessing.set_forkserver_preload(FORKED)

HTML = Path(__file__).parents[1] / "_build" / "html"


def pytest_addoption(parser):
    parser.addoption(
        "--book",
        action="store_true",
        help="the book has to be there: tests of it fail where they would be skipped",
    )


@pytest.fixture(scope="session")
def built_book(request):
    """The folder of the built book; tests of it are skipped where there is none."""
    if not (HTML / "index.html").exists():
        there = "no book in _build/html: type make book first"
        pytest.fail(there) if request.config.getoption("--book") else pytest.skip(there)
    return HTML
