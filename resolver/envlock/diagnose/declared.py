"""Conflicts that the packages' own metadata declares: what ``pip check`` finds. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.declared import unmet
from envlock.diagnose.deduced import usual_platform
from envlock.findings import Finding
from envlock.releases import h5py_releases, release
from envlock.rules.check import Known
from envlock.rules.frameworks import framework
from envlock.targets.platforms import marker_environment
from envlock.versions import admits, meet, minor_of

_MOST = 200  # conflicts of one log: no environment has so many

#: pip's words, in the log of an install and of ``pip check``.
_TOLD = re.compile(
    r"(?:^|\s)(?P<owner>[\w.-]+) (?P<owned>\d[\w.+!-]*) (?:requires|has requirement)"
    r" (?P<wish>[^\n]{1,200}?),"
    r" (?:but you(?:'ll)? have (?P<name>[\w.-]+) (?P<version>\d[\w.+!-]*)|which is not installed)"
)


def conflicts_by_release(known: Known) -> tuple[Finding, ...]:
    """Return what the known versions break of what TensorFlow's and h5py's releases declare."""
    return tuple(_broken(known))


def _broken(known: Known) -> Iterator[Finding]:
    situation = known.situation
    environment = marker_environment(
        usual_platform(situation.platform), minor_of(situation.pythons[-1])
    )
    for owner, lines in _release_lines(known):
        for requirement in standards.applicable(lines, environment):
            name = canonicalize_name(requirement.name)
            there, asked = known.versions.get(name), known.ranges.get(name)
            if there is not None and not admits(requirement.specifier, there):
                yield unmet(owner, known.versions[owner], requirement, there)
            elif asked is not None and not meet(asked, requirement.specifier):
                yield unmet(owner, known.versions[owner], requirement, asked)


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
        found[owner, requirement.name] = unmet(owner, owned, requirement, version)
        if len(found) == _MOST:
            break
    return tuple(found.values())


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
