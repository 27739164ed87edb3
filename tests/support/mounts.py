"""Small and read-only file systems, where the machine lets a test make one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """Mount an empty file system of this size on a folder; skip the test where that is refused."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux may mount a small file system")
    if _mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder) != 0:
        pytest.skip("this machine does not let root mount a file system")
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", folder], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a mounted folder read-only for the block: permissions do not bind root."""
    assert _mount("-o", "remount,ro", folder) == 0
    try:
        yield
    finally:
        assert _mount("-o", "remount,rw", folder) == 0


def fill(folder: Path, *, but: int) -> Path:
    """Fill the file system of a folder up to this many kilobytes, and return the file that does."""
    file = folder / "fill"
    free = shutil.disk_usage(folder).free
    file.write_bytes(b"x" * (free - but * 1024))
    return file


def _mount(*words: str | Path) -> int:
    return subprocess.run(["/bin/mount", *words], capture_output=True, check=False).returncode
