"""Hold the code of pages to what the library is held to: `python .ci/pages.py [PAGE
...]`, all in `notebooks/` where none is named.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import jupytext

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 88  # of a cell's options too, which ruff does not see
RUFF = (sys.executable, "-m", "ruff")
CHECKS = (("check", "--quiet"), ("format", "--check", "--quiet"))


def wide(page: Path) -> list[str]:
    """The lines of the cells of `page`, options and code, that are too long."""
    found, in_cell = [], False
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if line.startswith("```"):
            in_cell = line.startswith("```{code-cell}")
        elif in_cell and len(line) > WIDTH:
            found.append(f"{page}:{number}: {len(line)} columns, more than {WIDTH}")
    return found


def main(names: list[str]) -> int:
    """The command; returns its exit code."""
    pages = [Path(name) for name in names] or sorted((ROOT / "notebooks").glob("*.md"))
    faults = [fault for page in pages for fault in wide(page)]
    print(*faults, sep="\n", end="\n" if faults else "")
    with tempfile.TemporaryDirectory() as folder:
        for page in pages:
            jupytext.write(jupytext.read(page), Path(folder, f"{page.stem}.ipynb"))
        for check in CHECKS:
            command = [*RUFF, *check, "--config", ROOT / "pyproject.toml", "."]
            if subprocess.run(command, cwd=folder).returncode != 0:
                faults.append(f"ruff {check[0]}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
