"""Numbers in the text, set as numbers."""

import re

from bs4 import BeautifulSoup

POWER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)e([+-]?)0*(\d+)\b")
# A space at which no line may end: in an interval, in D = 15, before % and nats.
TIED = re.compile(
    r"(?<=\d,) (?=[−-]?[\d.]+\])|(?<=\b\w) (?== [−-]?\d)|(?<=\b\w =) (?=[−-]?\d)"
    r"|(?<=\d) (?=%|nats?\b)"
)
CELLS = 6  # of a row that has the room: of more, the last would be out of sight
VERBATIM = ("pre", "code", "script", "style")
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def typeset(soup: BeautifulSoup) -> None:
    """Powers of ten and what stays in one line, of all text but code; and minus signs
    of the numbers that a run has put into it.
    """
    for pattern, set_as in ((POWER, _power), (TIED, "\N{NO-BREAK SPACE}")):
        for text in soup.find_all(string=pattern):
            if text.find_parent(VERBATIM) or text.find_parent(class_="math"):
                continue
            row = text.find_parent("tr")
            if pattern is POWER or row is None or len(row.find_all("td")) <= CELLS:
                text.replace_with(pattern.sub(set_as, text))
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
