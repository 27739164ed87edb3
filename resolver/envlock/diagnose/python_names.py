"""Which names of Python's own library not every Python has. Pure.

The data are in ``envlock_constraints/api/python.json``, which is kept by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from msgspec import Struct


class StandardName(Struct, frozen=True, kw_only=True):
    """A name of Python's own library: ``gone`` with a minor, or there ``since`` one.

    ``write`` is the line to write in its place, ``install`` what brings it, or "".
    """

    name: str
    gone: str = ""
    since: str = ""
    write: str = ""
    install: str = ""
    note: str = ""


@cache
def standard() -> Mapping[str, StandardName]:
    """Return the names of Python's own library that not every Python has, by their names."""
    packed = files("envlock_constraints").joinpath("api", "python.json").read_bytes()
    found: dict[str, dict[str, str]] = json.loads(packed)
    return {name: StandardName(name=name, **entry) for name, entry in found.items()}
