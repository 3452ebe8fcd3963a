"""The golden notebooks hold outputs to compare, and are the pages' own code."""

import jupytext
import nbformat
import pytest
from make_golden import GOLDEN, PAGES, ROOT, to_compare


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_each_deterministic_page_has_its_notebook():
    assert {path.stem for path in GOLDEN.glob("*.ipynb")} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_the_code_is_the_pages(name):
    golden = nbformat.read(GOLDEN / f"{name}.ipynb", as_version=4)
    page = jupytext.read(ROOT / "notebooks" / f"{name}.md")
    assert [(cell.source, to_compare(cell)) for cell in code(golden)] == [
        (cell.source, to_compare(cell)) for cell in code(page)
    ], f"notebooks/{name}.md has changed: look at its outputs, then type make golden"


def test_no_other_page_marks_a_cell_for_a_comparison_that_nobody_makes():
    for path in (ROOT / "notebooks").glob("*.md"):
        marked = [cell for cell in code(jupytext.read(path)) if to_compare(cell)]
        assert not marked or path.stem in PAGES, path


@pytest.mark.parametrize("name", PAGES)
def test_cells_to_compare_were_executed_and_hold_what_they_print(name):
    """Without these nbval passes and has compared nothing."""
    golden = nbformat.read(GOLDEN / f"{name}.ipynb", as_version=4)
    marked = [cell for cell in code(golden) if to_compare(cell)]
    assert len(marked) >= 3
    for cell in marked:
        assert cell.execution_count
        assert any(
            output.output_type == "stream" and output.text for output in cell.outputs
        )
