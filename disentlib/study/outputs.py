"""Outputs of the book's pages, made side by side before Sphinx asks for them.

Pages do not depend on one another. Those whose code has changed are executed side by
side, one more than there are processors, and kept where Jupyter Book looks for outputs.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import myst_nb_reader_plugin
from nbformat import NotebookNode

from disentlib.paths import ROOT
from disentlib.study import forked
from disentlib.study.sources import contents

TIMEOUT = 600  # seconds for a cell, as in _config.yml


def execute_changed(
    pages: Sequence[Path], cache_folder: Path, processes: int | None = None
) -> dict[str, float]:
    """Execute each page whose code has no outputs in the cache; seconds by page.

    A page that fails is left to the build, which runs it again and shows where.
    """
    cache = get_cache(cache_folder)
    stale = []
    for page in pages:
        try:
            cache.match_cache_notebook(myst_nb_reader_plugin(str(page)))
        except KeyError:
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
            data = {"execution_seconds": duration}
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
    """Execute the book's pages whose code has changed."""
    names = [name for _, name in contents() if name.startswith("notebooks/")]
    executed = [ROOT / f"{name}.md" for name in names]
    execute_changed(executed, ROOT / "_build" / ".jupyter_cache")
