"""Plans for teaching, counted in minutes, and the map of what needs what."""

import re
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import pandas as pd
import yaml
from matplotlib.figure import Figure

from disentlib.course.exercises import (
    LEVELS,
    Chapter,
    chapters,
    exercises,
    numbered,
)
from disentlib.course.terms import GLOSSARY, used_in
from disentlib.paths import ROOT
from disentlib.study import style

WORDS_SPOKEN = 130  # a minute, at a lecture's pace
PLANS = ROOT / "notebooks" / "data" / "plans.yml"


def load_plans() -> dict[str, Any]:
    """The plans by name, as the file has them."""
    plans: dict[str, Any] = yaml.safe_load(PLANS.read_text(encoding="utf-8"))
    return plans


def minutes_of(item: str) -> int:
    """Minutes of one line of a plan.

    Raises `ValueError` for a page, an exercise or a verb that does not exist.
    """
    pages = {chapter.page.rsplit("/", 1)[-1]: chapter for chapter in chapters()}
    known = {exercise.label: exercise.minutes for exercise in exercises()}
    verb, _, rest = item.partition(" ")
    if verb in ("pause", "discuss") and rest.isdigit():
        return int(rest)
    if verb == "talk" and rest in pages:
        return round(pages[rest].words / WORDS_SPOKEN)
    if verb == "read" and rest in pages:
        return pages[rest].reading
    if item in known:
        return known[item]
    raise ValueError(
        f"{item!r} is no line of a plan; write talk PAGE, read PAGE, pause N, "
        "discuss N or the label of an exercise"
    )


def words_of(item: str) -> str:
    """One line of a plan as it is read: chapters by title, exercises as numbered."""
    pages = {chapter.page.rsplit("/", 1)[-1]: chapter for chapter in chapters()}
    names = numbered()
    verb, _, rest = item.partition(" ")
    if item in names:
        return names[item]
    return f"{verb}: {pages[rest].title}" if rest in pages else verb


def sessions(plan: dict[str, Any]) -> pd.DataFrame:
    """A row a session: its minutes, what they are spent on, and what is left."""
    rows = []
    for session in plan["sessions"]:
        spent = dict.fromkeys(("listen or read", "work", "talk about it", "pause"), 0)
        for item in session["items"]:
            kind = {
                "talk": "listen or read",
                "read": "listen or read",
                "discuss": "talk about it",
                "pause": "pause",
            }.get(item.split()[0], "work")
            spent[kind] += minutes_of(item)
        left = session["minutes"] - sum(spent.values())
        rows.append({"session": session["name"], **spent, "left": left})
    return pd.DataFrame(rows)


def counts() -> pd.DataFrame:
    """A row a chapter: exercises by level, labs, quizzes, hints, terms, and the minutes
    that it takes to read and to do.
    """
    glossary = (ROOT / f"{GLOSSARY}.md").read_text(encoding="utf-8")
    rows, used = [], set[str]()
    for chapter in chapters():
        mine = [e for e in exercises() if e.page == chapter.page]
        plain = [e for e in mine if e.kind == "exercise"]
        if not mine:
            continue
        text = (ROOT / f"{chapter.page}.md").read_text(encoding="utf-8")
        terms = used_in(text, glossary)
        used |= terms
        rows.append(
            {"chapter": chapter.title}
            | {level: sum(e.level == level for e in plain) for level in LEVELS}
            | {
                "lab": sum(e.kind == "lab" for e in mine),
                "quiz": sum(e.kind == "quiz" for e in mine),
                "hints": sum(e.hint for e in mine),
                "terms": len(terms),
                "to read": chapter.reading,
                "to do": sum(e.minutes for e in mine),
            }
        )
    table = pd.DataFrame(rows)
    total = table.drop(columns="chapter").sum().to_dict() | {"terms": len(used)}
    return pd.concat([table, pd.DataFrame([{"chapter": "all", **total}])])


def teacher_notes() -> list[tuple[str, str]]:
    """Title of the chapter and note, for every note for teachers on the pages.

    A note is a comment on a line of its own that starts with `% teacher:`.
    """
    return [
        (chapter.title, note)
        for chapter in chapters()
        for note in re.findall(
            r"^% teacher: (.+)$",
            (ROOT / f"{chapter.page}.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    ]


def directly(pages: Sequence[Chapter]) -> list[tuple[str, str]]:
    """Pairs of labels, needed and needing, without what another need brings along."""
    behind: dict[str, set[str]] = {}
    pairs = []
    for chapter in pages:
        needs = [label for label in chapter.needs if label in behind]
        brought = {label for other in needs for label in behind[other]}
        behind[chapter.label] = brought | set(needs)
        pairs += [(label, chapter.label) for label in needs if label not in brought]
    return pairs


def prerequisites() -> Figure:
    """The chapters one below the other, with an arc to each from what it needs.

    As wide as a phone, so that one layout does for all.
    """
    pages = [c for c in chapters() if "course" not in c.part.lower()]
    row = {chapter.label: -i for i, chapter in enumerate(pages)}
    with style.context():
        fig, axes = style.panels(1, 1, height=0.3 * len(pages), width=style.HALF)
        axis = axes[0, 0]
        for chapter in pages:
            words = "\n".join(wrap(chapter.title, 34))
            place = -0.06, row[chapter.label]
            axis.text(*place, words, ha="right", va="center", fontsize=style.SMALL)
        axis.plot([0] * len(row), list(row.values()), "o", color=style.INK, ms=3)
        for needed, needing in directly(pages):
            bend = 0.9 / (row[needed] - row[needing]) ** 0.5
            arc = f"arc3,rad={-bend:.2f}"
            axis.annotate(
                "", xy=(0.03, row[needing]), xytext=(0.03, row[needed]),
                arrowprops={
                    "arrowstyle": "->", "color": style.COLOURS[0],
                    "connectionstyle": arc, "shrinkA": 0, "shrinkB": 0,
                },
            )  # fmt: skip
        axis.set(xlim=(-2.1, 0.8), ylim=(0.5 - len(pages), 0.5))
        axis.set_axis_off()
    return fig
