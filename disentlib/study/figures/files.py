"""A figure as a file of its own."""

from pathlib import Path

from matplotlib.figure import Figure

from disentlib.files import atomic_write


def save(fig: Figure, path: str | Path) -> Figure:
    """Write a figure as a file on white, atomically, and return it."""
    with atomic_write(path) as temporary:
        fig.savefig(temporary, dpi=192, facecolor="white")
    return fig
