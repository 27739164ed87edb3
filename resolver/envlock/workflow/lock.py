"""`envlock lock`: a request becomes a lock, and the lock files."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import resolve as resolving
from envlock.choices import EngineName, Format
from envlock.engine import ENGINES
from envlock.environment.description import Interpreter, target
from envlock.environment.interpreters import available, find_interpreter
from envlock.errors import InterpreterMissing, UsageError
from envlock.index.pages import Index
from envlock.index.redact import redact
from envlock.index.releases import admitted, releases
from envlock.model import IndexSettings, Lock, Request, Target
from envlock.progress import Progress
from envlock.releases import wheels_for
from envlock.request import applicable
from envlock.resolve.anchor import TENSORFLOW
from envlock.rules import database
from envlock.rules.families import families
from envlock.system import read_text, write_texts
from envlock.workflow import existing
from envlock.write import WRITERS, read_lock, request_digest


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOrder:
    """What `make_lock` needs to know.

    ``outputs`` are the files to write; the first that exists gives the pins
    to prefer, and ``preferences`` are preferred besides. ``command`` makes
    the files again, with the ``--python`` that is added to it; ``verb`` is
    the command that was typed. ``requires_python`` is what the projects in
    the request say. ``name`` is what the environment is called where a
    format names it.
    """

    request: Request
    settings: IndexSettings
    outputs: Mapping[Path, Format]
    command: str
    name: str
    verb: str = "lock"
    python: str | None = None
    requires_python: SpecifierSet = field(default_factory=SpecifierSet)
    engine: EngineName = EngineName.PIPTOOLS
    rules: tuple[Path, ...] = ()
    upgrade: bool = False
    upgrade_packages: frozenset[NormalizedName] = frozenset()
    preferences: Mapping[NormalizedName, Version] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """A lock, the target it is for, and the texts of its files; no texts when all are current."""

    lock: Lock
    target: Target
    texts: Mapping[Path, str]


def make_lock(order: LockOrder, progress: Progress, *, hashed: bool = False) -> Locked:
    """Lock a request without writing anything.

    Lock files that still answer the request and obey the rules are taken as
    they are; ``upgrade`` and ``upgrade_packages`` ask anew, and so does
    ``hashed`` when no file has hashes.

    Raises:
        NoResolution: nothing fits.
        UsageError: an output is a file that envlock did not make.
        WorkError: an index, an engine or an interpreter is missing or fails.
    """
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(database.load, order.rules)
        goal = find_target(order)  # waits for an interpreter to start; the rules are read meanwhile
        rules = reading.result()
    locks = existing.own_locks(order.outputs, order.verb)
    standard = existing.Standard(
        digest=request_digest(order.request, goal), target=goal, rules=rules
    )
    command = f"{order.command} --python {goal.minor}"
    if not (order.upgrade or order.upgrade_packages):
        current = not existing.problems(order.outputs, locks, standard)
        ready = [lock for lock in locks.values() if _hashed(lock) or not hashed]
        if current and ready and all(lock.command == command for lock in locks.values()):
            return Locked(lock=ready[0], target=goal, texts={})
    preferences = _preferences(order, next(iter(locks.values()), None))
    answer = _resolve(order, goal, rules, preferences, progress)
    lock = Lock(
        python=goal.minor,
        platform=str(goal.platform),
        packages=answer.packages,
        command=command,
        request_digest=standard.digest,
        notes=answer.notes,
        reasons=answer.reasons,
    )
    return Locked(lock=lock, target=goal, texts=_render(lock, order))


def find_target(order: LockOrder) -> Target:
    """Return the target that was asked for: an interpreter of this machine.

    Raises:
        InterpreterMissing: it is not here.
        UsageError: the project says that it does not run on it.
    """
    try:
        interpreter = find_interpreter(order.python, allows=_allows)
    except InterpreterMissing as error:
        others = (each for each in error.remedies if not each.startswith("--python"))
        raise InterpreterMissing(error.message, *_suitable(order), *others) from None
    if not order.requires_python.contains(interpreter.version, prereleases=True):
        raise UsageError(
            f"the project asks for Python {order.requires_python},"
            f" and Python {interpreter.version} would be locked for",
            *_suitable(order),
        )
    return target(interpreter, order.request.accelerator)


def _suitable(order: LockOrder) -> tuple[str, ...]:
    """The newest Python here that the project and the wished TensorFlow run on, as an option."""
    members = families().members(TENSORFLOW)
    wishes = [wish.requirement for wish in order.request.requirements]
    asked = [w.specifier for w in wishes if canonicalize_name(w.name) in members]
    for each in available():
        releases_here = wheels_for(_minor(each), each.platform).versions
        if order.requires_python.contains(each.version, prereleases=True) and (
            not asked or any(all(v in spec for spec in asked) for v in releases_here)
        ):
            return (f"--python {_minor(each)}",)
    return ()


def _allows(interpreter: Interpreter) -> str:
    versions = wheels_for(_minor(interpreter), interpreter.platform).versions
    return f"TensorFlow {versions[0]} to {versions[-1]}" if versions else "no TensorFlow"


def _minor(interpreter: Interpreter) -> str:
    return f"{interpreter.version.major}.{interpreter.version.minor}"


def _resolve(
    order: LockOrder,
    goal: Target,
    rules: database.Database,
    preferences: Mapping[NormalizedName, Version],
    progress: Progress,
) -> resolving.Resolution:
    index = Index(order.settings, progress=progress)
    date = order.request.exclude_newer
    question = resolving.Question(
        wishes=resolving.merge(applicable(order.request.requirements, goal)),
        constraints=resolving.merge(applicable(order.request.constraints, goal)),
        rules=rules.rules,
        target=goal,
        settings=order.settings,
        preferences=preferences,
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
    return resolving.resolve(question, tools, index, asked)


def requirements_text(lock: Lock) -> str:
    """Return a lock as the hashed requirements that an installer takes."""
    (text,) = WRITERS[Format.REQUIREMENTS].render(lock, name="").values()
    return text


def _render(lock: Lock, order: LockOrder) -> dict[Path, str]:
    texts: dict[Path, str] = {}
    for path, kind in order.outputs.items():
        (text,) = WRITERS[kind].render(lock, name=order.name).values()
        texts[path] = text
    return texts


def write(locked: Locked) -> tuple[Path, ...]:
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


def check_lock(order: LockOrder) -> tuple[str, ...]:
    """Return everything that keeps the lock files from being current and rule-abiding.

    Nothing is solved, fetched or written.
    """
    goal = find_target(order)
    standard = existing.Standard(
        digest=request_digest(order.request, goal),
        target=goal,
        rules=database.load(order.rules),
    )
    there = (path for path in order.outputs if path.exists())
    locks = {path: read_lock(path.name, read_text(path)) for path in there}
    return existing.problems(order.outputs, locks, standard)


def _hashed(lock: Lock) -> bool:
    return all(package.hashes for package in lock.packages)


def _preferences(order: LockOrder, lock: Lock | None) -> dict[NormalizedName, Version]:
    if lock is None or order.upgrade:
        return dict(order.preferences)
    return dict(order.preferences) | {
        package.name: package.version
        for package in lock.packages
        if package.name not in order.upgrade_packages
    }
