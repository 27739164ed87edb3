"""What the files of a conda lock are called. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from envlock.choices import Format
from envlock.errors import UsageError
from envlock.write.interface import default_filename

_WITHOUT_CONDA = frozenset({Format.PYLOCK})
_WHOLE = frozenset({Format.CONDA_LOCK, Format.PIXI})


def refuse_without_conda(kind: Format) -> None:
    """Refuse a format that holds Python packages alone.

    Raises:
        UsageError: it is one.
    """
    if kind in _WITHOUT_CONDA:
        names = ", ".join(each for each in Format if each not in _WITHOUT_CONDA)
        raise UsageError(
            f"conda packages have no place in the format {kind}",
            f"choose one of {names}: --format {Format.ENVIRONMENT}",
        )


def file_name(kind: Format, subdir: str, *, alone: bool) -> str:
    """Return the name of a file for one platform; the plain name where there is no other."""
    path = PurePath(default_filename(kind))
    if kind is Format.EXPLICIT:
        return f"{path.stem}-{subdir}{path.suffix}"
    return path.name if alone else f"{path.stem}.{subdir}{path.suffix}"


def conda_names(kind: Format, subdirs: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the files that a lock for these platforms has in a format.

    Raises:
        UsageError: conda packages have no place in it.
    """
    refuse_without_conda(kind)
    subdirs = tuple(subdirs)
    if kind in _WHOLE:
        return (default_filename(kind),)
    return tuple(file_name(kind, each, alone=len(subdirs) == 1) for each in subdirs)
