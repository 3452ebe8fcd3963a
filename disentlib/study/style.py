"""The one style of all figures: sizes, inks and colours that hold on every page.

A page says `style.use()` once; a function of the library draws `with style.context():`.
Importing this module changes nothing. Figures are drawn at the width at which they are
shown: an inch is 96 CSS pixels, and the book's column holds `COLUMN` inches. Text is
drawn in `INK`, which the book replaces by the colour of the page's own text; every
other colour has a contrast of 3 : 1 with a white and with a dark page.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib_inline.backend_inline import set_matplotlib_formats
from numpy.typing import NDArray

COLUMN = 7.5  # inches: 720 CSS pixels
HALF = 3.55  # inches: a phone's whole width, and half a column

INK = "#1f2328"  # text, axes: becomes the page's own ink
FAINT = "#808080"  # zero lines, grids, what is left out

# Okabe and Ito's palette, which colour-blind readers can tell apart; its orange, pink
# and light blue are darkened until lines of them can be seen on white.
COLOURS = ("#0072B2", "#BA7A00", "#009E73", "#C26F9D", "#D55E00", "#3A93C8")
# An ordered quantity, such as D, from few to many.
ORDERED = ("#0072B2", "#7F6BC8", "#C2569B", "#D55E00", "#B08400")
DIMENSIONS = (4, 6, 8, 10, 15)  # of the thesis, a colour each

# Points of 1/72 inch: 9 are 12 CSS pixels, 8.5 are 11.3, and nothing is smaller.
TEXT, SMALL = 9.5, 8.5

STYLE: Any = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "figure.figsize": (COLUMN, 3.0),
    "figure.dpi": 192,
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.titleweight": "normal",
    "font.family": ["DejaVu Sans"],
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "figure.titlesize": TEXT,
    "figure.labelsize": TEXT,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    # Text stays text, so that it can be searched and read aloud.
    "svg.fonttype": "none",
    "svg.hashsalt": "disentlib",
    # Sprites are shown to the pixel.
    "image.interpolation": "none",
    "image.cmap": "gray",
} | dict.fromkeys(
    ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"),
    INK,
)


@contextmanager
def context() -> Iterator[None]:
    """Draw in the style within the block, and leave the settings as they were."""
    with mpl.rc_context(STYLE):
        yield


def use() -> None:
    """Set the style for the rest of this kernel, and vector graphics for figures."""
    mpl.rcParams.update(STYLE)
    if get_ipython() is not None:
        # As wide as drawn, and the same bytes for the same figure.
        set_matplotlib_formats("svg", bbox_inches=None, metadata={"Date": None})


def panels(
    rows: int = 1,
    columns: int = 1,
    height: float = 2.6,
    width: float = COLUMN,
    **options: Any,
) -> tuple[Figure, NDArray[Any]]:
    """A figure of `rows` × `columns` panels, each `height` inches, and its axes (rows,
    columns).

    `options` are those of `plt.subplots`.
    """
    options = {"figsize": (width, height * rows), "layout": "constrained"} | options
    return plt.subplots(rows, columns, squeeze=False, **options)


def key(fig: Figure, axis: Axes, title: str | None = None) -> None:
    """Put the key of an axis below its figure: at the left and in few columns, so that
    a phone, which shows half of the figure, shows it.
    """
    handles, labels = axis.get_legend_handles_labels()
    columns = 3 if max(map(len, labels), default=0) < 20 else 1
    fig.legend(
        handles,
        labels,
        loc="outside lower left",
        ncols=columns,
        title=title,
        alignment="left",
    )


def logarithmic(axis: Axes, which: str = "y") -> None:
    """Make an axis logarithmic, its powers of ten in letters of full size.

    What is drawn counts: where it has less than a power and a half, there are ticks
    between.
    """
    for name in which:
        getattr(axis, f"set_{name}scale")("log")
        side = getattr(axis, f"{name}axis")
        side.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
        side.set_minor_formatter(NullFormatter())
        low, high = sorted(getattr(axis, f"get_{name}lim")())
        if axis.has_data() and low >= 0.01 and high <= 10_000 and high < 30 * low:
            # Of a single tick Matplotlib would make many, that crowd at the top.
            subs = (1, 2, 3, 5) if high < 5 * low else (1, 2, 5)
            side.set_major_locator(LogLocator(subs=subs))
            side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def logarithmic_at(axis: Axes, ticks: Sequence[float], thousands: bool = False) -> None:
    """Make the horizontal axis logarithmic, with ticks at these values alone."""
    axis.set_xscale("log")
    plain, short = [f"{t:g}" for t in ticks], [f"{t / 1000:g}k" for t in ticks]
    axis.set_xticks(ticks, short if thousands else plain)
    axis.minorticks_off()


def power_of_ten(value: float) -> str:
    """A tick's label: plain from 0.01 to 10,000, else as in 10⁻³; none between."""
    exponent = round(np.log10(value)) if value > 0 else 0
    if not np.isclose(value, 10.0**exponent):
        return ""
    if -2 <= exponent <= 4:
        return f"{value:,.10g}"
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def ordered(count: int) -> NDArray[np.float64]:
    """Colours (count, 4) of an ordered quantity: RGBA within [0, 1]."""
    scale = mpl.colors.LinearSegmentedColormap.from_list("ordered", ORDERED)
    return scale(np.linspace(0, 1, count))


def of_levels(levels: Sequence[Any]) -> NDArray[np.float64]:
    """Colours (n, 4) of ordered levels: a D of the thesis has its own everywhere."""
    order = order_of(levels)
    return ordered(len(order))[[order.index(level) for level in levels]]


def order_of(levels: Sequence[Any]) -> tuple[Any, ...]:
    """The levels among which these have their places: the thesis' D, or themselves."""
    return DIMENSIONS if set(levels) <= set(DIMENSIONS) else tuple(levels)
