"""What the pictures of a model show at each D, in sentences for their captions."""

from collections.abc import Mapping

from disentlib.scoring.pictures import Pictures
from disentlib.scoring.reader import moving
from disentlib.study.words import number

UNREAD = "No rows of these models were read against the sprites."


def purity_sentence(kept: Mapping[str, Pictures]) -> str:
    """How much of a row's movement belongs to one factor, at the first D and the last.

    Means over the rows that move something; `kept` has the pictures by "D = 4", ….
    """
    pure = {
        name: float(one.shares.max(axis=1)[moving(one)].mean())
        for name, one in kept.items()
        if one.shares is not None and moving(one).any()
    }
    if not pure:
        return UNREAD
    return f"Of a row's movement one factor makes {ends(pure)}."


def squares_sentence(kept: Mapping[str, Pictures]) -> str:
    """Which share of a factor's importance its largest square has, at the first D and
    the last.

    Means over the factors that have any; `kept` has the pictures by "D = 4", ….
    """
    largest = {}
    for name, one in kept.items():
        whole = one.importances.sum(axis=0)
        shares = one.importances.max(axis=0)[whole > 0] / whole[whole > 0]
        if len(shares):
            largest[name] = float(shares.mean())
    if not largest:
        return "No factor can be read from these codes."
    return f"Of a factor's importance its largest square has {ends(largest)}."


def ends(values: Mapping[str, float]) -> str:
    """The first value and the last, each with its name."""
    named = [f"{number(value, 2)} at {name}" for name, value in values.items()]
    return " and ".join(dict.fromkeys([named[0], named[-1]]))
