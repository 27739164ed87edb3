"""`envlock lock` with conda: a request becomes a lock for each platform, and the lock files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName

from envlock.choices import Format
from envlock.conda.names import names, python_of
from envlock.conda.values import CondaLock, CondaPlatformLock
from envlock.index.origin import asked, public
from envlock.model import Lock
from envlock.progress import Progress
from envlock.rules import database
from envlock.targets.subdirs import platform_of
from envlock.workflow.conda import existing
from envlock.workflow.conda.order import CondaOrder
from envlock.workflow.conda.solve import solve_platform
from envlock.workflow.conda.work import DEFAULT_CHANNEL, CondaWork
from envlock.workflow.outputs import Seen, seen, try_outputs, write_changed
from envlock.write import conda_digest, conda_texts
from envlock.write.comments import own_command


class CondaLocked(Struct, frozen=True, kw_only=True):
    """A lock, its files by name, and the texts of those that must be written anew.

    ``before`` is what the files held when they were read.
    """

    lock: CondaLock
    outputs: tuple[Path, ...]
    texts: Mapping[Path, str]
    before: Seen


def make_conda_lock(order: CondaOrder, progress: Progress, *, hashed: bool = False) -> CondaLocked:
    """Lock a request without writing anything.

    Lock files that still answer the request and obey the rules are taken as
    they are; ``upgrade`` and ``upgrade_packages`` ask anew, and so does
    ``hashed`` when no file has the addresses and hashes that an install needs.

    Raises:
        NoResolution: nothing fits.
        UsageError: an output is a file that envlock did not make.
        WorkError: a channel, the index, py-rattler or an engine is missing or fails.
    """
    rules = database.load(order.rules)
    order = _as_wide(order)
    digest = _digest(order)
    seen_before = seen(existing.outputs(order))
    there = existing.own_locks(order)
    before = existing.merged(there.values())
    if before is not None and not (order.upgrade or order.upgrade_packages):
        whole = existing.covers(before, order.subdirs, hashed=hashed)
        if whole and not existing.problems(order, there, digest, rules):
            # Of the formats only one has the variables, and the request has them as they are.
            lock = replace(before, variables=order.request.variables)
            return CondaLocked(lock=lock, outputs=tuple(there), texts={}, before=seen_before)
    try_outputs(existing.outputs(order), progress)
    work = _work(order, rules, before)
    answers = [solve_platform(work, subdir, progress) for subdir in order.subdirs]
    notes = dict.fromkeys((*_of_channels(order), *(n for each in answers for n in each.notes)))
    lock = CondaLock(
        platforms=tuple(each.lock for each in sorted(answers, key=lambda a: a.lock.subdir)),
        name=order.request.name or order.name,
        channels=order.request.channels or (DEFAULT_CHANNEL,),
        nodefaults=order.request.nodefaults,
        requested=order.request.specs,
        variables=order.request.variables,
        command=order.command,
        request_digest=digest,
        notes=tuple(notes),
        reasons={name: text for each in answers for name, text in each.reasons.items()},
    )
    texts = _render(order, lock)
    return CondaLocked(lock=lock, outputs=tuple(texts), texts=texts, before=seen_before)


def write_conda(locked: CondaLocked) -> tuple[Path, ...]:
    """Write the lock files that differ from what is there; return those.

    Raises:
        WorkError: they cannot be written, or were changed by somebody else
            since they were read; then none has changed.
    """
    return write_changed(locked.texts, locked.before)


def check_conda_lock(order: CondaOrder) -> tuple[str, ...]:
    """Return everything that keeps the lock files from being current and rule-abiding.

    Nothing is solved, fetched or written.
    """
    order = _as_wide(order)
    there = existing.own_locks(order)
    return existing.problems(order, there, _digest(order), database.load(order.rules))


def _as_wide(order: CondaOrder) -> CondaOrder:
    """Keep the platforms of a lock that is there, where none is named now and this one is in it."""
    for lock in existing.own_locks(order).values():
        subdirs = tuple(sorted(each.subdir for each in lock.platforms))
        if order.here and len(subdirs) > 1 and set(order.subdirs) <= set(subdirs):
            return replace(
                order,
                subdirs=subdirs,
                command=own_command(lock.command) or order.command,
                here=False,
            )
    return order


def _digest(order: CondaOrder) -> str:
    newest = order.exclude_newer
    return conda_digest(
        order.request,
        order.subdirs,
        {
            "accelerator": order.accelerator.value,
            "exclude-newer": newest.isoformat() if newest else "nothing",
            "constraints": " ".join(sorted(str(each.requirement) for each in order.constraints)),
            **_of_indexes(order),
        },
    )


def _of_indexes(order: CondaOrder) -> dict[str, str]:
    """What pip's part depends on where it may come from several indexes."""
    settings = order.settings
    if not order.request.pip or not (indexes := asked(settings)):
        return {}
    sources = " ".join(f"{name}={public(url)}" for name, url in settings.sources)
    return {"indexes": f"{' '.join(indexes)} {settings.index_strategy}", "sources": sources}


def _of_channels(order: CondaOrder) -> Iterator[str]:
    if not order.request.channels:
        yield f"the request names no channel: {DEFAULT_CHANNEL} is taken"


def _work(order: CondaOrder, rules: database.Database, before: CondaLock | None) -> CondaWork:
    kept = () if before is None or order.upgrade else before.platforms
    return CondaWork(
        request=order.request,
        settings=order.settings,
        database=rules,
        typed=f"envlock {order.verb} --manager conda",
        verb=order.verb,
        here=order.here,
        constraints=order.constraints,
        accelerator=order.accelerator,
        engine=order.engine,
        exclude_newer=order.exclude_newer,
        preferred={each.subdir: _without(each, order.upgrade_packages) for each in kept},
    )


def _without(
    platform: CondaPlatformLock, names_asked: frozenset[NormalizedName]
) -> CondaPlatformLock:
    """The pins to keep: not those that are to be asked for anew, nor what has no address."""
    packages = tuple(
        each
        for each in platform.packages
        if each.url and names().provided(each) not in names_asked and each.name not in names_asked
    )
    pip = platform.pip
    if pip is not None:
        kept = tuple(each for each in pip.packages if each.name not in names_asked)
        pip = replace(pip, packages=kept)
    return replace(platform, packages=packages, pip=pip)


def _render(order: CondaOrder, lock: CondaLock) -> dict[Path, str]:
    texts = {
        (kind, name): text
        for kind in order.formats
        for name, text in conda_texts(_for_format(order, lock, kind), kind).items()
    }
    return {path: texts[made] for path, made in existing.outputs(order).items()}


def _for_format(order: CondaOrder, lock: CondaLock, kind: Format) -> CondaLock:
    """The lock as a format gets it: requirements for every platform, where any were asked for."""
    if kind is not Format.REQUIREMENTS or not order.request.pip:
        return lock
    return replace(lock, platforms=tuple(map(_with_pip_part, lock.platforms)))


def _with_pip_part(platform: CondaPlatformLock) -> CondaPlatformLock:
    """A platform with pip's part, though conda may bring all that pip was asked for."""
    python = python_of(platform.packages)
    if platform.pip is not None or python is None:
        return platform
    empty = Lock(
        python=f"{python.major}.{python.minor}",
        platform=str(platform_of(platform.subdir)),
        packages=(),
        command="",
        request_digest="",
    )
    return replace(platform, pip=empty)
