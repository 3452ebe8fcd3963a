"""Numbers and lists in words, as the pages print them."""

from collections.abc import Sequence

import numpy as np

from disentlib.scoring.run import EXCESS
from disentlib.study.figures import TITLES
from disentlib.study.measures import ROTATED
from disentlib.study.pooled import Estimate

NATS = ("held_out_reconstruction", "held_out_kl", "dimensions_in_use")
SHORT = {
    "held_out_reconstruction": "reconstruction error",
    "dimensions_in_use": "dimensions in use",
}


def title(name: str) -> str:
    """A measure's or a model's name on a page."""
    for suffix, words in ((EXCESS, " over its rotations"), (ROTATED, " of rotations")):
        if name.endswith(suffix):
            return title(name.removesuffix(suffix)) + words
    return SHORT.get(name) or TITLES.get(name) or name.replace("_", " ")


def by_chance(count: int) -> str:
    """How many of as many 95 % intervals leave out zero where nothing differs."""
    many = f"{number(0.05 * count, 1)} of {count}"
    return f"Where nothing differs, {many} would leave out zero."


def p_value(p: float) -> str:
    """A p-value as it is printed: three decimals, or the fact that it is below them."""
    return "below 0.001" if p < 0.001 else number(p)


def p_told(p: float) -> str:
    """The same within a sentence: "p = 0.012"."""
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"


def listed(values: Sequence[object]) -> str:
    """A, B and C."""
    words = [str(value) for value in values]
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def counted(count: int, noun: str) -> str:
    """1 run, 2 runs."""
    return f"{count:,d} {noun if count == 1 else noun + 's'}"


def all_counted(counts: Sequence[int], noun: str) -> str:
    """3 runs where all counts are alike, else 3 and 2 runs."""
    if len(set(counts)) == 1:
        return counted(counts[0], noun)
    return f"{listed(counts)} {noun}s"


def number(value: float, digits: int = 3, signed: bool = False) -> str:
    """A number with a true minus sign, or a dash where there is none."""
    if np.isnan(value):
        return "–"
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    if float(text) == 0:  # no sign of a zero
        text = text.lstrip("+-")
    return text.replace("-", "−")


def estimated(estimate: Estimate, digits: int = 3) -> str:
    """A number with its interval: "−0.10 [−0.12, −0.07]"."""
    size = number(estimate.value, digits, signed=True)
    return f"{size} {interval(estimate.low, estimate.high, digits)}"


def interval(low: float, high: float, digits: int = 3) -> str:
    """[low, high], or words where there is none."""
    if np.isnan(low) or np.isnan(high):
        return "(no interval)"
    return f"[{number(low, digits)}, {number(high, digits)}]"


def digits_of(measure: str) -> int:
    """Decimals that a measure is printed with: one for nats and counts."""
    return 1 if measure in NATS else 3
