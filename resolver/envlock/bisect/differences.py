"""What two sets of pins differ in, which of it goes together, and which is most likely. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import permutations

from msgspec import Struct
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.changes import Step
from envlock.rules.frameworks import families

Pins = Mapping[NormalizedName, Version]
Changes = frozenset[Step]

_FRAME = re.compile(r"(?:site|dist)-packages[/\\]+([^\"\n:]+)")


class Side(Struct, frozen=True, kw_only=True):
    """A set of pins, and what its packages declare: requirements that apply, markers judged."""

    pins: Pins
    requires: Mapping[NormalizedName, Sequence[Requirement]]

    def unmet(self, by: NormalizedName, of: NormalizedName, version: Version | None) -> str:
        """Return what a package declares of another that ``version`` (None: absent) is not."""
        for each in self.requires.get(by, ()):
            if canonicalize_name(each.name) == of and not _meets(each, version):
                return f"{each.name}{each.specifier}"
        return ""


def _meets(requirement: Requirement, version: Version | None) -> bool:
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def differences(good: Pins, bad: Pins) -> tuple[Step, ...]:
    """Return what leads from the good pins to the bad ones, by name."""
    return tuple(
        Step(
            package=name,
            before=good.get(name),
            after=bad.get(name),
            because="the two sets of pins differ in it",
        )
        for name in sorted(good.keys() | bad.keys())
        if good.get(name) != bad.get(name)
    )


def applied(good: Pins, some: Iterable[Step]) -> dict[NormalizedName, Version]:
    """Return the good pins with some of the changes made."""
    moved = {each.package: each.after for each in some}
    together = {**good, **moved}
    return {name: version for name, version in sorted(together.items()) if version is not None}


class Ties(Struct, frozen=True, kw_only=True):
    """Which changes others cannot be made without, as far as packages declare it."""

    needs: Mapping[Step, Changes]

    def close(self, some: Changes) -> Changes:
        """Add everything that these changes need, and what that needs."""
        found = set(some)
        waiting = list(some)
        while waiting:
            more = self.needs.get(waiting.pop(), frozenset()) - found
            found |= more
            waiting += more
        return frozenset(found)

    def companions(self, some: Sequence[Step]) -> tuple[Step, ...]:
        """Return the packages that come only because another of these changes needs them."""
        needed = frozenset[Step]().union(*(self.needs.get(each, frozenset()) for each in some))
        found = tuple(each for each in some if each.before is None and each in needed)
        return found if len(found) < len(some) else ()


def ties(changes: Sequence[Step], good: Side, bad: Side) -> Ties:
    """Read from requirements and families which changes need others."""
    needs: dict[Step, set[Step]] = {each: set() for each in changes}
    for one, other in permutations(changes, 2):
        if _needs(one, other, good, bad):
            needs[one].add(other)
    return Ties(needs={one: frozenset(others) for one, others in needs.items()})


def _needs(one: Step, other: Step, good: Side, bad: Side) -> bool:
    """Whether declared requirements refuse one change without the other and admit both."""
    if one.after is not None and bad.unmet(one.package, other.package, other.before):
        return not bad.unmet(one.package, other.package, other.after)
    if other.before is not None and good.unmet(other.package, one.package, one.after):
        return other.after is None or not bad.unmet(other.package, one.package, one.after)
    family = families().family_of(one.package)
    same = family is not None and family == families().family_of(other.package)
    # Two members of a family would overwrite each other's files.
    return same and one.after is not None and other.after is None


def ranked(
    changes: Iterable[Step], named: Sequence[NormalizedName], sides: Iterable[Side] = ()
) -> tuple[Step, ...]:
    """Sort by how likely a change is to blame.

    First what the failure names, then by the size of the change, then by how
    many packages declare that they need it.
    """
    place = {name: number for number, name in enumerate(named)}
    last = len(place)
    needed = Counter(
        canonicalize_name(each.name)
        for side in sides
        for requirements in side.requires.values()
        for each in requirements
    )

    def rank(step: Step) -> tuple[int, int, int, str]:
        at = place.get(step.package, last)
        return at, _smallness(step), -needed[step.package], step.package

    return tuple(sorted(changes, key=rank))


def likely(
    order: Sequence[Step], named: Sequence[NormalizedName], together: Ties
) -> Iterator[Changes]:
    """Yield the few worth a trial before a search by halves, alone and with what they need."""
    worth = [each for each in order if each.package in named or _smallness(each) == 0]
    for step in worth[: len(order).bit_length() // 2 + 1]:
        alone = frozenset((step,))
        yield alone
        if (closed := together.close(alone)) != alone:
            yield closed


def _smallness(step: Step) -> int:
    """0 for another major release, 1 for a minor one, 2 for less, and for what comes or goes."""
    if step.before is None or step.after is None:
        return 2
    if step.before.major != step.after.major:
        return 0
    return 1 if step.before.minor != step.after.minor else 2


def owners_in_frames(text: str, files: Mapping[str, NormalizedName]) -> tuple[NormalizedName, ...]:
    """Return the packages that a traceback goes through, the one it ends in first.

    ``files`` are the paths of installed files below site-packages.
    """
    paths = reversed(_FRAME.findall(text))
    found = (files.get(each.replace("\\", "/")) for each in paths)
    return tuple(dict.fromkeys(name for name in found if name is not None))


def spoken_of(text: str, names: Iterable[NormalizedName]) -> tuple[NormalizedName, ...]:
    """Return the packages whose names a text has as words, in the order of ``names``."""
    words = {word.lower().replace("_", "-") for word in re.findall(r"\w+(?:-\w+)*", text)}
    return tuple(name for name in dict.fromkeys(names) if name in words)
