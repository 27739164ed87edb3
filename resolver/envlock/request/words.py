"""Words of the command line → requirements, package names and dates; and which of them count.

Markers are judged for a target, and pins that contradict each other are told.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import combinations, islice, product

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.errors import NoResolution, UsageError
from envlock.formats.faults import Faults, safe, shown
from envlock.formats.pep508 import parse_requirement
from envlock.formats.wishes import parse_wish
from envlock.model import Requested, Target
from envlock.rules.frameworks import framework
from envlock.versions import meet

ORIGIN = "command line"
_COMPARED = 50  # lines of one package that are held against each other
_FILE_SUFFIXES = (".in", ".toml", ".txt", ".yaml", ".yml")


def parse_words(words: Iterable[str], origin: str = ORIGIN) -> tuple[Requested, ...]:
    """Return the requirements typed on the command line; none means those of the framework.

    ``origin`` is where they are from instead.

    Raises:
        UsageError: a word is no requirement, told for all words at once with
            the character that does not fit and what to write instead.
    """
    faults = Faults()
    found: list[Requested] = []
    for word in tuple(words) or framework().request:
        with faults.collect("" if origin == ORIGIN else origin):
            found.append(Requested(requirement=_requirement(word), origin=origin))
    faults.finish()
    return tuple(found)


def _requirement(word: str) -> Requirement:
    if word.lower().endswith(_FILE_SUFFIXES) and os.path.isfile(word):  # noqa: PTH113  (Path's raises on long names)
        raise UsageError(
            f"{shown(word)} is a file, not a requirement", f"did you mean -r {safe(word)}"
        )
    return parse_wish(word)


def parse_upgrades(words: Iterable[str]) -> tuple[Requested, ...]:
    """Return what is given to ``-P/--upgrade-package``: names, with a range or without.

    Raises:
        UsageError: a word is no requirement, or is one with an extra, a marker or a URL.
    """
    faults = Faults()
    found: list[Requested] = []
    for word in words:
        with faults.collect("-P"):
            requirement = parse_requirement(word)
            bare = f"{requirement.name}{requirement.specifier}"
            if str(requirement) != bare:
                raise UsageError(
                    f"{shown(word)} is more than a name and versions", f"-P {shlex.quote(bare)}"
                )
            found.append(Requested(requirement=requirement, origin=f"-P {word}"))
    faults.finish()
    return tuple(found)


def parse_names(words: Iterable[str], option: str) -> frozenset[NormalizedName]:
    """Return the normalised package names given to an option.

    Raises:
        UsageError: a word is not the name of a package, and nothing else.
    """
    faults = Faults()
    names: set[NormalizedName] = set()
    for word in words:
        with faults.collect(option):
            requirement = parse_requirement(word)
            if str(requirement) != requirement.name:
                raise UsageError(
                    f"{shown(word)} is more than a name", f"{option} {requirement.name}"
                )
            names.add(canonicalize_name(requirement.name))
    faults.finish()
    return frozenset(names)


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


_INSTANT = re.compile(
    rf"{_DAY.pattern}[Tt ]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d+)?)?(?P<zone>[Zz]|[+-]\d{{2}}:\d{{2}})?"
)


_AGO = re.compile(r"(?:P?(?P<days>\d+)(?P<unit>[dw])|(?:PT)?(?P<hours>\d+)h)", re.IGNORECASE)


_FORMS = "2024-01-31, 2024-01-31T12:00:00Z or, counted back from now, 7d"


def parse_date(text: str, *, now: datetime) -> datetime:
    """Return the last instant, in UTC, whose uploads are taken.

    A date alone means up to the end of that day in UTC. ``P7D``, ``7d``,
    ``2w`` and ``12h`` count back from ``now``, an aware time.

    Raises:
        UsageError: ``text`` is none of these, or out of the calendar.
    """
    text = text.strip()
    ago, instant = _AGO.fullmatch(text), _INSTANT.fullmatch(text)
    try:
        if ago:
            return now.astimezone(UTC) - _span(ago)
        if _DAY.fullmatch(text):
            return datetime.combine(datetime.fromisoformat(text), time.max, UTC)
        if instant and instant["zone"]:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{shown(text)} is not in the calendar: {error}", f"write {_FORMS}"
        ) from None
    if instant:
        raise UsageError(f"{shown(text)} has no time zone", f"write {text}Z for UTC")
    raise UsageError(f"{shown(text)} is not a date", f"write {_FORMS}")


def _span(ago: re.Match[str]) -> timedelta:
    if ago["hours"]:
        return timedelta(hours=int(ago["hours"]))
    days = int(ago["days"])
    return timedelta(weeks=days) if ago["unit"] in "wW" else timedelta(days=days)


def applicable(requested: Iterable[Requested], target: Target) -> tuple[Requested, ...]:
    """Return the requirements whose markers hold on ``target``, in their order.

    Raises:
        UsageError: a marker cannot be judged; all at once, with where each was written.
        NoResolution: two lines exclude each other.
    """
    faults = Faults()
    kept: list[Requested] = []
    for item in requested:
        with faults.collect(item.origin):
            if _holds(item, target):
                kept.append(item)
    faults.finish()
    _refuse_contradictions(kept)
    return tuple(kept)


def _holds(item: Requested, target: Target) -> bool:
    marker = item.requirement.marker
    if marker is None:
        return True
    try:
        return marker.evaluate({**target.markers, "extra": ""})
    except (UndefinedComparison, UndefinedEnvironmentName, ValueError) as error:
        raise UsageError(
            f"the marker {shown(str(marker))} cannot be judged: {error}",
            f"write {item.requirement.name} without it, or with a marker such as"
            " \"; sys_platform == 'linux'\"",
        ) from None


_COMPARED = 50  # lines about a package with ranges of their own
_TOLD = 20  # pairs


def _refuse_contradictions(requested: Iterable[Requested]) -> None:
    """Refuse lines of which no version meets both, each pair with its places.

    Raises:
        NoResolution: there are such lines.
    """
    named: dict[NormalizedName, dict[str, Requested]] = {}
    for item in requested:
        lines = named.setdefault(canonicalize_name(item.requirement.name), {})
        if len(lines) < _COMPARED:  # each pair is looked at; of more, whoever solves says it
            lines.setdefault(str(item.requirement.specifier), item)
    every = (pair for lines in named.values() for pair in combinations(lines.values(), 2))
    pairs = [*islice((pair for pair in every if _exclude(*pair)), _TOLD)]
    if not pairs:
        return
    said = (
        f"{_without_marker(one)} ({one.origin}) and {_without_marker(other)} ({other.origin})"
        for one, other in pairs
    )
    ways = (f"remove {_without_marker(one)} or {_without_marker(other)}" for one, other in pairs)
    raise NoResolution(
        "\n".join(f"these two lines exclude each other: {line}" for line in said),
        *dict.fromkeys(ways),
    )


def _exclude(one: Requested, other: Requested) -> bool:
    """Whether no version is in both ranges; a build of a version (``+cpu``) is that version too."""
    pairs = product(_pins(one), _pins(other))
    if any(_is_same(low, high) for low, high in pairs):
        return False
    return not meet(one.requirement.specifier, other.requirement.specifier)


def _is_same(one: Version, other: Version) -> bool:
    alike = one.local is None or other.local is None or one.local == other.local
    return alike and Version(one.public) == Version(other.public)


def _without_marker(item: Requested) -> str:
    plain = Requirement(str(item.requirement))
    plain.marker = None
    return str(plain)


def _pins(item: Requested) -> Iterator[Version]:
    for specifier in item.requirement.specifier:
        exact = specifier.operator in {"==", "==="}
        version = standards.version(specifier.version) if exact else None
        if version is not None:
            yield version
