"""How a command ends, before anything heavy is imported."""

import os
import signal
import subprocess
import sys

import pytest

from disentlib.commands import WORDS, Failed, run_command


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_one_line_and_its_code(number, capsys):
    before = signal.getsignal(number)
    assert run_command(lambda: os.kill(os.getpid(), number)) == 128 + number
    assert capsys.readouterr().err == WORDS + "\n"
    assert signal.getsignal(number) is before


def test_a_signal_that_the_caller_ignores_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run_command(lambda: os.kill(os.getpid(), signal.SIGINT)) == 0
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "error, code, words",
    [
        (Failed("no room\n left"), 1, "no room left\n"),
        (ValueError("D=0: give more"), 2, "error: D=0: give more\n"),
        (MemoryError(), 2, "error: MemoryError\n"),
    ],
)
def test_an_error_is_one_line_and_its_code(error, code, words, capsys):
    def fails():
        raise error

    assert run_command(fails) == code
    assert capsys.readouterr().err == words


def test_signals_are_answered_before_the_heavy_imports():
    heavy = "{'torch', 'zmq', 'pandas', 'sklearn'}"
    code = f"import disentlib.__main__, sys; assert not {heavy} & {{*sys.modules}}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=200)
