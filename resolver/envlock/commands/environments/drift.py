"""How an environment differs from a lock: what is to be removed, added, changed or repaired.

Read from files alone. The one comparison behind `sync`, `create` and the note
of `diagnose`, in the terms of `envlock diff`: the environment is the old side,
the lock the new one. pip is nobody's difference unless it is locked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.builds import DirectKind
from envlock.commands.files.diff import ListedPin, LockSide, Moved, Way, compare, conda_order
from envlock.environment.damage import Damage, damages
from envlock.environment.inspect import site_folders
from envlock.environment.layout import conda_packages, read_layout, records_of
from envlock.environment.owners import of_conda
from envlock.environment.records import Distribution, read_site
from envlock.environment.settings import settings_in
from envlock.environment.whose import built_pins
from envlock.errors import InterpreterMissing
from envlock.model import LockedPackage, Part
from envlock.report import Row
from envlock.rules.settings import holdable
from envlock.standards import requirement
from envlock.system.looking import is_file
from envlock.targets.interpreters import base_program, python_in
from envlock.versions import minor_of

_PIP = canonicalize_name("pip")
_OF_PIP = " (pip)"  # behind a name where conda installs too
_COMMIT = 12  # digits of one that are shown
_SHOWN = 8  # packages of one kind, without -v
_NAMED = 5  # of one kind in a note
_OTHER = (Way.UP, Way.DOWN, Way.BUILD)
#: What is done about a difference, in the order in which it is told.
_VERBS = {
    Way.REMOVED: "remove",
    Way.ADDED: "add",
    Way.UP: "change",
    Way.DOWN: "change",
    Way.BUILD: "change",
}


class Drift(Struct, frozen=True, kw_only=True):
    """What makes an environment equal to a lock; falsy when it is.

    ``moved`` leads from the environment to the lock. ``by_hand`` are packages
    that came after envlock built it, and ``asked`` those beyond the lock that
    were asked for, with what came for each. ``damaged`` are locked ones whose
    files are not as they were installed. ``python`` is what is there and what
    is wanted. ``kept`` are packages beyond the lock that are let be. ``settings``
    are variables that it is to set, or (None) no longer to set.
    """

    moved: tuple[Moved, ...] = ()
    damaged: Mapping[str, Damage] = field(default_factory=dict)
    python: tuple[str, str] | None = None
    by_hand: frozenset[str] = frozenset()
    asked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    kept: tuple[Distribution, ...] = ()
    settings: Mapping[str, str | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.moved or self.damaged or self.python or self.settings)

    @property
    def rewritten(self) -> frozenset[NormalizedName]:
        """The packages of pip that an installer's cache may have as they are here: changed."""
        return frozenset(canonicalize_name(n) for n, each in self.damaged.items() if each.changed)


class Closeness(Struct, frozen=True, kw_only=True):
    """How closely an environment is compared.

    ``python`` is the exact version where one was asked for; without, another
    patch of the same minor is as good. ``inexact`` lets be what the lock does
    not name; ``thorough`` takes the hash of every file, and without ``files``
    none is looked at.
    """

    python: Version | None = None
    files: bool = True
    thorough: bool = False
    inexact: bool = False


def drift_of(
    folder: Path, part: Part, how: Closeness, variables: Mapping[str, str] | None = None
) -> Drift:
    """Compare an environment with a part of a lock; in a missing one nothing is installed.

    What it is to set is compared where ``variables`` say it.
    Nothing of it is run: it may have come with a folder that was cloned.
    """
    there = tuple(_by_pip(folder))
    beside = _OF_PIP if part.subdir else ""
    before = {f"{each.name}{beside}": _pin(each) for each in there if _counts(each.name, part)}
    before |= {name: pin for name, pin in map(_of_record, records_of(folder)) if part.subdir}
    after = {f"{each.name}{beside}": _wanted(each) for each in part.pypi}
    before |= {f"{each.name}{beside}": _wanted(each) for each in _in_place(there, part)}
    after |= {
        each.name: ListedPin(
            version=each.version, order=conda_order(each.version), build=each.build
        )
        for each in part.conda
    }
    moved = compare(LockSide(pins=before), LockSide(pins=after)).moved
    beyond = {each.name for each in moved if each.way is Way.REMOVED}
    kept: tuple[Distribution, ...] = ()
    if how.inexact:
        kept = tuple(each for each in there if f"{each.name}{beside}" in beyond)
        moved = tuple(each for each in moved if each.way is not Way.REMOVED)
    built = built_pins(folder)
    others = {each.name.removesuffix(_OF_PIP) for each in moved}
    damaged = damages(folder, None, thorough=how.thorough) if how.files else {}
    ours = {*part.pins, *(each.name for each in part.conda)}
    return Drift(
        moved=moved,
        damaged={name: each for name, each in sorted(damaged.items()) if name in ours - others},
        python=_python(folder, part, how),
        by_hand=frozenset(
            name for name in beyond if built is not None and name.removesuffix(_OF_PIP) not in built
        ),
        asked=_asked([each for each in there if f"{each.name}{beside}" in beyond], beside),
        kept=kept,
        settings={} if variables is None else _settings(folder, holdable(variables)),
    )


def _settings(folder: Path, wanted: Mapping[str, str]) -> dict[str, str | None]:
    """What an environment is to set and does not, or sets and is not to."""
    there = settings_in(site_folders(folder))
    names = sorted({*there, *wanted})
    return {name: wanted.get(name) for name in names if there.get(name) != wanted.get(name)}


def _asked(beyond: Sequence[Distribution], beside: str) -> dict[str, frozenset[str]]:
    """What somebody named to pip or uv, and what each brought that nobody named, once."""
    needs = {
        each.name: {canonicalize_name(n.name) for n in map(requirement, each.requires) if n}
        for each in beyond
    }
    named = [each.name for each in beyond if is_file(each.info / "REQUESTED")]
    left, found = needs.keys() - named, dict[str, frozenset[str]]()
    for name in named:
        brought, waiting = set[NormalizedName](), [name]
        while waiting:
            new = needs[waiting.pop()] & left
            left -= new
            brought |= new
            waiting += new
        found[f"{name}{beside}"] = frozenset(f"{each}{beside}" for each in brought)
    return found


def _counts(name: NormalizedName, part: Part) -> bool:
    return name != _PIP or name in part.pins


def _by_pip(folder: Path) -> Iterator[Distribution]:
    """What pip and its like installed, each name once."""
    conda = conda_packages(folder)
    known: set[NormalizedName] = set()
    for site in site_folders(folder):
        every = read_site(site).distributions
        theirs = of_conda(every, conda) if conda else frozenset[Distribution]()
        for each in every:
            if each not in theirs and each.name not in known:
                known.add(each.name)
                yield each


def _pin(installed: Distribution) -> ListedPin:
    return ListedPin(
        version=str(installed.version), order=installed.version, build=installed.commit[:_COMMIT]
    )


def _wanted(package: LockedPackage) -> ListedPin:
    direct = package.direct
    build = "" if direct is None else direct.commit[:_COMMIT] or direct.kind.value
    return ListedPin(version=str(package.version), order=package.version, build=build)


def _in_place(there: Sequence[Distribution], part: Part) -> Iterator[LockedPackage]:
    """What is from a place, and installed as it is locked."""
    installed = {each.name: each for each in there}
    for package in part.pypi:
        found = installed.get(package.name) if package.direct is not None else None
        if found is not None and _is_from(found, package):
            yield package


def _is_from(installed: Distribution, package: LockedPackage) -> bool:
    """Whether what is installed is what a place has; a folder changes as it is worked on."""
    direct = package.direct
    match direct.kind if direct is not None else None:
        case DirectKind.GIT:
            return direct is not None and installed.commit == direct.commit
        case DirectKind.DIRECTORY:
            return direct is not None and installed.editable == direct.editable
        case _:
            return installed.version == package.version


def _of_record(record: str) -> tuple[str, ListedPin]:
    """The package behind the name of a record of conda's: NAME-VERSION-BUILD."""
    name, version, build = (*record.rsplit("-", 2), "", "")[:3]
    return name, ListedPin(version=version, order=conda_order(version), build=build)


def _python(folder: Path, part: Part, how: Closeness) -> tuple[str, str] | None:
    """The Python that is there and the one that is wanted, where they differ.

    conda's is among its packages.
    """
    wanted = part.python if how.python is None else str(how.python)
    python = python_in(folder)
    if python is None:
        return "none", wanted
    if part.subdir:
        return None
    try:
        base_program(python)
    except InterpreterMissing:
        return "one that is gone", wanted
    there = read_layout(python.absolute()).version
    if there is None:
        return "an unknown one", wanted
    minor = minor_of(there)
    if how.python is not None and there != how.python:
        return str(there), wanted
    return None if not wanted or minor == minor_of(Version(wanted)) else (minor, wanted)


def drift_rows(found: Drift, *, verbose: bool) -> Iterator[Row]:
    """Say what is done to make an environment equal: what goes first, and of that the user's own.

    Of each kind some are named, with ``verbose`` all.
    """
    rows: dict[str, list[tuple[str, str, str]]] = {}
    for each in sorted(found.moved, key=lambda each: _rank(each, found)):
        versions = " → ".join(v for v in (each.before, each.after) if v is not None)
        rows.setdefault(_VERBS[each.way], []).append((each.name, versions, _why(each, found)))
    for name, damage in found.damaged.items():
        rows.setdefault("repair", []).append((name, "", str(damage)))
    rows["keep"] = [(each.name, str(each.version), "") for each in found.kept]
    if found.python is not None:
        yield "python", " → ".join(found.python)
    for name, value in found.settings.items():
        yield ("unset", name) if value is None else ("set", f"{name}={value}")
    yield from _columns(
        {verb: rows.get(verb, []) for verb in (*dict.fromkeys(_VERBS.values()), "repair", "keep")},
        shown=None if verbose else _SHOWN,
    )


def _rank(each: Moved, found: Drift) -> tuple[bool, bool]:
    """What somebody added comes first, and of that what was asked for."""
    return each.name not in found.by_hand, each.name not in found.asked


def _columns(
    rows: Mapping[str, Sequence[tuple[str, str, str]]], *, shown: int | None
) -> Iterator[Row]:
    told = {verb: some[:shown] for verb, some in rows.items()}
    every = [row for some in told.values() for row in some]
    widths = [max((len(row[column]) for row in every), default=0) for column in (0, 1)]
    for verb, some in told.items():
        for name, versions, why in some:
            yield verb, f"{name:{widths[0]}}  {versions:{widths[1]}}  {why}".rstrip()
        if more := len(rows[verb]) - len(some):
            yield verb, f"and {more} more (-v names all)"


def _why(each: Moved, found: Drift) -> str:
    if each.way is not Way.REMOVED:
        return ""
    return "added by hand" if each.name in found.by_hand else "not in the lock"


def drift_data(found: Drift) -> dict[str, Any]:
    """Return the same as JSON data."""
    return {
        "python": None
        if found.python is None
        else {"before": found.python[0], "after": found.python[1]},
        "packages": [
            {"name": e.name, "change": e.way, "before": e.before, "after": e.after}
            | {"why": _why(e, found)}
            for e in found.moved
        ],
        "damaged": [
            {"name": name, "missing": [*each.missing], "changed": [*each.changed]}
            for name, each in found.damaged.items()
        ],
        "kept": [str(each) for each in found.kept],
        "settings": dict(found.settings),
    }


def drift_brief(found: Drift) -> Iterator[str]:
    """Say in a few words what is beyond the lock, missing, and another version."""
    kinds = {"beyond it": (Way.REMOVED,), "missing": (Way.ADDED,), "other": _OTHER}
    brought = {name for names in found.asked.values() for name in names}
    moved = sorted(found.moved, key=lambda each: _rank(each, found))
    for title, ways in kinds.items():
        some = [_brief(e, found) for e in moved if e.way in ways and e.name not in brought]
        more = [f"{len(some) - _NAMED} more"] if len(some) > _NAMED else []
        if some:
            yield f"{title}: {', '.join([*some[:_NAMED], *more])}"


def _brief(each: Moved, found: Drift) -> str:
    locked = f" ({each.after} locked)" if each.way in _OTHER else ""
    count = len(found.asked.get(each.name, ()))
    more = f", with {count} more" if count else ""
    hand = f" (added by hand{more})" if each.name in found.by_hand else ""
    return f"{each.name} {each.before or each.after}{locked}{hand}"
