"""Numbers in the text, set as numbers."""

import re

from bs4 import BeautifulSoup

POWER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)e([+-]?)0*(\d+)\b")
VERBATIM = ("pre", "code", "script", "style")
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def typeset(soup: BeautifulSoup) -> None:
    """Powers of ten of all text but code, and minus signs of the numbers that a run has
    put into it.
    """
    for text in soup.find_all(string=POWER):
        if not text.find_parent(VERBATIM) and not text.find_parent(class_="math"):
            text.replace_with(POWER.sub(_power, text))
    for pasted in soup.select(".pasted-text"):
        for text in pasted.find_all(string=True):
            text.replace_with(number(text))


def number(text: str) -> str:
    """`7e-15` as 7 × 10⁻¹⁵ and `-0.1` as −0.1; other text is left alone.

    >>> number("4e+19, -0.10")
    '4\xa0×\xa010¹⁹, −0.10'
    """
    text = POWER.sub(_power, text)
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)


def _power(match: re.Match) -> str:
    """A factor and a power of ten that stay in one line."""
    factor, sign, exponent = match.groups()
    times = "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10"
    return factor + times + (sign.strip("+") + exponent).translate(RAISED)
