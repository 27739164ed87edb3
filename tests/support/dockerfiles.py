"""Dockerfiles as Docker's own parser reads them."""

from __future__ import annotations

from typing import NamedTuple

import pytest

#: An extension module without types; it is in the extra ``dev``.
dockerfile = pytest.importorskip("dockerfile", reason="Docker's parser is not installed")


class Instruction(NamedTuple):
    """One instruction: its name, its ``--flags``, its words, and all of it on one line."""

    name: str
    flags: tuple[str, ...]
    words: tuple[str, ...]
    heredocs: tuple[object, ...]
    text: str


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile in their order."""
    return [
        Instruction(each.cmd, each.flags, each.value, each.heredocs, each.original)
        for each in dockerfile.parse_string(text)
    ]
