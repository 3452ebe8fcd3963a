"""The grid of generative factors, every combination of classes once, the last factor
fastest; and that of dSprites.
"""

from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from disentlib.checks import array_of, finite_numbers, instance, shown, whole_number
from disentlib.sprites import render


@dataclass(frozen=True)
class FactorGrid:
    """A full grid of factors, whose rows are numbered as NumPy numbers a C-ordered
    array.

    `names` and `sizes` give each factor's name and number of classes; `levels` its
    values, one for each class (the class numbers, where none are given). Any full grid
    works, not only dSprites.

    Raises `ValueError` where the lengths disagree, a size is below 1, or a name comes
    twice.

    >>> grid = FactorGrid(("shape", "scale"), (2, 3))
    >>> grid.size, grid.classes([4]).tolist(), grid.rows([[1, 1]]).tolist()
    (6, [[1, 1]], [4])
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    levels: tuple[tuple[float, ...], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        try:
            names = tuple(self.names)
        except TypeError:
            raise ValueError(f"names={shown(self.names)} must be words") from None
        for name in names:
            if not instance("name", name, str).isprintable():
                raise ValueError(f"name={shown(name)} must be printable")
        names = tuple(map(str, names))  # NumPy's words are plain ones
        sizes = tuple(array_of("sizes", self.sizes).reshape(-1).tolist())
        for size in sizes:
            whole_number("size", size, 1, 10**9)
        try:
            rows = tuple(self.levels)
        except TypeError:
            said = f"levels={shown(self.levels)} must be rows of numbers"
            raise ValueError(said) from None
        levels = tuple(
            tuple(finite_numbers("levels", level, 1).tolist()) for level in rows
        )
        levels = levels or tuple(tuple(map(float, range(size))) for size in sizes)
        if not names or len(names) != len(sizes) or len(set(names)) != len(names):
            raise ValueError(
                f"names {shown(names)} and sizes {shown(sizes)} must pair up, "
                "each name once"
            )
        if tuple(map(len, levels)) != sizes:
            raise ValueError(
                f"sizes {sizes} must match the numbers of levels "
                f"{tuple(map(len, levels))}"
            )
        for name, value in (("names", names), ("sizes", sizes), ("levels", levels)):
            object.__setattr__(self, name, value)

    @property
    def size(self) -> int:
        """Number of rows, the product of the sizes."""
        return prod(self.sizes)

    def __len__(self) -> int:
        return self.size

    def factor(self, name: str | int) -> int:
        """The column of a factor, by its name (a number is checked and returned)."""
        if isinstance(name, str) and name in self.names:
            return self.names.index(name)
        number = isinstance(name, int | np.integer) and not isinstance(name, bool)
        if number and 0 <= int(name) < len(self.names):
            return int(name)
        raise ValueError(
            f"no factor {shown(name)}; the grid has {', '.join(self.names)}"
        )

    def classes(self, rows: ArrayLike) -> NDArray[np.int64]:
        """Classes (..., K) of `rows` (...), each in 0 … size - 1."""
        rows = self.checked(rows)
        return np.stack(np.unravel_index(rows, self.sizes), axis=-1).astype(np.int64)

    def rows(self, classes: ArrayLike) -> NDArray[np.int64]:
        """Rows (...) of the classes (..., K): the inverse of `classes`."""
        classes = _whole_numbers(classes, "classes")
        if classes.ndim == 0 or classes.shape[-1] != len(self.sizes):
            raise ValueError(
                f"classes of shape {classes.shape} need {len(self.sizes)} columns"
            )
        if ((classes < 0) | (classes >= np.array(self.sizes))).any():
            bad = classes.reshape(-1, len(self.sizes))
            bad = bad[((bad < 0) | (bad >= np.array(self.sizes))).any(axis=1)][0]
            raise ValueError(
                f"classes {bad.tolist()} are outside the sizes {self.sizes}"
            )
        return np.asarray(
            np.ravel_multi_index(tuple(np.moveaxis(classes, -1, 0)), self.sizes)
        )

    def values(self, rows: ArrayLike) -> NDArray[np.float64]:
        """Factor values (..., K) of `rows` (...)."""
        classes = self.classes(rows)
        columns = [
            np.array(level)[classes[..., k]] for k, level in enumerate(self.levels)
        ]
        return np.stack(columns, axis=-1)

    def checked(self, rows: ArrayLike) -> NDArray[np.int64]:
        """`rows` as int64; `ValueError` for what is no whole number or not in the
        grid.
        """
        rows = _whole_numbers(rows, "rows")
        if rows.size and (rows.min() < 0 or rows.max() >= self.size):
            bad = rows.min() if rows.min() < 0 else rows.max()
            raise ValueError(f"row {bad} is outside the grid's 0 … {self.size - 1}")
        return rows


def _whole_numbers(values: ArrayLike, what: str) -> NDArray[np.int64]:
    array = array_of(what, values)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"{what} must be whole numbers, not {array.dtype}; convert with astype"
        )
    return array.astype(np.int64)


GRID = FactorGrid(
    names=("shape", "scale", "orientation", "position_x", "position_y"),
    sizes=render.SIZES,
    # The values of the official file: its last orientation is 2π, though it repeats the
    # first.
    levels=(
        (1, 2, 3),
        tuple(np.linspace(0.5, 1, 6)),
        tuple(np.linspace(0, 2 * np.pi, 40)),
        tuple(np.linspace(0, 1, 32)),
        tuple(np.linspace(0, 1, 32)),
    ),
)
