"""What the pages hold for a course: exercises by level and minutes, words, needs.

Everything is read from the pages themselves. An exercise's title says `level, N
minutes`, with `lab:` or `quiz:` in front where it is one; a chapter's prerequisites are
the references of its paragraph "What you need".
"""

import re
from dataclasses import dataclass
from functools import cache

from disentlib.paths import ROOT
from disentlib.study.sources import contents

LEVELS = ("recall", "calculate", "experiment", "open")
WORDS_A_MINUTE = (
    100  # prose with formulas; for a story it would be more than twice that
)
EXERCISE = re.compile(
    r"^(?P<fence>`{3,})\{exercise\}[ ]?(?P<title>[^\n]*)\n"
    r":label: (?P<label>[\w-]+)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
TITLE = re.compile(
    r"^(?:(?P<kind>lab|quiz): )?(?P<level>\w+), (?P<minutes>\d+) minutes$"
)


@dataclass(frozen=True)
class Exercise:
    """One exercise; `kind` is "exercise", "lab" or "quiz"."""

    page: str
    label: str
    kind: str
    level: str
    minutes: int
    hint: bool
    solved: bool
    checked: bool


@dataclass(frozen=True)
class Chapter:
    """One page: its label, title, part, prerequisites and words."""

    page: str
    label: str
    title: str
    part: str
    needs: tuple[str, ...]
    words: int

    @property
    def reading(self) -> int:
        """Minutes to read it, at `WORDS_A_MINUTE`."""
        return round(self.words / WORDS_A_MINUTE)


def exercises_in(text: str, page: str) -> list[Exercise]:
    """The exercises of a page's `text`, in order.

    Raises `ValueError` in one line for a title without level or minutes.
    """
    found = []
    for match in EXERCISE.finditer(text):
        title, label = TITLE.match(match["title"]), match["label"]
        if title is None or title["level"] not in LEVELS:
            raise ValueError(
                f"{page}: {label} is titled {match['title']!r}; write a level of "
                f"{', '.join(LEVELS)} and minutes, as in 'calculate, 10 minutes'"
            )
        solution = solution_of(text, label)
        found.append(
            Exercise(
                page=page,
                label=label,
                kind=title["kind"] or "exercise",
                level=title["level"],
                minutes=int(title["minutes"]),
                hint="{hint}" in match["text"],
                solved=bool(solution),
                checked=bool(re.search(r"^:tags: \[check\]$", solution, re.MULTILINE)),
            )
        )
    return found


def solution_of(text: str, label: str) -> str:
    """The source of an exercise's solution in a page's `text`; "" if there is none."""
    gated = rf"^```\{{solution-start\}} {label}$.*?^```\{{solution-end\}}$"
    plain = rf"^(`{{3,}})\{{solution\}} {label}$.*?^\1$"
    for pattern in (gated, plain):
        match = re.search(pattern, text, re.MULTILINE | re.DOTALL)
        if match:
            return match[0]
    return ""


def chapter_of(text: str, page: str, part: str) -> Chapter:
    """A page's label, title, prerequisites and words, from its `text`."""
    head = re.search(r"^\((sec-[\w-]+)\)=\n# (.+)$", text, re.MULTILINE)
    if head is None:
        raise ValueError(f"{page}: write (sec-…)= on the line above its title")
    label, title = head.groups()
    need = re.search(
        r"\*\*What you need\.\*\*(.*?)^```", text, re.MULTILINE | re.DOTALL
    )
    needs = re.findall(r"\{ref\}`(?:[^`<]*<)?(sec-[\w-]+)>?`", need[1]) if need else []
    prose = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    prose = re.split(r"^## Exercises$", prose, flags=re.MULTILINE)[0]
    prose = re.sub(
        r"^```\{code-cell\}.*?^```$", "", prose, flags=re.MULTILINE | re.DOTALL
    )
    return Chapter(page, label, title, part, tuple(needs), len(prose.split()))


@cache  # a table of plans asks hundreds of times
def chapters() -> tuple[Chapter, ...]:
    """Every page under `notebooks/` that the book shows, in its order."""
    return tuple(
        chapter_of((ROOT / f"{page}.md").read_text(encoding="utf-8"), page, part)
        for part, page in contents()
        if page.startswith("notebooks/")
    )


@cache
def exercises() -> tuple[Exercise, ...]:
    """Every exercise of the book, in its order."""
    return tuple(
        exercise
        for chapter in chapters()
        for exercise in exercises_in(
            (ROOT / f"{chapter.page}.md").read_text(encoding="utf-8"), chapter.page
        )
    )


def numbered() -> dict[str, str]:
    """What the book calls each exercise, "Exercise 3", by its label."""
    return {e.label: f"Exercise {k}" for k, e in enumerate(exercises(), 1)}
