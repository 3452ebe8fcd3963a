"""Checks of what a caller gives: the value comes back, or one line says what to give."""

import numpy as np
import pytest

from disentlib import checks

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("value", [5, np.int64(5), np.uint8(5)])
def test_whole_numbers_come_back_as_int(value):
    assert type(checks.whole_number("n", value, 0, 5)) is int


@pytest.mark.parametrize(
    "value",
    [
        True,
        3.0,
        "3",
        None,
        [3],
        np.float64(3),
        np.array(3),
        np.array([3, 4]),
        -1,
        6,
        10**40,
    ],
)
def test_other_values_are_no_whole_numbers(value):
    line = r"^n=.+ must be a whole number of at least 0 and at most 5$"
    with pytest.raises(ValueError, match=line) as caught:
        checks.whole_number("n", value, 0, 5)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int8(1)])
def test_numbers_come_back_as_float(value):
    assert type(checks.number("x", value, above=0, most=1)) is float


@pytest.mark.parametrize(
    "value",
    [
        NAN,
        INF,
        -INF,
        True,
        "1",
        None,
        1j,
        [1.0],
        np.zeros(3),
        0,
        -2.5,
        1.5,
        10**400,
    ],
)
def test_other_values_are_no_numbers(value):
    with pytest.raises(
        ValueError, match=r"^x=.+ must be a finite number, above 0 and at most 1$"
    ):
        checks.number("x", value, above=0, most=1)


def test_a_number_without_bounds():
    assert checks.number("x", -7) == -7
    with pytest.raises(ValueError, match=r"^x=nan must be a finite number$"):
        checks.number("x", NAN)


@pytest.mark.parametrize("value", ["sampled ", "", None, 0, ["mean"], {"mean": 1}])
def test_words_outside_the_choices(value):
    with pytest.raises(
        ValueError, match=r"^codes=.+ is unknown; give one of sampled, mean$"
    ):
        checks.one_of("codes", value, ("sampled", "mean"))
    assert checks.one_of("codes", "mean", ("sampled", "mean")) == "mean"


@pytest.mark.parametrize("value", [1, 0, "True", None, np.zeros(2)])
def test_truth_is_true_or_false(value):
    with pytest.raises(ValueError, match=r"^flag=.+ must be True or False$"):
        checks.truth("flag", value)
    assert checks.truth("flag", np.True_) is True


def test_a_number_too_long_to_print():
    with pytest.raises(ValueError, match=r"^x=<int> must be a finite number$"):
        checks.number("x", 10**5000)


def test_a_value_is_shown_in_one_short_line():
    for value in (
        "x" * 10_000,
        np.zeros((50, 50)),
        {"a": list(range(500))},
        "two\nlines",
    ):
        assert len(checks.shown(value)) < 120 and "\n" not in checks.shown(value)
