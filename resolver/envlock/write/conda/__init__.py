"""Locks of conda packages: a `CondaLock` becomes named texts, and such a file one again. Pure.

A format holds what it has keys for; what it has none for stands in comments,
as far as envlock needs it again. Where there are several platforms, a format
that is for one of them is written once for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from envlock.choices import Format
from envlock.conda.values import CondaLock
from envlock.write.conda import conda_lock, environment, explicit, pip_part, pixi
from envlock.write.conda.file_names import refuse_without_conda


class CondaWriter(Protocol):
    """Turns a conda lock into texts; a module with a ``render`` is one."""

    def render(self, lock: CondaLock) -> Mapping[str, str]:
        """Return file name → text, the same text for the same lock.

        Raises:
            WorkError: the lock lacks something the format must hold.
        """
        ...


CONDA_WRITERS: Mapping[Format, CondaWriter] = {
    Format.REQUIREMENTS: pip_part,
    Format.ENVIRONMENT: environment,
    Format.EXPLICIT: explicit,
    Format.CONDA_LOCK: conda_lock,
    Format.PIXI: pixi,
}


def conda_texts(lock: CondaLock, kind: Format) -> Mapping[str, str]:
    """Return the files of a conda lock in one format: name → text.

    `Format.REQUIREMENTS` is the pip part with its hashes; no file where there
    is none.

    Raises:
        UsageError: conda packages have no place in the format.
        WorkError: the lock lacks something the format must hold.
    """
    refuse_without_conda(kind)
    return CONDA_WRITERS[kind].render(lock)
