"""Which requirements count on a target, and whether they agree. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.errors import UsageError
from envlock.formats.faults import Faults, shown
from envlock.model import Requested, Target


def applicable(requested: Iterable[Requested], target: Target) -> tuple[Requested, ...]:
    """Return the requirements whose markers hold on ``target``, in their order.

    Raises:
        UsageError: a marker cannot be judged, or one package is pinned to two
            versions; all at once, with where each was written.
    """
    faults = Faults()
    kept: list[Requested] = []
    for item in requested:
        with faults.collect(item.origin):
            if _holds(item, target):
                kept.append(item)
    _find_contradictions(kept, faults)
    faults.finish()
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


def _find_contradictions(requested: Iterable[Requested], faults: Faults) -> None:
    pinned: dict[NormalizedName, dict[Version, Requested]] = {}
    for item in requested:
        versions = pinned.setdefault(canonicalize_name(item.requirement.name), {})
        for version in _pins(item):
            versions.setdefault(version, item)
    for name, versions in pinned.items():
        for (low, first), (high, second) in combinations(versions.items(), 2):
            if Version(low.public) != Version(high.public) or (low.local and high.local):
                faults.add(
                    "",
                    f"{name} is asked for in two versions:"
                    f" {low} ({first.origin}) and {high} ({second.origin})",
                    f"remove {name}=={low} or {name}=={high}",
                )


def _pins(item: Requested) -> Iterator[Version]:
    for specifier in item.requirement.specifier:
        if specifier.operator == "==" and not specifier.version.endswith(".*"):
            yield Version(specifier.version)
