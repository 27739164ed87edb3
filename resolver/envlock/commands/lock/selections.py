"""The extras and groups that whoever installs a lock may choose, as they are asked for."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from packaging.utils import canonicalize_name

from envlock.choices import Format
from envlock.cli.options import ChosenOptions, LockFileOptions, RequestOptions
from envlock.errors import EnvlockError, UsageError
from envlock.formats.lock_rows import for_platform
from envlock.formats.registry import LOCKS, read_lock, refuse_unfit
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


def refuse_chosen_from(verb: str, files: LockFileOptions, formats: Iterable[Format]) -> None:
    """Refuse to write what has nothing that can be chosen over a lock from which there is.

    Raises:
        UsageError: such a lock is there.
    """
    there = _there(files, formats)
    if there is not None and verb in _MADE:
        path, lock = there
        raise UsageError(
            f"{path} has {lock.selections[0]} and others to choose; {_MADE[verb]}",
            f"envlock sync {shlex.quote(path.as_posix())} --{lock.selections[0].kind}"
            f" {lock.selections[0].name}",
            f"-o {shlex.quote(for_platform(path, 'here').as_posix())}",
        )


def _there(files: LockFileOptions, formats: Iterable[Format]) -> tuple[Path, Lock] | None:
    """The lock of envlock's that would be written over, if something can be chosen from it."""
    names = [files.output] if files.output else [Path(LOCKS[kind].filename) for kind in formats]
    for path in filter(Path.is_file, names):
        with suppress(EnvlockError):  # whoever writes over it tells what it is
            lock = read_lock(path.name, read_text(path))
            if lock.selections and lock.request_digest:
                return path, lock
    return None


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
