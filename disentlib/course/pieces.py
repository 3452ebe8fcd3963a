"""A page in pieces: text, code, exercises and their solutions; and blanks for these."""

import ast
import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from disentlib.course.plain import blocks

CUT = ("exercise", "solution", "solution-start", "solution-end")


@dataclass(frozen=True)
class Piece:
    """A cell of a page; `kind` is "text", "code", "exercise" or "solution".

    `label` is that of the exercise where it is one or solves one, `title` its title.
    """

    kind: str
    cell: NotebookNode
    label: str = ""
    title: str = ""

    @property
    def tags(self) -> list[str]:
        """The cell's tags."""
        return self.cell.metadata.get("tags", [])


def pieces(notebook: NotebookNode) -> Iterator[Piece]:
    """The cells of a page, with Markdown cut where an exercise or a solution begins."""
    label = ""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            yield Piece("solution" if label else "code", cell, label)
            continue
        run: list[str] = []
        for block in blocks(cell.source):
            if isinstance(block, str) or block.name not in CUT:
                run.append(block if isinstance(block, str) else block.source)
                continue
            name = block.name
            if "\n".join(run).strip():
                kind = "solution" if label else "text"
                yield Piece(kind, new_markdown_cell("\n".join(run)), label)
            run = []
            body = new_markdown_cell("\n".join(block.body))
            if name == "exercise":
                yield Piece(name, body, block.options["label"], block.title)
            elif name == "solution":
                yield Piece(name, body, block.title)
            else:
                label = block.title if name == "solution-start" else ""
        if "\n".join(run).strip():
            kind = "solution" if label else "text"
            yield Piece(kind, new_markdown_cell("\n".join(run)), label)


def stub(answer: str, checks: str) -> str:
    """The blank for the code `answer`: what the code `checks` looks at, set to `...`.

    A function keeps its first line and its docstring.
    """
    asked = {n.id for n in ast.walk(ast.parse(checks)) if isinstance(n, ast.Name)}
    lines: list[str] = []
    for node in ast.parse(answer).body:
        if isinstance(node, ast.FunctionDef) and node.name in asked:
            words = ast.get_docstring(node)
            lines += ["", ""] if lines else []
            lines.append(f"def {node.name}({ast.unparse(node.args)}):")
            lines += [f'    """{words}"""'] if words else []
            lines.append('    raise NotImplementedError("your work")')
        elif not isinstance(node, ast.FunctionDef):
            names = [name for name in stored(node) if name in asked]
            value = getattr(node, "value", None)
            word = isinstance(value, ast.Constant) and isinstance(value.value, str)
            how = "your work, in quotes" if word else "your work"
            lines += [f"{name} = ...  # {how}" for name in names]
    return "\n".join(lines) or "# your work"


def stored(node: ast.stmt) -> list[str]:
    """Plain names that a statement binds, also inside of with, for and if."""
    names = [
        name.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.Assign)
        for target in inner.targets
        for name in ast.walk(target)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    ]
    return list(dict.fromkeys(names))


def only_glue(cell: NotebookNode) -> bool:
    """Whether a hidden cell does nothing but carry numbers into the text."""
    return "remove-cell" in cell.metadata.get("tags", []) and all(
        isinstance(node, (ast.Expr, ast.For)) and "glue(" in ast.unparse(node)
        for node in ast.parse(cell.source).body
    )


def for_class(cell: NotebookNode) -> NotebookNode:
    """A code cell for class: without glue's import, hidden code folded, own outputs."""
    new = new_code_cell(cell.source.replace("from myst_nb import glue\n", ""))
    new.outputs = [
        output
        for output in cell.get("outputs", [])
        if not output.get("metadata", {}).get("scrapbook")
    ]
    new.execution_count = cell.get("execution_count")
    tags = cell.metadata.get("tags", [])
    new.metadata["tags"] = [t for t in tags if t in ("answer", "check", "parameters")]
    if {"hide-input", "remove-cell"} & set(tags):
        new.metadata["jupyter"] = {"source_hidden": True}
    return new


def words_in(table: str) -> int:
    """The words of an HTML table; of anything else, 0."""
    bare = re.sub(r"<style.*?</style>|<[^>]*>", " ", table, flags=re.DOTALL)
    return len(bare.split()) if "<table" in table else 0


def picture_of(data: dict[str, str]) -> str:
    """A figure among the forms of an output as the address of an image, or ""."""
    if "image/svg+xml" in data:
        code = base64.b64encode(data["image/svg+xml"].encode()).decode()
        return f"data:image/svg+xml;base64,{code}"
    if "image/png" in data:
        return f"data:image/png;base64,{data['image/png'].strip()}"
    return ""
