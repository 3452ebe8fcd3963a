"""The slowest ten pages and tests, of the last time that each was run here.

Pages as the book executed them, tests as `make test` ran them: seconds by the clock,
beside whatever else ran. Nothing is run for the lists.
"""

from pathlib import Path
from xml.etree import ElementTree

from jupyter_cache import get_cache

BUILD = Path(__file__).parents[1] / "_build"
MOST = 10


def pages(build: Path) -> dict[str, float]:
    """Seconds that each page of the last book took to execute."""
    if not (build / ".jupyter_cache").is_dir():
        return {}
    records = get_cache(build / ".jupyter_cache").list_cache_records()
    return {
        Path(record.uri).stem: float(record.data["execution_seconds"])
        for record in sorted(records, key=lambda record: record.created)
        if "execution_seconds" in record.data
    }


def tests(build: Path) -> dict[str, float]:
    """Seconds of each test, from the reports that `.ci/layers.py` has pytest write."""
    found = {}
    reports = (build / "durations").glob("*.xml")
    for report in sorted(reports, key=lambda path: path.stat().st_mtime):
        for case in ElementTree.parse(report).iter("testcase"):
            name = f"{case.get('classname')}::{case.get('name')}"
            found[name] = float(case.get("time") or 0)
    return found


def main() -> None:
    """Print both lists, or what makes one."""
    for title, found, command in (
        ("pages", pages(BUILD), "make book"),
        ("tests", tests(BUILD), "make test"),
    ):
        if not found:
            print(f"no {title} have been run here; {command} does")
            continue
        slowest = sorted(found.items(), key=lambda item: -item[1])[:MOST]
        print(f"{title}: {len(found)}, {sum(found.values()):,.0f} s in all; slowest:")
        for name, seconds in slowest:
            print(f"{seconds:8.1f} s  {name}")


if __name__ == "__main__":
    main()
