"""The preface's table of the thesis: nothing is left out, and every place exists."""

import re

import pytest

from disentlib.paths import ROOT

PAGES = [*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md")]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
PREFACE = (ROOT / "book" / "preface.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r"^\| ((?:Eq\.|Figures?|Tables?|Claim|Section|Definition|Theorem) [^|]+) \| ([^|]+) \| (.+) \|$",
    PREFACE,
    re.MULTILINE,
)


def numbers(kind):
    """Every number that the rows of a kind name, ranges written out."""
    found = []
    for name, _, _ in ROWS:
        if name.startswith(kind):
            for first, last in re.findall(r"(\d+)(?: to (\d+))?", name):
                found += range(int(first), int(last or first) + 1)
    return sorted(found)


@pytest.mark.parametrize(
    "kind, last", [("Eq.", 33), ("Figure", 38), ("Table", 4), ("Claim", 6)]
)
def test_each_number_of_the_thesis_has_one_row(kind, last):
    assert numbers(kind) == list(range(1, last + 1))


def test_every_place_is_a_label_of_the_book():
    defined = set(re.findall(r"^\$\$ \((eq-[\w-]+)\)", TEXT, re.MULTILINE))
    defined |= set(re.findall(r"^\(([\w-]+)\)=", TEXT, re.MULTILINE))
    defined |= set(re.findall(r"^:label: ([\w-]+)", TEXT, re.MULTILINE))
    assert len(ROWS) > 45
    for name, _, places in ROWS:
        labels = re.findall(r"\{[\w:]+\}`([\w-]+)`", places)
        assert labels, name
        assert set(labels) <= defined, name
