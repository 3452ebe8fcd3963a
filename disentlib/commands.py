"""How a command ends: in one line and with the right code, whatever ends it."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

WORDS = (
    "stopped on request; what is kept is whole, and the same command goes on from it"
)


class Stopped(BaseException):
    """SIGTERM or SIGINT came, by its number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Failed(RuntimeError):
    """What was asked for was begun and failed, for the reason given."""


def run_command(main: Callable[[], int | None]) -> int:
    """Run `main` and return the exit code: its own, 1 where it `Failed`, 2 for bad
    input, 128 + the number of a signal.

    Call it before the heavy imports, so that a signal during those is answered too.
    """
    before = {number: signal.getsignal(number) for number in (2, 15)}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:  # as `nohup` and `&` leave it
            signal.signal(number, _stop)
    try:
        code = main() or 0
        sys.stdout.flush()  # what cannot be written is known here, not after the end
        return code
    except Stopped as stopped:
        _say(WORDS)
        return 128 + stopped.number
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        return 128 + signal.SIGPIPE
    except Failed as error:
        _say(str(error))
        return 1
    except (ValueError, OSError, RuntimeError, MemoryError, ArithmeticError) as error:
        _say(f"error: {error}" if str(error) else f"error: {type(error).__name__}")
        return 2
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        try:
            sys.stdout.flush()
        except OSError:  # said above; Python would say so again in its way at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop(number: int, _: Any) -> None:
    raise Stopped(number)


def _say(text: str) -> None:
    print(" ".join(text.split()), file=sys.stderr, flush=True)
