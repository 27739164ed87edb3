"""Words of the command line → requirements and package names."""

from __future__ import annotations

import os
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from envlock.errors import UsageError
from envlock.model import Requested
from envlock.request.parsed import Faults, safe, shown
from envlock.request.syntax import parse_requirement
from envlock.rules.frameworks import framework

ORIGIN = "command line"

_FILE_SUFFIXES = (".in", ".toml", ".txt", ".yaml", ".yml")


def parse_words(words: Iterable[str]) -> tuple[Requested, ...]:
    """Return the requirements typed on the command line; none means those of the framework.

    Raises:
        UsageError: a word is no requirement, told for all words at once with
            the character that does not fit and what to write instead.
    """
    faults = Faults()
    found: list[Requested] = []
    for word in tuple(words) or framework().request:
        with faults.collect(""):
            found.append(Requested(requirement=_requirement(word), origin=ORIGIN))
    faults.finish()
    return tuple(found)


def _requirement(word: str) -> Requirement:
    if word.endswith(_FILE_SUFFIXES) and os.path.isfile(word):  # noqa: PTH113  (Path's raises on long names)
        raise UsageError(
            f"{shown(word)} is a file, not a requirement", f"did you mean -r {safe(word)}"
        )
    return parse_requirement(word)


def parse_names(words: Iterable[str]) -> frozenset[NormalizedName]:
    """Return the normalised package names given to ``-P/--upgrade-package``.

    Raises:
        UsageError: a word is not the name of a package, and nothing else.
    """
    faults = Faults()
    names: set[NormalizedName] = set()
    for word in words:
        with faults.collect("-P"):
            requirement = parse_requirement(word)
            if str(requirement) != requirement.name:
                raise UsageError(
                    f"{shown(word)} is more than a name",
                    f'-P {requirement.name} "{str(requirement).replace(chr(34), chr(39))}"',
                )
            names.add(canonicalize_name(requirement.name))
    faults.finish()
    return frozenset(names)
