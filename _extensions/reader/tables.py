"""Tables that can be read aloud and scrolled."""

import re

from bs4 import BeautifulSoup, Tag

NUMBER = re.compile(
    r"[-+−–±]?[\d.,]*\d[\d.,]*(?:\s?(?:%|±\s?[\d.,]+|s|h|k))?|[–—-]|nan|"
)
# Long words of heads may part here, or a column is as wide as the longest.
PARTS = (
    "calcu-late",
    "differ-ence",
    "dimen-sions",
    "disen-tangle-ment",
    "experi-ment",
    "explicit-ness",
    "informative-ness",
    "precis-ion",
    "recon-struction",
)
PARTED = {word.replace("-", ""): word.replace("-", "\u00ad") for word in PARTS}


def part_words(head: Tag) -> None:
    """Allow the long words of a header cell to break over two lines."""
    for text in head.find_all(string=True):
        words = str(text)
        for word, parted in PARTED.items():
            words = words.replace(word, parted)
        if words != text:
            text.replace_with(words)


def head(soup: BeautifulSoup) -> None:
    """Give header cells their scope, align numbers, and let a wide table scroll."""
    for table in soup.find_all("table"):
        for cell in table.select("thead th"):
            part_words(cell)
            cell["scope"] = "colgroup" if int(cell.get("colspan", 1)) > 1 else "col"
        for cell in table.select("tbody th"):
            cell["scope"] = "rowgroup" if int(cell.get("rowspan", 1)) > 1 else "row"
        for cell in table.select("thead th"):  # the corner of a frame heads nothing
            if not cell.get_text(strip=True):
                cell.name = "td"
                del cell["scope"]
        for column in range(
            max((len(r.find_all(["td", "th"])) for r in rows(table)), default=0)
        ):
            align(table, column)
        if not table.find("caption"):
            table.insert(0, spoken_caption(soup, table))
        table.attrs.pop("border", None)
        if table.parent.get("class") != ["table-scroller"]:
            table.wrap(soup.new_tag("div", attrs={"class": "table-scroller"}))


def spoken_caption(soup: BeautifulSoup, table: Tag) -> Tag:
    """For a table without a caption of its own, the heading above it, to be heard."""
    heading = table.find_previous(["h1", "h2", "h3", "h4"])
    caption = soup.new_tag("caption", attrs={"class": "visually-hidden"})
    if heading:
        words = [text for text in heading.find_all(string=True) if text.strip("# ")]
        caption.string = "Table: " + "".join(words).strip("# ")
    return caption


def rows(table: Tag) -> list[Tag]:
    """The rows of the body in which each cell stands for itself."""
    return table.select("tbody tr")


def align(table: Tag, column: int) -> None:
    """Right-align a column, and its header, if all its cells are numbers."""
    cells = []
    for row in rows(table):
        of_row = row.find_all(["td", "th"], recursive=False)
        back = len(
            row.find_parent("table").select_one("tbody tr").find_all(["td", "th"])
        )
        place = column - (
            back - len(of_row)
        )  # a cell over several rows stands in the first
        if 0 <= place < len(of_row):
            cells.append(of_row[place])
    if not cells or not all(
        cell.name == "td" and NUMBER.fullmatch(cell.get_text(strip=True))
        for cell in cells
    ):
        return
    if not any(any(c.isdigit() for c in cell.get_text()) for cell in cells):
        return
    heads = table.select("thead tr")
    over = heads[-1].find_all(["th", "td"]) if heads else []
    for cell in [*cells, *over[column : column + 1]]:
        cell["class"] = [*cell.get("class", []), "number"]
        for text in cell.find_all(string=re.compile(r"^\s*-\d")):
            text.replace_with(text.replace("-", "−"))
