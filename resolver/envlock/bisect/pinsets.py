"""Sets of exact pins, from whatever holds one.

A lock, what pip freeze prints, requirements, an environment, or a set of a
cell of evidence: ``CELL.json`` for what the rules gave, ``CELL.json#plain``
for another.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.documents import Malformed, json_value
from envlock.environment.requested import requested_in
from envlock.environment.state import examine_environment
from envlock.errors import EnvlockError, UsageError
from envlock.evidence.documents import read
from envlock.evidence.values import RULES
from envlock.examine.files import examine_path
from envlock.examine.gathered import Given
from envlock.findings import Examined, Kind
from envlock.formats.registry import read_lock
from envlock.system import read_text
from envlock.versions import minor_of

#: What belongs to the environment rather than to the set; pip freeze does not name them.
_TOOLS = frozenset(map(canonicalize_name, ("distribute", "pip", "setuptools", "wheel")))


class PinSet(Struct, frozen=True, kw_only=True):
    """Exact versions, where they are from, and the Python they are for, "" where none is told.

    ``whole``: they were installed together, so none is lacking. ``asked`` are
    those that somebody asked for by name, as far as that is on record.
    """

    origin: str
    pins: Mapping[NormalizedName, Version]
    python: str = ""
    notes: tuple[str, ...] = ()
    whole: bool = False
    asked: frozenset[NormalizedName] = frozenset()


def read_pin_set(path: Path, given: Given | None = None) -> PinSet:
    """Read every exact pin of a file or environment; ``given`` decides over markers.

    Raises:
        UsageError: it cannot be read, or names packages without exact versions.
    """
    name, _, chosen = path.name.partition("#")
    if name.endswith(".json") and (chosen or _is_evidence(path)):
        return _of_evidence(path.with_name(name), chosen or RULES)
    folder = path.is_dir()
    examined = examine_environment(path).examined if folder else examine_path(path, given)
    loose = [name for name in examined.loose if name not in _TOOLS]
    if examined.kind is Kind.TEXT or not (examined.packages or loose):
        raise UsageError(
            f"{path}: no pins in it; a lock, the output of pip freeze, requirements with =="
            " or an environment is needed"
        )
    if loose:
        more = f" and {len(loose) - 5} more" if len(loose) > 5 else ""  # noqa: PLR2004  (a line)
        raise UsageError(
            f"{path}: {', '.join(sorted(loose)[:5])}{more}: no exact version (name==version)",
            f"envlock lock -r {path}",
        )
    # An environment has its pip; a set that names none says nothing about it.
    pins = {name: each for name, each in sorted(examined.packages.items()) if name != "pip"}
    return PinSet(
        origin=str(path),
        pins=pins,
        python=_python(path, examined),
        notes=examined.notes,
        whole=folder,
        asked=requested_in(Path(examined.origin)) if folder else _asked(path),
    )


def _asked(path: Path) -> frozenset[NormalizedName]:
    """What a lock says that it was asked for, and is to be imported; of another file nothing."""
    try:
        lock = read_lock(path.name, read_text(path))
    except EnvlockError:
        return frozenset()
    names = (each.requirement.name for each in lock.asked.requirements)
    left_out = map(canonicalize_name, lock.asked.options.get("no-imports", ()))
    return frozenset(map(canonicalize_name, names)) - {*left_out}


def _python(path: Path, examined: Examined) -> str:
    if examined.python is not None:
        return minor_of(examined.python)
    if path.is_dir():
        return ""
    try:
        return read_lock(path.name, read_text(path)).parts[0].python
    except UsageError:
        return ""


def _is_evidence(path: Path) -> bool:
    try:
        found = json_value(read_text(path))
    except (UsageError, Malformed):
        return False
    return isinstance(found, dict) and "sets" in found


def _of_evidence(path: Path, chosen: str) -> PinSet:
    evidence = read(str(path), read_text(path))
    proved = evidence.find(chosen)
    if proved is None or not proved.packages:
        names = [each.name for each in evidence.sets if each.packages]
        raise UsageError(
            f"{path}: no set of pins called {chosen!r}; it has {', '.join(names) or 'none'}",
            *(f"{path}#{name}" for name in names[:1]),
        )
    return PinSet(
        origin=f"{path}#{chosen}", pins=proved.pins, python=evidence.cell.python, whole=True
    )
