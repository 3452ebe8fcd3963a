"""Checks of values that a caller gives.

Each returns the value, or says in one line what is wrong with it and what to give.
"""

import math
import reprlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind")
LONGEST = 80  # characters of a value in a message


def shown(value: Any) -> str:
    """`value` as a message has it: one line, cut off in the middle where it is long.

    >>> shown("a name")
    "'a name'"
    >>> shown(list(range(1000)))
    '[0, 1, 2, 3, 4, 5, ...]'
    """
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = LONGEST
    try:
        return " ".join(short.repr(value).split())
    except ValueError:  # an int of more digits than Python prints
        return f"<{type(value).__name__}>"


def whole_number(name: str, value: Any, least: int = 0, most: int | None = None) -> int:
    """`value` as an int; `ValueError` for what is no whole number in `least` … `most`.

    NumPy's integers are whole numbers, truth values and 3.0 are not.

    >>> whole_number("seed", 3)
    3
    >>> whole_number("bins", 1, least=2)
    Traceback (most recent call last):
    ValueError: bins=1 must be a whole number of at least 2
    """
    right = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not right or value < least or (most is not None and value > most):
        bounds = f"at least {least}" + ("" if most is None else f" and at most {most}")
        raise ValueError(f"{name}={shown(value)} must be a whole number of {bounds}")
    return int(value)


def number(
    name: str,
    value: Any,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """`value` as a finite float; `ValueError` for any other and outside the bounds.

    `least` and `most` belong to the range, `above` and `below` do not.

    >>> number("level", 0.95, above=0, below=1)
    0.95
    >>> number("threshold", float("nan"), least=0)
    Traceback (most recent call last):
    ValueError: threshold=nan must be a finite number, at least 0
    """
    real = isinstance(value, int | float | np.integer | np.floating)
    try:
        x = float(value) if real and not isinstance(value, bool) else math.nan
    except OverflowError:  # an int beyond the floats
        x = math.inf
    right = (
        math.isfinite(x)
        and (least is None or x >= least)
        and (most is None or x <= most)
        and (above is None or x > above)
        and (below is None or x < below)
    )
    if not right:
        bounds = {"at least": least, "above": above, "at most": most, "below": below}
        said = [
            f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None
        ]
        range_ = f", {' and '.join(said)}" if said else ""
        raise ValueError(f"{name}={shown(value)} must be a finite number{range_}")
    return x


def one_of(name: str, value: Any, choices: Collection[str]) -> str:
    """`value` if it is one of the words `choices`, else `ValueError` with all of them.

    >>> one_of("codes", "both", ("sampled", "mean"))
    Traceback (most recent call last):
    ValueError: codes='both' is unknown; give one of sampled, mean
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"{name}={shown(value)} is unknown; give one of {', '.join(choices)}"
        )
    return value


def truth(name: str, value: Any) -> bool:
    """`value` as a bool; `ValueError` for what is neither True nor False.

    >>> truth("conventions", "no")
    Traceback (most recent call last):
    ValueError: conventions='no' must be True or False
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}={shown(value)} must be True or False")
    return bool(value)


def instance(name: str, value: Any, kind: type[Kind]) -> Kind:
    """`value` if it is a `kind`, else `ValueError` that names the kind.

    >>> instance("grid", [3, 4], dict)
    Traceback (most recent call last):
    ValueError: grid=[3, 4] must be a dict
    """
    if not isinstance(value, kind):
        raise ValueError(f"{name}={shown(value)} must be a {kind.__name__}")
    return value


def checked_type(name: str, value: Any, kind: Any) -> Any:
    """`value` as a `kind`; whole numbers pass as floats and lists as tuples, nothing
    else does.
    """
    if kind == tuple[int, ...]:
        if isinstance(value, list | tuple) and all(type(item) is int for item in value):
            return tuple(sorted(value))
        raise TypeError(f"{name} {shown(value)} must be a list of whole numbers")
    if kind is float and type(value) is int and abs(value) < 2**1000:
        return float(value)
    if type(value) is not kind:
        remedy = _with_a_point(value) if kind is float and type(value) is str else ""
        raise TypeError(
            f"{name} {shown(value)} must be of type {kind.__name__}{remedy}"
        )
    return value


def _with_a_point(text: str) -> str:
    """What to write for a number that YAML reads as text; empty where there is none."""
    try:
        x = float(text)
    except ValueError:
        return ""
    if not math.isfinite(x):
        return ""
    if "e" in text.lower() + str(x):
        written = np.format_float_scientific(x, trim="0", exp_digits=1)
    else:
        written = str(x)
    return f"; write it with a point, as in {written}, and without quotes"


def checked_path(name: str, value: Any) -> Path:
    """`value` as a path; `ValueError` for what is none, empty, or not printable.

    >>> checked_path("folder", 3)
    Traceback (most recent call last):
    ValueError: folder=3 must be a path
    """
    if not isinstance(value, str | Path) or not value or not str(value).isprintable():
        raise ValueError(f"{name}={shown(value)} must be a path")
    return Path(value)


def array_of(name: str, value: Any) -> NDArray[Any]:
    """`value` as NumPy reads it; `ValueError` for lists that make no array.

    >>> array_of("codes", [[1, 2], [3]])
    Traceback (most recent call last):
    ValueError: codes=[[1, 2], [3]] is no array; give rows of equal length
    """
    try:
        return np.asarray(value)
    except ValueError as error:
        line = f"{name}={shown(value)} is no array; give rows of equal length"
        raise ValueError(line) from error
    except (TypeError, RuntimeError) as error:  # tensors of some kinds
        line = f"{name}={shown(value)} is no array"
        what = "give NumPy's, of a tensor .detach().float().cpu().numpy()"
        raise ValueError(f"{line}; {what}") from error


def finite_numbers(name: str, value: Any, axes: int) -> NDArray[np.float64]:
    """`value` as float64 with so many axes, none empty; `ValueError` for what is no
    real number or not finite.

    >>> finite_numbers("values", [1, None], 1)
    Traceback (most recent call last):
    ValueError: values=[1, None] must be finite numbers with 1 axis, at least one
    """
    array = array_of(name, value)
    right = array.dtype.kind in "fiub" and array.ndim == axes and 0 not in array.shape
    if not right or np.ma.is_masked(value) or not np.isfinite(array).all():
        of = f"{axes} axis" if axes == 1 else f"{axes} axes"
        raise ValueError(
            f"{name}={shown(value)} must be finite numbers with {of}, at least one"
        )
    return array.astype(np.float64)
