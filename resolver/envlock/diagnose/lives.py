"""When a name was there, by the tables of names, and in the releases that may be meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import names
from envlock.rules.check import Known
from envlock.rules.frameworks import families, framework
from envlock.versions import admits, minor_of

Verdicts = tuple[tuple[Version, bool | None], ...]


class Life(Struct, frozen=True, kw_only=True):
    """When a name of a distribution was there, seen from the releases that may be meant.

    ``here`` is the release that is known to be there. ``lacks`` is True where
    one that may be meant lacks the name, False where all have it, else None.
    ``runs`` are the first and last of consecutive releases that have it; None
    where they begin before the record or go on to its end. ``before`` and
    ``after`` are the nearest releases with it on the two sides of what is meant.
    """

    distribution: str
    dotted: str
    here: Version | None
    lacks: bool | None
    runs: tuple[tuple[Version | None, Version | None], ...] = ()
    before: Version | None = None
    after: Version | None = None
    gone: Version | None = None


def life_of(dotted: str, known: Known) -> Life | None:
    """Return when a name, or ``function(parameter)``, was there; None where no table says.

    Whoever says that it is missing has what it is looked for in.
    """
    distribution = names.distribution_of(dotted.partition("(")[0])
    if distribution is None:
        return None
    others = _others(distribution, known)
    seen = verdicts(distribution, dotted, tuple(sorted(others.items())))
    if not any(there for _, there in seen):
        return None
    here = version_of(distribution, known)
    owner = dotted.partition("(")[0] if dotted.endswith(")") else dotted.rpartition(".")[0]
    inside = verdicts(distribution, owner, tuple(sorted(others.items()))) if owner else seen
    meant = [at for at in _meant(distribution, seen, known) if inside[at][1] is not False]
    lacking = [at for at in meant if seen[at][1] is False]
    has = bool(meant) and all(seen[at][1] for at in meant)
    life = Life(
        distribution=distribution,
        dotted=dotted,
        here=here,
        lacks=True if lacking else False if has else None,
        runs=tuple(_runs(seen)),
    )
    return _placed(life, seen, lacking) if lacking else life


def _runs(seen: Verdicts) -> Iterator[tuple[Version | None, Version | None]]:
    """The runs of releases that have a name; what is not known ends none."""
    first: int | None = None
    last = 0
    lacked = False
    for at, (_, there) in enumerate(seen):
        if there:
            first, last = (at if first is None else first), at
        elif there is False:
            if first is not None:
                yield (seen[first][0] if lacked else None, seen[last][0])
                first = None
            lacked = True
    if first is not None:
        yield (seen[first][0] if lacked else None, None)


def _placed(life: Life, seen: Verdicts, lacking: Sequence[int]) -> Life:
    """With the nearest releases that have it: of those that lack it, the newest is meant."""
    at = lacking[-1]
    before = next((n for n in range(at, -1, -1) if seen[n][1]), None)
    after = next((n for n in range(at, len(seen)) if seen[n][1]), None)
    gone = None
    if before is not None:
        gone = next(n for n in range(before, len(seen)) if seen[n][1] is False)
    return replace(
        life,
        before=None if before is None else seen[before][0],
        after=None if after is None else seen[after][0],
        gone=None if gone is None else seen[gone][0],
    )


def version_of(distribution: str, known: Known) -> Version | None:
    """Return the release of a distribution, or of one of its family, that is known to be there."""
    for name in members(distribution):
        if name in known.versions:
            return known.versions[name]
    return None


def members(distribution: str) -> tuple[NormalizedName, ...]:
    """Return the distributions that install the same package."""
    name = canonicalize_name(distribution)
    return families().members(families().family_of(name) or name)


def _others(distribution: str, known: Known) -> Mapping[str, Version]:
    found = {}
    for name in names.distributions():
        version = version_of(name, known) if name != distribution else None
        table = names.names(name) if version is not None else None
        if version is not None and table is not None and table.position(version) is not None:
            found[name] = version
    return found


def _meant(distribution: str, seen: Verdicts, known: Known) -> list[int]:
    """The releases on record that may be the one that is there."""
    here = version_of(distribution, known)
    if here is not None:
        return [at for at, (each, _) in enumerate(seen) if minor_of(each) == minor_of(here)]
    ranges = [known.ranges[name] for name in members(distribution) if name in known.ranges]
    found = [
        at for at, (each, _) in enumerate(seen) if all(admits(range_, each) for range_ in ranges)
    ]
    return [at for at in found if _goes_with(distribution, seen[at][0], known)] or found


def _goes_with(distribution: str, version: Version, known: Known) -> bool:
    """Whether a release may be the companion of the framework that is there."""
    companion = framework().keras
    if companion is None or distribution != "keras":
        return True
    here = version_of(framework().name, known)
    if here is None:
        return True
    if here >= companion.third_from:
        return version.major >= 3  # noqa: PLR2004  (Keras 3)
    return here < companion.same_from or minor_of(version) == minor_of(here)


@lru_cache(maxsize=256)
def verdicts(
    distribution: str, dotted: str, others: tuple[tuple[str, Version], ...] = ()
) -> Verdicts:
    """Return whether each release on record has a name, or takes a parameter, oldest first."""
    table = names.names(distribution)
    if table is None:
        return ()
    beside = dict(others)
    function, _, parameter = dotted.removesuffix(")").partition("(")
    return tuple(
        (
            each,
            _takes(distribution, each, function, parameter, beside)
            if parameter
            else names.exists(distribution, each, dotted, beside),
        )
        for each in table.releases
    )


def _takes(
    distribution: str, release: Version, function: str, parameter: str, others: dict[str, Version]
) -> bool | None:
    move = names.moves().get(f"{function}({parameter})")
    if move is not None and move.until:
        return release.release[:2] <= Version(move.until).release
    found = names.parameters(distribution, release, function, others)
    return None if found is None else parameter in found.names
