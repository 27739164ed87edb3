"""When a name was there, by the tables of names, and in the releases that may be meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import names
from envlock.diagnose.deduced import usual_platform
from envlock.releases import framework_releases, pythons_for
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
    ``after`` are the nearest releases with it on the two sides of what is meant,
    ``gone`` is the first after ``before`` that is not known to have it. ``since``
    is the first with it where nobody knows on which of the two sides the one that is
    there is, ``lost`` the newest of those that lack it. ``sure`` is False where
    only the error says that it is gone.
    """

    distribution: str
    dotted: str
    here: Version | None
    lacks: bool | None
    runs: tuple[tuple[Version | None, Version | None], ...] = ()
    before: Version | None = None
    after: Version | None = None
    gone: Version | None = None
    since: Version | None = None
    lost: Version | None = None
    sure: bool = True

    @property
    def never(self) -> bool:
        """Whether no release on record has it."""
        return not self.runs


def life_of(dotted: str, known: Known) -> Life | None:
    """Return when a name, or ``function(parameter)``, was there; None where no table says.

    Whoever says that it is missing has what it is looked for in.
    """
    distribution = names.distribution_of(dotted.partition("(")[0])
    if distribution is None:
        return None
    others = _others(distribution, known)
    seen = verdicts(distribution, dotted, tuple(sorted(others.items())))
    inside = verdicts(distribution, _owner(dotted), tuple(sorted(others.items())))
    here = version_of(distribution, known)
    meant = _meant(distribution, seen, known)
    if not any(there for _, there in seen):
        return _never(distribution, dotted, here, [(seen[at], inside[at][1]) for at in meant])
    lacking = _lacking(seen, inside, meant)
    has = (here is not None or len(meant) == len(seen)) and all(seen[at][1] for at in meant)
    life = Life(
        distribution=distribution,
        dotted=dotted,
        here=here,
        lacks=True if lacking else False if meant and has else None,
        runs=tuple(_runs(seen)),
        sure=any(seen[at][1] is False for at in lacking),
    )
    return _placed(life, seen, lacking) if lacking else life


def _never(
    distribution: str,
    dotted: str,
    here: Version | None,
    meant: Sequence[tuple[tuple[Version, bool | None], bool | None]],
) -> Life | None:
    """The life of a name that no release has; None where a table does not know that of one.

    It ended before the tables begin, or nobody ever called anything so.
    """
    moved = names.moves().get(dotted)
    unknown = any(there is not False for (_, there), _ in meant)
    if not meant or (moved is None and (unknown or not all(inside for _, inside in meant[-1:]))):
        return None
    lost = meant[-1][0][0]
    return Life(distribution=distribution, dotted=dotted, here=here, lacks=True, lost=lost)


def _owner(dotted: str) -> str:
    """What a name is in, or the function of a parameter."""
    function, paren, _ = dotted.partition("(")
    return function if paren else dotted.rpartition(".")[0] or dotted


def _lacking(seen: Verdicts, inside: Verdicts, meant: Sequence[int]) -> list[int]:
    """The releases that may be meant and lack a name: those that have what it is in, if any.

    A name that came with one release and ended with another may be missing on
    either side. Where no table says that it is gone, it is so after those that have it.
    """
    lacking = [at for at in meant if seen[at][1] is False]
    runs = list(_runs(seen))
    if len(runs) == 1 and None not in runs[0] and len(meant) == len(seen):
        return lacking
    within = [at for at in lacking if inside[at][1] is not False]
    last = max(at for at, (_, there) in enumerate(seen) if there)
    return within or lacking or [at for at in meant if at > last]


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
        end = None if last + 1 == len(seen) else seen[last][0]
        yield (seen[first][0] if lacked else None, end)


def _placed(life: Life, seen: Verdicts, lacking: Sequence[int]) -> Life:
    """With the nearest releases that have it: of those that lack it, the newest is meant."""
    at = lacking[-1]
    before = next((n for n in range(at, -1, -1) if seen[n][1]), None)
    after = next((n for n in range(at, len(seen)) if seen[n][1]), None)
    gone = None
    if before is not None:
        gone = next(n for n in range(before, len(seen)) if not seen[n][1])
    first, lost = life.runs[0][0], seen[lacking[0]][0]
    only = len(life.runs) == 1 and gone is not None and first is not None and lost < first
    return replace(
        life,
        before=None if before is None else seen[before][0],
        after=None if after is None else seen[after][0],
        gone=None if gone is None else seen[gone][0],
        since=first if only else None,
        lost=seen[at][0],
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
    for may_be in (_goes_with, _runs_on):
        found = [at for at in found if may_be(distribution, seen[at][0], known)] or found
    return found


def _runs_on(distribution: str, version: Version, known: Known) -> bool:
    """Whether a release of the framework, or the Keras of one, has a wheel for the Python told."""
    python, companion = known.situation.python, framework().keras
    if python is None:
        return True
    if distribution != framework().name:
        if companion is None or distribution != "keras" or version < companion.same_from:
            return True
        if version >= companion.third_from or version.major >= 3:  # noqa: PLR2004  (Keras 3)
            return True
    platform = usual_platform(known.situation.platform)
    minors = (
        pythons_for(each.version, platform, framework().name) or ()
        for each in framework_releases()
        if minor_of(each.version) == minor_of(version)
    )
    return any(minor_of(python) in each for each in minors)


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
    found = [
        _takes(distribution, each, function, parameter, beside)
        if parameter
        else names.exists(distribution, each, dotted, beside)
        for each in table.releases
    ]
    if False not in found:  # where a table knows the end itself, it knows better
        pairs = zip(found, table.releases, strict=True)
        found = [_by_hand(dotted, each) if there is None else there for there, each in pairs]
    return tuple(zip(table.releases, found, strict=True))


def _by_hand(dotted: str, release: Version) -> bool | None:
    """What is known by hand of a name of which a table does not say whether a release has it."""
    move = names.moves().get(dotted)
    if move is None or (move.back and release.release[:2] >= Version(move.back).release):
        return None
    return release.release[:2] < Version(move.gone).release


def _takes(
    distribution: str, release: Version, function: str, parameter: str, others: dict[str, Version]
) -> bool | None:
    plain = function.removeprefix(f"{framework().name}.")  # whose minors are those of its Keras
    moves = names.moves()
    move = moves.get(f"{function}({parameter})") or moves.get(f"{plain}({parameter})")
    if move is not None and move.until:
        return release.release[:2] <= Version(move.until).release
    return names.takes(distribution, release, function, parameter, others)
