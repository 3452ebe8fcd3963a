"""The explorer's scripts in node, driven from Python: JSON in, JSON out."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from disentlib.paths import ROOT

SCRIPTS = ROOT / "web" / "explorer"
needs_node = pytest.mark.skipif(  # which must not happen unseen
    shutil.which("node") is None and "CI" not in os.environ,
    reason="no node here; apt-get install nodejs",
)


def run(names: list[str], body: str, given: Any = None) -> Any:
    """What `body` returns, a JavaScript function's body that sees `Explorer` and
    `given`, after the scripts `names`.
    """
    loads = "".join(
        f"require({json.dumps(str(SCRIPTS / f'{name}.js'))});" for name in names
    )
    program = (
        f"{loads}const given = JSON.parse(require('fs').readFileSync(0));"
        f"(async (Explorer, given) => {{ {body} }})(globalThis.Explorer, given)"
        ".then((out) => process.stdout.write(JSON.stringify(out ?? null)));"
    )
    done = subprocess.run(
        ["node", "-e", program],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read_script(path: Path) -> str:
    """A line of JavaScript that loads the script of a model."""
    return f"require({json.dumps(str(path))});"
