"""The ids of what can be wrong with the state of an environment.

What `envlock.environment.state` finds. Those of a rule are marked; the rule
knows more of them.

============================  ====================  ==========================================
id                            severity              found when
============================  ====================  ==========================================
conda-and-pip-own             degrades              conda's records list a Python package that
                                                    pip has installed over
declared-conflict             declared              Requires-Dist is not met by the version
half-removed                  degrades              folders that begin with ``~`` are left
leftover-files                breaks, degrades      modules that no RECORD lists; they break
                                                    when they hide one that is listed
missing-files                 breaks, degrades      files of RECORD are not there; they break
                                                    when one is code
missing-requirement           breaks, declared      Requires-Dist names what is not installed;
                                                    declared only where nothing imports it, in
                                                    what conda built, and where another build
                                                    of it is there (tensorflow-cpu)
overwritten-files             breaks, degrades      code has another size or hash than in
                                                    RECORD; it breaks when it is empty
tf-stale-files-after-upgrade  breaks, degrades      leftover-files inside ``tensorflow`` (rule)
tf-two-owners                 breaks                two-owners inside ``tensorflow`` (rule)
two-hdf5                      degrades              another HDF5 than the one h5py brings is
                                                    in the conda prefix or on the library path
two-owners                    breaks, degrades      two distributions brought the same files,
                                                    not alike; they break when they are mixed
two-versions                  breaks, degrades      two metadata folders for one distribution;
                                                    they break when their files are mixed
user-site-leak                degrades              packages of the user site come before
                                                    other versions of the environment (rule)
============================  ====================  ==========================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.environment.records import Distribution
from envlock.findings import Finding
from envlock.model import Remedy, Severity, Stage

TITLES: Mapping[str, str] = {
    "conda-and-pip-own": "conda and pip both own a package",
    "half-removed": "A removal was stopped and left folders behind",
    "leftover-files": "Files that no installed package owns are among those of one",
    "missing-files": "Files of an installed package are not there",
    "overwritten-files": "Files of a package are not those that were installed",
    "tf-stale-files-after-upgrade": "Files of an older TensorFlow are left beside the new one",
    "tf-two-owners": "Two TensorFlow distributions own one tensorflow folder",
    "two-hdf5": "h5py brings one HDF5 library and another one can be found",
    "two-owners": "Two distributions own the same files",
    "two-versions": "One distribution is recorded twice",
    "user-site-leak": "Packages of the user's own folder shadow the environment",
}
_LINES = 10
_NAMES = 5


def fault(
    name: str,
    because: str,
    packages: Iterable[Distribution] | Mapping[NormalizedName, Version | None],
    *remedies: Remedy,
    severity: Severity = Severity.DEGRADES,
    confidence: float = 1.0,
    evidence: Iterable[str] = (),
    aliases: tuple[str, ...] = (),
) -> Finding:
    """Return the finding of an id; of much evidence, the first lines."""
    lines = list(evidence)
    if len(lines) > _LINES:
        lines[_LINES:] = [f"and {len(lines) - _LINES} more"]
    if not isinstance(packages, Mapping):
        packages = {each.name: each.version for each in packages}
    return Finding(
        id=name,
        title=TITLES[name],
        severity=severity,
        because=because,
        packages=packages,
        stage=Stage.IMPORT,
        aliases=aliases,
        confidence=confidence,
        remedies=remedies,
        evidence="\n".join(lines),
    )


def several(names: Sequence[str]) -> str:
    """Join names as a sentence does: "a, b and c"; of many, the first."""
    if len(names) > _NAMES:
        names = [*names[:_NAMES], f"{len(names) - _NAMES} more"]
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
