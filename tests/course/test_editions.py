"""Both editions of a chapter, from sources; and some of the chapters executed."""

import ast
import copy
import os
import re
import time
from functools import cache
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from disentlib.course import editions
from disentlib.course.editions import DATA, book, edition
from disentlib.course.exercises import exercises
from disentlib.course.pieces import pieces, stub
from disentlib.course.plain import plain
from disentlib.paths import ROOT

LABELS = book()
PAGES = editions.pages()
OPEN = "notebooks/open_problems"
# One chapter after the other, from another one each day, as many as begin within the
# time; `EDITIONS=all` executes them all.
TIME = float("inf") if os.environ.get("EDITIONS") == "all" else 100.0  # seconds
TODAY = int(time.time() // 86_400) % len(PAGES)
SPENT: list[float] = []


@cache
def page(name):
    return jupytext.read(ROOT / f"{name}.md")


@cache
def both(name):
    path, notebook = ROOT / f"{name}.md", page(name)
    return (
        edition(notebook, path, LABELS, student=True),
        edition(notebook, path, LABELS, student=False),
    )


def figure_of(cell):
    return cell.metadata.get("mystnb", {}).get("figure", {})


def sources(notebook, tag=None):
    return [
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code"
        and (tag is None or tag in cell.metadata.get("tags", []))
    ]


@pytest.mark.parametrize("name", PAGES)
def test_the_students_is_the_instructors_but_for_blanks(name):
    student, instructor = both(name)
    blanks = {"answer", "check"}
    kept = [
        cell.source
        for cell in student.cells
        if cell.cell_type == "code" and not blanks & set(cell.metadata.get("tags", []))
    ]
    assert set(kept) - {"# your work"} <= set(sources(instructor))
    assert sources(student, "check") == sources(instructor, "check")
    assert len(sources(student, "answer")) == len(sources(instructor, "answer"))
    checked = sum(e.page == name and e.checked for e in exercises())
    assert len(sources(student, "answer")) >= checked
    for blank, answer in zip(sources(student, "answer"), sources(instructor, "answer")):
        asks = "..." in blank or "NotImplementedError" in blank
        # A first step is where work begins, not what is asked for.
        assert blank == answer if name == OPEN else blank != answer and asks
    assert not any("**Solution.**" in cell.source for cell in student.cells)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_left_that_only_sphinx_understands(name):
    for notebook in both(name):
        for cell in notebook.cells[2:]:
            if cell.cell_type == "markdown":
                for left in (
                    "{ref}`",
                    "{eq}`",
                    "{cite",
                    "{glue",
                    "```{",
                    ":::{",
                    "\\KL",
                ):
                    assert left not in cell.source, cell.source[:200]
            else:
                assert "myst_nb" not in cell.source


@pytest.mark.parametrize("name", PAGES)
def test_a_figure_stands_over_its_caption_with_the_number_in_the_text(name):
    glue = re.compile(r"\{glue:md\}`\w+`")  # of a book that was not run: "…"
    named = [
        (
            LABELS.numbers[figure["name"]],
            glue.sub("…", figure["caption"]).split()[0],
        )
        for piece in pieces(page(name))
        if piece.kind == "code" and "name" in (figure := figure_of(piece.cell))
    ]
    for notebook in both(name):
        text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
        captions = re.findall(r"^\*\*Figure (\d+)\.\*\* (\S+)", text, re.MULTILINE)
        assert set(named) <= set(captions)


def test_what_another_page_numbers_is_told_with_its_title():
    def told(text, page):
        return plain(text, LABELS, Path(f"{page}.md"))

    of = " of *The evidence and its lower bound*"
    number = LABELS.numbers["eq-negative-elbo"]
    assert told("{eq}`eq-negative-elbo`", "elbo") == f"({number})"
    assert told("{eq}`eq-negative-elbo`", "factor_vae") == f"({number}){of}"
    labels = [exercise.label for exercise in exercises()]
    name = f"Exercise {labels.index('ex-elbo-optimum') + 1}"
    assert told("{ref}`ex-elbo-optimum`", "elbo") == name
    assert told("{ref}`ex-elbo-optimum`", "open_problems") == name + of
    assert told("{numref}`fig-two-codes`", "dsprites").endswith("*")
    assert told("{ref}`sec-elbo`", "dsprites") == "*The evidence and its lower bound*"


@pytest.mark.parametrize("name", PAGES)
def test_no_heading_stands_over_nothing(name):
    for cell in both(name)[0].cells:
        if cell.cell_type == "markdown":
            bare = re.findall(r"^(#+) (.*)\n+(#+) ", cell.source, re.MULTILINE)
            assert [h for a, h, b in bare if len(a) >= len(b)] == []


def test_the_blank_names_what_is_checked_and_nothing_else():
    answer = "helper = 3\nx, y = 1, 2\nw = 'ab'\n\n\ndef f(a, b=2):\n    'Words.'\n    return a\n"
    assert stub(answer, "check('x', x, w); f(1)") == (
        "x = ...  # your work\nw = ...  # your work, in quotes\n\n\n"
        'def f(a, b=2):\n    """Words."""\n    raise NotImplementedError("your work")'
    )


def test_a_page_is_cut_into_its_pieces():
    text = (
        "before\n\n```{exercise} recall, 5 minutes\n:label: ex-a\n\nWhy?\n```\n\n"
        "```{solution} ex-a\n:class: dropdown\n\nBecause.\n```\nafter\n\n"
        "```{solution-start} ex-b\n```\n\nso"
    )
    cells = [new_markdown_cell(text), new_code_cell("1"), new_markdown_cell("more")]
    cells += [new_markdown_cell("```{solution-end}\n```\nlast")]
    cut = [
        (p.kind, p.label, p.cell.source.strip())
        for p in pieces(new_notebook(cells=cells))
    ]
    assert cut == [
        ("text", "", "before"),
        ("exercise", "ex-a", "Why?"),
        ("solution", "ex-a", "Because."),
        ("text", "", "after"),
        ("solution", "ex-b", "so"),
        ("solution", "ex-b", "1"),
        ("solution", "ex-b", "more"),
        ("text", "", "last"),
    ]


def failed(cells):
    return [
        cell
        for cell in cells
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    ]


@pytest.fixture
def classroom(tmp_path, monkeypatch):
    """A folder with what the zips hold beside the notebooks, and no repository."""
    for data in DATA:
        (tmp_path / data).parent.mkdir(exist_ok=True)
        (tmp_path / data).symlink_to(ROOT / data)
    monkeypatch.delenv("DISENTLIB_ROOT", raising=False)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES[TODAY:] + PAGES[:TODAY])
def test_the_students_fails_only_where_it_asks_for_work(name, classroom):
    """One run: the student's notebook as it comes, then the answers pasted in."""
    if sum(SPENT) > TIME:
        pytest.skip("the time for editions is up; this one has another day")
    notebook = copy.deepcopy(both(name)[0])
    answers = [
        new_code_cell(piece.cell.source)
        for piece in pieces(page(name))
        if piece.kind == "solution" and {"answer", "check"} & set(piece.tags)
    ]
    asked = [
        cell for cell in notebook.cells if "check" in cell.metadata.get("tags", [])
    ]
    given = list(notebook.cells)
    if name == OPEN:  # its first steps are there
        asked = []
    notebook.cells += answers
    start = time.perf_counter()
    NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(classroom)}},
    ).execute()
    SPENT.append(time.perf_counter() - start)
    assert [cell.source for cell in failed(given)] == [cell.source for cell in asked]
    assert [cell.source for cell in failed(answers)] == []


def test_a_lab_takes_no_name_that_a_function_of_an_earlier_one_reads():
    """Whoever goes back to a lab finds its names as they were."""
    lab, reads, taken = 0, {}, []
    for cell in page("notebooks/labs").cells:
        if cell.cell_type == "markdown":
            lab += len(re.findall(r"^## Lab", cell.source, re.MULTILINE))
            continue
        for node in ast.parse(cell.source).body:
            names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
            if isinstance(node, ast.FunctionDef):
                own = {a.arg for a in node.args.args}
                own |= {n.id for n in names if isinstance(n.ctx, ast.Store)}
                reads |= {n.id: lab for n in names if n.id not in own}
            elif isinstance(node, ast.Assign):
                targets = [n for t in node.targets for n in ast.walk(t)]
                stored = {n.id for n in targets if isinstance(n, ast.Name)}
                taken += [n for n in stored if reads.get(n, lab) < lab]
    assert lab == 4 and reads
    assert taken == []
