"""Docstrings become API pages: labels of equations and public names are links there."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from sphinx.util.typing import stringify_annotation

from disentlib import metrics, models, scoring, sprites, study, training
from disentlib.study.docstrings import linked, public_names, shown_signature

FACES = (sprites, models, training, metrics, scoring, study)
ROOMS = [face.__name__.removeprefix("disentlib.") for face in FACES]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Equation `eq-sap`.", "Equation :eq:`eq-sap`."),
        ("Keywords of `mig`.", "Keywords of :py:obj:`mig <disentlib.metrics.mig>`."),
        (
            "As `metrics.mig` and `sprites.mig`.",
            "As :py:obj:`metrics.mig <disentlib.metrics.mig>` and ``sprites.mig``.",
        ),
        ("All of `train`, by `plan`.", "All of ``train``, by ``plan``."),
        ("`codes` (n, D)", "``codes`` (n, D)"),
        ("`grid.size\n  rows`", "``grid.size rows``"),
        ("|z₁ - z₂| and p(x|z) * 2", r"\|z₁ - z₂\| and p(x\|z) \* 2"),
        ("``as it is`` and :eq:`eq-mig`", "``as it is`` and :eq:`eq-mig`"),
        ("As in\n\n>>> a * `b`\n2", "As in\n\n>>> a * `b`\n2"),
    ],
)
def test_words_between_backticks(text, shown):
    names = [
        "disentlib.metrics.mig",
        "disentlib.metrics.plan",
        "disentlib.training.train",
    ]
    assert linked(text, names, "disentlib.metrics", ["plan"]) == shown


def test_every_room_has_entries_and_none_of_its_own_names():
    names = public_names(ROOMS)
    assert {name.split(".")[1] for name in names} == set(ROOMS)
    assert not any(name.split(".")[-1].startswith("_") for name in names)


def test_array_types_have_their_names():
    sig = stringify_annotation(ArrayLike, "smart")
    array = stringify_annotation(NDArray[np.float64], "smart")
    assert (
        shown_signature(f"(codes: {sig}, n: int) -> {array}")
        == "(codes: ArrayLike, n: int) -> NDArray[~numpy.float64]"
    )
