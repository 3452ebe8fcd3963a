"""Functions and files of the library stay short enough to be read at once."""

import ast

import jupytext
import pytest

from disentlib.paths import ROOT

LONGEST = 50  # lines of a function without its docstring
MOST_CODE = 120  # lines in the cells of a page of conclusions
FILES = sorted((ROOT / "disentlib").rglob("*.py"))


def length(function: ast.FunctionDef) -> int:
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return lines - (first.end_lineno - first.lineno + 1 if is_text else 0)


def test_no_function_is_long():
    functions = [
        (f"{path.relative_to(ROOT)}: {node.name}", length(node))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]
    assert len(functions) > 200
    assert [(name, n) for name, n in functions if n > LONGEST] == []


def test_no_file_is_long():
    lines = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in FILES}
    assert {name: n for name, n in lines.items() if n > 250} == {}


@pytest.mark.parametrize("page", ["results", "recipe"])
def test_pages_of_conclusions_leave_the_analysis_to_the_library(page):
    cells = jupytext.read(ROOT / "notebooks" / f"{page}.md").cells
    code = [c.source.splitlines() for c in cells if c.cell_type == "code"]
    assert 20 < sum(map(len, code)) <= MOST_CODE
