"""Run the files of tests that read something else than when they passed."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import reads
from command import PYTEST, around, passes, report_of

QUICK = (*PYTEST, "-mnot slow")
# Processes that run the tests of these rooms, and one that runs all others.
TOGETHER = (reads.EVERYTHING, reads.LOWER)


def passing(root: Path, but: tuple[str, ...], nice: int, again: bool = False) -> bool:
    """Whether all files of tests pass, without those of `but`; those that did when they
    read the same are not run, but `again`.
    """
    mark = root / "_build" / "passed" / "tests.json"
    known = json.loads(mark.read_text()) if mark.exists() and not again else {}
    before = reads.of_tests(root, but, [QUICK, *around()])
    stale = [name for name, digest in before.items() if known.get(name) != digest]
    print(f"unit: {len(stale)} of {len(before)} files of tests are run", flush=True)
    groups = [[n for n in stale if n.startswith(rooms)] for rooms in TOGETHER]
    groups.append([n for n in stale if not n.startswith(sum(TOGETHER, ()))])
    with ThreadPoolExecutor(len(groups)) as pool:
        failed = [*pool.map(partial(failing, root, nice), filter(None, groups))]
    after = reads.of_tests(root, but, [QUICK, *around()])
    # What changed meanwhile is run again next time.
    passed = {n: d for n, d in before.items() if after.get(n) == d}
    for name in set().union(*failed):
        passed.pop(name, None)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps(passed, indent=1))
    return not any(failed)


def failing(root: Path, nice: int, group: list[str]) -> set[str]:
    """Those of a group of files of tests that do not pass."""
    words = (*QUICK, *group)
    report = report_of(root, words)
    report.unlink(missing_ok=True)
    if passes(root, nice, words):
        return set()
    cases = ElementTree.parse(report).iter("testcase") if report.exists() else []
    bad = [
        case for case in cases if {child.tag for child in case} & {"failure", "error"}
    ]
    names = [f".{case.get('classname')}.{case.get('name')}." for case in bad]
    dotted = {name: f".{name.removesuffix('.py').replace('/', '.')}." for name in group}
    found = {n for n, place in dotted.items() if any(place in name for name in names)}
    return found or set(group)
