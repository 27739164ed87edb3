"""Output formats: a `Lock` becomes named texts, and a lock file a `Lock` again. Pure.

A format is a `Format` member, a module with ``render`` and a line in `WRITERS`.
"""

from __future__ import annotations

from collections.abc import Mapping

from envlock.choices import Format
from envlock.write import environment, pylock, requirements
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

WRITERS: Mapping[Format, Writer] = {
    Format.REQUIREMENTS: requirements,
    Format.PYLOCK: pylock,
    Format.ENVIRONMENT: environment,
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
