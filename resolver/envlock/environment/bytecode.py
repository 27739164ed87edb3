"""Bytecode of an environment: made on another core while something else goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envlock.environment.inspect import prefix_of, site_folders
from envlock.system import beside, remove_tree, scratch

SCRIPT = Path(__file__).parent / "scripts" / "compile_packages.py"


@contextmanager
def compiling(python: Path) -> Iterator[None]:
    """Compile the packages of an environment while the block runs.

    Installers leave it to the first import, which takes twice the time for
    that. What is not done at the end of the block stays undone; no module is
    left half-written, and nothing of the environment is run.
    """
    if (os.cpu_count() or 1) == 1:
        yield
        return
    sites = site_folders(prefix_of(python))
    with scratch() as go, beside([python, "-I", "-S", SCRIPT, go, *sites]):
        try:
            yield
        finally:
            remove_tree(go)
