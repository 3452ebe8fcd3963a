"""What the book is made of: its files, and digests of what pages show of others."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import yaml

from disentlib.paths import RESULTS, ROOT, STUDIES

FOLDERS = (
    *("book", "notebooks", "_static", "_extensions", "web"),
    *("disentlib", "studies", "profiles"),
)


def what_pages_read(study: str) -> str:
    """Digest of all that a page's outputs depend on besides the page: library, results,
    versions.

    Jupyter Book keeps the outputs of pages by their code alone: after a change of the
    library it would show the old ones.
    """
    files = [ROOT / "requirements.lock", *(ROOT / "disentlib").rglob("*.py")]
    files += [
        file
        for folder in (RESULTS, STUDIES, ROOT / "notebooks" / "data")
        for file in folder.rglob("*")
        if file.is_file()
    ]
    return _digest(files, study)


def contents() -> list[tuple[str, str]]:
    """Part and page of all that is in the book, in the order of `_toc.yml`; the preface
    comes first, and is of no part.
    """
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [(part["caption"], part["chapters"]) for part in toc["parts"]]
    rest = [(name, chapter["file"]) for name, pages in parts for chapter in pages]
    return [("", toc["root"]), *rest]


def sources() -> list[str]:
    """All files in the repository that the book is made of, but for results."""
    files = [ROOT / name for name in ("_config.yml", "_toc.yml", "requirements.lock")]
    for name in FOLDERS:
        files += [path for path in (ROOT / name).rglob("*") if path.is_file()]
    return sorted(
        os.path.relpath(path, ROOT) for path in files if "__pycache__" not in path.parts
    )


def results_beside(study: str) -> str:
    """Digest of the results of all other studies, which the book on this one shows
    beside it.
    """
    own, files = RESULTS / study, RESULTS.rglob("*")
    return _digest(p for p in files if p.is_file() and own not in p.parents)


def _digest(files: Iterable[Path], text: str = "") -> str:
    """SHA-256 of a text and of files, names and contents."""
    sha = hashlib.sha256(text.encode())
    for file in sorted(files):
        sha.update(os.path.relpath(file, ROOT).encode() + file.read_bytes())
    return sha.hexdigest()
