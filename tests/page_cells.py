"""A page's cells, run in this process on results that a test has made."""

import re
from pathlib import Path

import jupytext
import matplotlib.pyplot as plt
import myst_nb
from matplotlib.figure import Figure

from disentlib.paths import ROOT


def run_cells(page: str, monkeypatch, folder: Path) -> dict[str, str]:
    """Runs every code cell of `notebooks/<page>.md`; returns what it glued, as text.

    Files that the page would write go into `folder`. Every name that the page's text
    glues must have been glued.
    """
    monkeypatch.setattr("disentlib.paths.ROOT", folder)
    monkeypatch.setattr(plt, "show", lambda: None)
    monkeypatch.setattr("IPython.display.display", lambda shown: None)
    glued = {}

    def glue(name, value, display=True):
        glued[name] = getattr(value, "data", value)

    monkeypatch.setattr(myst_nb, "glue", glue)
    source = (ROOT / "notebooks" / f"{page}.md").read_text()
    names: dict = {}
    plain = Figure.savefig

    def coarse(figure, to, **given):
        return plain(figure, to, **given | {"dpi": 20})

    monkeypatch.setattr(Figure, "savefig", coarse)  # whatever a page's style says
    with plt.rc_context():
        for cell in jupytext.reads(source, fmt="md:myst").cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, page, "exec"), names)
    plt.close("all")
    used = set(re.findall(r"\{glue:\w+\}`(\w+)", source))
    used |= set(re.findall(r"\{glue:\w+\} (\w+)", source))
    assert used - glued.keys() == set()
    return {name: str(value) for name, value in glued.items()}
