"""What installed packages say that they need, as their metadata has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.environment.records import Distribution

_ASKS_EXTRA = re.compile(r";.*\bextra\b")
_SHOWN = 160  # characters of a line that says nothing


class Need(Struct, frozen=True, kw_only=True):
    """A requirement that counts here, and the package that declares it."""

    by: Distribution
    requirement: Requirement


def needs_of(
    visible: Mapping[NormalizedName, Distribution], markers: Mapping[str, str]
) -> tuple[tuple[Need, ...], tuple[str, ...]]:
    """Return what packages need of each other, and notes on lines that cannot be read.

    An extra counts once an installed package asks for it.
    """
    reader = _Reader(markers=markers)
    asked = [(name, "") for name in sorted(visible)]
    seen = set(asked)
    for name, extra in asked:  # it grows
        for need in reader.read(visible[name], extra):
            reader.found.append(need)
            other = canonicalize_name(need.requirement.name)
            more = [(other, each) for each in sorted(need.requirement.extras) if other in visible]
            asked += [each for each in more if each not in seen]
            seen.update(more)
    return tuple(reader.found), tuple(reader.notes)


class _Reader(Struct, kw_only=True):
    markers: Mapping[str, str]
    found: list[Need] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def read(self, by: Distribution, extra: str) -> Iterator[Need]:
        """Yield what a package declares for an extra, or without one, as far as it counts here."""
        for line in by.requires:
            if len(line) <= standards.LONGEST and bool(_ASKS_EXTRA.search(line)) != bool(extra):
                continue
            requirement = standards.requirement(line)
            marker = None if requirement is None else requirement.marker
            applies = marker is None or standards.judged(marker, {**self.markers, "extra": extra})
            if requirement is None or applies is None:
                self.notes.append(
                    f"{by.info}: {line[:_SHOWN]!r} is no requirement that can be judged"
                )
            elif applies:
                yield Need(by=by, requirement=requirement)
