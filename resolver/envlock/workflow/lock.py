"""`envlock lock`: a request becomes a lock, and the lock files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from msgspec import Struct, field
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock import resolve as resolving
from envlock.choices import EngineName, Format
from envlock.engine import able
from envlock.index.origin import asked
from envlock.index.pages import Index
from envlock.index.releases import admitted, releases
from envlock.model import IndexSettings, Lock, Request, Target
from envlock.progress import Progress
from envlock.request.markers import applicable
from envlock.resolve.anchor import Candidate
from envlock.resolve.located import tell_several
from envlock.rules import database
from envlock.system import read_text, refuse_irregular
from envlock.targets.find import find, others, terms
from envlock.targets.platforms import Place
from envlock.workflow import existing
from envlock.workflow.outputs import Seen, seen, try_outputs, write_changed
from envlock.write import WRITERS, read_lock


class LockOrder(Struct, frozen=True, kw_only=True):
    """What `make_lock` needs to know.

    ``outputs`` are the files to write; the first that exists gives the pins
    to prefer, and ``preferences`` are preferred besides. ``command`` makes
    the files again, with the ``--python`` that is added to it; ``verb`` is
    the command that was typed. ``requires_python`` is what the projects in
    the request say. ``name`` is what the environment is called where a
    format names it. ``platform`` is another platform than this machine's;
    ``builds`` says that the Python must be here. ``fresh`` leaves evidence
    aside, ``evidence`` are folders with more of it.
    """

    request: Request
    settings: IndexSettings
    outputs: Mapping[Path, Format]
    command: str
    name: str
    verb: str = "lock"
    python: str | None = None
    platform: Place | None = None
    builds: bool = False
    requires_python: SpecifierSet = field(default_factory=SpecifierSet)
    engine: EngineName = EngineName.PIPTOOLS
    rules: tuple[Path, ...] = ()
    upgrade: bool = False
    upgrade_packages: frozenset[NormalizedName] = frozenset()
    preferences: Mapping[NormalizedName, Version] = field(default_factory=dict)
    fresh: bool = False
    evidence: tuple[Path, ...] = ()

    def target(self) -> Target:
        """Return the target that was asked for; raises as `envlock.targets.find.find` does."""
        wanted = terms(self.request, self.requires_python, here=self.builds)
        return find(self.python, self.platform, wanted)


class Locked(Struct, frozen=True, kw_only=True):
    """A lock, the target it is for, and the texts of its files; no texts when all are current.

    ``before`` is what the files held when they were read.
    """

    lock: Lock
    target: Target
    texts: Mapping[Path, str]
    before: Seen


class _Standing(Struct, frozen=True, kw_only=True):
    """What is there when a lock is asked for; ``current`` is a lock that can be taken as it is."""

    target: Target
    rules: database.Database
    before: Seen
    digest: str
    command: str
    old: Lock | None
    current: Lock | None


def make_lock(
    order: LockOrder, progress: Progress, *, hashed: bool = False, beside: Iterable[Path] = ()
) -> Locked:
    """Lock a request without writing anything.

    Lock files that still answer the request and obey the rules are taken as
    they are; ``upgrade`` and ``upgrade_packages`` ask anew, and so does
    ``hashed`` when no file has hashes. Whether a new lock could be written,
    and the files ``beside`` it, is tried before anything is solved.

    Raises:
        NoResolution: nothing fits.
        UsageError: an output is a file that envlock did not make.
        WorkError: an index, an engine or an interpreter is missing or fails,
            or an output cannot be written.
    """
    standing = _standing(order, hashed=hashed)
    if standing.current is None:
        try_outputs((*order.outputs, *beside), progress)
    return _locked(order, standing, progress)


def make_locks(orders: Sequence[LockOrder], progress: Progress) -> tuple[Locked, ...]:
    """Lock one request for several targets without writing anything; see `make_lock`."""
    asked = [(order, _standing(order, hashed=False)) for order in orders]
    anew = (order.outputs for order, standing in asked if standing.current is None)
    try_outputs((path for outputs in anew for path in outputs), progress)
    return tuple(_locked(order, standing, progress) for order, standing in asked)


def _standing(order: LockOrder, *, hashed: bool) -> _Standing:
    refuse_irregular(order.outputs)
    goal = order.target()
    rules = database.load(order.rules)
    before = seen(order.outputs)
    locks = existing.own_locks(order.outputs, order.verb)
    standard = existing.standard(order.request, goal, rules, order.settings)
    command = f"{order.command} --python {goal.minor}"
    taken = None
    if not (order.upgrade or order.upgrade_packages):
        current = not existing.problems(order.outputs, locks, standard)
        ready = [lock for lock in locks.values() if _hashed(lock) or not hashed]
        if current and ready and all(lock.command == command for lock in locks.values()):
            taken = ready[0]
    return _Standing(
        target=goal,
        rules=rules,
        before=before,
        digest=standard.digest,
        command=command,
        old=next(iter(locks.values()), None),
        current=taken,
    )


def _locked(order: LockOrder, standing: _Standing, progress: Progress) -> Locked:
    goal, old = standing.target, standing.old
    if standing.current is not None:
        return Locked(lock=standing.current, target=goal, texts={}, before=standing.before)
    preferences = _preferences(order, old)
    answer, verified = _answer(order, goal, standing.rules, preferences, progress)
    if old is not None:
        kept = (package for package in old.packages if package.name in preferences)
        answer = answer.recalling(kept, standing.rules.find)
    tell_several(answer.packages, order.settings, progress)
    lock = Lock(
        python=goal.minor,
        platform=str(goal.platform),
        packages=answer.packages,
        command=standing.command,
        request_digest=standing.digest,
        notes=(*answer.notes, *([] if verified else unproved(goal))),
        reasons=answer.reasons,
        verified=verified,
        indexes=asked(order.settings),
        index_strategy=order.settings.index_strategy,
    )
    texts = _render(lock, order)
    return Locked(lock=lock, target=goal, texts=texts, before=standing.before)


def unproved(goal: Target) -> tuple[str, ...]:
    """Say what the reader of a lock must know whose Python was not at hand."""
    if goal.interpreter is not None:
        return ()
    if not goal.option:
        return (f"made without a Python {goal.minor} at hand: that it runs is not proved",)
    system = goal.platform.libc.replace("macos", "macOS")
    since = f" with {system} or later" if system else ""
    return (f"made for any {goal.platform}{since}: that it runs there is not proved",)


def _answer(
    order: LockOrder,
    goal: Target,
    rules: database.Database,
    preferences: Mapping[NormalizedName, Version],
    progress: Progress,
) -> tuple[resolving.Resolution, str]:
    """The pins, and what they were seen to do when they are a set that was proved."""
    index = Index(order.settings, progress=progress)
    question = resolving.Question(
        wishes=resolving.merge(applicable(order.request.requirements, goal)),
        constraints=resolving.merge(applicable(order.request.constraints, goal)),
        rules=rules.rules,
        target=goal,
        settings=order.settings,
        preferences=preferences,
        exclude_newer=order.request.exclude_newer,
    )
    if order.fresh:
        return _resolve(order, question, rules, index, progress), ""
    from envlock.workflow import proved  # noqa: PLC0415  (15 ms that --fresh does not need)

    needs = order.request.needs
    found = proved.consult(question, needs, order.evidence, index)
    if found is None:
        answer = _resolve(order, question, rules, index, progress)
        return answer.noting(*proved.elsewhere(question, order.evidence, answer)), ""
    if not found.unmet and not preferences:
        addresses = Format.PYLOCK in order.outputs.values()
        return proved.resolution(found, question, rules, index, addresses=addresses), found.words
    question = proved.preferring(question, found, needed=bool(needs))
    answer = _resolve(order, question, rules, index, progress)
    answer = answer.recalling(found.proved.packages, rules.find)
    if answer.pins == found.proved.pins:
        return answer, found.words
    return answer.noting(proved.compared(found, answer.packages)), ""


def _resolve(
    order: LockOrder,
    question: resolving.Question,
    rules: database.Database,
    index: Index,
    progress: Progress,
) -> resolving.Resolution:
    date, goal = question.exclude_newer, question.target
    name, engine = able(order.engine, goal)
    if name is not order.engine:
        progress.note(
            f"{name} resolves for Python {goal.minor} on {goal.platform}:"
            f" {order.engine} can do so only with that Python at hand"
        )
    tools = resolving.Tools(
        engine=engine,
        releases=cache(lambda name: releases(admitted(index.files(name), date))),
        progress=progress,
        companions=partial(_companions, order, goal),
    )
    why = resolving.Asked(
        database=rules,
        verb=order.verb,
        targets_here=lambda: others(goal),
    )
    return resolving.resolve(question, tools, index, why)


def _companions(order: LockOrder, goal: Target, anchor: Candidate) -> Iterable[NormalizedName]:
    """What was installed with a release before; asked for while an engine works."""
    from envlock.evidence.library import companions  # noqa: PLC0415  (as for proved)

    return companions(anchor.name, anchor.version, goal.minor, order.evidence)


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


def texts_of(*locks: Locked) -> dict[Path, str]:
    """Return the lock files of several locks."""
    return {path: text for each in locks for path, text in each.texts.items()}


def before_of(*locks: Locked) -> Seen:
    """Return what the lock files of several locks held when they were read."""
    return {path: content for each in locks for path, content in each.before.items()}


def write(*locks: Locked) -> tuple[Path, ...]:
    """Write the lock files that differ from what is there, all or none; return those.

    Raises:
        WorkError: they cannot be written, or were changed by somebody else
            since they were read; then none has changed.
    """
    return write_changed(texts_of(*locks), before_of(*locks))


def check_lock(order: LockOrder) -> tuple[str, ...]:
    """Return everything that keeps the lock files from being current and rule-abiding.

    Nothing is solved, fetched or written.
    """
    refuse_irregular(order.outputs)
    goal = order.target()
    rules = database.load(order.rules)
    standard = existing.standard(order.request, goal, rules, order.settings)
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
