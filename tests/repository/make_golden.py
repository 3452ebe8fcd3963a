"""Execute the pages whose printed numbers must not change and keep what they print:
make golden.

Pictures are left out, so that the files stay small; nbval compares the cells with the
tag `nbval-check-output`, and runs the others.
"""

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
PAGES = ("kl_divergence", "elbo", "reparameterisation", "scores")
MARK = "nbval-check-output"


def to_compare(cell: nbformat.NotebookNode) -> bool:
    """Whether nbval compares what the cell prints."""
    return MARK in cell.metadata.get("tags", [])


def bare(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The cell, of its outputs the printed ones only."""
    cell.metadata = {"tags": cell.metadata["tags"]} if "tags" in cell.metadata else {}
    if cell.cell_type == "code":
        kept = to_compare(cell)
        cell.outputs = [o for o in cell.outputs if kept and o.output_type == "stream"]
    return cell


def main(names: list[str]) -> None:
    """Write the golden notebook of each page named, or of all."""
    for name in names or PAGES:
        notebook = jupytext.read(ROOT / "notebooks" / f"{name}.md")
        NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
        notebook.cells = [
            bare(cell) for cell in notebook.cells if cell.cell_type == "code"
        ]
        notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
        nbformat.write(notebook, GOLDEN / f"{name}.ipynb")
        print(f"{name}: {sum(map(to_compare, notebook.cells))} cells to compare")


if __name__ == "__main__":
    main(sys.argv[1:])
