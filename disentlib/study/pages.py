"""Run one page with parameters: `python -m disentlib.study.pages notebooks/training.md
out.ipynb -p D 10`.

Papermill does the work. What it leaves open is closed here: an unknown parameter or a
wrong type is an error before anything starts, and the output bears its name only if
every cell has run.
"""

import argparse
import ast
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import jupytext
import papermill
import psutil
from nbformat import NotebookNode

from disentlib.training.configuration import checked_type

# Figures go into the page; a backend of the caller's (clusters export agg) would drop
# them.
INLINE = "module://matplotlib_inline.backend_inline"
TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list}


def run_page(page: str | Path, output: str | Path, parameters: dict[str, Any]) -> None:
    """Run `page` (.md or .ipynb) with `parameters` and keep it, executed, as `output`.

    Raises `ValueError` for a page that is not there, an unknown parameter or a value of
    another type, before anything starts; `PapermillExecutionError` where a cell fails,
    and then the notebook up to there is kept as `<output>.failed.ipynb`.
    """
    page, output = Path(page), Path(output)
    if not page.is_file():
        raise ValueError(f"{page}: no such page; the pages are in notebooks/")
    notebook = jupytext.read(page)
    check_parameters(declared_parameters(notebook, page), parameters, page)
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.stem}.{os.getpid()}.ipynb")
    failed = output.with_name(f"{output.stem}.failed.ipynb")
    os.environ["MPLBACKEND"] = INLINE  # the kernel inherits it
    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        with warnings.catch_warnings():
            # One parameter of many is injected; the others keep the page's own values.
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                notebook,
                str(temporary),
                parameters,
                kernel_name="python3",
                progress_bar=False,
                stdout_file=sys.stdout,
                stderr_file=sys.stderr,
            )
        os.replace(temporary, output)
        failed.unlink(missing_ok=True)
    except BaseException:
        if temporary.exists():
            os.replace(temporary, failed)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def pass_on(signum: int, frame: Any) -> None:
    """Hand a SIGTERM to the kernel, which stops in its own time and keeps a
    checkpoint.
    """
    for child in psutil.Process().children(recursive=True):
        child.send_signal(signum)


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
                ast.literal_eval(node.value),
            )
    return declared


def check_parameters(
    declared: dict[str, tuple[str, Any]], given: dict[str, Any], page: Path
) -> None:
    """Raise `ValueError` in one line for an unknown name or a value of another type."""
    for name, value in given.items():
        if name not in declared:
            known = ", ".join(sorted(declared))
            raise ValueError(f"unknown parameter {name}; {page} takes {known}")
        kind = declared[name][0]
        try:
            given[name] = (
                value if kind == "list" else checked_type(name, value, TYPES[kind])
            )
        except TypeError as error:
            raise ValueError(f"{error} (in {page})") from error
        if kind == "list" and not isinstance(value, list):
            raise ValueError(
                f"{name} {value!r} must be a list, such as [100, 200] (in {page})"
            )


def from_text(text: str) -> Any:
    """A value of the command line: a Python literal, else the text itself."""
    text = {"true": "True", "false": "False"}.get(text, text)
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code (143 where it was told to stop and kept a
    checkpoint).
    """
    parser = argparse.ArgumentParser(
        prog="python -m disentlib.study.pages", description=__doc__
    )
    parser.add_argument("page", help="a page of notebooks/, .md or .ipynb")
    parser.add_argument("output", help="the executed notebook to write, .ipynb")
    parser.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE")
    )
    given = parser.parse_args(arguments)
    try:
        parameters = {name: from_text(value) for name, value in given.p}
        run_page(given.page, given.output, parameters)
    except papermill.PapermillExecutionError as error:
        if error.ename == "SystemExit" and error.evalue == "143":
            print(
                "stopped on request; the next run goes on from its checkpoint",
                file=sys.stderr,
            )
            return 143
        print(f"{given.page}: {error.ename}: {error.evalue}", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
