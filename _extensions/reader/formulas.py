"""Formulas in the text, with the stops that follow them."""

import re

from bs4 import BeautifulSoup, NavigableString

STOPS = re.compile(r"[.,;:?!)]+")


def keep_stops(soup: BeautifulSoup) -> None:
    """Put each formula of a line and the stops behind it where no line ends between."""
    for formula in soup.select("span.math"):
        after = formula.next_sibling
        stops = STOPS.match(after) if isinstance(after, NavigableString) else None
        if not stops:
            continue
        after.replace_with(after[stops.end() :])
        together = soup.new_tag("span", attrs={"class": "with-stops"})
        formula.wrap(together)
        together.append(stops[0])
