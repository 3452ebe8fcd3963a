"""The glossary, and links to it at first use."""

import re
from types import SimpleNamespace

import pytest
from docutils.core import publish_doctree
from sphinx import addnodes

from disentlib.course.terms import (
    TERMS,
    FirstUse,
    pattern_of,
    split,
    terms_of,
    used_in,
)
from disentlib.paths import ROOT

SOURCE = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")


def linked(text, seen=None):
    forms = terms_of(
        "nat\n  A unit.\n\nscore\n  A number.\n\nβ-VAE score\n  One.\n\nentropy\n  H.\n"
    )
    pieces = split(
        text, forms, pattern_of(forms), set() if seen is None else seen, "page"
    )
    return [piece["reftarget"] for piece in pieces if piece.tagname == "pending_xref"]


def test_forty_terms_in_order_with_a_meaning_each():
    terms = list(dict.fromkeys(terms_of(SOURCE).values()))
    assert len(terms) >= 40
    folded = [term.lower().replace("β", "zβ") for term in terms]
    assert folded == sorted(folded)
    assert len(re.findall(r"^  \S", SOURCE, re.MULTILINE)) == len(terms)


def test_the_first_use_is_linked_and_no_other():
    seen = set()
    assert linked("A nat is a nat, and Nats add.", seen) == ["nat"]
    assert linked("Another nat.", seen) == []


def test_the_longest_term_wins_and_parts_of_words_are_left():
    assert linked("The β-VAE score is no score.") == ["β-VAE score", "score"]
    assert linked("Natural scoreboards alternate.") == []


def test_plurals_and_line_breaks():
    assert linked("Entropies and the β-VAE\nscores.") == ["entropy", "β-VAE score"]


def test_the_plural_of_what_is_in_use_is_that_of_its_first_noun():
    assert terms_of("dimension in use\n  One.\n").keys() == {
        "dimension in use",
        "dimensions in use",
    }


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("It exits with code 143, in VS Code; a code of two.", ["code"]),
        ("Off by a factor of two, or by a\nfactor that nobody knows.", []),
        ("A factor of variation.", ["factor"]),
        ("We look for evidence; the evidence of a model.", ["evidence"]),
        ("The mutual information gap, and orientation’s gap.", []),
        ("The gap is 1 for each, the gap is zero.", ["gap"]),
    ],
)
def test_a_word_in_another_sense_is_not_linked(text, terms):
    forms = terms_of(SOURCE)
    pieces = split(text, forms, pattern_of(forms), set(), "page")
    links = [piece for piece in pieces if piece.tagname == "pending_xref"]
    assert [link["reftarget"] for link in links] == terms
    assert "".join(piece.astext() for piece in pieces) == text
    assert used_in(text, SOURCE) == set(terms)


def test_a_term_that_is_a_text_by_itself_is_linked(monkeypatch):
    """As one in bold is; a text without a term stays as it is."""
    document = publish_doctree("A **nat** says, and a nat.")
    app = SimpleNamespace(srcdir="here")
    document.settings.env = SimpleNamespace(app=app, docname="page")
    monkeypatch.setitem(TERMS, "here", terms_of("nat\n  A unit.\n"))
    FirstUse(document).run()
    (link,) = document.findall(addnodes.pending_xref)
    assert link.parent.tagname == "strong"
    assert document.astext() == "A nat says, and a nat."


def test_text_around_a_link_stays():
    forms = terms_of("nat\n  A unit.\n")
    pieces = split("In nats, of course.", forms, pattern_of(forms), set(), "page")
    assert "".join(piece.astext() for piece in pieces) == "In nats, of course."


def test_terms_of_a_page_are_those_of_its_prose():
    glossary = "nat\n  A unit.\n\nscore\n  A number.\n\nentropy\n  H.\n"
    page = "---\na: nat\n---\n# Entropy\n\nTwo `entropy` scores, $nat$.\n\n```{code-cell}\nnat\n```\n"
    assert used_in(page, glossary) == {"score"}
    page += "\n```{exercise} recall\n:label: ex-a\n\nHow many nats, by `x`?\n```\n"
    assert used_in(page, glossary) == {"score", "nat"}
