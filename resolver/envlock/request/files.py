"""Which reader a file is for, by its name."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from envlock.errors import UsageError
from envlock.request.parsed import ParsedFile, shown
from envlock.request.requirements import parse_requirements


def read_request_file(
    path: Path,
    root: Path | None = None,
    extras: Collection[str] = (),
    groups: Collection[str] = (),
) -> ParsedFile:
    """Read a file given to ``-r``, by its name.

    ``root`` bounds the includes of a requirements file; ``extras`` and
    ``groups`` are a project's.

    Raises:
        UsageError: the name is of no kind that is understood, or as the
            reader of its kind says.
    """
    if path.name == "pyproject.toml":
        from envlock.request.project import (  # noqa: PLC0415  (tomllib takes 2 ms)
            parse_project,
        )

        return parse_project(path, extras, groups)
    return parse_requirements(
        _by_name(path, "requirements files (*.txt, *.in) and pyproject.toml"), root
    )


def read_constraints_file(path: Path, root: Path | None = None) -> ParsedFile:
    """Read a file given to ``-c``: everything in it, and in what it includes, is a constraint.

    Raises:
        UsageError: as `parse_requirements`, or the name is of another kind.
    """
    return parse_requirements(
        _by_name(path, "constraints files (*.txt, *.in)"), root, constraint=True
    )


def _by_name(path: Path, understood: str) -> Path:
    if path.suffix.lower() in {".txt", ".in"}:
        return path
    raise UsageError(
        f"{shown(str(path))} is not understood here: envlock reads {understood}",
        "write what you need from it into requirements.in: -r requirements.in",
    )
