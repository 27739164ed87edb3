"""Public names like another one: with the same last part, or nearly the same letters. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from packaging.version import Version

from envlock import names

#: Parts of names that lead to what programs use by another name.
_PRIVATE = frozenset({"python", "compat", "src", "engine", "api", "legacy", "core", "experimental"})
_NEAREST = 3


def elsewhere(distribution: str, release: Version, simple: str) -> str | None:
    """Return the one public name of a release that ends so; None where there are none or several.

    Several that lead to the same are one, by its shortest name.
    """
    table = names.names(distribution)
    at = None if table is None else table.position(release)
    if table is None or at is None:
        return None
    found = [
        (name, names.token_at(tokens, at))
        for name, there, tokens in table.ending(simple)
        if names.is_there(there, at) and _is_public(name)
    ]
    found = [(name, token) for name, token in found if token not in {"m", "o"}]
    targets = {token[1:] if token.startswith("=") else name for name, token in found}
    if len(targets) != 1:
        return None
    return min((name for name, _ in found), key=lambda name: (name.count("."), name))


def functions(distributions: Iterable[str], simple: str, parameter: str) -> Iterator[str]:
    """Yield the public functions called so that took a parameter once, by their shortest names."""
    for distribution in distributions:
        table = names.names(distribution)
        if table is not None:
            found = (
                name
                for name, _, tokens in table.ending(simple)
                if re.search(rf"\b{parameter}\b", tokens) and _is_public(name)
            )
            yield from sorted(found, key=lambda name: (name.count("."), name))


def nearest(distribution: str, release: Version, dotted: str) -> tuple[str, ...]:
    """Return the names beside a missing one that are spelled nearly so."""
    table = names.names(distribution)
    at = None if table is None else table.position(release)
    if table is None or at is None:
        return ()
    owner, _, simple = dotted.rpartition(".")
    beside = table.beginning(f"{owner}.{simple[:1]}")
    there = [name.rpartition(".")[2] for name, spans in beside if names.is_there(spans, at)]
    found = get_close_matches(simple, there, n=_NEAREST, cutoff=0.75)
    return tuple(f"{owner}.{each}" for each in found)


def _is_public(name: str) -> bool:
    parts = name.split(".")
    return _PRIVATE.isdisjoint(parts) and not any(each.startswith("_") for each in parts)
