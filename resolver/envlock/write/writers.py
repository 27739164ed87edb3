"""The writers of locks for pip, each imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import cast

from envlock.choices import Format
from envlock.write.interface import Writer


class _Writers(Mapping[Format, Writer]):
    def __init__(self, modules: Mapping[Format, str]) -> None:
        self._modules = modules

    def __getitem__(self, kind: Format) -> Writer:
        return cast("Writer", import_module(f"envlock.write.{self._modules[kind]}"))

    def __iter__(self) -> Iterator[Format]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


#: Each format, and the module of this package that writes it.
WRITERS: Mapping[Format, Writer] = _Writers(
    {
        Format.REQUIREMENTS: "requirements",
        Format.PYLOCK: "pylock",
        Format.ENVIRONMENT: "environment",
    }
)
