"""A Sphinx extension: the first use of a glossary's term on a page links to it.

Terms are written once, in the glossary, and not marked on the pages: a term that is
added there is linked everywhere.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

GLOSSARY = "book/glossary"
TERMS: dict[object, dict[str, str]] = {}  # by the book's folder
# Phrases in which a term's word is not the term, as patterns.
NOT_THE_TERM = (
    r"VS code",
    r"(exits with|short on|needs no) code",
    r"code that suits",
    r"by a factor",
    r"factor of two",
    r"nat is a factor",
    r"Cholesky factor",
    r"(with the|for) evidence",
    r"mutual information gap",
    r"orientation.s gap",
    r"gaps? (is 1|are|can also|of the first|of a few)",
)
# Places whose words are not prose, or link already.
NOT_PROSE = (
    nodes.title,
    nodes.caption,
    nodes.literal,
    nodes.literal_block,
    nodes.doctest_block,
    nodes.comment,
    nodes.raw,
    addnodes.desc_signature,
    nodes.math,
    nodes.math_block,
    nodes.reference,
    nodes.thead,
    addnodes.pending_xref,
)


def terms_of(glossary: str) -> dict[str, str]:
    """Every form in which a term of the glossary's source is written, to the term.

    A term stands on a line of its own, its meaning below it, indented. "Term; form"
    cannot be said there, so the plural is made here: an s, or ies for y, of what stands
    before "in".
    """
    found: dict[str, str] = {}
    for term in re.findall(r"^(\S.*)$\n^  \S", glossary, re.MULTILINE):
        head, *rest = term.partition(" in ")
        head = head[:-1] + "ies" if head.endswith("y") else head + "s"
        found |= {term.lower(): term, "".join((head, *rest)).lower(): term}
    return found


def pattern_of(forms: dict[str, str]) -> re.Pattern[str]:
    """Finds any form as a whole word, the longest first, and what is not the term.

    What is found is a form only if `term_in` says so.
    """
    longest = sorted(forms, key=len, reverse=True)
    words = [re.escape(form).replace(r"\ ", r"\s+") for form in longest]
    others = [
        phrase.replace("(", "(?:").replace(" ", r"\s+") for phrase in NOT_THE_TERM
    ]
    either = "|".join([*others, *words])
    return re.compile(rf"(?<![\w-])({either})(?![\w-])", re.IGNORECASE)


def term_in(found: str, forms: dict[str, str]) -> str | None:
    """The term of which a find is a form, or None for one of `NOT_THE_TERM`."""
    return forms.get(" ".join(found.lower().split()))


def used_in(source: str, glossary: str) -> set[str]:
    """The terms of the glossary's source that the prose of a page's source uses."""
    forms = terms_of(glossary)
    # What a directive holds is prose, its fences are not.
    fences = r"^ *(?:`{3,}|:{3,}).*?$"
    code = r"^```\{code-cell\}.*?^```$"
    for left_out in (r"\A---.*?^---$", code, r"^\$\$.*?^\$\$", fences):
        source = re.sub(left_out, "", source, flags=re.MULTILINE | re.DOTALL)
    source = re.sub(
        r"\$[^$]*\$|\{[\w:]+\}`[^`]*`|`[^`]*`|^#.*$|^[%:].*$", "", source, flags=re.M
    )
    found = (term_in(word, forms) for word in pattern_of(forms).findall(source))
    return {term for term in found if term is not None}


class FirstUse(SphinxPostTransform):
    """Makes links of first uses, before references are resolved."""

    default_priority = 5

    def run(self, **kwargs: object) -> None:
        """Work through the page's text in order."""
        forms = TERMS.get(self.app.srcdir, {})
        if self.env.docname == GLOSSARY or not forms:
            return
        pattern = pattern_of(forms)
        linked: set[str] = set()
        for text in list(self.document.findall(nodes.Text)):
            if any(isinstance(parent, NOT_PROSE) for parent in ancestors(text)):
                continue
            pieces = split(str(text), forms, pattern, linked, self.env.docname)
            if any(not isinstance(piece, nodes.Text) for piece in pieces):
                text.parent.replace(text, pieces)


def ancestors(node: nodes.Node) -> Iterator[nodes.Node]:
    """The nodes around a node, from the nearest."""
    while node.parent is not None:
        node = node.parent
        yield node


def split(
    text: str,
    forms: dict[str, str],
    pattern: re.Pattern[str],
    linked: set[str],
    page: str,
) -> list[nodes.Node]:
    """The text cut at terms that `linked` does not hold yet; these become links."""
    pieces: list[nodes.Node] = []
    done = 0
    for match in pattern.finditer(text):
        term = term_in(match[1], forms)
        if term is None or term in linked:
            continue
        linked.add(term)
        if match.start() > done:
            pieces.append(nodes.Text(text[done : match.start()]))
        link = addnodes.pending_xref(
            "",
            nodes.inline("", match[1], classes=["xref", "std", "std-term"]),
            refdomain="std",
            reftype="term",
            refdoc=page,
            reftarget=term,
            refwarn=True,
        )
        pieces.append(link)
        done = match.end()
    return [*pieces, nodes.Text(text[done:])] if done < len(text) else pieces


def read_terms(app: Sphinx) -> None:
    """Read the glossary, where the book has one."""
    path = Path(app.srcdir) / f"{GLOSSARY}.md"
    if path.exists():
        TERMS[app.srcdir] = terms_of(path.read_text(encoding="utf-8"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("builder-inited", read_terms)
    app.add_post_transform(FirstUse)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
