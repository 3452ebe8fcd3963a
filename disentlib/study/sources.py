"""What the book is made of: its files, and digests of what pages show of others."""

import os
import re
from pathlib import Path

import yaml

from disentlib.imports import HERE, digest_of, read_by
from disentlib.paths import RESULTS, ROOT, STUDIES

EXTENSIONS = ("study/docstrings.py", "course/terms.py")  # as _config.yml names them
EXECUTION = ("kernels.py", "study/forked.py", "study/outputs.py")  # of pages
FOLDERS = (
    *("book", "notebooks", "_static", "_extensions", "web"),
    *("disentlib", "studies", "profiles"),
)


def what_a_page_reads(code: str, study: str) -> str:
    """Digest of all that the outputs of a page with this code depend on besides it: the
    files of the library that run, versions, data, and, where one of these looks there,
    results of studies and the text of all pages.

    Jupyter Book keeps the outputs of pages by their code alone: after a change of the
    library it would show the old ones.
    """
    try:
        library = read_by(code)
    except SyntaxError:  # or what IPython alone can read
        library = frozenset(HERE.rglob("*.py"))
    words = [code, *(p.read_text("utf-8") for p in library if p.name != "paths.py")]
    library |= {HERE / name for name in EXECUTION}
    files = [ROOT / "requirements.lock", *library, *_files(ROOT / "notebooks" / "data")]
    if not any(re.search(r"\b(RESULTS|STUDIES)\b", text) for text in words):
        study = ""
    else:
        files += [*_files(RESULTS), *_files(STUDIES)]
    if HERE / "course" / "exercises.py" in library:
        files += [ROOT / "_toc.yml", *(ROOT / f"{page}.md" for _, page in contents())]
    return digest_of(files, study)


def tools() -> str:
    """Digest of what reads pages: our extensions, and the versions of all others."""
    ours = [*_files(ROOT / "_extensions"), *(HERE / name for name in EXTENSIONS)]
    return digest_of([ROOT / "requirements.lock", *ours])


def whole_library() -> str:
    """Digest of the whole library."""
    return digest_of(path for path in _files(HERE) if path.suffix in (".py", ".pyi"))


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
        files += _files(ROOT / name)
    return sorted(os.path.relpath(path, ROOT) for path in files)


def results_beside(study: str) -> str:
    """Digest of the results of all other studies, which the book on this one shows
    beside it.
    """
    own = RESULTS / study
    return digest_of(path for path in _files(RESULTS) if own not in path.parents)


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return [path for path in found if path.is_file()]
