"""What metadata declares and what is there do not fit: one finding, whoever sees it. Pure."""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity, Stage

CONFLICT = "declared-conflict"
MISSING = "missing-requirement"


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
