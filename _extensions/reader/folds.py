"""Folds that are called after what they hide."""

import re

from bs4 import BeautifulSoup, Tag


def name(soup: BeautifulSoup) -> None:
    """Name the folds of code, and make solutions folds that need no script."""
    for fold in soup.select(".cell details"):
        summary = fold.find("summary")
        summary.attrs.pop("aria-label", None)
        summary.clear()
        summary.string = hidden(fold)
    for box in soup.select(".admonition.dropdown"):
        title = box.find(class_="admonition-title")
        box.name = "details"
        box["class"] = [c for c in box["class"] if c not in ("dropdown", "admonition")]
        box["class"].append("fold")
        summary = soup.new_tag("summary")
        summary.string = re.sub(r"\s+", " ", title.get_text()).strip()
        title.decompose()
        box.insert(0, summary)


def hidden(fold: Tag) -> str:
    """What a fold of a cell hides: "Code of Fig. 3", or what its output is."""
    cell = fold.find_parent(class_="cell")
    caption = cell.select_one(".cell_output .caption-number")
    if caption:
        return f"Code of {caption.get_text(strip=True)}"
    table = cell.select_one(".cell_output table caption:not(.visually-hidden)")
    if table:
        return f"Code of the table: {first_words(table.get_text(' ', strip=True))}"
    if cell.select_one(".cell_output table"):
        return "Code of the table below"
    first = fold.get_text().strip().split("\n")[0]
    defined = re.findall(r"^(?:def|class) (\w+)", fold.get_text(), re.MULTILINE)
    if defined:
        return "Code: " + ", ".join(defined)
    if first.startswith(("import ", "from ")):
        return "Code: what this page imports"
    return f"Code: {first.removeprefix('# ')[:60]}"


def first_words(text: str) -> str:
    """A caption's first clause."""
    return re.split(r"[.:;,(]\s", text, maxsplit=1)[0].rstrip(".")
