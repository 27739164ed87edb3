"""What is wrong with something that was examined. Imports only values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.causes import Cause
from envlock.model import (
    Condition,
    Platform,
    Remedy,
    RemedyKind,
    Requested,
    Severity,
    Stage,
)


class Kind(StrEnum):
    """What was examined."""

    ENVIRONMENT = "environment"
    FILE = "file"
    TEXT = "text"
    MODEL = "model"
    CODE = "code"


class Use(Struct, frozen=True, kw_only=True):
    """One place where code uses a public name, or ``function(keyword)``; ``source`` is its line.

    ``where`` is the file, of a notebook with the cell; ``line`` and ``column``
    count from 1.
    """

    dotted: str
    where: str
    line: int
    column: int
    source: str = ""

    @property
    def place(self) -> str:
        """Where it stands, as messages name it."""
        return f"{self.where}:{self.line}"


class Clash(Struct, frozen=True, kw_only=True):
    """Two lines about a package that no version of it meets both, each with its place."""

    package: NormalizedName
    one: str
    other: str


class Examined(Struct, frozen=True, kw_only=True):
    """What is known of an environment, a file or a text, whatever it was read from.

    ``packages`` are exact versions, ``loose`` ranges that were asked for
    (an empty range: the package, in a version nobody told). ``complete`` is
    True when what is not named is not there, as in an environment or a
    freeze. ``text`` is a traceback or log, noise removed; ``manager`` pip or
    conda, ``variables`` environment variables that are known to be set.
    ``notes`` say what could not be read, each with its place. ``asked`` and
    ``bounds`` are what pip is given of a request: its requirements as they are
    written, and its constraints; none where conda brings some of it.
    ``undecided`` are those of ``loose`` of which the Python or the system
    decides what is asked for. ``built`` are the packages whose compiled code was
    seen to be for NumPy 1, beside a NumPy that is newer; ``uses`` the names that
    code uses. ``clashes`` are lines that exclude each other.
    """

    kind: Kind
    origin: str
    packages: Mapping[NormalizedName, Version] = field(default_factory=dict)
    loose: Mapping[NormalizedName, SpecifierSet] = field(default_factory=dict)
    complete: bool = False
    python: Version | None = None
    platform: Platform | None = None
    manager: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    notes: tuple[str, ...] = ()
    asked: tuple[Requested, ...] = ()
    bounds: tuple[Requested, ...] = ()
    undecided: frozenset[NormalizedName] = frozenset()
    uses: tuple[Use, ...] = ()
    built: Mapping[NormalizedName, Version] = field(default_factory=dict)
    clashes: tuple[Clash, ...] = ()


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is wrong.

    ``id`` is a rule's, or one of envlock's own for what is no rule (a broken
    declared requirement, a missing file). ``packages`` maps each package it
    was seen on to its version, None where the version is not known.
    ``confidence`` is between 0 and 1. ``remedies`` come best first; those of
    kind ``command`` can be typed as they are. ``consequences`` are findings
    that go away with this one. ``cause`` is None where nobody knows it,
    ``releases`` are those that are known to do so, ``places`` where code does it.
    """

    id: str
    title: str
    severity: Severity
    because: str
    packages: Mapping[NormalizedName, Version | None]
    cause: Cause | None = Cause.VERSION
    releases: tuple[Condition, ...] = ()
    stage: Stage | None = None
    aliases: tuple[str, ...] = ()
    confidence: float = 1.0
    remedies: tuple[Remedy, ...] = ()
    sources: tuple[str, ...] = ()
    consequences: tuple[Finding, ...] = ()
    evidence: str = ""
    places: tuple[Use, ...] = ()


CONFLICT = "declared-conflict"

MISSING = "missing-requirement"

PYTHONPATH_LEAK = "pythonpath-leak"

NOT_INSTALLABLE = "not-installable"


def unmet(
    owner: NormalizedName,
    version: Version | None,
    requirement: Requirement,
    there: Version | SpecifierSet | None,
    instead: str = "",
) -> Finding:
    """Return the finding that a requirement of ``owner`` is not met.

    ``there`` is the version that is there instead, or the range that is asked
    for; None where the package is missing. ``instead`` ends the sentence.
    """
    name = canonicalize_name(requirement.name)
    wanted = f"{name}{requirement.specifier}"
    has = f"{name} {there} is there" if there else f"{name} is not there"
    if isinstance(there, SpecifierSet):
        has = f"{name}{there} is asked for"
    who = f"{owner} {version}" if version else owner
    missing = there is None
    return Finding(
        id=MISSING if missing else CONFLICT,
        title=f"{owner} declares {wanted}",
        severity=Severity.DECLARED,
        because=f"{who} declares {wanted}, and {has}{instead}.",
        packages={owner: version, name: there if isinstance(there, Version) else None},
        stage=Stage.IMPORT if missing else Stage.RESOLVE,
        remedies=(Remedy(kind=RemedyKind.INSTALL, text=wanted),),
    )


def by_its_lines(origin: object) -> str:
    """The note on a file of conda's, of which no installer's set is looked for."""
    return f"{origin}: its own lines were judged; what conda would add to them was not"


def clashing(found: Clash) -> Finding:
    """The finding that two lines exclude each other."""
    return Finding(
        id=NOT_INSTALLABLE,
        title="two of its lines exclude each other",
        severity=Severity.BREAKS,
        because=f"No {found.package} is both {found.one} and {found.other}.",
        packages={found.package: None},
        stage=Stage.INSTALL,
        remedies=(Remedy(kind=RemedyKind.ADVICE, text="leave one of the two lines out"),),
    )
