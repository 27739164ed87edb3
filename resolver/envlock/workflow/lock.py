"""`envlock lock`: a request becomes a lock, and the lock files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import resolve as resolving
from envlock.engine import ENGINES, EngineName
from envlock.environment.description import Interpreter, target
from envlock.environment.interpreters import available, find_interpreter
from envlock.errors import EnvlockError, UsageError
from envlock.index.pages import Index
from envlock.index.redact import redact
from envlock.index.releases import admitted, releases
from envlock.model import IndexSettings, Lock, Request, Severity, Target
from envlock.progress import Progress
from envlock.releases import wheels_for
from envlock.request import applicable
from envlock.rules import database
from envlock.rules.check import Situation, violations
from envlock.system import read_text, write_texts
from envlock.write import WRITERS, Format, read_lock, request_digest


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOrder:
    """What `make_lock` needs to know.

    ``outputs`` are the files to write; the first that exists gives the pins
    to prefer. ``command`` is what makes them again, ``verb`` the command that
    was typed. ``name`` is what the environment is called where a format names it.
    """

    request: Request
    settings: IndexSettings
    outputs: Mapping[Path, Format]
    command: str
    name: str
    verb: str = "lock"
    python: str | None = None
    engine: EngineName = EngineName.PIPTOOLS
    rules: tuple[Path, ...] = ()
    upgrade: bool = False
    upgrade_packages: frozenset[NormalizedName] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """A lock, the target it is for, its texts, and whether it was current already."""

    lock: Lock
    target: Target
    texts: Mapping[Path, str]
    reused: bool = False


def make_lock(order: LockOrder, progress: Progress) -> Locked:
    """Lock a request without writing anything.

    An existing lock that still answers the request and obeys the rules is
    taken as it is; ``upgrade`` and ``upgrade_packages`` ask anew.

    Raises:
        NoResolution: nothing fits.
        UsageError: an output is a file that envlock did not make.
        WorkError: an index, an engine or an interpreter is missing or fails.
    """
    goal = find_target(order)
    rules = database.load(order.rules)
    existing = _existing(order)
    digest = request_digest(order.request, goal)
    if existing is not None and not (order.upgrade or order.upgrade_packages):
        current = not problems(existing, digest, goal, rules)
        if current and _complete(existing, order) and existing.command == order.command:
            return Locked(lock=existing, target=goal, texts=render(existing, order), reused=True)
    lock = _resolve(order, goal, rules, existing, digest, progress)
    return Locked(lock=lock, target=goal, texts=render(lock, order))


def find_target(order: LockOrder) -> Target:
    """The target that was asked for: an interpreter of this machine."""
    interpreter = find_interpreter(order.python, allows=_allows)
    return target(interpreter, order.request.accelerator)


def _allows(interpreter: Interpreter) -> str:
    return str(wheels_for(_minor(interpreter), interpreter.platform))


def _minor(interpreter: Interpreter) -> str:
    return f"{interpreter.version.major}.{interpreter.version.minor}"


def _resolve(
    order: LockOrder,
    goal: Target,
    rules: database.Database,
    existing: Lock | None,
    digest: str,
    progress: Progress,
) -> Lock:
    index = Index(order.settings, progress=progress)
    date = order.request.exclude_newer
    question = resolving.Question(
        wishes=resolving.merge(applicable(order.request.requirements, goal)),
        constraints=resolving.merge(applicable(order.request.constraints, goal)),
        rules=rules.rules,
        target=goal,
        settings=order.settings,
        preferences=_preferences(order, existing),
        exclude_newer=date,
    )
    tools = resolving.Tools(
        engine=ENGINES[order.engine](),
        releases=cache(lambda name: releases(admitted(index.files(name), date))),
        progress=progress,
    )
    asked = resolving.Asked(
        database=rules,
        verb=order.verb,
        index_name=redact(order.settings.index_url),
        targets_here=lambda: tuple(map(target, available())),
    )
    answer = resolving.resolve(
        question, tools, index, asked, with_files=Format.PYLOCK in order.outputs.values()
    )
    return Lock(
        python=goal.minor,
        platform=str(goal.platform),
        packages=answer.packages,
        command=order.command,
        request_digest=digest,
        notes=answer.notes,
        reasons=answer.reasons,
    )


def render(lock: Lock, order: LockOrder) -> dict[Path, str]:
    """The texts of a lock under the file names that were asked for."""
    texts: dict[Path, str] = {}
    for path, kind in order.outputs.items():
        (text,) = WRITERS[kind].render(lock, name=order.name).values()
        texts[path] = text
    return texts


def write(locked: Locked) -> tuple[Path, ...]:
    """Write the lock files that differ from what is there; return those."""
    changed = {
        path: text
        for path, text in locked.texts.items()
        if not path.exists() or path.read_bytes() != text.encode()
    }
    write_texts(changed)
    return tuple(changed)


def problems(lock: Lock, digest: str, goal: Target, rules: database.Database) -> tuple[str, ...]:
    """What keeps a lock from being current: the request, the target, or a rule."""
    found: list[str] = []
    if not lock.request_digest:
        found.append("it does not say which request it answers: envlock did not write it")
    elif lock.request_digest != digest:
        found.append("it answers another request, Python or platform than the one given")
    pins = {package.name: package.version for package in lock.packages}
    for violation in violations(rules.rules, pins, Situation.of(goal)):
        if violation.rule.severity is Severity.BREAKS:
            seen = ", ".join(f"{n} {v}" if v else f"no {n}" for n, v in violation.packages.items())
            found.append(f"rule {violation.rule.id} ({seen}): {violation.rule.because}")
    bare = [package.name for package in lock.packages if not package.hashes]
    if bare:
        found.append(f"no hash for {', '.join(bare)}")
    return tuple(found)


def check_lock(order: LockOrder) -> tuple[str, ...]:
    """Whether the lock files are current and rule-abiding; every problem, or none.

    Nothing is solved, fetched or written.
    """
    goal = find_target(order)
    digest = request_digest(order.request, goal)
    rules = database.load(order.rules)
    found: list[str] = []
    locks: dict[Path, dict[NormalizedName, Version]] = {}
    for path, kind in order.outputs.items():
        if not path.exists():
            found.append(f"{path}: there is no such lock")
            continue
        lock = read_lock(path.name, read_text(path))
        locks[path] = {package.name: package.version for package in lock.packages}
        wrong = problems(lock, digest, goal, rules)
        if kind is Format.ENVIRONMENT:  # its pip section has no place for hashes
            wrong = tuple(line for line in wrong if not line.startswith("no hash"))
        found.extend(f"{path}: {line}" for line in wrong)
    if len({tuple(sorted(pins.items())) for pins in locks.values()}) > 1:
        found.append(f"{' and '.join(map(str, locks))} hold different pins")
    return tuple(found)


def _existing(order: LockOrder) -> Lock | None:
    """The first output that is there, refused when envlock did not write it."""
    found: Lock | None = None
    for path in order.outputs:
        if not path.exists():
            continue
        try:
            lock = read_lock(path.name, read_text(path))
        except EnvlockError:
            lock = None
        if lock is None or not lock.request_digest:
            raise UsageError(
                f"{path} is there, and envlock did not write it",
                f"envlock {order.verb} -o OTHER-NAME …",
                f"move {path} away",
            )
        found = found or lock
    return found


def _complete(lock: Lock, order: LockOrder) -> bool:
    """Whether a lock that was read back holds enough for every output."""
    files = all(package.files for package in lock.packages)
    hashes = all(package.hashes for package in lock.packages)
    kinds = set(order.outputs.values())
    return hashes and (files or Format.PYLOCK not in kinds)


def _preferences(order: LockOrder, existing: Lock | None) -> dict[NormalizedName, Version]:
    if existing is None or order.upgrade:
        return {}
    return {
        canonicalize_name(package.name): package.version
        for package in existing.packages
        if package.name not in order.upgrade_packages
    }
