"""Checks of answers: right ones pass, slips are named, nothing is given away."""

import math

import pytest

from disentlib.course.answers import NotYet, check, digest, holds, quiz


def said(*arguments, **settings):
    """What `check` says of a wrong answer."""
    with pytest.raises(NotYet) as caught:
        check(*arguments, **settings)
    return str(caught.value)


def test_a_right_number_passes_whatever_its_last_digit(capsys):
    code = digest("nats", 2.345, 2)
    for value in (2.34, 2.345, 2.35, "2.34"):
        check("nats", value, code, digits=2)
    assert capsys.readouterr().out.count("right") == 4


def test_whole_numbers_have_no_neighbours():
    check("count", 3.0, digest("count", 3, 0), digits=0)
    for wrong in (2, 4):
        assert "nearest whole number" in said(
            "count", wrong, digest("count", 3, 0), digits=0
        )
    for near in (9, 10, 11):
        check("about", near, digest("about", 10, -1), digits=-1)


@pytest.mark.parametrize(
    "wrong, slip",
    [
        (2.34 / math.log(2), "in bits"),
        (2.34 * math.log(2), "in nats"),
        (2.34 * math.log(2) ** 2, "should divide"),
        (2.34 / math.log(2) ** 2, "should multiply"),
        (-2.34, "sign"),
        (4.68, "twice"),
        (1.17, "half"),
        (23.4, "ten times"),
        (0.234, "a tenth"),
        (234, "per cent"),
        (1 - 2.34, "one minus"),
        (1 / 2.34, "inverse"),
        (2.34**2, "square of"),
        (math.sqrt(2.34), "square root"),
        (2.34 * 4096, "4096"),
        (2.34 / 4096, "4096"),
    ],
)
def test_common_slips_are_named(wrong, slip):
    assert slip in said("nats", wrong, digest("nats", 2.34, 2), digits=2)


@pytest.mark.parametrize("wrong", [2.3, 9.0, 1e300, 0.0, -0.7])
def test_another_number_is_not_right_and_stays_unnamed(wrong):
    words = said("nats", wrong, digest("nats", 2.34, 2), digits=2)
    assert words == f"nats = {wrong:g} is not right to 2 decimals"
    assert "2.34" not in words


@pytest.mark.parametrize(
    "wrong, words",
    [
        (..., "blank"),
        ("many", "one number"),
        (math.nan, "finite"),
        (math.inf, "finite"),
    ],
)
def test_what_is_no_number_is_told_apart(wrong, words):
    assert words in said("nats", wrong, digest("nats", 2.34, 2), digits=2)


def test_words_count_without_case_and_spaces():
    for given in ("A c E", "a, c, e", "(a) (c) (e)", ["a", "c", "e"]):
        check("finite", given, digest("finite", "ace"))
    assert "in order" in said("finite", "eca", digest("finite", "ace"))
    assert "in order" not in said("finite", "ea", digest("finite", "ace"))
    assert "not right" in said("finite", "ac", digest("finite", "ace"))
    assert "blank" in said("finite", ..., digest("finite", "ace"))


def test_of_two_slips_the_one_that_fits_to_the_digit_is_told():
    code = digest("bias", 0.038, 3)
    assert said("bias", 0.076, code, 3).endswith("twice too large")
    assert said("bias", 0.0548, code, 3).endswith("counts in nats")


def test_letters_that_are_right_but_for_one_are_told_so():
    code = digest("finite", "ace")
    assert said("finite", "a, c", code).endswith("letter is missing")
    assert said("finite", "abce", code).endswith("letter too many")
    for far in ("a", "abc", "abcde"):
        assert said("finite", far, code).endswith("is not right")


def test_an_answer_of_one_question_is_none_of_another():
    assert digest("a", 2.34, 2) != digest("b", 2.34, 2) != digest("b", 2.34, 1)


def test_a_property_is_tested(capsys):
    holds("f", abs, lambda f: f(-2) == 2, "it should give 2 for -2")
    assert "f: right" in capsys.readouterr().out
    with pytest.raises(NotYet, match="it should give 2"):
        holds("f", float, lambda f: f(-2) == 2, "it should give 2 for -2")
    with pytest.raises(NotYet, match="blank"):
        holds("f", ..., lambda f: True, "")


def test_a_quiz_says_how_many_and_which():
    codes = " ".join(digest(f"q-{k}", letter) for k, letter in enumerate("abc", 1))
    for given in ("abc", "a b C", "a, b, c", ["a", "b", "c"]):
        quiz("q", given, codes)
    with pytest.raises(NotYet, match="2 of 3 right; look at question 2"):
        quiz("q", "adc", codes)
    with pytest.raises(NotYet, match="2 letters given, it has 3"):
        quiz("q", "ab", codes)
    with pytest.raises(NotYet, match="blank"):
        quiz("q", ..., codes)


def test_in_a_notebook_a_wrong_answer_is_one_line():
    try:
        check("nats", 1.0, digest("nats", 2.34, 2), digits=2)
    except NotYet as error:
        assert error._render_traceback_() == [f"Not yet: {error}"]
