"""Output formats: a `Lock` becomes named texts, and a lock file a `Lock` again. Pure.

A format is a `Format` member, a module with ``render`` and a line in `WRITERS`.
Every name here is imported when it is asked for: a command needs few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from envlock.choices import Format

if TYPE_CHECKING:
    from envlock.write.conda import conda_texts
    from envlock.write.conda.file_names import conda_names
    from envlock.write.conda.reading import read_conda_lock
    from envlock.write.digest import conda_digest, request_digest
    from envlock.write.interface import (
        WITH_FILES,
        WITHOUT_HASHES,
        Writer,
        default_filename,
        for_platform,
        format_of,
    )
    from envlock.write.reading import read_lock
    from envlock.write.writers import WRITERS

_HOMES = {
    "WITHOUT_HASHES": "interface",
    "WITH_FILES": "interface",
    "WRITERS": "writers",
    "Writer": "interface",
    "conda_digest": "digest",
    "conda_names": "conda.file_names",
    "conda_texts": "conda",
    "default_filename": "interface",
    "for_platform": "interface",
    "format_of": "interface",
    "read_conda_lock": "conda.reading",
    "read_lock": "reading",
    "request_digest": "digest",
}

__all__ = [
    "WITHOUT_HASHES",
    "WITH_FILES",
    "WRITERS",
    "Format",
    "Writer",
    "conda_digest",
    "conda_names",
    "conda_texts",
    "default_filename",
    "for_platform",
    "format_of",
    "read_conda_lock",
    "read_lock",
    "request_digest",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (whatever is asked for)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
