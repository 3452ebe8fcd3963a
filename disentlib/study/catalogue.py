"""The explorer's models beside the built pages, and their catalogue."""

import json
import shutil
from pathlib import Path
from typing import Any

from disentlib.files import write_bytes
from disentlib.paths import RESULTS


def place_models(html: Path, results: Path = RESULTS) -> int:
    """Copy the models of all studies beside the pages in `html`, with a catalogue;
    returns how many.
    """
    folder = html / "explorer" / "models"
    shutil.rmtree(folder, ignore_errors=True)
    entries = []
    for path in sorted(results.glob("*/models/*.js")):
        head = path.read_text().removeprefix("Explorer.addModel(").removesuffix(");\n")
        facts = json.loads(head)
        entries.append({key: facts[key] for key in ("id", "title", "start")})
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / path.name)
    entries.sort(key=in_order)
    content = f"Explorer.catalogue = {json.dumps(entries)};\n"
    write_bytes(folder / "catalogue.js", content.encode())
    return len(entries)


def in_order(entry: dict[str, Any]) -> tuple[Any, ...]:
    """Studies by name, models by name, D by size."""
    study, *_, D = entry["id"].split("-")
    return study, entry["title"].split(", D =")[0], int(D.removeprefix("D"))
