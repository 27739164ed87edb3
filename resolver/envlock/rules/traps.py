"""Names of the index that are not what people mean, as ``traps.yaml`` has them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name

from envlock.rules.tables import table


class Trap(Struct, frozen=True, kw_only=True):
    """A name that is not what people mean: what to write, and why."""

    name: NormalizedName
    write: NormalizedName
    because: str

    def __str__(self) -> str:
        return f"{self.because}: write {self.write}"


@cache
def traps() -> Mapping[NormalizedName, Trap]:
    """Return the traps that envlock knows, by name."""
    return {
        canonicalize_name(name): Trap(
            name=canonicalize_name(name),
            write=canonicalize_name(said["write"]),
            because=said["because"],
        )
        for name, said in table("traps.yaml").items()
    }
