"""A page's cells, run in this process on results that a test has made."""

import io
import re
from pathlib import Path

import jupytext
import matplotlib.pyplot as plt
import myst_nb

from disentlib.paths import ROOT


def _drawn() -> None:
    """Draw what a page shows, coarsely, whatever its style says, and close it."""
    for number in plt.get_fignums():
        plt.figure(number).savefig(io.BytesIO(), dpi=20)
    plt.close("all")


def run_cells(page: str, monkeypatch, folder: Path) -> dict[str, str]:
    """Runs every code cell of `notebooks/<page>.md`; returns what it glued, as text.

    Files that the page would write go into `folder`. Every name that the page's text
    glues must have been glued.
    """
    monkeypatch.setattr("disentlib.paths.ROOT", folder)
    monkeypatch.setattr(plt, "show", _drawn)
    monkeypatch.setattr("IPython.display.display", lambda shown: None)
    glued = {}

    def glue(name, value, display=True):
        glued[name] = getattr(value, "data", value)

    monkeypatch.setattr(myst_nb, "glue", glue)
    source = (ROOT / "notebooks" / f"{page}.md").read_text()
    names: dict = {}
    with plt.rc_context():
        for cell in jupytext.reads(source, fmt="md:myst").cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, page, "exec"), names)
    plt.close("all")
    used = set(re.findall(r"\{glue:\w+\}`(\w+)", source))
    used |= set(re.findall(r"\{glue:\w+\} (\w+)", source))
    assert used - glued.keys() == set()
    return {name: str(value) for name, value in glued.items()}
