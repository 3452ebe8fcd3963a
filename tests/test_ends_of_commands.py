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


@pytest.mark.parametrize("lines", [1, 10_000])  # fewer than a buffer holds, and more
@pytest.mark.parametrize(
    ("closed", "code", "words"),
    [(False, 2, "error: [Errno 28] No space left on device\n"), (True, 141, "")],
)
def test_output_that_cannot_be_written_is_one_line(lines, closed, code, words):
    command = "import sys; from disentlib.commands import run_command as run; "
    command += f"sys.exit(run(lambda: print('x\\n' * {lines})))"
    env = {key: os.environ[key] for key in os.environ if key != "PYTHONUNBUFFERED"}
    read, write = os.pipe()
    os.close(read)
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", command],
            stdout=write if closed else full,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
            timeout=200,
        )
    os.close(write)
    assert (ended.returncode, ended.stderr) == (code, words)


@pytest.mark.parametrize(
    "module, heavy",
    [
        ("__main__", {"zmq", "torch", "pandas", "sklearn"}),
        ("pages", {"lightgbm", "scipy", "torch", "pandas", "sklearn"}),
        ("study.stages", {"lightgbm", "scipy", "torch", "pandas", "sklearn"}),
        ("study.answer", {"lightgbm", "torch", "sklearn"}),
    ],
)
def test_what_answers_a_signal_or_runs_a_page_starts_without(module, heavy):
    code = f"import disentlib.{module}, sys; assert not {heavy} & {{*sys.modules}}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=200)
