"""A campaign of kills: `python tests/campaign.py [--kills 500] [--minutes 60]`.

Runs, pages, their kernels, Snakemake's head and whole groups are ended by kill -9 and
SIGTERM at random moments of training, scoring, collecting, building and rendering, and
started again. What must hold: no finished model is ever lost or changed, and a round
that was left alone in the end has left what its twin left, to the bit, and no file
more. It prints each kill, and in the end how many of each kind were survived.

Processes are forked from one that has imported all that they need: a start costs what
it does, not what Python's imports do. Kernels and Snakemake start as ever.
"""

import argparse
import collections
import random
import tempfile
import time
from pathlib import Path

from campaign_kinds import book, render, runs, stages, sweep
from campaign_place import Place

# A kind, and its share of the kills.
KINDS = {runs: 0.64, stages: 0.18, sweep: 0.05, book: 0.05, render: 0.08}


def campaign(
    kills: int, minutes: float, seed: int, only: list[str], folder: Path
) -> collections.Counter[tuple[str, str]]:
    """So many kills, or as many as the minutes allow; how many of each kind."""
    dice, counts = random.Random(seed), collections.Counter()
    share = {kind: part for kind, part in KINDS.items() if kind.__name__ in only}
    had, end, place = (
        dict.fromkeys(share, 0),
        time.monotonic() + 60 * minutes,
        Place(folder),
    )
    while counts.total() < kills and time.monotonic() < end:
        kind = min(share, key=lambda kind: had[kind] / share[kind])
        for what, met in kind(dice, place):
            counts[what, met] += 1
            had[kind] += 1
            print(f"{counts.total():4d} {what}, {met}", flush=True)
    return counts


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=60.0)
    names = [kind.__name__ for kind in KINDS]
    parser.add_argument("--only", choices=names, nargs="+", default=names)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        place = Path(folder).resolve()
        counts = campaign(given.kills, given.minutes, given.seed, given.only, place)
    for title, part in (("by kind", 0), ("by what it met", 1)):
        print(title)
        sums: collections.Counter[str] = collections.Counter()
        for key, count in counts.items():
            sums[key[part]] += count
        for name, count in sorted(sums.items()):
            print(f"{count:5d} {name}")
    print(f"{counts.total()} kills survived")


if __name__ == "__main__":
    main()
