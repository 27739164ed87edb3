"""What is wrong with something that was examined. Imports only values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.model import Platform, Remedy, Severity, Stage


class Kind(StrEnum):
    """What was examined."""

    ENVIRONMENT = "environment"
    FILE = "file"
    TEXT = "text"
    MODEL = "model"


class Examined(Struct, frozen=True, kw_only=True):
    """What is known of an environment, a file or a text, whatever it was read from.

    ``packages`` are exact versions, ``loose`` ranges that were asked for
    (an empty range: the package, in a version nobody told). ``complete`` is
    True when what is not named is not there, as in an environment or a
    freeze. ``text`` is a traceback or log, noise removed; ``manager`` pip or
    conda, ``variables`` environment variables that are known to be set.
    ``notes`` say what could not be read, each with its place.
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


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is wrong.

    ``id`` is a rule's, or one of envlock's own for what is no rule (a broken
    declared requirement, a missing file). ``packages`` maps each package it
    was seen on to its version, None where the version is not known.
    ``confidence`` is between 0 and 1. ``remedies`` come best first; those of
    kind ``command`` can be typed as they are. ``consequences`` are findings
    that go away with this one.
    """

    id: str
    title: str
    severity: Severity
    because: str
    packages: Mapping[NormalizedName, Version | None]
    stage: Stage | None = None
    aliases: tuple[str, ...] = ()
    confidence: float = 1.0
    remedies: tuple[Remedy, ...] = ()
    sources: tuple[str, ...] = ()
    consequences: tuple[Finding, ...] = ()
    evidence: str = ""
