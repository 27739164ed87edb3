"""Conflicts that the packages' own metadata declares: what ``pip check`` finds. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.diagnose.deduced import usual_platform
from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity, Stage
from envlock.releases import h5py_releases, release
from envlock.rules.check import Known
from envlock.rules.frameworks import framework
from envlock.targets.platforms import marker_environment
from envlock.versions import admits, meet, minor_of

_MOST = 200  # conflicts of one log: no environment has so many
CONFLICT = "declared-conflict"
MISSING = "missing-requirement"

#: pip's words, in the log of an install and of ``pip check``.
_TOLD = re.compile(
    r"(?:^|\s)(?P<owner>[\w.-]+) (?P<owned>\d[\w.+!-]*) (?:requires|has requirement)"
    r" (?P<wish>[^\n]{1,200}?),"
    r" (?:but you(?:'ll)? have (?P<name>[\w.-]+) (?P<version>\d[\w.+!-]*)|which is not installed)"
)


def declared_conflicts(
    packages: Mapping[NormalizedName, Version],
    requires: Mapping[NormalizedName, Sequence[str]],
    environment: Mapping[str, str],
    *,
    complete: bool = True,
) -> tuple[Finding, ...]:
    """Return every declared requirement that what is installed does not meet.

    ``requires`` are the ``Requires-Dist`` lines of each package,
    ``environment`` the PEP 508 environment. What is missing is told only of a
    ``complete`` set.
    """
    found = []
    for owner, lines in requires.items():
        version = packages.get(owner)
        for requirement in standards.applicable(lines, environment):
            name = canonicalize_name(requirement.name)
            there = packages.get(name)
            if there is None and not complete:
                continue
            if there is None or not admits(requirement.specifier, there):
                found.append(_finding(owner, version, requirement, there))
    return tuple(found)


def conflicts_by_release(known: Known) -> tuple[Finding, ...]:
    """Return what the known versions break of what TensorFlow's and h5py's releases declare."""
    requires = dict(_release_lines(known))
    environment = _environment(known)
    found = declared_conflicts(known.versions, requires, environment, complete=False)
    return (*found, *_disjoint(known, requires, environment))


def conflicts_told(text: str) -> tuple[Finding, ...]:
    """Return the conflicts that pip names in a log."""
    if "but you" not in text and "which is not installed" not in text:
        return ()
    found: dict[tuple[str, str], Finding] = {}
    for match in _TOLD.finditer(text):
        requirement = standards.requirement(match["wish"])
        version = standards.version(match["version"] or "")
        owner, owned = canonicalize_name(match["owner"]), standards.version(match["owned"])
        if requirement is None or owned is None or (version is None and match["version"]):
            continue
        found[owner, requirement.name] = _finding(owner, owned, requirement, version)
        if len(found) == _MOST:
            break
    return tuple(found.values())


def _finding(
    owner: NormalizedName, version: Version | None, wish: Requirement, there: Version | None
) -> Finding:
    name = canonicalize_name(wish.name)
    who = f"{owner} {version}" if version else owner
    wanted = f"{name}{wish.specifier}"
    has = f"{name} {there} is there" if there else f"{name} is not there"
    return Finding(
        id=CONFLICT if there else MISSING,
        title=f"{owner} declares {wanted}",
        severity=Severity.DECLARED,
        because=f"{who} declares {wanted}, and {has}.",
        packages={owner: version, name: there},
        stage=Stage.RESOLVE,
        confidence=1.0,
        remedies=(Remedy(kind=RemedyKind.INSTALL, text=wanted),),
    )


def _release_lines(known: Known) -> Iterator[tuple[NormalizedName, Sequence[str]]]:
    platform = str(usual_platform(known.situation.platform))
    for name in (*framework().members, NormalizedName("h5py")):
        version = known.versions.get(name)
        if version is None:
            continue
        table = h5py_releases() if name == "h5py" else ()
        found = next((each for each in table if each.version == version), None) or release(version)
        if found is not None:
            yield name, found.needs.get((name, platform), ())


def _environment(known: Known) -> Mapping[str, str]:
    return marker_environment(
        usual_platform(known.situation.platform), minor_of(known.situation.pythons[-1])
    )


def _disjoint(
    known: Known,
    requires: Mapping[NormalizedName, Sequence[str]],
    environment: Mapping[str, str],
) -> Iterator[Finding]:
    """Ranges that have nothing in common with what a release declares."""
    for owner, lines in requires.items():
        for requirement in standards.applicable(lines, environment):
            name = canonicalize_name(requirement.name)
            wish = known.ranges.get(name)
            if wish is not None and not meet(wish, requirement.specifier):
                version = known.versions[owner]
                wanted = f"{name}{requirement.specifier}"
                yield Finding(
                    id=CONFLICT,
                    title=f"{owner} declares {wanted}",
                    severity=Severity.DECLARED,
                    because=f"{owner} {version} declares {wanted}, and {name}{wish} is asked for.",
                    packages={owner: version, name: None},
                    stage=Stage.RESOLVE,
                    remedies=(Remedy(kind=RemedyKind.INSTALL, text=wanted),),
                )
