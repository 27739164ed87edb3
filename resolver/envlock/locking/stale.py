"""What keeps a lock from being current: what was asked for since, and what was edited.

A lock does not need its request for that: what a pin was asked for by stands
under it, and every pin is held against what is asked for now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.formats.direct import direct_of
from envlock.formats.places import pinned_at
from envlock.model import CondaSpec, Lock, Part, Recorded, Request, Requested, Target
from envlock.request.words import applicable
from envlock.rules.frameworks import families
from envlock.system import read_text
from envlock.versions import admits


class StaleReason(Struct, frozen=True, kw_only=True):
    """One reason why a lock file is not current; ``line`` is 0 where it is about the whole file."""

    path: Path
    what: str
    name: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.what}"


def placed(problem: StaleReason) -> StaleReason:
    """Return a problem with the line of the pin that it is about, where there is one."""
    if not problem.name:
        return problem
    return replace(problem, line=pinned_at(read_text(problem.path), problem.name))


Pins = Mapping[NormalizedName, Version]


def unmet(part: Part, request: Request, goal: Target) -> Iterator[tuple[str, str]]:
    """Say of each requirement and bound that the pins of a platform do not meet, and the pin."""
    pins = part.pins
    for item in applicable(request.requirements, goal):
        held = _held(item, part)
        if not held:
            yield "", f"{_asked(item)} is asked for, and not in it"
        yield from (_outside(item, each, pins[each]) for each in held if _refuses(item, pins[each]))
    for item in applicable(request.bounds, goal):
        name = canonicalize_name(item.requirement.name)
        if name in pins and _refuses(item, pins[name]):
            yield _outside(item, name, pins[name])


def _held(item: Requested, part: Part) -> list[NormalizedName]:
    """The pins that answer a requirement: by its name, or by the place that it names."""
    if not item.requirement.url:
        return _answering(canonicalize_name(item.requirement.name), part.pins)
    place = direct_of(item.requirement.url)
    return [each.name for each in part.pypi if each.direct is not None and each.direct.is_of(place)]


def _answering(name: NormalizedName, pins: Pins) -> list[NormalizedName]:
    """The pin of a name, or where that is a framework's, of the distribution that carries it."""
    family_of = families().family_of
    return [name] if name in pins else [each for each in pins if family_of(each) == name]


def _refuses(item: Requested, version: Version) -> bool:
    return not admits(item.requirement.specifier, version)


def _asked(item: Requested) -> str:
    return f"{item.requirement} ({item.origin})"


def _outside(item: Requested, name: NormalizedName, version: Version) -> tuple[str, str]:
    return name, f"{_asked(item)} is asked for, and {name}=={version} is in it"


def dropped(part: Part, request: Request) -> Iterator[tuple[str, str]]:
    """Say which pins were asked for by somebody who asks no longer, as far as the pins tell."""
    now = {canonicalize_name(each.requirement.name) for each in request.requirements}
    family_of = families().family_of
    for pin in part.pypi:
        asked = [via for via in pin.via if canonicalize_name(via) not in part.pins]
        if asked and not {pin.name, family_of(pin.name)} & now:
            yield pin.name, f"{pin.name} was asked for ({', '.join(asked)}), and is no longer"


#: What is typed for a lock and another answer follows from.
_COUNTING = ("accelerator", "allow-build", "exclude-newer", "needs", "no-imports")


class _Wish(Struct, frozen=True, kw_only=True):
    """One thing that was asked for, of pip or conda."""

    name: str
    text: str
    origin: str

    def __str__(self) -> str:
        return f"{self.text} ({self.origin})"


def changed(lock: Lock, now: Recorded, specs: Iterable[CondaSpec]) -> Iterator[tuple[str, str]]:
    """Say what a lock was asked for that is not what is asked for, with the name it is about."""
    before = lock.asked
    held = specs if lock.requested else ()  # a file of pip's side alone says nothing of conda's
    for kind, old, new in (
        ("asked for", _of_conda(lock.requested), _of_conda(held)),
        ("asked for", _of_pip(before.requirements), _of_pip(now.requirements)),
        ("bounded", _of_pip(before.constraints), _of_pip(now.constraints)),
    ):
        was, wants = _by_name(old), _by_name(new)
        for name in sorted({*was, *wants}):
            if name not in was:
                yield name, f"{_all(map(str, wants[name]))} was not {kind} when it was made"
            elif name not in wants:
                yield name, f"{_all(map(str, was[name]))} is no longer {kind}"
            elif _texts(was[name]) != _texts(wants[name]):
                there, here = _all(_texts(was[name])), _all(map(str, wants[name]))
                yield name, f"{there} was {kind} when it was made, and is now {here}"
    for key in _COUNTING:
        there, here = (" ".join(each.options.get(key, ())) for each in (before, now))
        if there != here:
            yield "", f"{key} was {there or 'not set'}, and is {here or 'not set'}"


def _of_pip(wishes: Iterable[Requested]) -> Iterator[_Wish]:
    for each in wishes:
        name = canonicalize_name(each.requirement.name)
        yield _Wish(name=name, text=str(each.requirement), origin=each.origin)


def _of_conda(specs: Iterable[CondaSpec]) -> Iterator[_Wish]:
    for each in specs:
        yield _Wish(name=each.name, text=str(each), origin=each.origin)


def _by_name(wishes: Iterable[_Wish]) -> dict[str, list[_Wish]]:
    found: dict[str, list[_Wish]] = {}
    for each in wishes:
        found.setdefault(each.name, []).append(each)
    return found


def _texts(wishes: Iterable[_Wish]) -> list[str]:
    return [each.text for each in wishes]


def elsewhere(lock: Lock, goals: Iterable[Target]) -> Iterator[str]:
    """Say which Python or platforms a lock is for that are not those asked for."""
    goals = tuple(goals)
    places = {each.platform for each in lock.parts} - {""}
    wanted = {str(each.platform) for each in goals}
    if not places <= wanted:
        yield f"it is for {_all(places)}, and {_all(wanted)} is asked for"
    pythons = {each.python for each in lock.parts} - {""}
    minors = {each.minor for each in goals}
    if not pythons <= minors:
        yield f"it is for Python {_all(pythons)}, and Python {_all(minors)} is asked for"


def _all(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))
