"""`envlock lock` with conda: a request becomes a lock for each platform, and the lock files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from packaging.utils import NormalizedName

from envlock.choices import Accelerator, EngineName, Format
from envlock.conda.names import names, pypi_pins, python_of
from envlock.conda.targets import platform_of
from envlock.conda.values import CondaLock, CondaPlatformLock, CondaRequest
from envlock.errors import EnvlockError, UsageError
from envlock.model import IndexSettings, Lock, Requested, Severity
from envlock.progress import Progress
from envlock.rules import database
from envlock.rules.check import Situation, violations
from envlock.system import read_text, write_texts
from envlock.workflow.conda.solve import solve_platform
from envlock.workflow.conda.work import DEFAULT_CHANNEL, CondaWork
from envlock.write import conda_digest, conda_texts, read_conda_lock


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaOrder:
    """What `make_conda_lock` needs to know.

    ``formats`` are written beside one another, in ``folder``; ``output`` is
    the name of the one file where one is asked for, ``here`` says that no
    platform was named, so that the system of this machine counts, and ``inputs`` are files
    that must not be written over. ``command`` makes the files again; ``verb``
    is the command that was typed. ``constraints`` bound both sides.
    """

    request: CondaRequest
    settings: IndexSettings
    subdirs: tuple[str, ...]
    formats: tuple[Format, ...]
    command: str
    name: str
    verb: str = "lock"
    here: bool = True
    output: Path | None = None
    inputs: frozenset[Path] = frozenset()
    constraints: tuple[Requested, ...] = ()
    accelerator: Accelerator = Accelerator.AUTO
    engine: EngineName = EngineName.PIPTOOLS
    exclude_newer: datetime | None = None
    rules: tuple[Path, ...] = ()
    upgrade: bool = False
    upgrade_packages: frozenset[NormalizedName] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaLocked:
    """A lock, its files by name, and the texts of those that must be written anew."""

    lock: CondaLock
    outputs: tuple[Path, ...]
    texts: Mapping[Path, str]


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
    there = _existing(order)
    order = _as_wide(order, there.values())
    digest = _digest(order)
    if there and not (order.upgrade or order.upgrade_packages):
        whole = [lock for lock in there.values() if _installable(lock) or not hashed]
        if whole and not tuple(_faults(order, there, digest, rules)):
            return CondaLocked(lock=whole[0], outputs=tuple(there), texts={})
    work = _work(order, rules, next(iter(there.values()), None))
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
    texts = _texts(order, lock)
    return CondaLocked(lock=lock, outputs=tuple(texts), texts=texts)


def write_conda(locked: CondaLocked) -> tuple[Path, ...]:
    """Write the lock files that differ from what is there; return those.

    Raises:
        WorkError: they cannot be written; then none has changed.
    """
    changed = {
        path: text
        for path, text in locked.texts.items()
        if not path.exists() or path.read_bytes() != text.encode()
    }
    write_texts(changed)
    return tuple(changed)


def check_conda_lock(order: CondaOrder) -> tuple[str, ...]:
    """Return everything that keeps the lock files from being current and rule-abiding.

    Nothing is solved, fetched or written.
    """
    there = _existing(order)
    if not there:
        (missing, *_) = _names(order)
        return (f"{missing}: there is no such lock",)
    order = _as_wide(order, there.values())
    return tuple(_faults(order, there, _digest(order), database.load(order.rules)))


def _as_wide(order: CondaOrder, there: Iterable[CondaLock]) -> CondaOrder:
    """Keep the platforms of a lock that is there, where none is named now and this one is in it."""
    for lock in there:
        subdirs = tuple(sorted(each.subdir for each in lock.platforms))
        if order.here and len(subdirs) > 1 and set(order.subdirs) <= set(subdirs):
            return replace(order, subdirs=subdirs, command=lock.command, here=False)
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
        },
    )


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


def _texts(order: CondaOrder, lock: CondaLock) -> dict[Path, str]:
    found: dict[Path, str] = {}
    for kind in order.formats:
        for name, text in conda_texts(lock, kind).items():
            path = Path(name)
            if order.output is not None and len(order.formats) == 1:
                path = order.output
            elif path.resolve() in order.inputs:
                path = path.with_stem(f"{path.stem}.lock")
            if path.resolve() in order.inputs:
                raise UsageError(
                    f"{path} is an input; the lock would overwrite it", "-o environment.lock.yml"
                )
            if path in found:
                raise UsageError(
                    f"-o {path} names one file, and there is one for each platform",
                    "leave -o out",
                )
            found[path] = text
    return found


def _names(order: CondaOrder) -> tuple[Path, ...]:
    """The files that a lock of this order has, by writing an empty one."""
    empty = CondaLock(
        platforms=tuple(CondaPlatformLock(subdir=each, packages=()) for each in order.subdirs),
        name=order.name,
        channels=(),
    )
    return tuple(_texts(order, empty))


def _existing(order: CondaOrder) -> dict[Path, CondaLock]:
    """The outputs that are there, as locks.

    Raises:
        UsageError: one is a file that envlock did not write.
    """
    found: dict[Path, CondaLock] = {}
    for path in _names(order):
        if not path.exists():
            continue
        try:
            lock = read_conda_lock(path.name, read_text(path))
        except EnvlockError:
            lock = None
        if lock is None or not lock.request_digest:
            raise UsageError(
                f"{path} is there, and envlock did not write it; it is left as it is",
                f"-o {path.with_stem(f'{path.stem}.envlock').as_posix()}",
            )
        found[path] = lock
    return found


def _faults(
    order: CondaOrder,
    there: Mapping[Path, CondaLock],
    digest: str,
    rules: database.Database,
) -> Iterator[str]:
    missing = [path for path in _names(order) if path not in there]
    yield from (f"{path}: there is no such lock" for path in missing)
    for path, lock in there.items():
        if lock.request_digest != digest:
            yield f"{path}: it answers another request or platform than the one given"
        if lock.command != order.command:
            yield f"{path}: it was made by another command: {lock.command}"
        for platform in lock.platforms:
            yield from (f"{path}: {each}" for each in _broken(platform, rules))


def _broken(platform: CondaPlatformLock, rules: database.Database) -> Iterator[str]:
    python = python_of(platform.packages)
    if python is None:
        return
    pip = {each.name: each.version for each in platform.pip.packages} if platform.pip else {}
    situation = Situation(python=python, platform=platform_of(platform.subdir), manager="conda")
    for found in violations(rules.rules, {**pypi_pins(platform.packages), **pip}, situation):
        if found.rule.severity is Severity.BREAKS:
            seen = ", ".join(f"{n} {v}" if v else f"no {n}" for n, v in found.packages.items())
            yield f"rule {found.rule.id} ({seen}): {found.rule.because}"


def _installable(lock: CondaLock) -> bool:
    """Whether a lock holds what an install needs: addresses, hashes, and pip's files."""
    packages = [each for platform in lock.platforms for each in platform.packages]
    pip: list[Lock] = [platform.pip for platform in lock.platforms if platform.pip]
    return all(each.url and (each.sha256 or each.md5) for each in packages) and all(
        package.hashes for each in pip for package in each.packages
    )
