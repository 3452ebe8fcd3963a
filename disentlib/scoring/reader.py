"""A reader of traversals: what a row of pictures does, in words and in numbers.

Every image of the grid is known. So a machine can look at a traversal: it finds the
sprite nearest to each picture and reads the factors of that sprite.
"""

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from numpy.typing import NDArray

from disentlib.arrays import Floats, Integers
from disentlib.scoring.nearest import nearest_sprites
from disentlib.scoring.pictures import Pictures
from disentlib.sprites.grid import FactorGrid
from disentlib.sprites.render import ORIGINS
from disentlib.sprites.table import Sprites

SHAPES = ("square", "ellipse", "heart")
SYMMETRY = (4, 2, 1)  # turns of a full circle after which the shape is the same
SUMMARY = ("traversal_purity", "traversal_distance")  # measures of `summary`
NAMED = 0.1  # share of the movement from which on a factor is named


@dataclass(frozen=True)
class RowReading:
    """What one row of a traversal does.

    `shares` (K,) says how the row's movement is divided among the factors (all 0 where
    nothing moves), `movement` is their unnormalised sum, in a row of nine sprites drawn
    at random about 0.9 a factor, and 1.5 for the angle; `distance` is the mean number
    of pixels between a picture and its sprite.
    """

    words: str
    movement: float
    distance: float
    shares: NDArray[np.float64]


def read_traversals(
    traversals: NDArray[np.uint8], sprites: Sprites
) -> list[RowReading]:
    """Read each row of `traversals` (D, columns, 64, 64), probabilities as uint8."""
    nearest = nearest_sprites(traversals, sprites)
    return [
        read_row(rows, distances, sprites.grid)
        for rows, distances in zip(nearest.rows, nearest.distances)
    ]


def with_reading(pictures: Pictures, sprites: Sprites) -> Pictures:
    """The same pictures, each row of the traversals with what it does."""
    rows = read_traversals(pictures.traversals, sprites)
    return replace(
        pictures,
        words=np.array([row.words for row in rows]),
        shares=np.array([row.shares for row in rows], dtype=np.float32),
        movement=np.array([row.movement for row in rows], dtype=np.float32),
        distances=np.array([row.distance for row in rows], dtype=np.float32),
    )


def summary(pictures: Pictures) -> dict[str, float]:
    """Two measures of a model: the mean purity (largest share) of the rows in which
    something moves (0 where nothing does), and the mean distance of a picture from its
    sprite in pixels.
    """
    shares, distances = pictures.shares, pictures.distances
    assert shares is not None and distances is not None
    moves = moving(pictures)
    purity = shares.max(axis=1)[moves].mean() if moves.any() else 0.0
    return dict(zip(SUMMARY, (float(purity), float(distances.mean()))))


def moving(pictures: Pictures) -> NDArray[np.bool_]:
    """Which rows (D,) of pictures that were read move something at all."""
    assert pictures.movement is not None
    return pictures.movement > 0


def read_row(
    rows: NDArray[np.int64], distances: NDArray[np.int64], grid: FactorGrid
) -> RowReading:
    """Read a row of pictures from the rows of their sprites and the distances to them.

    The movement of a factor is the mean squared difference of its level between two
    columns, in units of what two random sprites differ by. Shapes are alike or not.
    Angles differ up to the symmetry of the most symmetric shape in the row: a quarter
    turn leaves a square as it was, and counts for no heart beside one. They are
    followed from column to column, so that a row may turn on beyond a full circle;
    angles drawn at random wander as well, and their entry is about 1.5.
    """
    levels = grid.values(rows)
    shape = grid.classes(rows)[:, 0]
    period = 2 * np.pi / max(SYMMETRY[s] for s in shape)
    levels[:, 2] = np.unwrap(levels[:, 2], period=period)
    moved = np.array(
        [
            _unlike(shape) / _unlike(np.arange(grid.sizes[0])),
            *(levels[:, k].var() / _spread(grid, k, period) for k in range(1, 5)),
        ]
    )
    total = moved.sum()
    shares = moved / total if total > 0 else np.zeros(5)
    return RowReading(
        _words(levels, shape, shares),
        float(total),
        float(np.mean(distances)),
        shares,
    )


def named(shares: NDArray[np.floating[Any]]) -> list[int]:
    """The factors that a row's words name, of its shares (K,): most of them first."""
    order = np.argsort(-shares, kind="stable")
    return [int(k) for k in order if shares[k] >= NAMED]


def _unlike(classes: NDArray[np.int64]) -> float:
    """Share of the pairs that differ, each entry being paired with itself as well."""
    unlike = sum(a != b for a, b in combinations(classes, 2))
    return float(2 * unlike / len(classes) ** 2)


def _spread(grid: FactorGrid, k: int, period: float) -> float:
    """Variance of factor k over the grid; of an angle over its period."""
    if k == 2:
        return period**2 / 12
    return float(np.var(grid.levels[k]))


def _words(
    levels: Float64[Floats, "columns K"],
    shape: Int64[Integers, " columns"],
    shares: Float64[Floats, " K"],
) -> str:
    """From the first to the last column, the factor that moves most first."""
    x, y = (
        np.interp(levels[:, k], np.linspace(0, 1, len(ORIGINS)), ORIGINS)
        for k in (3, 4)
    )
    said = [
        _shapes(shape),
        _signed("scale", levels[-1, 1] - levels[0, 1]),
        _turned(levels[-1, 2] - levels[0, 2]),
        _shifted(x[-1] - x[0], "to the right", "to the left"),
        _shifted(y[-1] - y[0], "down", "up"),
    ]
    parts = [said[k] or _back(k) for k in named(shares)]
    return "; ".join(parts) or "nothing moves"


def _shapes(shape: Int64[Integers, " columns"]) -> str:
    seen = [SHAPES[s] for i, s in enumerate(shape) if i == 0 or s != shape[i - 1]]
    return ", ".join(seen) if len(seen) > 1 else ""


def _signed(name: str, change: float) -> str:
    return f"{name} {change:+.1f}".replace("-", "−") if abs(change) > 0.05 else ""


def _turned(angle: float) -> str:
    degrees = round(np.degrees(angle))
    way = "counter-clockwise" if degrees > 0 else "clockwise"
    return f"turns {abs(degrees)}° {way}" if degrees else ""


def _shifted(pixels: float, forward: str, backward: str) -> str:
    count = round(abs(pixels))
    unit = "pixel" if count == 1 else "pixels"
    return f"{count} {unit} {forward if pixels > 0 else backward}" if count else ""


def _back(k: int) -> str:
    names = ("shape", "scale", "angle", "place across", "place down")
    return f"{names[k]} there and back"
