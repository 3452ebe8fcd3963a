"""The figures' style: legible in both themes, and no setting of the caller's changed."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from disentlib.study import style

WHITE, DARK = "#ffffff", "#14181e"  # the grounds of the book's two themes


def luminance(colour):
    """Relative luminance, as the Web Content Accessibility Guidelines define it."""
    part = np.array(to_rgb(colour))
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def settings():
    return {key: value for key, value in mpl.rcParams.items() if key != "backend"}


@pytest.mark.parametrize("ground", [WHITE, DARK])
def test_every_colour_is_seen_on_both_grounds(ground):
    colours = [*style.COLOURS, *style.ORDERED, style.FAINT, *style.ordered(9)]
    assert {
        str(c): contrast(c, ground) for c in colours if contrast(c, ground) < 3
    } == {}


def test_importing_the_figures_changes_no_setting():
    code = (
        "import matplotlib as mpl, matplotlib.pyplot; before = dict(mpl.rcParams);"
        "from disentlib.study.figures import *; import disentlib.study.style;"
        "assert before == dict(mpl.rcParams)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_context_ends():
    before = settings()
    with style.context():
        assert mpl.rcParams["text.color"] == style.INK
    assert settings() == before


def test_no_text_is_smaller_than_eleven_pixels():
    sizes = [value for key, value in style.STYLE.items() if key.endswith("size")]
    assert (
        min(size for size in sizes if isinstance(size, float) and size > 5) >= 11 * 0.75
    )


@pytest.mark.parametrize(
    "value, text",
    [
        (1e-5, "10⁻⁵"),
        (0.01, "0.01"),
        (1, "1"),
        (1e4, "10,000"),
        (1e12, "10¹²"),
        (3, ""),
    ],
)
def test_powers_of_ten_are_written_in_full_size(value, text):
    assert style.power_of_ten(value) == text


def test_panels_are_a_grid_as_wide_as_the_column():
    fig, axes = style.panels(2, 3, height=1.5)
    assert axes.shape == (2, 3)
    assert tuple(fig.get_size_inches()) == (style.COLUMN, 3.0)
