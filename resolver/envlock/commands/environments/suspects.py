"""A failure that nothing explains: the sets of pins between which `envlock bisect` finds it."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.errors import EnvlockError
from envlock.evidence.library import rules_set, shelf
from envlock.evidence.values import Cell
from envlock.model import Part
from envlock.outcomes import IMPORTS, SCRIPT
from envlock.probes import DEFAULT_GATE
from envlock.rules.frameworks import families, framework_of
from envlock.system import kept_folder, write_texts

#: Cells that are looked into for a set that passed.
_LOOKED_AT = 5


def bisecting(
    part: Part, missed: Sequence[str], evidence: Sequence[Path], kept: Path | None
) -> Iterator[str]:
    """Yield the command that finds which pins it is, where evidence has a set that passed.

    ``kept`` is the environment that failed, where it is still there. Else its pins are
    written down in the cache, so that they are there to be tried.
    """
    if part.conda or any(each.startswith(SCRIPT) for each in missed):
        return
    good = last_good(part, evidence)
    bad = kept or _written(part.pins)
    if good is None or bad is None:
        return
    imports = [each.removeprefix(IMPORTS) for each in missed if each.startswith(IMPORTS)]
    named = [word for each in imports for word in ("--imports", each)]
    words = ["envlock", "bisect", str(good), str(bad), "--python", part.python, *named]
    yield shlex.join(words)


def last_good(part: Part, evidence: Sequence[Path]) -> Path | None:
    """Return the file of the newest set on record that passed: of this release, or of an older one.

    It is of the same Python and platform, and of the same framework.
    """
    ours = [(name, version) for name, version in part.pins.items() if framework_of(name)]
    if not ours:
        return None
    name, version = ours[0]
    cells = shelf(tuple(evidence))

    def rank(cell: Cell) -> tuple[bool, Version]:
        return (cell.distribution == name, cell.version)

    fit = (each for each in cells if _is_near(each, name, version, part))
    for cell in sorted(fit, key=rank, reverse=True)[:_LOOKED_AT]:
        file = cells[cell]
        if isinstance(file, Path) and _passed(file):
            return file
    return None


def _is_near(cell: Cell, name: NormalizedName, version: Version, part: Part) -> bool:
    family = families().family_of(name)
    return (
        families().family_of(cell.distribution) == family
        and cell.version <= version
        and (cell.python, cell.platform) == (part.python, part.platform)
    )


def _passed(file: Path) -> bool:
    try:
        found = rules_set(file)
    except EnvlockError:  # whoever looks at it is told
        return False
    return found is not None and found.passes(DEFAULT_GATE)


def _written(pins: Mapping[NormalizedName, Version]) -> Path | None:
    """The pins as a file in the cache; None where there is no cache."""
    folder = kept_folder("unproved")
    if folder is None:
        return None
    text = "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))
    file = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.txt"
    try:
        write_texts({file: text})
    except EnvlockError:  # a full disk: what failed is told all the same
        return None
    return file
