"""Plans fit their sessions, and name what exists."""

import matplotlib.pyplot as plt
import pytest

from disentlib.course.exercises import chapters, exercises
from disentlib.course.plans import (
    counts,
    load_plans,
    minutes_of,
    prerequisites,
    sessions,
    teacher_notes,
    words_of,
)

PLANS = load_plans()


@pytest.mark.parametrize("name", PLANS)
def test_every_session_fits_with_five_minutes_to_spare(name):
    table = sessions(PLANS[name])
    assert (table["left"] >= 5).all(), table


def test_the_week_has_ten_sessions_with_pauses_and_is_mostly_not_talk():
    week = sessions(PLANS["week"])
    assert len(week) == 10 and (week["pause"] >= 15).all()
    assert week["work"].sum() > week["listen or read"].sum()


def test_the_week_has_all_labs_and_all_quizzes():
    items = {item for session in PLANS["week"]["sessions"] for item in session["items"]}
    labs = {e.label for e in exercises() if e.kind == "lab"}
    assert labs <= items and len(labs) == 4
    # Of the chapters that it teaches; others are for reading.
    taught = {item.split()[1] for item in items if item.startswith(("talk", "read"))}
    aside = {"explorer", "cost", "open_problems"}
    quizzes = {
        e.label
        for e in exercises()
        if e.kind == "quiz" and e.page.rsplit("/", 1)[-1] in taught - aside
    }
    assert quizzes <= items and len(quizzes) == 12


def test_a_line_that_names_nothing_is_refused():
    for item in ("talk nonsense", "ex-none", "pause long", "sing elbo"):
        with pytest.raises(ValueError, match="is no line of a plan"):
            minutes_of(item)
    assert minutes_of("pause 15") == 15


def test_a_line_is_read_by_title_and_number():
    first = exercises()[0]
    assert words_of(first.label) == "Exercise 1"
    assert words_of("talk scores") == "talk: The scores"
    assert words_of("pause 15") == "pause"


def test_counts_add_up_to_the_exercises():
    total = counts().iloc[-1]
    plain = [e for e in exercises() if e.kind == "exercise"]
    levels = ("recall", "calculate", "experiment", "open")
    assert sum(total[level] for level in levels) == len(plain)
    assert total["to do"] == sum(e.minutes for e in exercises())


def test_each_chapter_that_teaches_has_a_note():
    quizzed = {e.page for e in exercises() if e.kind == "quiz"}
    titles = {chapter.title for chapter in chapters() if chapter.page in quizzed}
    assert titles <= {title for title, _ in teacher_notes()}


def test_the_map_puts_each_chapter_behind_what_it_needs():
    depth = {chapter.label: row for row, chapter in enumerate(chapters())}
    for chapter in chapters():
        assert all(depth[label] < depth[chapter.label] for label in chapter.needs)
    fig = prerequisites()
    assert len(fig.axes[0].texts) > len(chapters()) - 4
    plt.close(fig)
