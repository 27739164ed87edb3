"""environment.yml: Python from conda-forge, everything locked from PyPI.

Python is asked for as X.Y: the pins hold for any patch of it, and a conda
channel seldom has the very patch that the lock was made with. pip is listed
because conda warns when a pip section has no pip. The section holds plain
requirements, and a requirement (PEP 508) has no place for hashes.
"""

from __future__ import annotations

from collections.abc import Mapping

from envlock.choices import Format
from envlock.model import Lock
from envlock.write.comments import header, remarks, told
from envlock.write.interface import default_filename
from envlock.write.scalars import quoted

_INDENT = "      "


def render(lock: Lock, *, name: str) -> Mapping[str, str]:
    """Write the lock as a conda environment called ``name``."""
    lines = [
        *header(lock),
        f"name: {quoted(name)}",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - {quoted(f'python={lock.python}')}",
        "  - pip",
    ]
    if lock.packages:
        lines.append("  - pip:")
    for package in told(lock):
        lines.append(f"{_INDENT}- {quoted(f'{package.name}=={package.version}')}")
        lines += remarks(package, lock.reasons, indent=f"{_INDENT}  ")
    return {default_filename(Format.ENVIRONMENT): "\n".join(lines) + "\n"}
