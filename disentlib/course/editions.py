"""The pages for class: `python -m disentlib.course.editions`, which make class runs.

The instructor's notebook has everything, executed; the student's is the same with
blanks where an exercise asks for work, and the cells that check it. Both are plain
Markdown and need neither Sphinx nor this repository.
"""

import ast
import re
import shutil
import sys
import zipfile
from pathlib import Path

import jupytext
import nbformat
import yaml
from jupyter_cache import get_cache
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from disentlib.course.exercises import exercises, numbered
from disentlib.course.pieces import Piece, for_class, only_glue, pieces, stub
from disentlib.course.plain import UNNAMED, Book, authors_of, macros_of, plain
from disentlib.paths import ROOT

CLASS = ROOT / "_class"
FIRST_STEP = "Run the first step"  # in an exercise whose solution is where work begins
DATA = ("results", "studies", "notebooks/data")  # what some pages read
SURROUNDINGS = '''# Run this cell first: it checks where the notebook runs.
import os
import sys
from importlib.util import find_spec

NEEDED = ("disentlib", "torch", "matplotlib", "sklearn", "pandas")
missing = [name for name in NEEDED if find_spec(name) is None]
if sys.version_info < (3, 11):
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    raise RuntimeError(f"Python {version} is too old: choose a 3.11 kernel")
if missing:
    raise RuntimeError(
        f"{', '.join(missing)} is missing: run %pip install disentlib-*.whl (the file "
        "is in the folder of this notebook), then restart the kernel"
    )
if os.path.isdir("results"):  # the tables that came with this notebook
    os.environ.setdefault("DISENTLIB_ROOT", os.getcwd())


def glue(name, value, display=False):
    """In the book this carries a number into the text; here it does nothing."""


print("All is here.")
'''


def executed(page: str) -> NotebookNode:
    """The page as a notebook with its outputs, of the last build or else run now."""
    notebook = jupytext.read(ROOT / f"{page}.md")
    cache = ROOT / "_build" / ".jupyter_cache"
    if cache.exists():
        try:
            _, merged = get_cache(cache).merge_match_into_notebook(notebook)
            return merged
        except KeyError:
            pass  # the page has changed since
    resources = {"metadata": {"path": str(ROOT / "notebooks")}}
    client = NotebookClient(
        notebook, timeout=1200, kernel_name="python3", resources=resources
    )
    return client.execute()


def glued(notebook: NotebookNode) -> dict[str, object]:
    """What an executed notebook glued, by key."""
    values: dict[str, object] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            key = output.get("metadata", {}).get("scrapbook", {}).get("name")
            data = output.get("data", {})
            text = data.get("application/papermill.record/text/plain")
            rich = data.get("application/papermill.record/text/markdown")
            if key is None:
                continue
            try:
                values[key] = rich if rich is not None else ast.literal_eval(text)
            except (ValueError, SyntaxError, TypeError):
                values[key] = text
    return values


def book() -> Book:
    """Labels, numbers, citations and macros of all pages."""
    found = Book(macros=macros_of(), authors=authors_of(ROOT / "book/references.bib"))
    for path in [*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        head = re.search(r"^# (.+)$", text, re.MULTILINE)
        home = (path.stem, head[1] if head else path.stem)
        for label, title in re.findall(r"^\(([\w-]+)\)=\n#+ (.+)$", text, re.MULTILINE):
            found.titles[label] = title
        for kind, title, label in re.findall(
            r"\{(prf:\w+|exercise)\}[ ]?([^\n]*)\n:label: ([\w-]+)", text
        ):
            if kind != "exercise":
                found.titles[label] = title or UNNAMED[kind]
            found.homes[label] = home
        for pattern in (r"^\$\$ \((eq-[\w-]+)\)", r"^ +name: (fig-[\w-]+)"):
            for k, label in enumerate(re.findall(pattern, text, re.MULTILINE), 1):
                found.numbers[label], found.homes[label] = str(k), home
        found.titles.setdefault(path.stem, path.stem)
    found.titles |= numbered()
    return found


def edition(
    notebook: NotebookNode, page: Path, labels: Book, student: bool
) -> NotebookNode:
    """The class notebook of an executed page: the student's, or the instructor's."""
    labels.values = glued(notebook)
    who = "Student" if student else "Instructor"
    cells = [
        new_markdown_cell(f"*{who}'s edition of one page of “{title_of_book()}”.*"),
        new_code_cell(SURROUNDINGS.rstrip()),
    ]
    every = list(pieces(notebook))
    seen: set[str] = set()
    asked = [piece for piece in every if piece.kind == "exercise"]
    given = {piece.label for piece in asked if FIRST_STEP in piece.cell.source}
    for piece in every:
        if piece.kind == "solution" and student and piece.label not in given:
            cells += blanks(piece, every, seen)
        elif piece.cell.cell_type == "code":
            if not only_glue(piece.cell):
                cells.append(for_class(piece.cell))
                cells.append(new_markdown_cell(caption(piece.cell, labels, page)))
        else:
            text = noted(piece.cell.source) if not student else piece.cell.source
            text = plain(text, labels, page)
            if piece.kind == "exercise":
                text = f"### {labels.titles[piece.label]}: {piece.title}\n\n{text}"
            elif piece.kind == "solution" and piece.label not in seen:
                head = "First step" if piece.label in given else "Solution"
                text = f"**{head}.** {text}"
                seen.add(piece.label)
            cells.append(new_markdown_cell(text))
    made = new_notebook(cells=[cell for cell in cells if cell.source.strip()])
    for k, cell in enumerate(made.cells):
        cell["id"] = f"cell-{k}"
        if student and cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    made.metadata["kernelspec"] = notebook.metadata["kernelspec"]
    return made


def caption(cell: NotebookNode, labels: Book, page: Path) -> str:
    """The caption of a cell's figure, with the number that the text names it by."""
    figure = cell.metadata.get("mystnb", {}).get("figure", {})
    number = labels.numbers.get(figure.get("name", ""))
    head = f"**Figure {number}.** " if number else ""
    return head + plain(figure.get("caption", ""), labels, page)


def blanks(piece: Piece, every: list[Piece], seen: set[str]) -> list[NotebookNode]:
    """What the student gets in the place of a piece of a solution."""
    mine = [other for other in every if other.label == piece.label]
    mine = [other for other in mine if other.kind == "solution"]
    coded = [other for other in mine if other.cell.cell_type == "code"]
    if "check" in piece.tags:
        return [for_class(piece.cell)]
    if "answer" in piece.tags:
        checks = "\n".join(o.cell.source for o in coded if "check" in o.tags)
        blank = new_code_cell(stub(piece.cell.source, checks))
        blank.metadata["tags"] = ["answer"]
        return [blank]
    if piece.label in seen or any("answer" in other.tags for other in coded):
        return []
    seen.add(piece.label)
    if coded:
        return [new_code_cell("# your work")]
    return [new_markdown_cell("*Your answer:*")]


def noted(text: str) -> str:
    """The text with the page's notes for teachers, which are comments, made visible."""
    return re.sub(
        r"^% teacher: (.*)$", r"\n> **For the teacher.** \1\n", text, flags=re.M
    )


def title_of_book() -> str:
    """The title in `_config.yml`."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["title"]


def pages() -> list[str]:
    """The pages that have an edition: those with an exercise, in the book's order.

    The page for teachers has none: it reads the book's sources, which no class has.
    """
    return list(dict.fromkeys(exercise.page for exercise in exercises()))


def write(folder: Path = CLASS) -> list[Path]:
    """Write both editions of every chapter, their data and one zip of each.

    A wheel of the library that lies in `folder` goes into both. Returns the zips.
    """
    labels, made = book(), []
    notebooks = {page: executed(page) for page in pages()}
    wheels = list(folder.glob("*.whl"))
    for name in ("student", "instructor"):
        target = folder / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for page, notebook in notebooks.items():
            path = ROOT / f"{page}.md"
            new = edition(notebook, path, labels, student=name == "student")
            nbformat.write(new, target / f"{path.stem}.ipynb")
        for data in DATA:
            shutil.copytree(ROOT / data, target / data)
        for wheel in wheels:
            shutil.copy(wheel, target)
        made.append(folder / f"{name}.zip")
        with zipfile.ZipFile(made[-1], "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(target.rglob("*")):
                archive.write(file, Path(name) / file.relative_to(target))
    return made


if __name__ == "__main__":
    for path in write():
        size = path.stat().st_size / 2**20
        print(f"{path.relative_to(ROOT)}: {size:.1f} MiB", file=sys.stdout)
