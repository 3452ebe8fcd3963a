"""A study: its plan, its results, and the pages that show them."""

from typing import Any

__all__ = ["Study", "load_study"]


def __getattr__(name: str) -> Any:
    # Late: who takes a style or a table from this room needs no plan, and with it all
    # rooms below.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from disentlib.study import plan

    return getattr(plan, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
