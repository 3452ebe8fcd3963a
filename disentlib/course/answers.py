"""Checks of a student's answers that say what is wrong and do not give them away.

A page holds the digest of an answer, not the answer. `python -m
disentlib.course.answers NAME VALUE [DIGITS]` prints the digest to write.
"""

import hashlib
import math
import re
import sys
from collections.abc import Callable
from string import ascii_lowercase
from typing import Any

from disentlib.checks import instance, shown, whole_number

# What goes wrong most often, as the right answer made from the given one.
SLIPS: list[tuple[Callable[[float], float], str]] = [
    (lambda v: v * math.log(2), "it is right in bits; this book counts in nats"),
    (lambda v: v / math.log(2), "it is right in nats; the question asks for bits"),
    (lambda v: v / math.log(2) ** 2, "log 2 multiplies where it should divide"),
    (lambda v: v * math.log(2) ** 2, "log 2 divides where it should multiply"),
    (lambda v: -v, "the sign is turned"),
    (lambda v: v / 2, "it is twice too large"),
    (lambda v: v * 2, "it is half of what it should be"),
    (lambda v: v / 10, "it is ten times too large"),
    (lambda v: v * 10, "it is a tenth of what it should be"),
    (lambda v: v / 100, "it is in per cent; give a share"),
    (lambda v: 1 - v, "it is one minus the answer"),
    (lambda v: 1 / v if v else math.nan, "it is the inverse of the answer"),
    (lambda v: math.sqrt(v) if v >= 0 else math.nan, "it is the square of the answer"),
    (lambda v: v * v, "it is the square root of the answer"),
    (lambda v: v / 4096, "one of the two is a mean over the 4096 pixels, not a sum"),
    (lambda v: v * 4096, "one of the two is a mean over the 4096 pixels, not a sum"),
]


class NotYet(AssertionError):
    """An answer is missing or not right."""

    def _render_traceback_(self) -> list[str]:
        """One line in a notebook, where a traceback would only hide it."""
        return [f"Not yet: {self}"]


def digest(name: str, answer: Any, digits: int | None = None) -> str:
    """Six characters that stand for the answer `answer` to `name`.

    A number is first rounded to `digits` decimals; without `digits` the answer counts
    as it is written, text in lower case and without spaces.

    >>> digest("letters", "A C") == digest("letters", "ac")
    True
    """
    if digits is not None:
        whole_number("digits", digits, -15, 15)
        try:
            text = str(round(float(answer) * 10**digits))
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"answer={shown(answer)} must be one number") from None
    else:
        text = "".join(str(answer).lower().split())
    return hashlib.sha256(f"{name}|{digits}|{text}".encode()).hexdigest()[:6]


def _check_name(name: Any) -> None:
    if not instance("name", name, str).isprintable():
        raise ValueError(f"name={shown(name)} must be one line")


def _letters_of(given: Any) -> str:
    """The letters of an answer, however it is written: "A, C", "(a) (c)", ["a", "c"].

    Of words between them, as in "a and c", nothing is taken away.
    """
    many = isinstance(given, list | tuple)
    text = "".join(map(str, given)) if many else str(given)
    return "".join(re.findall(r"[a-z]", text.lower()))


def _near(name: str, spelt: str, code: str) -> str:
    """What is wrong with letters in order, if it is one of them; never which."""
    less = [spelt[:k] + spelt[k + 1 :] for k in range(len(spelt))]
    more = ["".join(sorted(spelt + letter)) for letter in ascii_lowercase]
    if code in [digest(name, letters) for letters in less]:
        return "is not right: one letter too many"
    if code in [digest(name, letters) for letters in more]:
        return "is not right: one letter is missing"
    return "is not right"


def hits(name: str, value: float, code: str, digits: int, spare: int = 1) -> bool:
    """Whether `value` is the answer, to `spare` and a half of the last digit.

    A whole number has no digit to spare.
    """
    if not math.isfinite(value) or abs(value) > 1e15:
        return False
    unit = 10.0**-digits
    if digits == 0 and abs(value - round(value)) > 0.01:
        return False
    near = range(-spare, spare + 1) if digits > 0 else (0,)
    return any(digest(name, value + k * unit, digits) == code for k in near)


def check(name: str, given: Any, code: str, digits: int | None = None) -> None:
    """Print that `given` is the answer to `name`, or raise `NotYet` in one line.

    `code` is the answer's digest, `digits` the decimals to which a number counts. The
    line says what kind of slip it is, where it is a common one.
    """
    _check_name(name)
    instance("code", code, str)
    if given is ...:
        raise NotYet(f"{name} is still blank; fill in the cell above and run it")
    if digits is None:
        spelt = _letters_of(given)
        if code not in (digest(name, given), digest(name, spelt)):
            if digest(name, "".join(sorted(spelt))) == code:
                raise NotYet(f"{name} = {shown(given)}: give the letters in order")
            raise NotYet(f"{name} = {shown(given)} {_near(name, spelt, code)}")
        print(f"{name} = {given}: right.")
        return
    whole_number("digits", digits, -15, 15)
    try:
        value = float(given)
    except (TypeError, ValueError, OverflowError):
        raise NotYet(f"{name} = {shown(given)} should be one number") from None
    if not math.isfinite(value):
        raise NotYet(f"{name} = {value} is not a finite number; look for a 0/0 first")
    if hits(name, value, code, digits):
        print(f"{name} = {value:.{max(digits, 0)}f}: right.")
        return
    for spare in (0, 1):  # the slip that fits to the digit, before one that nearly does
        for mend, slip in SLIPS:
            if hits(name, mend(value), code, digits, spare):
                raise NotYet(f"{name} = {value:g}: {slip}")
    decimals = "to the nearest whole number" if digits <= 0 else f"to {digits} decimals"
    raise NotYet(f"{name} = {value:g} is not right {decimals}")


def holds(name: str, given: Any, test: Callable[[Any], Any], otherwise: str) -> None:
    """Print that `given` passes `test`, or raise `NotYet` with `otherwise`.

    For answers that are functions or tables: `test` gets `given` and returns whether
    it holds. An error inside is one of the student's code and passes through.
    """
    if given is ...:
        raise NotYet(f"{name} is still blank; fill in the cell above and run it")
    _check_name(name)
    if not callable(test):
        raise ValueError(f"test={shown(test)} must be a function of the answer")
    if not bool(test(given)):
        raise NotYet(f"{name}: {otherwise}")
    print(f"{name}: right.")


def quiz(name: str, given: Any, codes: str) -> None:
    """Print that all letters `given` answer the quiz `name`, or raise `NotYet`.

    `codes` are the digests of its answers, one a question; the line says how many are
    right and which is the first that is not.
    """
    _check_name(name)
    wanted = instance("codes", codes, str).split()
    if given is ...:
        raise NotYet(f"{name} is still blank; give {len(wanted)} letters")
    letters = _letters_of(given)
    if len(letters) != len(wanted):
        raise NotYet(
            f"{name}: {len(letters)} letters given, it has {len(wanted)} questions"
        )
    right = [
        digest(f"{name}-{k}", letter) == code
        for k, (letter, code) in enumerate(zip(letters, wanted), 1)
    ]
    if not all(right):
        raise NotYet(
            f"{name}: {sum(right)} of {len(right)} right; look at question "
            f"{right.index(False) + 1} again"
        )
    print(f"{name}: all {len(right)} right.")


if __name__ == "__main__":
    name, value, *digits = sys.argv[1:]
    print(digest(name, value, int(digits[0]) if digits else None))
