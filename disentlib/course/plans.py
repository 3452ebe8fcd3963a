"""Plans for teaching, counted in minutes, and the map of what needs what."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import yaml
from jupyter_cache import get_cache
from matplotlib.figure import Figure

from disentlib.course.exercises import LEVELS, Chapter, chapters, exercises
from disentlib.course.terms import GLOSSARY, used_in
from disentlib.paths import ROOT
from disentlib.study import style

WORDS_SPOKEN = 130  # a minute, at a lecture's pace
PLANS = ROOT / "notebooks" / "data" / "plans.yml"


def load_plans(path: Path = PLANS) -> dict[str, Any]:
    """The plans by name, as the file has them."""
    plans: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
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


def waiting(plan: dict[str, Any], seconds: dict[str, float]) -> pd.DataFrame:
    """A row a session: minutes left by `sessions`, and those that the cells take of the
    pages that it talks of, reads or does exercises of; `seconds` has these by page.
    """
    page_of = {e.label: e.page.rsplit("/", 1)[-1] for e in exercises()}
    table = sessions(plan)[["session", "left"]]
    needed = []
    for session in plan["sessions"]:
        last = (item.rsplit(" ", 1)[-1] for item in session["items"])
        pages = {page_of.get(word, word) for word in last} & set(seconds)
        needed.append(sum(seconds[page] for page in pages) / 60)
    return table.assign(cells=needed)


def measured(cache: Path = ROOT / "_build" / ".jupyter_cache") -> dict[str, float]:
    """Seconds that each page's cells took in the last build of the book, by page."""
    records = get_cache(cache).list_cache_records()
    return {
        Path(record.uri).stem: float(record.data["execution_seconds"])
        for record in sorted(records, key=lambda record: record.created)
    }


def counts() -> pd.DataFrame:
    """A row a chapter: exercises by level, labs, quizzes, hints, terms, minutes."""
    glossary = (ROOT / f"{GLOSSARY}.md").read_text(encoding="utf-8")
    rows = []
    for chapter in chapters():
        mine = [e for e in exercises() if e.page == chapter.page]
        plain = [e for e in mine if e.kind == "exercise"]
        if not mine:
            continue
        text = (ROOT / f"{chapter.page}.md").read_text(encoding="utf-8")
        rows.append(
            {"chapter": chapter.title}
            | {level: sum(e.level == level for e in plain) for level in LEVELS}
            | {
                "lab": sum(e.kind == "lab" for e in mine),
                "quiz": sum(e.kind == "quiz" for e in mine),
                "with hint": sum(e.hint for e in mine),
                "terms": len(used_in(text, glossary)),
                "to read (minutes)": chapter.reading,
                "to do (minutes)": sum(e.minutes for e in mine),
            }
        )
    table = pd.DataFrame(rows)
    total = table.drop(columns="chapter").sum().to_dict()
    return pd.concat([table, pd.DataFrame([{"chapter": "all", **total}])])


def teacher_notes(root: Path = ROOT) -> list[tuple[str, str]]:
    """Title of the chapter and note, for every note for teachers on the pages.

    A note is a comment on a line of its own that starts with `% teacher:`.
    """
    return [
        (chapter.title, note)
        for chapter in chapters(root)
        for note in re.findall(
            r"^% teacher: (.+)$",
            (root / f"{chapter.page}.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    ]


def depths(pages: Sequence[Chapter]) -> dict[str, int]:
    """How many chapters have to come before each, by label."""
    found: dict[str, int] = {}
    for chapter in pages:
        needed = [found[label] for label in chapter.needs if label in found]
        found[chapter.label] = 1 + max(needed, default=-1)
    return found


def prerequisites() -> Figure:
    """The chapters from left to right, with an arrow to each from what it needs."""
    pages = [c for c in chapters() if "course" not in c.part.lower()]
    depth = depths(pages)
    place: dict[str, tuple[float, float]] = {}
    for chapter in pages:
        column = [c for c in pages if depth[c.label] == depth[chapter.label]]
        row = [c.label for c in column].index(chapter.label)
        place[chapter.label] = (depth[chapter.label], (len(column) - 1) / 2 - row)
    fig, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
    for chapter in pages:
        x, y = place[chapter.label]
        words = "\n".join(_lines(chapter.title))
        axis.text(
            x, y, words, ha="center", va="center", fontsize=7,
            bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": "#7f7f7f"},
        )  # fmt: skip
        for label in chapter.needs:
            axis.annotate(
                "", xy=(x - 0.32, y), xytext=(place[label][0] + 0.32, place[label][1]),
                arrowprops={"arrowstyle": "->", "color": style.COLOURS[0]},
            )  # fmt: skip
    axis.set(xlim=(-0.5, max(depth.values()) + 0.5), ylim=(-2, 2))
    axis.set_axis_off()
    return fig


def _lines(title: str, width: int = 16) -> list[str]:
    """The title in short lines."""
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
