"""What the book's pages need beyond their theme to read well on every screen.

A Sphinx extension: each page's body is mended once, when it is written. Drawings go
into the page itself, where they take its ink; tables say what heads what; folds are
called after what they hide; numbers are set as numbers, and no stop begins a line. At
the end the built folder is rid of what no page loads.
"""

from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

from reader import assets, drawings, folds, formulas, numbers, tables


def mend(body: str, images: dict[str, Path]) -> str:
    """The body of a page, mended. `images` are the vector graphics by file name."""
    soup = BeautifulSoup(body, "html.parser")
    inlined = drawings.inline(soup, images)
    tables.head(soup)
    folds.name(soup)
    numbers.typeset(soup)
    formulas.keep_stops(soup)
    text = str(soup)
    for mark, drawing in inlined.items():
        text = text.replace(mark, drawing)
    return text


def write_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Mend the body, offer the executed notebook, drop what nothing uses."""
    if "body" in context and doctree is not None:
        stored = {
            name: Path(app.srcdir) / source
            for source, name in app.builder.images.items()
            if name.endswith(".svg") and "jupyter_execute" in source
        }
        context["body"] = mend(context["body"], stored)
    if assets.executed(app, page).exists():
        context["ipynb_source"] = f"{page}.ipynb"
    for files in (context["script_files"], context["css_files"]):
        files[:] = [file for file in files if not assets.is_thebe(file)]
    context["theme_extra_footer"] = (
        f"{context.get('theme_extra_footer') or ''} disentlib {version('disentlib')}, "
        f"built on {datetime.now(UTC):%-d %B %Y}."
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hooks; before the theme's own, which read what is set here."""
    # A change of the extension is one of every page.
    parts = sorted(Path(__file__).parent.glob("*.py"))
    digest = sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    app.add_config_value("reader_digest", digest, "html")
    app.connect("html-page-context", write_page, priority=490)
    app.connect("build-finished", assets.finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
