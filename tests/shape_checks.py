"""Array shapes and types in the library's signatures, checked whenever a test calls.

`pyproject.toml` hands `shapes_only` to jaxtyping's import hook. Annotations that are no
shapes are left to mypy: what a caller may get wrong is refused by the library itself,
in one line, and tests give it just that.
"""

from collections.abc import Callable
from typing import Any, get_args

from beartype import BeartypeConf, BeartypeStrategy, beartype
from jaxtyping import AbstractArray

every_item = beartype(conf=BeartypeConf(strategy=BeartypeStrategy.On))


def is_shape(annotation: Any) -> bool:
    """Whether an annotation has a jaxtyping array in it, also inside a union or tuple."""
    if isinstance(annotation, type) and issubclass(annotation, AbstractArray):
        return True
    return any(map(is_shape, get_args(annotation)))


def shapes_only(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, whose calls are checked against the shapes that it is annotated with."""
    annotations = dict(function.__annotations__)
    shapes = {name: kind for name, kind in annotations.items() if is_shape(kind)}
    if not shapes:
        return function
    function.__annotations__ = shapes
    checked = every_item(function)
    function.__annotations__ = annotations
    return checked
