"""The extras and groups that whoever installs a lock may choose, as they are asked for."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock.choices import Format
from envlock.cli.options import ChosenOptions, LockFileOptions, RequestOptions
from envlock.errors import EnvlockError, UsageError
from envlock.formats.comments import own_command
from envlock.formats.registry import (
    LOCKS,
    FileFormat,
    for_platform,
    format_at,
    read_lock,
    refuse_unfit,
)
from envlock.model import Lock, Requested, Selection, SelectionKind
from envlock.request.files import Apart, ParsedFile
from envlock.system import read_text

#: Why what is made of a lock has none that can be chosen.
_MADE = {
    "create": "an environment has the extras and groups that it is built with",
    "docker": "an image has the extras and groups that it is built with",
}


def apart(verb: str, request: RequestOptions, *, of_conda: bool) -> Apart:
    """Return which extras and groups are locked so that each can be chosen.

    Raises:
        UsageError: some are left out of none, or nothing that holds them is made.
    """
    for flag, wanted, but in _options(request):
        kind = flag.removeprefix("--all-").removesuffix("s")
        if but and not wanted:
            raise UsageError(f"--no-{kind} {but[0]} leaves one of {flag} out: say that too", flag)
        why = _MADE.get(verb, "of conda's packages no format holds them" if of_conda else "")
        if wanted and why:
            named = f"name those that it is to have: --{kind} NAME"
            raise UsageError(
                f"{flag} is for a lock from which they are chosen; {why}",
                f"leave {flag} out, and {named}",
            )
    return Apart(
        extras=request.all_extras,
        groups=request.all_groups,
        but_extras=request.no_extra,
        but_groups=request.no_group,
    )


def _options(request: RequestOptions) -> Iterator[tuple[str, bool, tuple[str, ...]]]:
    yield "--all-extras", request.all_extras, request.no_extra
    yield "--all-groups", request.all_groups, request.no_group


def chosen(options: ChosenOptions) -> tuple[Selection, ...]:
    """Return the extras and groups that are chosen from a lock."""
    named = {SelectionKind.EXTRA: options.extra, SelectionKind.GROUP: options.group}
    return tuple(
        Selection(kind=kind, name=canonicalize_name(name))
        for kind, names in named.items()
        for name in names
    )


def gathered(files: Iterable[ParsedFile]) -> dict[Selection, tuple[Requested, ...]]:
    """Return what each extra and group asks for in all files together."""
    found: dict[Selection, tuple[Requested, ...]] = {}
    for parsed in files:
        for each, asked in parsed.optional.items():
            found[each] = (*found.get(each, ()), *asked)
    return found


def with_kept(
    verb: str, request: RequestOptions, files: LockFileOptions, formats: Iterable[Format]
) -> RequestOptions:
    """Return the options with the extras and groups of the lock that is there.

    Where some are named now, or no project is read, it is these alone.

    Raises:
        UsageError: what is made has none that can be chosen, and would be written over it.
    """
    there = _there(files, formats)
    if there is None:
        return request
    path, lock = there
    if verb != "lock":
        raise UsageError(
            f"{path} has {lock.selections[0]} and others to choose; {_MADE[verb]}",
            f"envlock sync {shlex.quote(path.as_posix())} --{lock.selections[0].kind}"
            f" {lock.selections[0].name}",
            f"-o {shlex.quote(for_platform(path, 'here').as_posix())}",
        )
    named = (request.extra, request.group, request.no_extra, request.no_group)
    asked = request.all_extras or request.all_groups or any(named)
    projects = (p for p in request.requirement_file if format_at(p) is FileFormat.PYPROJECT)
    if asked or not any(projects):
        return request
    return _as_before(request, shlex.split(own_command(lock.command)))


def _there(files: LockFileOptions, formats: Iterable[Format]) -> tuple[Path, Lock] | None:
    """The lock of envlock's that would be written over, if something can be chosen from it."""
    names = [files.output] if files.output else [Path(LOCKS[kind].filename) for kind in formats]
    for path in filter(Path.is_file, names):
        with suppress(EnvlockError):  # whoever writes over it tells what it is
            lock = read_lock(path.name, read_text(path))
            if lock.selections and lock.request_digest:
                return path, lock
    return None


def _as_before(request: RequestOptions, words: Sequence[str]) -> RequestOptions:
    """The options with what the words of a command leave to be chosen."""
    but = {
        kind: tuple(value for option, value in pairwise(words) if option == f"--no-{kind}")
        for kind in SelectionKind
    }
    return replace(
        request,
        all_extras="--all-extras" in words,
        all_groups="--all-groups" in words,
        no_extra=but[SelectionKind.EXTRA],
        no_group=but[SelectionKind.GROUP],
    )


def usual(optional: Mapping[Selection, object]) -> Format:
    """Return the format of a lock for which none is named."""
    fitting = (kind for kind, row in LOCKS.items() if row.selections or not optional)
    return next(fitting)


def refuse_formats(kinds: Iterable[Format], optional: Iterable[Selection]) -> None:
    """Refuse a format that has no place for what can be chosen.

    Raises:
        UsageError: one of them has none.
    """
    for kind in kinds:
        refuse_unfit(kind, of_conda=False, selections=tuple(optional))
