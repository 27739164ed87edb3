"""A lock file becomes a `Lock` again: requirements.txt, pylock.toml, environment.yml.

Besides envlock's own files it reads what pip-compile, uv and pip write, as
long as everything in it is an exact pin; what such a file does not tell is
empty in the `Lock`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from pathlib import PurePath

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName

from envlock import standards
from envlock.choices import Format
from envlock.errors import UsageError
from envlock.formats.detect import FileFormat, meant
from envlock.model import Lock
from envlock.write.comments import Header, read_header
from envlock.write.interface import default_filename
from envlock.write.pins import Pin, read_pin

_COMMENT = re.compile(r"(?:^|\s)#")


def read_lock(path_name: str, text: str, *, markers: Mapping[str, str] | None = None) -> Lock:
    """Read the lock in a file, its format told by what is in it and by its name.

    ``markers`` is the PEP 508 environment of a target: pins that are for
    others are left out. Without it every pin counts, whatever its marker.

    Raises:
        UsageError: not a lock envlock reads; says the line or the key.
    """
    head, pins = _parts(path_name, text)
    if markers is not None:
        environment = {**markers, "extra": ""}
        pins = [pin for pin in pins if _is_meant(pin, environment)]
    _refuse_doubles(pins)
    return Lock(
        python=head.python,
        platform=head.platform,
        packages=tuple(sorted((pin.package for pin in pins), key=attrgetter("name"))),
        command=head.command,
        request_digest=head.request_digest,
        notes=head.notes,
        verified=head.verified,
        reasons={rule: why for pin in pins for rule, why in pin.reasons.items() if why},
        indexes=head.indexes or _several(pin.package.index for pin in pins),
        index_strategy=head.index_strategy,
    )


def _several(indexes: Iterable[str]) -> tuple[str, ...]:
    """The indexes that a lock of another program names, where there is more than one."""
    found = tuple(dict.fromkeys(filter(None, indexes)))
    return found if len(found) > 1 else ()


def _parts(path_name: str, text: str) -> tuple[Header, list[Pin]]:
    match meant(PurePath(path_name), text):
        case FileFormat.REQUIREMENTS | FileFormat.FREEZE:
            return _read_requirements(path_name, text)
        case FileFormat.PYLOCK:
            from envlock.write.reading_pylock import read_pylock  # noqa: PLC0415  (5 ms)

            return read_pylock(path_name, text)
        case FileFormat.ENVIRONMENT:
            from envlock.write.reading_environment import (  # noqa: PLC0415  (yaml: 10 ms)
                read_environment,
            )

            return read_environment(path_name, text)
        case FileFormat.EXPLICIT | FileFormat.CONDA_LOCK | FileFormat.PIXI as kind:
            raise UsageError(
                f"{path_name}: a lock of conda packages ({kind}), and not of Python packages alone",
                f"give a {default_filename(Format.REQUIREMENTS)} or pylock.toml",
            )
        case _:
            raise UsageError(
                f"{path_name}: not the name of a lock (NAME.txt, pylock.toml, "
                "pylock.NAME.toml, NAME.yml)"
            )


def _is_meant(pin: Pin, environment: Mapping[str, str]) -> bool:
    try:
        return pin.marker is None or pin.marker.evaluate(environment, context="lock_file")
    except (UndefinedComparison, UndefinedEnvironmentName, ValueError) as error:
        raise UsageError(f"{pin.where}: the marker {pin.marker} has no meaning: {error}") from None


def _refuse_doubles(pins: Iterable[Pin]) -> None:
    first: dict[str, Pin] = {}
    for pin in pins:
        other = first.setdefault(pin.package.name, pin)
        if other is not pin:
            raise UsageError(
                f"{pin.where}: {pin.package.name} is pinned a second time "
                f"({pin.package.version}; {other.package.version} at {other.where})"
            )


def _read_requirements(name: str, text: str) -> tuple[Header, list[Pin]]:
    wishes: list[tuple[str, str, list[str]]] = []
    for number, line in _joined(text):
        wish, *comment = _COMMENT.split(line, maxsplit=1)
        if wish.strip():
            wishes.append((f"{name}:{number}", wish.strip(), []))
        if wishes:
            wishes[-1][-1].extend(comment)
        standards.refuse_crowd(name, len(wishes))
    return read_header(text.splitlines()), [read_pin(*each) for each in wishes]


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Give each line with its number, joined as pip joins them: a comment always ends one."""
    parts: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start if parts else number
        comment = line.lstrip().startswith("#")
        goes_on = line.endswith("\\") and not comment
        parts.append(line[:-1] if goes_on else f" {line}" if comment else line)
        if not goes_on:
            yield start, "".join(parts)
            parts = []
    if parts:
        yield start, "".join(parts)
