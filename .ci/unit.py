"""Run the files of tests that read something else than when they passed."""

import os
from collections import Counter
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
# Processes: more than processors, as tests also wait, say for disks; not a cluster's.
SHARES = min(os.cpu_count() or 1, 6) + 2
BYTES = 750  # of a file of tests that never ran here are guessed to take a second


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
    times = root / "_build" / "durations" / "seconds.json"
    seconds: dict[str, float] = {}
    with suppress(FileNotFoundError, ValueError):
        seconds = read_mapping(times)
    guessed = {n: (root / n).stat().st_size / BYTES for n in stale}
    groups = shares(stale, guessed | seconds)
    with ThreadPoolExecutor(SHARES) as pool:
        ends = [*pool.map(partial(ran, root, nice), filter(None, groups))]
    after = reads.of_tests(root, but, [QUICK, *around()])
    # What changed meanwhile is run again next time.
    passed = {n: d for n, d in before.items() if after.get(n) == d}
    for bad, taken in ends:
        passed = {n: d for n, d in passed.items() if n not in bad}
        seconds |= taken
    for path, content in ((mark, passed), (times, seconds)):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, content)
    return not any(bad for bad, _ in ends)


def shares(names: list[str], seconds: dict[str, float]) -> list[list[str]]:
    """Files of tests in shares that take about as long, each in the order of names: the
    longest first, each to the share that has least.
    """
    groups: list[list[str]] = [[] for _ in range(SHARES)]
    loads = [0.0] * SHARES
    for name in sorted(names, key=lambda name: -seconds[name]):
        least = loads.index(min(loads))
        groups[least].append(name)
        loads[least] += seconds[name]
    return [sorted(group) for group in groups]


def ran(root: Path, nice: int, group: list[str]) -> tuple[set[str], dict[str, float]]:
    """Run a group of files of tests: those that do not pass, which are all where pytest
    did not come to its end, and the seconds that each of the others took.
    """
    words = (*QUICK, *group)
    report = report_of(root, words)
    report.unlink(missing_ok=True)
    code = code_of(root, nice, words, good=(0, NOTHING_CHOSEN))
    if code not in (0, FAILURES) or not report.exists():
        return (set(group) if code else set()), {}
    bad: set[str] = set()
    seconds: Counter[str] = Counter()
    dotted = {f".{name.removesuffix('.py').replace('/', '.')}.": name for name in group}
    for case in ElementTree.parse(report).iter("testcase"):
        place = f".{case.get('classname')}.{case.get('name')}."
        for name in (name for part, name in dotted.items() if part in place):
            seconds[name] += float(case.get("time") or 0)
            if {child.tag for child in case} & {"failure", "error"}:
                bad.add(name)
    if code and not bad:
        bad = set(group)
    return bad, {name: taken for name, taken in seconds.items() if name not in bad}
