"""Outputs of the book's pages, made side by side before Sphinx asks for them.

Pages do not depend on one another. Those whose code has changed, or what it reads, are
executed side by side, one more than there are processors, and kept where Jupyter Book
looks for outputs.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from functools import partial
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import myst_nb_reader_plugin
from nbformat import NotebookNode

from disentlib.paths import ROOT
from disentlib.study import forked
from disentlib.study.sources import contents, what_a_page_reads

TIMEOUT = 600  # seconds for a cell, as in _config.yml


def execute_changed(
    pages: Sequence[Path],
    cache_folder: Path,
    processes: int | None = None,
    reads: Callable[[str], str] = lambda code: "",
    changed: Callable[[Path], None] = lambda page: None,
) -> dict[str, float]:
    """Execute each page whose code has no outputs in the cache, or had them where its
    code read something else, a digest of which `reads` gives; seconds by page.

    Each such page is named to `changed` first. A page that fails is left to the build,
    which runs it again and shows where.
    """
    cache = get_cache(cache_folder)
    stale, digests = [], {}
    for page in pages:
        notebook = myst_nb_reader_plugin(str(page))
        code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
        digests[page] = reads(code)
        with suppress(KeyError):
            record = cache.match_cache_notebook(notebook)
            if record.data.get("reads") == digests[page]:
                continue
            cache.remove_cache(record.pk)
        changed(page)
        stale.append(page)
    # The longest are likely to last longest; none of them should start last.
    stale.sort(key=lambda page: page.stat().st_size, reverse=True)
    seconds: dict[str, float] = {}
    if stale:
        forked.start()
    # A kernel that starts or ends mostly waits; one page more uses that time.
    with ThreadPoolExecutor(processes or (os.cpu_count() or 1) + 1) as pool:
        running = {pool.submit(execute, page): page for page in stale}
        for done in as_completed(running):
            page, (notebook, duration) = running[done], done.result()
            if notebook is None:
                continue
            data = {"execution_seconds": duration, "reads": digests[page]}
            bundle = CacheBundleIn(notebook, str(page), data=data)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            seconds[page.stem] = duration
            print(f"{page.stem}: {duration:.1f} s", flush=True)
    return seconds


def execute(page: Path) -> tuple[NotebookNode | None, float]:
    """The page with its outputs, none if a cell fails, and the seconds that it took."""
    notebook = myst_nb_reader_plugin(str(page))
    try:
        result = single_nb_execution(
            notebook,
            cwd=str(page.parent),
            timeout=TIMEOUT,
            allow_errors=False,
            kernel_manager_class=forked.ForkedKernels,
        )
    except RuntimeError:  # the kernel died
        return None, 0.0
    return (None if result.err else notebook), result.time


def main() -> None:
    """Execute the pages whose outputs change in the book on the results of `$STUDY`;
    Sphinx reads them anew.
    """
    build = ROOT / "_build"

    def forget(page: Path) -> None:
        read = build / ".doctrees" / "notebooks" / f"{page.stem}.doctree"
        read.unlink(missing_ok=True)

    execute_changed(
        [ROOT / f"{n}.md" for _, n in contents() if n.startswith("notebooks/")],
        build / ".jupyter_cache",
        reads=partial(what_a_page_reads, study=os.environ["STUDY"]),
        changed=forget,
    )
