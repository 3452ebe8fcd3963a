"""Numbers and lists in words, as the pages print them."""

from collections.abc import Sequence

import numpy as np


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


def interval(low: float, high: float, digits: int = 3) -> str:
    """[low, high], or words where there is none."""
    if np.isnan(low) or np.isnan(high):
        return "(no interval)"
    return f"[{number(low, digits)}, {number(high, digits)}]"
