"""Run one page with parameters, and keep it, executed, under its name if all of it ran.

Papermill does the work. What it leaves open is closed here: an unknown parameter or a
wrong type is an error before anything starts, the interpreter and the settings are
ours, and a signal is handed on.
"""

import ast
import logging
import math
import shutil
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import papermill
import psutil
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from disentlib.checks import checked_type
from disentlib.commands import Failed, Stopped
from disentlib.files import atomic_write
from disentlib.kernels import surroundings

TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list}
# Seconds that a kernel has for its last checkpoint once it was told to stop.
GRACE = 20.0
# What papermill logs as errors comes as exceptions, too, and is put in words here.
logging.getLogger("papermill").setLevel(logging.CRITICAL)


def run_page(
    page: str | Path, output: str | Path, parameters: Mapping[str, Any]
) -> None:
    """Run `page` (.md or .ipynb) with `parameters` and keep it, executed, as `output`.

    Raises `ValueError` for a page or an output that cannot be, an unknown parameter or
    a value of another type, before anything starts; `Failed` where a cell fails, and
    then the notebook up to there is kept as `<output>.failed.ipynb`; `Stopped` where a
    signal came.
    """
    page, output = Path(page), Path(output)
    if output.is_dir() or output.suffix != ".ipynb":
        raise ValueError(f"{output}: the executed notebook must be a file *.ipynb")
    notebook = read_page(page)
    values = checked_parameters(declared_parameters(notebook, page), parameters, page)
    failed = output.with_name(f"{output.stem}.failed.ipynb")
    with surroundings(), handing_on() as told, atomic_write(output) as temporary:
        try:
            with warnings.catch_warnings():
                # One parameter of many is injected; the others keep the page's values.
                warnings.simplefilter("ignore")
                executed = papermill.execute_notebook(
                    notebook,
                    str(temporary),
                    values,
                    kernel_name="python3",
                    progress_bar=False,
                    stdout_file=sys.stdout,
                    stderr_file=sys.stderr,
                )
        except BaseException as error:
            if told:  # whatever the kernel's end looked like
                raise Stopped(told[0]) from None
            if isinstance(error, Exception) and temporary.stat().st_size:
                shutil.copyfile(temporary, failed)
            raise _in_a_line(error, page) from error
        for name in ("input_path", "output_path"):  # where it lay says nothing of it
            executed.metadata["papermill"].pop(name, None)
        nbformat.write(executed, temporary)
    failed.unlink(missing_ok=True)


def _in_a_line(error: BaseException, page: Path) -> BaseException:
    if isinstance(error, papermill.PapermillExecutionError):
        if (error.ename, error.evalue) == ("SystemExit", "143"):
            return Stopped(signal.SIGTERM)  # the signal was for the kernel alone
        return Failed(f"{page}: {error.ename}: {error.evalue}")
    if isinstance(error, DeadKernelError):
        return Failed(f"{page}: its kernel was killed; is there memory enough?")
    return error


def read_page(page: Path) -> NotebookNode:
    """The page as a notebook; `ValueError` in one line where it is none."""
    if not page.is_file():
        raise ValueError(f"{page}: no such page; the pages are in notebooks/")
    try:
        notebook: NotebookNode = jupytext.read(page)
        return notebook
    except Exception as error:  # each format has its own
        words = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{page}: not a page of notebooks/ ({words[:200]})") from error


@contextmanager
def handing_on() -> Iterator[list[int]]:
    """Hand SIGTERM and SIGINT to the kernel, which stops in its own time and keeps a
    checkpoint.

    Yields the list of signals that came. A kernel that has not stopped after `GRACE`
    seconds is killed; where none runs yet, `Stopped` is raised at once. Processes that
    were there before are not the kernel's.
    """
    told: list[int] = []
    others = {*psutil.Process().children(recursive=True)}

    def end(kernels: list[psutil.Process]) -> None:
        for kernel in kernels:
            with suppress(psutil.NoSuchProcess):
                kernel.kill()

    def hand_on(number: int, _: Any) -> None:
        told.append(number)
        every = psutil.Process().children(recursive=True)
        kernels = [process for process in every if process not in others]
        for kernel in kernels:
            with suppress(psutil.NoSuchProcess):
                kernel.send_signal(signal.SIGTERM)
        if not kernels:
            raise Stopped(number)
        timer = threading.Timer(GRACE, end, [kernels])
        timer.daemon = True
        timer.start()

    if threading.current_thread() is not threading.main_thread():
        yield told
        return
    numbers = [signal.SIGTERM, signal.SIGINT]
    numbers = [n for n in numbers if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, hand_on) for number in numbers}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def declared_parameters(
    notebook: NotebookNode, page: Path
) -> dict[str, tuple[str, Any]]:
    """Type and default of each parameter in the page's cell with the tag `parameters`.

    Each is written there as `name: type = default`. Raises `ValueError` for a page
    without one.
    """
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if not tagged:
        raise ValueError(f"{page} has no cell with the tag 'parameters': it takes none")
    declared = {}
    for node in ast.parse(tagged[0].source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            declared[node.target.id] = (
                ast.unparse(node.annotation),
                ast.literal_eval(node.value or ast.Constant(None)),
            )
    return declared


def checked_parameters(
    declared: Mapping[str, tuple[str, Any]], given: Mapping[str, Any], page: Path
) -> dict[str, Any]:
    """The given values, each of its declared type; `ValueError` in one line for an
    unknown name or a value of another type.
    """
    values = {}
    for name, value in given.items():
        if name not in declared:
            known = ", ".join(sorted(declared))
            raise ValueError(f"unknown parameter {name}; {page} takes {known}")
        kind = declared[name][0]
        if kind == "list" and not isinstance(value, list):
            raise ValueError(
                f"{name} {value!r} must be a list, such as [100, 200] (in {page})"
            )
        try:
            values[name] = (
                value if kind == "list" else checked_type(name, value, TYPES[kind])
            )
        except TypeError as error:
            raise ValueError(f"{error} (in {page})") from error
        if kind == "float" and not math.isfinite(values[name]):
            raise ValueError(f"{name} {value!r} must be finite (in {page})")
    return values


def from_text(text: str, kind: str) -> Any:
    """A value of the command line, read as its parameter's declared type.

    What is not of that type comes back as the text it is, for `checked_parameters` to
    name.
    """
    try:
        if kind == "bool":
            return {"true": True, "false": False}[text.lower()]
        if kind == "list":
            return ast.literal_eval(text)
        return TYPES[kind](text)
    except (KeyError, ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def parameters_from_text(
    page: str | Path, given: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Parameters of the command line, each read by the type that the page declares."""
    if not given:
        return {}
    declared = declared_parameters(read_page(Path(page)), Path(page))
    known = {name: kind for name, (kind, _) in declared.items()}
    if twice := {name for name, _ in given if [n for n, _ in given].count(name) > 1}:
        raise ValueError(f"{', '.join(sorted(twice))} is given twice; give it once")
    return {name: from_text(text, known.get(name, "str")) for name, text in given}
