"""The lock files that are there already: whose they are, and whether they are current."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.choices import Format
from envlock.errors import EnvlockError, UsageError
from envlock.index.origin import asked, public, source_of
from envlock.model import IndexSettings, Lock, Request, Severity, Target
from envlock.rules.check import Situation, violations
from envlock.rules.database import Database
from envlock.system import read_text
from envlock.write import WITHOUT_HASHES, read_lock, request_digest


class Standard(Struct, frozen=True, kw_only=True):
    """What a lock is measured by."""

    digest: str
    target: Target
    rules: Database
    settings: IndexSettings


def standard(request: Request, goal: Target, rules: Database, settings: IndexSettings) -> Standard:
    """Return what the locks of a request are measured by."""
    digest = request_digest(request, goal)
    return Standard(digest=digest, target=goal, rules=rules, settings=settings)


def own_locks(outputs: Mapping[Path, Format], verb: str) -> dict[Path, Lock]:
    """Return the outputs that are there, as locks; ``verb`` is the command that was typed.

    Raises:
        UsageError: one is a file that envlock did not write.
    """
    locks: dict[Path, Lock] = {}
    for path in outputs:
        if not path.exists():
            continue
        try:
            lock = read_lock(path.name, read_text(path))
        except EnvlockError:
            lock = None
        if lock is None or not lock.request_digest:
            raise UsageError(
                f"{path} is there, and envlock did not write it; it is left as it is",
                *_ways_past(path, outputs, verb),
            )
        locks[path] = lock
    return locks


def _ways_past(path: Path, outputs: Mapping[Path, Format], verb: str) -> Iterator[str]:
    """How to go on beside a file of somebody else's: read it, or write another."""
    if outputs[path] is Format.REQUIREMENTS:
        yield f"envlock {verb} -r {shlex.quote(path.as_posix())}"
    if len(outputs) == 1:
        yield f"-o {shlex.quote(path.with_stem(f'{path.stem}.envlock').as_posix())}"


def problems(
    outputs: Mapping[Path, Format], locks: Mapping[Path, Lock], standard: Standard
) -> tuple[str, ...]:
    """Everything that keeps the outputs from being current, each with its file; () for nothing."""
    found = [f"{path}: there is no such lock" for path in outputs if path not in locks]
    for path, lock in locks.items():
        found += (f"{path}: {fault}" for fault in _faults(lock, outputs[path], standard))
    if len({tuple(_pins(lock).items()) for lock in locks.values()}) > 1:
        found.append(f"{' and '.join(map(str, locks))} hold different pins")
    return tuple(found)


def _faults(lock: Lock, kind: Format, standard: Standard) -> Iterator[str]:
    """What is wrong with one lock: the request, the target, a rule, the hashes."""
    if not lock.request_digest:
        yield "it does not say which request it answers: envlock did not write it"
    elif lock.request_digest != standard.digest:
        yield "it answers another request, Python or platform than the one given"
    yield from _of_indexes(lock, standard.settings)
    for violation in violations(standard.rules.rules, _pins(lock), Situation.of(standard.target)):
        if violation.rule.severity is Severity.BREAKS:
            seen = ", ".join(f"{n} {v}" if v else f"no {n}" for n, v in violation.packages.items())
            yield f"rule {violation.rule.id} ({seen}): {violation.rule.because}"
    bare = [package.name for package in lock.packages if not package.hashes]
    if bare and kind not in WITHOUT_HASHES:
        yield f"no hash for {', '.join(bare)}"


def _of_indexes(lock: Lock, settings: IndexSettings) -> Iterator[str]:
    """What several indexes would make of the pins, as far as that can be told without asking."""
    now = asked(settings)
    if now and not lock.indexes:
        yield f"it does not say which of {' and '.join(now)} each pin is from"
    elif now and (lock.indexes, lock.index_strategy) != (now, settings.index_strategy):
        before = f"{' and '.join(lock.indexes)} ({lock.index_strategy})"
        yield f"it was made from {before}, not {' and '.join(now)} ({settings.index_strategy})"
    for package in lock.packages:
        source = source_of(settings, package.name)
        if source is not None and package.index not in {"", public(source)}:
            yield f"{package.name} is from {package.index}, and sources hold it to {public(source)}"


def _pins(lock: Lock) -> dict[NormalizedName, Version]:
    return {package.name: package.version for package in lock.packages}
