"""The lock files that are there already: whose they are, and whether they are current."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path, PurePath

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock.builds import DirectKind
from envlock.conda.names import names, pypi_pins, python_of
from envlock.errors import Conflicted, EnvlockError, UsageError
from envlock.formats.content import edits
from envlock.formats.registry import LOCKS, format_of, read_lock
from envlock.index.origin import asked, public, source_of
from envlock.index.secrets import redact
from envlock.locking.job import Job
from envlock.locking.stale import StaleReason, changed, dropped, elsewhere, placed, unmet
from envlock.model import Case, Lock, LockedPackage, Part, Selection, Severity, Target
from envlock.request.digest import conda_digest, recorded, request_digest
from envlock.rules.check import Situation, violations
from envlock.rules.database import Database
from envlock.system import read_text
from envlock.targets.subdirs import platform_of
from envlock.words import withdrawn

Locks = Mapping[Path, Lock]
#: The pin that something is wrong with, or "", and what that is.
Fault = tuple[str, str]
_SHOWN = 3  # pins that two files do not agree on


class Standard(Struct, frozen=True, kw_only=True):
    """What a lock is measured by; ``targets`` are known before where pip installs all of it."""

    job: Job
    digest: str
    rules: Database
    targets: tuple[Target, ...] = ()

    @classmethod
    def of(cls, job: Job, rules: Database, goals: tuple[Target, ...]) -> Standard:
        """Return what the locks of a job are measured by."""
        if goals:
            digest = request_digest(job.request, goals)
        else:
            digest = conda_digest(job.request, job.subdirs, _of_indexes(job))
        return cls(job=job, digest=digest, rules=rules, targets=goals)

    @property
    def places(self) -> tuple[str, ...]:
        """The platforms that are locked for."""
        return self.job.subdirs or tuple(str(each.platform) for each in self.targets)


def _of_indexes(job: Job) -> dict[str, str]:
    """What pip's packages depend on where they may come from several indexes."""
    indexes = asked(job.settings)
    if not job.request.requirements or not indexes:
        return {}
    sources = " ".join(f"{name}={public(url)}" for name, url in job.settings.sources)
    return {"indexes": f"{' '.join(indexes)} {job.settings.index_strategy}", "sources": sources}


def read_locks(job: Job) -> dict[Path, Lock]:
    """Return the outputs that are there, as locks.

    Raises:
        UsageError: one is no lock; says the line.
    """
    there = (path for path in job.outputs if path.exists())
    return {path: _read(path, job) for path in there}


def _read(path: Path, job: Job) -> Lock:
    """Read an output; where a merge left both versions, it did so in others too: all are named."""
    try:
        return read_lock(path.name, read_text(path))
    except Conflicted as error:
        if not error.again:
            raise
        files = filter(_in_two, job.outputs)
        raise Conflicted(error.where, *files, again=job.typed_again) from None


def _in_two(path: Path) -> bool:
    with suppress(EnvlockError):
        try:
            read_text(path)
        except Conflicted as error:
            return bool(error.again)
    return False


def own_locks(job: Job) -> dict[Path, Lock]:
    """Return the outputs that are there, as locks.

    Raises:
        UsageError: one is a file that envlock did not write.
    """
    locks: dict[Path, Lock] = {}
    for path in job.outputs:
        if not path.exists():
            continue
        try:
            lock = _read(path, job)
        except Conflicted:
            raise
        except EnvlockError:
            lock = None
        if lock is None or not lock.request_digest:
            raise UsageError(
                f"{path} is there, and envlock did not write it; it is left as it is",
                *_ways_past(path, job),
            )
        locks[path] = lock
    return locks


def _ways_past(path: Path, job: Job) -> Iterator[str]:
    """How to go on beside a file of somebody else's: read it, or write another."""
    row = LOCKS[job.outputs[path]]
    named = path != Path(row.filename)  # what -o names is not read as well
    if row.options and not named and not job.subdirs:
        yield f"-r {shlex.quote(path.as_posix())}"
    if len(job.outputs) == 1:
        yield f"-o {shlex.quote(path.with_stem(f'{path.stem}.envlock').as_posix())}"


def merged(locks: Iterable[Lock]) -> Lock | None:
    """Return one lock of several that hold the same: each platform as the fullest has it."""
    locks = list(locks)
    best: dict[str, Part] = {}
    for part in (each for lock in locks for each in lock.parts):
        known = best.setdefault(part.platform, part)
        if _fullness(part) > _fullness(known):
            best[part.platform] = part
    if not locks:
        return None
    reasons = {rule: why for lock in locks for rule, why in lock.reasons.items()}
    parts = tuple(sorted(best.values(), key=lambda each: each.place))
    return replace(locks[0], parts=parts, reasons=reasons)


def _fullness(part: Part) -> tuple[int, ...]:
    """How much of its packages a lock knows: addresses, what they depend on, hashes."""
    return (
        len(part.conda),
        sum(bool(each.url) for each in part.conda),
        sum(bool(each.depends) for each in part.conda),
        sum(bool(each.hashes) for each in part.pypi),
    )


def covers(lock: Lock, standard: Standard, *, hashed: bool) -> bool:
    """Whether a lock has pins for all platforms; ``hashed``: so that they can be installed."""
    found = [lock.on(place) for place in standard.places]
    return all(
        each is not None and (standard.targets or each.conda) and not (hashed and bare_of(each))
        for each in found
    )


def bare_of(part: Part) -> list[str]:
    """Return the packages without what an install needs: a hash, and for conda an address."""
    conda = [each.name for each in part.conda if not (each.url and (each.sha256 or each.md5))]
    return [*conda, *(each.name for each in part.pypi if not (each.hashes or _is_unhashed(each)))]


def refuse_placed(lock: Lock, what: str, *remedies: str, wheels: bool = False) -> None:
    """Refuse a lock with what is from a place, but for the archives of ``wheels`` at an address.

    Raises:
        UsageError: there is such a pin; the message ends in ``what``.
    """
    for package in (each for part in lock.parts for each in part.pypi):
        direct = package.direct
        if direct is None or (wheels and not direct.is_local and direct.url.endswith(".whl")):
            continue
        raise UsageError(f"{package.name} is from {redact(direct.address)}: {what}", *remedies)


def _is_unhashed(package: LockedPackage) -> bool:
    """Whether nothing has a hash of it: a folder, or a commit, which is one."""
    return package.direct is not None and package.direct.kind is not DirectKind.ARCHIVE


def problems(locks: Locks, standard: Standard) -> tuple[StaleReason, ...]:
    """Everything that keeps the outputs from being current, each with its file; () for nothing."""
    outputs = standard.job.outputs
    found = [
        StaleReason(path=path, what="there is no such lock")
        for path in outputs
        if path not in locks
    ]
    for path, lock in locks.items():
        faults = _faults(lock, standard, hashes=LOCKS[outputs[path]].hashes)
        found += (StaleReason(path=path, name=name, what=what) for name, what in faults)
    return (*found, *_differing(locks))


def edited(path: Path, lock: Lock) -> tuple[StaleReason, ...]:
    """Return where a lock is not what envlock wrote, each place with its line; () for nowhere."""
    return tuple(placed(StaleReason(path=path, name=e.name, what=e.what)) for e in edits(lock))


def _faults(lock: Lock, standard: Standard, *, hashes: bool) -> Iterator[Fault]:
    """What is wrong with one lock: the request, an edit, the platforms, a rule, the hashes."""
    changes = edits(lock)
    yield from ((each.name, each.what) for each in changes)
    yield from _of_request(lock, standard)
    yield from _of_other_indexes(lock, standard)
    yield from _withdrawn(lock)
    for part in lock.parts:
        yield from _broken(part, standard, lock.variables, since=bool(lock.content) and not changes)
        bare = bare_of(part)
        if bare and hashes:
            yield bare[0], f"no hash for {', '.join(bare)}"


def _withdrawn(lock: Lock) -> Iterator[Fault]:
    """The pins that were yanked when they were locked, which is told in a note."""
    pins = {(pin.name, pin.version) for part in lock.parts for pin in part.pypi}
    for name, version in sorted(pins):
        said = withdrawn(name, version)
        yield from ((name, n) for n in lock.notes if n == said or n.startswith(f"{said}:"))


def _of_request(lock: Lock, standard: Standard) -> Iterator[Fault]:
    """How what is asked for now is not what the lock answers."""
    if not lock.request_digest:
        yield "", "it does not say which request it answers: envlock did not write it"
        return
    request, goals = standard.job.request, standard.targets
    held = [(part, _goals(part, standard)) for part in lock.parts]
    found = [each for part, meant in held if meant for each in unmet(part, request, meant[0])]
    if lock.request_digest != standard.digest:
        found = [*_since(lock, standard, found)]
        found += (("", what) for what in elsewhere(lock, goals) if goals)
        if not found:
            what = "another constraint, accelerator, date or the like than in"
            yield "", f"it answers another request than the one given: {what} {lock.command}"
    yield from dict.fromkeys(found)


def _since(lock: Lock, standard: Standard, unheld: Iterable[Fault]) -> Iterator[Fault]:
    """What was asked for otherwise, as the lock has it; an older one tells it by its pins alone."""
    job = standard.job
    if not (lock.asked.requirements or lock.requested):
        yield from unheld
        yield from (each for part in lock.parts for each in dropped(part, job.request))
        return
    differs = tuple(changed(lock, recorded(job.request, job.typed), job.request.specs))
    yield from differs
    yield from (each for each in unheld if each[0] and each[0] not in dict(differs))


def _of_other_indexes(lock: Lock, standard: Standard) -> Iterator[Fault]:
    """What several indexes would make of the pins, as far as that can be told without asking."""
    settings = standard.job.settings
    now = asked(settings)
    if standard.targets and now:  # else the digest has them
        if not lock.indexes:
            yield "", f"it does not say which of {' and '.join(now)} each pin is from"
        elif (lock.indexes, lock.index_strategy) != (now, settings.index_strategy):
            before = f"{' and '.join(lock.indexes)} ({lock.index_strategy})"
            after = f"{' and '.join(now)} ({settings.index_strategy})"
            yield "", f"it was made from {before}, not {after}"
    for package in (each for part in lock.parts for each in part.pypi):
        source = source_of(settings, package.name)
        if source is not None and package.index not in {"", public(source)}:
            what = f"{package.name} is from {package.index}, and sources hold it to"
            yield package.name, f"{what} {public(source)}"


def _broken(
    part: Part, standard: Standard, variables: Mapping[str, str], *, since: bool
) -> Iterator[Fault]:
    """The rules that the pins of a platform break, both sides together.

    A lock that nobody edited obeyed all rules when it was made: then a rule is
    newer (``since``).
    """
    situation = situation_of(part, standard)
    if situation is None:
        return
    situation = replace(situation, variables=variables, settled=True)
    pins = {**pypi_pins(part.conda), **part.pins}
    for found in violations(standard.rules.rules, pins, situation):
        if found.rule.severity is Severity.BREAKS and not _is_own(found.case, standard):
            seen = ", ".join(f"{n} {v}" if v else f"no {n}" for n, v in found.packages.items())
            new = "new " if since else ""
            name = next((each for each in reversed([*found.packages]) if each in pins), "")
            yield name, f"{new}rule {found.rule.id} ({seen}): {found.rule.because}"


def _is_own(case: Case, standard: Standard) -> bool:
    """Whether a case is about what the request itself sets otherwise."""
    return not case.demands and any(n in standard.job.request.variables for n in case.settings)


def situation_of(part: Part, standard: Standard) -> Situation | None:
    """Where the pins of a platform are; None for those beside conda's in a file of their own."""
    if standard.targets:
        goals = _goals(part, standard)
        return Situation.of(goals[0]) if goals else None
    python = python_of(part.conda)
    if python is None or not part.subdir:
        return None
    return Situation(python=python, platform=platform_of(part.subdir), manager="conda")


def _goals(part: Part, standard: Standard) -> tuple[Target, ...]:
    """The target of a part; a file may name none, and is then judged for the only one."""
    every = standard.targets
    meant = tuple(each for each in every if str(each.platform) == part.platform)
    return meant or (every if len(every) == 1 else ())


def _differing(locks: Locks) -> Iterator[StaleReason]:
    """Files that do not pin a platform alike: someone changed one of them."""
    first: dict[tuple[str, str], tuple[Path, dict[str, str]]] = {}
    for path, lock in locks.items():
        for part in lock.parts:
            for side, pins in _sides(part).items():
                other, known = first.setdefault((part.platform, side), (path, pins))
                differ = sorted(
                    name for name in {*pins, *known} if pins.get(name) != known.get(name)
                )
                if differ:
                    more = f" and {len(differ) - _SHOWN} more" if differ[_SHOWN:] else ""
                    what = f"{', '.join(differ[:_SHOWN])}{more} for {part.place}"
                    yield StaleReason(
                        path=path, name=differ[0], what=f"{other} pins {what} otherwise"
                    )


def _sides(part: Part) -> dict[str, dict[str, str]]:
    """The pins of a platform; requirements have those of pip's side alone."""
    sides = {"pypi": {str(name): str(version) for name, version in part.pins.items()}}
    if part.conda:
        sides["conda"] = {each.name: each.version for each in part.conda}
    return sides


def wider(job: Job) -> Lock | None:
    """Return a lock that is there for more platforms than a job that names none; None for none."""
    for path in job.outputs if job.here else ():
        with suppress(EnvlockError, OSError):  # whoever writes over it tells what it is
            lock = read_lock(path.name, read_text(path))
            places = {each.place for each in lock.parts}
            if lock.request_digest and len(places) > 1 and set(job.subdirs) <= places:
                return lock
    return None


def refuse_unknown(job: Job, lock: Lock) -> None:
    """Refuse to upgrade what is neither in a lock nor asked for.

    Raises:
        UsageError: a name is in neither.
    """
    asked_for = (*job.request.requirements, *job.request.constraints)
    known: set[str] = {canonicalize_name(each.requirement.name) for each in asked_for}
    known |= {each.name for each in job.request.specs}
    for part in lock.parts:
        known |= {*part.pins, *pypi_pins(part.conda), *(each.name for each in part.conda)}
    for wish in job.upgrades:
        name = canonicalize_name(wish.requirement.name)
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise UsageError(
                f"-P {wish.requirement}: it is neither in the lock nor asked for",
                f"-P {near[0]}" if near else f"leave -P {wish.requirement} out",
            )


def to_keep(job: Job, before: Lock | None, goals: Iterable[Target]) -> dict[str, Part]:
    """Return what of a lock is kept where it fits, by platform; not what is asked for anew.

    The pins of another Python are no pins for this one.
    """
    if before is None or job.upgrade:
        return {}
    pythons = {str(each.platform): each.minor for each in goals}
    return {
        part.platform: _without(part, job)
        for part in before.parts
        if pythons.get(part.platform, part.python) == part.python
    }


def of_other_python(before: Lock | None, goals: Iterable[Target]) -> str:
    """Return the Python that a lock is for, where it is none of those wanted now; else ""."""
    wanted = {each.minor for each in goals}
    known = {each.python for each in before.parts} if before else set()
    return ", ".join(sorted(known)) if wanted and known - {""} and not known & wanted else ""


def _without(part: Part, job: Job) -> Part:
    anew = job.upgraded
    return replace(
        part,
        conda=tuple(
            each
            for each in part.conda
            if each.url and names().provided(each) not in anew and each.name not in anew
        ),
        pypi=tuple(each for each in part.pypi if each.name not in anew),
    )


_OPTION_LINE = re.compile(r"^(?!-e\b|--editable\b)(--?[a-z][a-z-]*)(?:[ =].*)?$", re.MULTILINE)


def without_options(name: str, text: str) -> tuple[str, tuple[str, ...]]:
    """Return the text of a lock without lines that are options for pip, and those options.

    pip-compile and uv write down the indexes they were configured with.
    """
    kind = format_of(PurePath(name), text)
    if kind is None or not LOCKS[kind].options:
        return text, ()
    return _OPTION_LINE.sub("", text), tuple(dict.fromkeys(_OPTION_LINE.findall(text)))


def choosing(lock: Lock, path: Path, chosen: Collection[Selection]) -> Lock:
    """Return what a lock always installs, and what it has for the extras and groups chosen.

    Raises:
        UsageError: one of them cannot be chosen from it.
    """
    for each in chosen:
        if each not in lock.selections:
            there = ", ".join(map(str, lock.selections)) or "none"
            raise UsageError(
                f"{each} cannot be chosen from {path}; there can be: {there}",
                f"leave --{each.kind} {each.name} out",
            )
    parts = tuple(
        replace(
            part,
            pypi=tuple(
                replace(package, only=())
                for package in part.pypi
                if not package.only or set(package.only) & set(chosen)
            ),
        )
        for part in lock.parts
    )
    return replace(lock, parts=parts, selections=())


def made_by_envlock(path: Path) -> bool:
    """Whether the header of a file says that envlock wrote it."""
    try:
        return read_lock(path.name, read_text(path)).command.startswith("envlock ")
    except UsageError:
        return False
