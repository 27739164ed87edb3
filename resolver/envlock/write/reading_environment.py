"""Reads the pip section of an environment.yml."""

from __future__ import annotations

import re

from envlock.errors import UsageError
from envlock.formats.environment_yml import By, parse_environment_yml
from envlock.write.comments import Header, one_line, read_header
from envlock.write.nodes import comments_under
from envlock.write.pins import Pin, read_pin

_OF_CONDA = re.compile(r"(python|pip)(\s*[=<>!~].*)?")
_REMEDY = "keep only python, pip and a pip section of exact pins in it"


def read_environment(name: str, text: str) -> tuple[Header, list[Pin]]:
    """Read exact pins from the pip section; conda's part may hold python and pip alone.

    Raises:
        UsageError: it is not such a file; says the line.
    """
    lines = text.splitlines()
    pins: list[Pin] = []
    file = parse_environment_yml(name, text)
    if file.mapped is not None:
        raise UsageError(f"{name}:{file.mapped}: dependencies is a map, and not a list")
    for entry in file.dependencies:
        where = f"{name}:{entry.line}"
        if entry.lost:
            raise UsageError(f"{where}: {entry.odd}", _REMEDY)
        if entry.by is By.PIP:
            pins.append(read_pin(where, entry.text, comments_under(lines, entry.end)))
        elif not _OF_CONDA.fullmatch(entry.text) and not entry.odd:
            raise UsageError(f"{where}: {one_line(entry.text)} is not locked from PyPI", _REMEDY)
    return read_header(lines), pins
