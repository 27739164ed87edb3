"""Where conda's side and pip's bring the same library: said, with the side to take. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from packaging.utils import NormalizedName

from envlock.conda.names import SharedLibrary, names
from envlock.model import CondaPackage, LockedPackage


def collisions(
    packages: Sequence[CondaPackage],
    pip: Sequence[LockedPackage],
    offered: Collection[NormalizedName],
) -> Iterator[str]:
    """Yield a sentence for each library that both sides bring.

    ``offered`` are the projects that the channels have, so that conda can bring them.
    """
    there = {package.name: package for package in packages}
    for library in names().libraries:
        shared = there.get(library.name)
        carriers = [each for each in pip if each.name in library.carried_by]
        if shared is not None:
            for each in carriers:
                yield _sentence(library, shared, each, packages, offered)


def carriers(pip: Sequence[LockedPackage]) -> tuple[NormalizedName, ...]:
    """Return the packages of pip's part whose wheels carry a library that conda shares."""
    known = {name for library in names().libraries for name in library.carried_by}
    return tuple(each.name for each in pip if each.name in known)


def _sentence(
    library: SharedLibrary,
    shared: CondaPackage,
    carrier: LockedPackage,
    packages: Sequence[CondaPackage],
    offered: Collection[NormalizedName],
) -> str:
    users = sorted(
        each.name
        for each in packages
        if any(need.partition(" ")[0] == library.name for need in each.depends)
    )
    named = f" (for {' and '.join(users[:3])})" if users else ""
    side = (
        f"take conda's side: move {carrier.name} from pip's list to conda's"
        if carrier.name in offered
        else f"take pip's side: move {' and '.join(users[:3]) or library.name} to pip's list"
    )
    return (
        f"{carrier.name} {carrier.version} from pip carries {library.title} beside conda's"
        f" {library.name} {shared.version}{named}: {library.because}; {side}"
    )
