"""The conda lock files that are there already: whose they are, and whether they are current."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from envlock.choices import Format
from envlock.conda.names import pypi_pins, python_of
from envlock.conda.values import CondaLock, CondaPlatformLock
from envlock.errors import EnvlockError, UsageError
from envlock.model import Severity
from envlock.rules.check import Situation, violations
from envlock.rules.database import Database
from envlock.system import read_text
from envlock.targets.subdirs import platform_of
from envlock.workflow.conda.order import CondaOrder
from envlock.write import conda_names, read_conda_lock


def outputs(order: CondaOrder) -> dict[Path, tuple[Format, str]]:
    """Return the files of an order: path → format and the name that the format gives it.

    Raises:
        UsageError: ``-o`` names one file of several, or one that is an input.
    """
    made = [
        (kind, name)
        for kind in order.formats
        if kind is not Format.REQUIREMENTS or order.request.pip
        for name in conda_names(kind, order.subdirs)
    ]
    if order.output is not None and len(made) > 1:
        raise UsageError(
            f"-o {order.output} names one file, and there is one for each platform", "leave -o out"
        )
    found: dict[Path, tuple[Format, str]] = {}
    for kind, name in made:
        path = order.output or Path(name)
        if order.output is None and path.resolve() in order.inputs:
            path = path.with_stem(f"{path.stem}.lock")
        if path.resolve() in order.inputs:
            raise UsageError(
                f"{path} is an input; the lock would overwrite it", "-o environment.lock.yml"
            )
        found[path] = (kind, name)
    return found


def own_locks(order: CondaOrder) -> dict[Path, CondaLock]:
    """Return the outputs that are there, as locks.

    Raises:
        UsageError: one is a file that envlock did not write.
    """
    found: dict[Path, CondaLock] = {}
    for path in outputs(order):
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


def merged(locks: Iterable[CondaLock]) -> CondaLock | None:
    """Return one lock of several that hold the same: each platform as the fullest has it."""
    locks = list(locks)
    best: dict[str, CondaPlatformLock] = {}
    for platform in (each for lock in locks for each in lock.platforms):
        known = best.get(platform.subdir)
        if known is None or _fullness(platform) > _fullness(known):
            best[platform.subdir] = platform
    if not locks:
        return None
    reasons = {rule: why for lock in locks for rule, why in lock.reasons.items()}
    return replace(locks[0], platforms=tuple(best[each] for each in sorted(best)), reasons=reasons)


def _fullness(platform: CondaPlatformLock) -> tuple[int, int, int]:
    """How much of its packages a lock knows: addresses, what they depend on, pip's hashes."""
    pip = platform.pip.packages if platform.pip else ()
    return (
        sum(bool(each.url) for each in platform.packages),
        sum(bool(each.depends) for each in platform.packages),
        sum(bool(each.hashes) for each in pip),
    )


def covers(lock: CondaLock, subdirs: Iterable[str], *, hashed: bool) -> bool:
    """Whether a lock has packages for all platforms; ``hashed``: so that they can be installed."""
    there = {each.subdir: each for each in lock.platforms if each.packages}
    found = [there.get(subdir) for subdir in subdirs]
    return all(each is not None and (not hashed or _installable(each)) for each in found)


def _installable(platform: CondaPlatformLock) -> bool:
    """Whether it holds what an install needs: addresses, hashes, and those of pip's part."""
    pip = platform.pip.packages if platform.pip else ()
    return all(each.url and (each.sha256 or each.md5) for each in platform.packages) and all(
        each.hashes for each in pip
    )


def problems(
    order: CondaOrder, there: Mapping[Path, CondaLock], digest: str, rules: Database
) -> tuple[str, ...]:
    """Everything that keeps the outputs from being current, each with its file; () for nothing."""
    found = [f"{path}: there is no such lock" for path in outputs(order) if path not in there]
    for path, lock in there.items():
        if lock.request_digest != digest:
            found.append(f"{path}: it answers another request or platform than the one given")
        if lock.command != order.command:
            found.append(f"{path}: it was made by another command: {lock.command}")
        for platform in lock.platforms:
            found += (f"{path}: {each}" for each in _broken(platform, rules))
    return (*found, *_differing(there))


def _broken(platform: CondaPlatformLock, rules: Database) -> Iterator[str]:
    python = python_of(platform.packages)
    if python is None:
        return
    pip = {each.name: each.version for each in platform.pip.packages} if platform.pip else {}
    situation = Situation(python=python, platform=platform_of(platform.subdir), manager="conda")
    for found in violations(rules.rules, {**pypi_pins(platform.packages), **pip}, situation):
        if found.rule.severity is Severity.BREAKS:
            seen = ", ".join(f"{n} {v}" if v else f"no {n}" for n, v in found.packages.items())
            yield f"rule {found.rule.id} ({seen}): {found.rule.because}"


def _differing(there: Mapping[Path, CondaLock]) -> Iterator[str]:
    """Files that do not pin a platform alike: someone changed one of them."""
    first: dict[tuple[str, str], tuple[Path, dict[str, str]]] = {}
    for path, lock in there.items():
        for platform in lock.platforms:
            for side, pins in _sides(platform).items():
                other, known = first.setdefault((platform.subdir, side), (path, pins))
                if pins != known:
                    yield f"{other} and {path} hold different pins for {platform.subdir}"


def _sides(platform: CondaPlatformLock) -> dict[str, dict[str, str]]:
    """The pins of a platform; requirements have those of pip's side alone."""
    pip = platform.pip.packages if platform.pip else ()
    sides: dict[str, dict[str, str]] = {"pip": {str(each.name): str(each.version) for each in pip}}
    if platform.packages:
        sides["conda"] = {each.name: each.version for each in platform.packages}
    return sides
