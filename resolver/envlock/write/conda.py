"""environment.yml: Python from conda-forge, everything locked from PyPI.

Python is asked for as X.Y: the pins hold for any patch of it, and a conda
channel seldom has the very patch that the lock was made with. pip is listed
because conda warns when a pip section has no pip. The section holds plain
requirements, and a requirement (PEP 508) has no place for hashes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from operator import attrgetter

from envlock.choices import Format
from envlock.model import Lock
from envlock.write.comments import header, one_line, remarks
from envlock.write.interface import default_filename

_INDENT = "      "
_PLAIN = re.compile(r"[A-Za-z][\w.-]*([=!+]+[\w.-]+)*", re.ASCII)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})  # of YAML 1.1


def render(lock: Lock, *, name: str) -> Mapping[str, str]:
    """Write the lock as a conda environment called ``name``."""
    lines = [
        *header(lock),
        f"name: {_scalar(name)}",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - {_scalar(f'python={lock.python}')}",
        "  - pip",
    ]
    if lock.packages:
        lines.append("  - pip:")
    for package in sorted(lock.packages, key=attrgetter("name")):
        lines.append(f"{_INDENT}- {_scalar(f'{package.name}=={package.version}')}")
        lines += remarks(package, lock.reasons, indent=f"{_INDENT}  ")
    return {default_filename(Format.ENVIRONMENT): "\n".join(lines) + "\n"}


def _scalar(text: str) -> str:
    """Write a text as one YAML scalar, quoted unless it can only be read as itself."""
    line = one_line(text)
    if _PLAIN.fullmatch(line) and line.lower() not in _WORDS:
        return line
    return json.dumps(line, ensure_ascii=False)
