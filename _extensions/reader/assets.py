"""Files beside the pages: executed notebooks, icons, and nothing that is not used."""

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import nbformat
from jupyter_cache import get_cache
from sphinx.application import Sphinx

from reader import lighter

ICON = r'(?:"{0}"|(?<![\w-]){0}):\[(\d+),(\d+),\[[^\]]*\],"[0-9a-f]+","([^"]+)"\]'
CLASS = re.compile(r'class="([^"]*\bfa-[^"]*)"')
# Of MathJax one bundle is loaded; the rest are other ways to load the same.
BUNDLES = (
    "tex-svg*",
    "tex-mml-*",
    "mml-*",
    "*-full*",
    "node-main*",
    "latest*",
    "core*",
)
UNUSED = (
    "**/*.map",
    "vendor/fontawesome/webfonts/*.ttf",
    "vendor/fontawesome/webfonts/fa-r*",
    "sphinx-thebe*",
    "mathjax/sre/**/*",
    "mathjax/a11y/*",
    "mathjax/ui/*",
    *(f"mathjax/{bundle}.js" for bundle in BUNDLES),
)


def executed(app: Sphinx, page: str) -> Path:
    """Where MyST-NB keeps the executed notebook of a page."""
    return Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"


def is_thebe(file: object) -> bool:
    """Whether a script or style is Thebe's: Jupyter Book loads it twice, unused."""
    attributes = getattr(file, "attributes", {})
    return "thebe" in f"{getattr(file, 'filename', '')} {attributes.get('body', '')}"


def finish(app: Sphinx, error: Exception | None) -> None:
    """Complete the folder of a book that was built."""
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for page in app.env.found_docs:
        if executed(app, page).exists():
            there = out / "_sources" / f"{page}.ipynb"
            there.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(with_outputs(executed(app, page), cache_of(app)), there)
    write_icons(out)
    lighter.shrink_icons(out / "_static")
    lighter.drop_search(out)
    for pattern in UNUSED:
        for path in (out / "_static").glob(pattern):
            if path.is_file():
                path.unlink()


def cache_of(app: Sphinx) -> str:
    """Where MyST-NB keeps the outputs: where the configuration says, else beside the
    book.
    """
    beside = Path(app.outdir).parent / ".jupyter_cache"
    return app.config.nb_execution_cache_path or str(beside)


def with_outputs(path: Path, cache: str) -> nbformat.NotebookNode:
    """A page's notebook with the outputs that the book shows.

    MyST-NB writes it without, where it had them from its cache.
    """
    notebook = nbformat.read(path, as_version=4)
    with suppress(KeyError):  # executed outside of the cache
        notebook = get_cache(cache).merge_match_into_notebook(notebook)[1]
    return notebook


def write_icons(out: Path) -> None:
    """Put the icons that pages use into a style sheet, in place of a script of 1.5 MB.

    Raises `ValueError` where an icon is not among the theme's.
    """
    script = out / "_static" / "scripts" / "fontawesome.js"
    pages = [path.read_text(encoding="utf-8") for path in out.rglob("*.html")]
    classes = {
        word for page in pages for c in CLASS.findall(page) for word in c.split()
    }
    names = {word[3:] for word in classes if word.startswith("fa-")} - {"solid", "lg"}
    text = script.read_text(encoding="utf-8")
    if len(text) < 10_000:  # an earlier build's
        return
    rules = ["/* Icons: Font Awesome Free, fontawesome.com, CC BY 4.0. */"]
    for name in sorted(names):
        found = re.search(ICON.format(re.escape(name)), text)
        if not found:
            raise ValueError(f"icon {name} is not in {script}")
        width, height, path = found.groups()
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {width} {height}"><path d="{path}"/></svg>'
        )
        rules.append(
            f".fa-{name} {{ --wide: {int(width) / int(height):.3g}em; "
            f"--icon: url('data:image/svg+xml,{quote(svg, safe=' =:/')}'); }}"
        )
    (out / "_static" / "icons.css").write_text(
        "\n".join(rules) + "\n", encoding="utf-8"
    )
    script.write_text("/* The icons are in icons.css. */\n", encoding="utf-8")
