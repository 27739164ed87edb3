"""What code uses, held against the tables of names: what breaks here, and what it needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace
from packaging.version import Version

from envlock import names
from envlock.diagnose.claims import Claim
from envlock.diagnose.instead import moved, short
from envlock.diagnose.lives import Life, life_of, verdicts, version_of
from envlock.diagnose.lost import Lost, in_words, missing
from envlock.findings import Examined, Finding, Use
from envlock.rules.check import Known
from envlock.rules.traces import Raised

_SHOWN = 4  # places of one name
_NAMED = 3  # names that bound the releases of one distribution


class Need(Struct, frozen=True, kw_only=True):
    """The releases of a distribution that have all that code uses, and what bounds them.

    ``runs`` are the first and last of consecutive releases; () where no release
    has it all.
    """

    distribution: str
    runs: tuple[tuple[Version, Version], ...]
    because: tuple[Use, ...]

    @property
    def text(self) -> str:
        """Say it in a line."""
        title = names.title(self.distribution)
        told = ", ".join(f"{_short(each.dotted)} ({each.place})" for each in self.because)
        if not self.runs:
            return f"no release of {title} on record has all of: {told}"
        runs = " or ".join(in_words(*each) for each in self.runs)
        return f"needs {title} {runs}: {told}"


def written_findings(examined: Examined, known: Known) -> list[Finding]:
    """Return a finding for each name that is missing here, or in the newest release.

    Where no version is told, the newest release on record is what an installer takes.
    """
    found = []
    for dotted, places in _by_name(examined.uses).items():
        life = _life(dotted, known)
        if life is not None and life.lacks and _breaks(life, known):
            finding = _finding(dotted, places, life, known)
            found += [finding] if finding is not None else []
    return found


def needs(examined: Examined) -> tuple[Need, ...]:
    """Return what the uses of code bound, the distribution with the most uses first."""
    by_distribution: dict[str, dict[str, list[Use]]] = {}
    for dotted, places in _by_name(examined.uses).items():
        distribution = names.distribution_of(dotted.partition("(")[0])
        if distribution is not None:
            by_distribution.setdefault(distribution, {})[dotted] = places
    found = [_need(name, used) for name, used in by_distribution.items()]
    return tuple(each for each in found if each is not None)


def _by_name(found: Sequence[Use]) -> dict[str, list[Use]]:
    grouped: dict[str, list[Use]] = {}
    for use in found:
        grouped.setdefault(use.dotted, []).append(use)
    return grouped


def _need(distribution: str, used: dict[str, list[Use]]) -> Need | None:
    table = names.names(distribution)
    if table is None:
        return None
    admitted = dict.fromkeys(table.releases, True)
    bounding: list[tuple[int, Use]] = []
    for dotted, places in used.items():
        seen = _verdicts(distribution, dotted)
        lacking = [version for version, there in seen if there is False]
        if lacking and len(lacking) < len(seen):
            bounding.append((len(lacking), places[0]))
            admitted.update(dict.fromkeys(lacking, False))
    if not bounding:
        return None
    most = sorted(bounding, key=lambda each: -each[0])[:_NAMED]
    return Need(
        distribution=distribution,
        runs=tuple(_runs(admitted)),
        because=tuple(use for _, use in most),
    )


def _runs(admitted: Mapping[Version, bool]) -> Iterator[tuple[Version, Version]]:
    for fits, group in groupby(admitted, key=admitted.__getitem__):
        if fits:
            first, *rest = group
            yield first, rest[-1] if rest else first


def _verdicts(distribution: str, dotted: str) -> Sequence[tuple[Version, bool | None]]:
    """As `verdicts`; a function that takes any keyword says nothing of one."""
    function, paren, _ = dotted.partition("(")
    seen = verdicts(distribution, dotted)
    if not paren or _is_moved(dotted):
        return seen
    return [(v, None if _takes_any(distribution, v, function) else there) for v, there in seen]


def _is_moved(dotted: str) -> bool:
    """Whether it is known by hand what became of a keyword, of this class or one that it is of."""
    if moved(Claim(dotted=dotted, whole=dotted)) is not None:
        return True
    function, _, keyword = dotted.partition("(")
    owner, _, method = function.rpartition(".")
    own = f".{method}({keyword}"
    return bool(owner) and any(each.endswith(own) for each in names.moves())


def _takes_any(distribution: str, release: Version, function: str) -> bool:
    found = names.parameters(distribution, release, function)
    return found is None or found.any_keyword


def _life(dotted: str, known: Known) -> Life | None:
    function, paren, _ = dotted.partition("(")
    distribution = names.distribution_of(function)
    if distribution is None:
        return None
    if paren and not any(there is False for _, there in _verdicts(distribution, dotted)):
        return None
    if not any(there for _, there in _verdicts(distribution, dotted)):
        return None  # of the script's own making, or of a kind that no table lists
    return life_of(dotted, known)


def _breaks(life: Life, known: Known) -> bool:
    """Whether the release that is there lacks it; where none is told, the newest."""
    if not life.sure:
        return False
    if life.here is not None or life.distribution in known.ranges:
        return True
    seen = _verdicts(life.distribution, life.dotted)
    return bool(seen) and seen[-1][1] is False and version_of(life.distribution, known) is None


def _finding(dotted: str, places: Sequence[Use], life: Life, known: Known) -> Finding | None:
    first = places[0]
    claim = Claim(dotted=dotted, whole=dotted)
    raised = Raised(type="", message="", start=0, at=0, end=0, shown=first.source)
    found = missing(Lost(claim=claim, life=life, one=raised, blame=None), known)
    if found is None:
        return None
    told = [each.place for each in places[:_SHOWN]]
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    evidence = f"{', '.join(told)}{more}: {first.source}"
    return replace(found, evidence=evidence, places=tuple(places))


def _short(dotted: str) -> str:
    return short(names.as_written(dotted))


def told_needs(examined: Examined) -> Iterator[str]:
    """Yield what code needs, a line for each distribution that it bounds."""
    for each in needs(examined):
        yield each.text
