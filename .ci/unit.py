"""Run the files of tests that read something else than when they passed."""

import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import reads
from command import PYTEST, around, code_of, report_of

from disentlib.files import read_mapping, write_json

# A file that cannot be read stops no other.
QUICK = (*PYTEST, "-mnot slow", "--continue-on-collection-errors")
FAILURES, NOTHING_CHOSEN = 1, 5  # pytest's exit codes; the latter: slow tests alone
SHARES = (os.cpu_count() or 1) + 2  # processes; tests also wait, as for disks
UNKNOWN = 5.0  # seconds of a file of tests that never ran here
REPORTS = 100  # of the last runs


def passing(root: Path, but: tuple[str, ...], nice: int, again: bool = False) -> bool:
    """Whether all files of tests pass, without those of `but`; those that did when they
    read the same are not run, but `again`.
    """
    mark = root / "_build" / "passed" / "tests.json"
    known: dict[str, str] = {}
    with suppress(FileNotFoundError, ValueError):
        known = {} if again else read_mapping(mark)
    before = reads.of_tests(root, but, [QUICK, *around()])
    stale = [name for name, digest in before.items() if known.get(name) != digest]
    print(f"unit: {len(stale)} of {len(before)} files of tests are run", flush=True)
    groups = shares(stale, seconds_before(root))
    with ThreadPoolExecutor(SHARES) as pool:
        failed = [*pool.map(partial(failing, root, nice), filter(None, groups))]
    after = reads.of_tests(root, but, [QUICK, *around()])
    # What changed meanwhile is run again next time.
    passed = {n: d for n, d in before.items() if after.get(n) == d}
    for name in set().union(*failed):
        passed.pop(name, None)
    mark.parent.mkdir(parents=True, exist_ok=True)
    write_json(mark, passed)
    return not any(failed)


def shares(names: list[str], seconds: dict[str, float]) -> list[list[str]]:
    """Files of tests in shares that take about as long, each in the order of names: the
    longest first, each to the share that has least.
    """
    groups: list[list[str]] = [[] for _ in range(SHARES)]
    loads = [0.0] * SHARES
    for name in sorted(names, key=lambda name: -seconds.get(name, UNKNOWN)):
        least = loads.index(min(loads))
        groups[least].append(name)
        loads[least] += seconds.get(name, UNKNOWN)
    return [sorted(group) for group in groups]


def seconds_before(root: Path) -> dict[str, float]:
    """What each file of tests took when it last ran here; reports of long ago go."""
    reports = (root / "_build" / "durations").glob("*.xml")
    latest = sorted(reports, key=lambda path: path.stat().st_mtime)
    for report in latest[:-REPORTS]:
        report.unlink()
    found: dict[str, float] = {}
    for report in latest[-REPORTS:]:
        taken: Counter[str] = Counter()
        with suppress(ElementTree.ParseError):  # of a run that was killed
            for case in ElementTree.parse(report).iter("testcase"):
                place = str(case.get("classname")).split(".")
                ends = (i for i, n in enumerate(place) if n.startswith("test_"))
                name = "/".join(place[: next(ends, 0) + 1]) + ".py"
                taken[name] += float(case.get("time") or 0)
        found |= taken
    return found


def failing(root: Path, nice: int, group: list[str]) -> set[str]:
    """Those of a group of files of tests that do not pass; all of them where pytest did
    not come to its end.
    """
    words = (*QUICK, *group)
    report = report_of(root, words)
    report.unlink(missing_ok=True)
    code = code_of(root, nice, words, good=(0, NOTHING_CHOSEN))
    if code == 0:
        return set()
    whole = code == FAILURES and report.exists()
    cases: Iterable[ElementTree.Element] = []
    if whole:
        cases = ElementTree.parse(report).iter("testcase")
    bad = [
        case for case in cases if {child.tag for child in case} & {"failure", "error"}
    ]
    names = [f".{case.get('classname')}.{case.get('name')}." for case in bad]
    dotted = {name: f".{name.removesuffix('.py').replace('/', '.')}." for name in group}
    found = {n for n, place in dotted.items() if any(place in name for name in names)}
    return found or set(group)
