"""Exercises, counted in the pages' sources."""

import re
from collections import Counter

import pytest

from disentlib.course.exercises import (
    LEVELS,
    chapters,
    exercises,
    exercises_in,
    solution_of,
)
from disentlib.paths import ROOT

EVERY = exercises()
PAGES = {
    chapter.page: (ROOT / f"{chapter.page}.md").read_text() for chapter in chapters()
}
# The twelve chapters that teach; pages of the course itself come after them.
TAUGHT = [
    page for page in PAGES if any(e.kind == "quiz" for e in EVERY if e.page == page)
]


def test_sixty_exercises_and_more_on_four_levels():
    plain = [exercise for exercise in EVERY if exercise.kind == "exercise"]
    assert len(plain) >= 60
    assert all(Counter(e.level for e in plain)[level] >= 3 for level in LEVELS)


def test_every_exercise_of_the_pages_is_found():
    for page, text in PAGES.items():
        written = len(re.findall(r"^`{3,}\{exercise\}", text, re.MULTILINE))
        assert written == sum(e.page == page for e in EVERY), page


def test_three_or_more_and_one_quiz_in_each_chapter():
    assert len(TAUGHT) >= 12
    for page in TAUGHT:
        mine = [e for e in EVERY if e.page == page]
        assert sum(e.kind == "exercise" for e in mine) >= 3, page
        assert sum(e.kind == "quiz" for e in mine) == 1, page


def test_labels_are_unique_and_all_are_solved():
    labels = [exercise.label for exercise in EVERY]
    assert len(set(labels)) == len(labels)
    assert [e.label for e in EVERY if not e.solved] == []
    assert [e.label for e in EVERY if not 5 <= e.minutes <= 90] == []


@pytest.mark.parametrize("page", TAUGHT)
def test_quizzes_have_five_questions_of_four_answers(page):
    text = PAGES[page]
    (quiz,) = [e for e in EVERY if e.page == page and e.kind == "quiz"]
    body = re.search(rf":label: {quiz.label}\n(.*?)^```$", text, re.M | re.S)[1]
    assert re.findall(r"^(\d)\. ", body, re.M) == list("12345")
    assert re.findall(r"^   - \((\w)\) ", body, re.M) == list("abcd") * 5
    assert quiz.checked


def test_digests_are_filled_in():
    assert [page for page, text in PAGES.items() if '"?"' in text] == []


def test_a_title_without_a_level_is_refused_in_one_line():
    text = "```{exercise} hard\n:label: ex-a\n\nWhy?\n```\n"
    with pytest.raises(
        ValueError, match=r"ex-a is titled 'hard'; write a level"
    ) as caught:
        exercises_in(text, "page")
    assert "\n" not in str(caught.value)


def test_solutions_are_cut_out_whole():
    text = (
        "```{solution-start} ex-a\n```\none\n```{code-cell}\n:tags: [check]\n1\n```\n"
        "```{solution-end}\n```\n\n```{solution} ex-b\ntwo\n```\n"
    )
    assert "one" in solution_of(text, "ex-a") and "two" not in solution_of(text, "ex-a")
    assert "two" in solution_of(text, "ex-b") and "one" not in solution_of(text, "ex-b")
    assert solution_of(text, "ex-c") == ""


def test_prerequisites_are_chapters_that_come_before():
    seen = set()
    for chapter in chapters():
        assert set(chapter.needs) <= seen, chapter.page
        seen.add(chapter.label)
