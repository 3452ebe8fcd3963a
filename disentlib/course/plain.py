"""MyST Markdown into the plain Markdown that any notebook shows.

The pages use roles and directives that Sphinx understands and Jupyter, VS Code and
hosted notebooks do not. Here they become text: numbers for references, names for
citations, the run's values for glue.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from disentlib.paths import ROOT

OPENING = re.compile(r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ ]*(?P<title>.*)$")
ROLE = re.compile(r"\{(?P<role>[\w:]+)\}`(?P<target>[^`]+)`")
LABELLED = re.compile(r"^\$\$ \((eq-[\w-]+)\)$", re.MULTILINE)
NAMES = {
    "prf:theorem": "Theorem",
    "prf:proposition": "Proposition",
    "prf:definition": "Definition",
    "prf:proof": "Proof",
    "note": "Note",
    "hint": "Hint",
    "warning": "Warning",
}


# What has no title of its own, by directive.
UNNAMED = {f"prf:{kind}": f"the {kind}" for kind in ("theorem", "proof")}
UNNAMED |= {f"prf:{kind}": f"the {kind}" for kind in ("proposition", "definition")}


@dataclass
class Directive:
    """A fenced directive: its name, title, options, lines inside, and all of it."""

    name: str
    title: str
    options: dict[str, str]
    body: list[str]
    source: str


@dataclass
class Book:
    """What references resolve to: labels, citations, glued values, TeX macros."""

    titles: dict[str, str] = field(default_factory=dict)
    homes: dict[str, tuple[str, str]] = field(default_factory=dict)  # page and title
    numbers: dict[str, str] = field(default_factory=dict)
    authors: dict[str, str] = field(default_factory=dict)
    macros: dict[str, str] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)


def blocks(text: str) -> list[str | Directive]:
    """The text cut into plain runs of lines and directives; nested ones stay inside."""
    found: list[str | Directive] = []
    lines, run, k = text.split("\n"), [], 0
    while k < len(lines):
        opening = OPENING.match(lines[k])
        if opening is None:
            run.append(lines[k])
            k += 1
            continue
        end = next(
            (j for j in range(k + 1, len(lines)) if lines[j] == opening["fence"]),
            len(lines),
        )
        if run:
            found.append("\n".join(run))
            run = []
        found.append(_directive(opening, lines[k : end + 1]))
        k = end + 1
    if run:
        found.append("\n".join(run))
    return found


def _directive(opening: re.Match[str], lines: list[str]) -> Directive:
    options, inside = {}, [line for line in lines[1:] if line != opening["fence"]]
    while inside and (option := re.match(r"^:([\w-]+):[ ]?(.*)$", inside[0])):
        options[option[1]] = option[2]
        inside = inside[1:]
    source = "\n".join(lines)
    return Directive(opening["name"], opening["title"].strip(), options, inside, source)


def plain(text: str, book: Book, page: Path) -> str:
    """The Markdown `text` of `page` without roles, directives, labels and macros."""
    parts = []
    for block in blocks(text):
        if isinstance(block, str):
            parts.append(_inline(block, book, page))
        else:
            parts.append(_render(block, book, page))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).strip()


def _render(block: Directive, book: Book, page: Path) -> str:
    """A directive as plain Markdown."""
    if block.name == "literalinclude":
        return code_of(page.parent / block.title, block.options.get("pyobject"))
    if block.name == "glue:md":
        return str(book.values.get(block.title, ""))
    if block.name == "raw":
        return _on_paper("\n".join(block.body))
    if block.name in ("code-cell", "bibliography", "nb-exec-table"):
        return ""
    inside = plain("\n".join(block.body), book, page)
    if block.name == "hint":
        return f"<details><summary>Hint</summary>\n\n{inside}\n\n</details>"
    name = NAMES.get(block.name, "")
    title = _inline(block.title, book, page)
    head = f"{name} ({title})" if name and title else name or title
    quoted = f"**{head}.**\n\n{inside}" if head else inside
    return "\n" + "\n".join(f"> {line}".rstrip() for line in quoted.split("\n")) + "\n"


def _on_paper(code: str) -> str:
    """What stands for a piece of HTML that moves: its own words for those without."""
    words = re.search(r"<p>(.*?)</p>", code, re.DOTALL)
    return f"> **To move by hand, in the book.** {words[1]}" if words else ""


def _inline(text: str, book: Book, page: Path) -> str:
    """Plain lines: labels and comments away, roles, equation tags and macros done."""
    text = re.sub(r"^\([\w-]+\)=$\n?", "", text, flags=re.MULTILINE)
    text = re.sub(r"^%.*$\n?", "", text, flags=re.MULTILINE)
    text = ROLE.sub(lambda m: _role(m["role"], m["target"], book, page), text)

    def tag(match: re.Match[str]) -> str:
        return f"\\tag{{{book.numbers.get(match[1], '?')}}}\n$$"

    text = LABELLED.sub(tag, text)
    for macro, meaning in book.macros.items():
        literal = meaning.replace("\\", "\\\\")
        text = re.sub(rf"\\{macro}(?![A-Za-z])", literal, text)
    return text


def _role(role: str, target: str, book: Book, page: Path) -> str:
    """The text that a role stands for; what another page numbers or leaves without a
    name is told with that page's title.
    """
    words = re.match(r"^(.*?)\s*<([^>]+)>$", target, re.DOTALL)
    shown, label = (words[1], words[2]) if words else (None, target)
    if role == "glue:text":
        key, _, form = label.partition(":")
        return _formatted(book.values.get(key), form)
    if role == "glue:md":
        return str(book.values.get(label, "…"))
    if role in ("cite:t", "cite:p", "cite"):
        names = "; ".join(
            book.authors.get(key.strip(), key) for key in label.split(",")
        )
        return names if role == "cite:t" else f"({names})"
    home, chapter = book.homes.get(label, (page.stem, ""))
    of = "" if home == page.stem else f" of *{chapter}*"
    if role == "eq":
        return f"({book.numbers.get(label, label)}){of}"
    if role == "numref":
        return f"Figure {book.numbers.get(label, label)}{of}"
    if role == "term":
        return shown or label
    name = book.titles.get(label, label)
    bare = name in UNNAMED.values() or label.startswith("ex-")
    return shown or (f"{name}{of}" if bare else f"*{name}*")


def _formatted(value: object, form: str) -> str:
    """A glued value as the page's format shows it."""
    if value is None:
        return "…"
    try:
        return format(value, form)
    except (TypeError, ValueError):
        return str(value)


def code_of(path: Path, name: str | None) -> str:
    """A fenced block with the source of the object `name` of a file, or all of it."""
    source = path.read_text(encoding="utf-8")
    if name:
        for node in ast.parse(source).body:
            if getattr(node, "name", None) == name:
                source = ast.get_source_segment(source, node) or source
    return f"```python\n{source.rstrip()}\n```"


def macros_of() -> dict[str, str]:
    """The TeX macros of `_config.yml`, by name."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return config["sphinx"]["config"]["mathjax3_config"]["tex"]["macros"]


def authors_of(bib: Path) -> dict[str, str]:
    """Authors and year of every entry of a BibTeX file, as "Higgins et al., 2017"."""
    found = {}
    for entry in re.split(r"^@", bib.read_text(encoding="utf-8"), flags=re.MULTILINE)[
        1:
    ]:
        key = re.match(r"\w+\{([^,]+),", entry)
        names = re.search(r"author\s*=\s*[{\"](.+?)[}\"],?\s*$", entry, re.MULTILINE)
        year = re.search(r"year\s*=\s*[{\"]?(\d{4})", entry)
        if key is None:
            continue
        people = re.split(r"\s+and\s+", names[1].strip("{}")) if names else [key[1]]
        last = [person.split(",")[0].strip("{} ") for person in people]
        who = last[0] if len(last) == 1 else " and ".join(last)
        who = f"{last[0]} et al." if len(last) > 2 else who
        found[key[1]] = f"{who}, {year[1]}" if year else who
    return found
