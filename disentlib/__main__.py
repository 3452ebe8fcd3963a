"""The command of the library: `python -m disentlib --help`."""

import argparse
import os
import sys
from collections.abc import Callable

from disentlib.commands import run_command
from disentlib.paths import ROOT, RUNS, absolute_path

Act = Callable[[argparse.Namespace], int | None]
# Each import below is slow, and a signal is to be answered meanwhile.


def page(given: argparse.Namespace) -> None:
    """Run a page with parameters."""
    from disentlib.pages import parameters_from_text, run_page

    parameters = parameters_from_text(given.page, given.p)
    run_page(given.page, given.output, parameters)


def stage(given: argparse.Namespace) -> None:
    """Train or score one run of a study."""
    from disentlib.study import stages
    from disentlib.study.plan import load_study

    for name in ("DSPRITES", "DISENTLIB_CACHE"):  # as the caller's folder has them
        if value := os.environ.get(name):
            os.environ[name] = str(absolute_path(value))
    os.chdir(ROOT)
    study = load_study(given.study, **dict(map(stages.override, given.settings)))
    run = stages.chosen_run(study, given.run)
    print(f"{given.command}: {study.name}/{run.key}", flush=True)
    {"train": stages.train, "score": stages.score}[given.command](study, run)


def collect(given: argparse.Namespace) -> None:
    """Collect the results of a study, and its models for the explorer."""
    from disentlib.study.collecting import collect
    from disentlib.study.explorer import refresh
    from disentlib.study.plan import load_study
    from disentlib.study.results import load_results
    from disentlib.study.stages import override

    study = load_study(given.study, **dict(map(override, given.settings)))
    print(collect(study, given.unfinished))
    for path in refresh(load_results(study.name), RUNS / study.name):
        print(path)


def book(given: argparse.Namespace) -> int:
    """Build the book."""
    from disentlib.study.book import build

    return build()


def parser() -> argparse.ArgumentParser:
    """The words that the command knows."""
    top = argparse.ArgumentParser(prog="python -m disentlib", allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, words: str, act: Act, study: bool = True
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=words, description=words, allow_abbrev=False
        )
        command.set_defaults(act=act)
        if study:
            command.add_argument("study", help="a file of studies/, without its .yml")
        return command

    one = add("page", "run a page of the book with parameters", page, study=False)
    one.add_argument("page", help="a page of notebooks/, .md or .ipynb")
    one.add_argument("output", help="the executed notebook to write, .ipynb")
    one.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE")
    )
    for name, words in (("train", "train a run"), ("score", "score a trained run")):
        one = add(name, f"{words} of a study", stage)
        one.add_argument("run", help="such as beta_vae/D4/seed0, or its number from 0")
        one.add_argument("settings", nargs="*", help="such as device=cuda")
    one = add("collect", "collect the results of a study", collect)
    one.add_argument("settings", nargs="*", help="such as device=cuda, as for train")
    one.add_argument(
        "--unfinished",
        action="store_true",
        help="of the runs that are here; rows of the others stay",
    )
    add("book", "build the book on the results of $STUDY", book, study=False)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""

    def act() -> int | None:
        given = parser().parse_args(arguments)
        code: int | None = given.act(given)
        return code

    return run_command(act)


if __name__ == "__main__":
    sys.exit(main())
