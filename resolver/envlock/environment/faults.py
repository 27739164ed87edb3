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
pythonpath-leak               breaks                packages of PYTHONPATH come before
                                                    other versions of the environment
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

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.environment.commands import Commands, delete, pinned, remedy
from envlock.environment.files import FileState
from envlock.environment.records import Distribution, Site
from envlock.findings import Finding
from envlock.model import Remedy, Severity, Stage
from envlock.rules.frameworks import frameworks
from envlock.words import counted

TITLES: Mapping[str, str] = {
    "conda-and-pip-own": "conda and pip both own a package",
    "half-removed": "A removal was stopped and left folders behind",
    "leftover-files": "Files that no installed package owns are among those of one",
    "missing-files": "Files of an installed package are not there",
    "overwritten-files": "Files of a package are not those that were installed",
    "pythonpath-leak": "PYTHONPATH puts other packages before the environment's own",
    "tf-stale-files-after-upgrade": "Files of an older TensorFlow are left beside the new one",
    "tf-two-owners": "Two TensorFlow distributions own one tensorflow folder",
    "two-hdf5": "h5py brings one HDF5 library and another one can be found",
    "two-owners": "Two distributions own the same files",
    "two-versions": "One distribution is recorded twice",
    "user-site-leak": "Packages of the user's own folder shadow the environment",
}
_LINES = 10
_NAMES = 5
_CODE = (".py", ".so", ".pyd", ".dll", ".dylib")
_FEW = 20  # leftovers that a command names one by one


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


def file_findings(
    site: Site, state: FileState, commands: Commands, conda: frozenset[Distribution]
) -> Iterator[Finding]:
    """Yield what is wrong with the files of a folder.

    Of two records of one distribution, only the one that fits the files is
    judged by them; what is wrong with the lesser of two owners goes away with
    it. ``conda`` names what conda installed.
    """
    twins = twice_recorded(site.distributions)
    judged = {each for twin in twins for each in twin if each is not fitting(twin, state)}
    for twin in twins:
        if conda.isdisjoint(twin):  # else it is conda and pip that are at odds
            yield _two_versions(twin, state, commands)
    for pair, files in state.shared.items():
        if pair[0].name != pair[1].name:
            last = next((each for each in files.values() if each is not None), pair[1])
            other = pair[0] if last is pair[1] else pair[1]
            found = _of_one(other, state, commands, by_conda=other in conda)
            follow = () if other in judged else tuple(found)
            judged.add(other)
            yield replace(_two_owners(last, other, files, commands), consequences=follow)
    for owner in site.distributions:
        if owner not in judged:
            yield from _of_one(owner, state, commands, by_conda=owner in conda)
    if site.set_aside:
        yield _half_removed(site)


def _of_one(
    owner: Distribution, state: FileState, commands: Commands, *, by_conda: bool
) -> Iterator[Finding]:
    back = commands.conda_reinstall(owner.name) if by_conda else commands.reinstall(owner)
    if owner in state.missing:
        yield _missing(owner, state.missing[owner], state.counts[owner], remedy(back))
    if owner in state.changed:
        yield _overwritten(owner, state.changed[owner], remedy(back))
    if owner in state.left:
        yield _leftover(owner, state.left[owner], commands)


def twice_recorded(distributions: Sequence[Distribution]) -> tuple[tuple[Distribution, ...], ...]:
    """Return the distributions that are recorded in two versions or more."""
    named: dict[str, list[Distribution]] = {}
    for each in distributions:
        named.setdefault(each.name, []).append(each)
    return tuple(tuple(twin) for twin in named.values() if len({each.version for each in twin}) > 1)


def fitting(twin: Sequence[Distribution], state: FileState) -> Distribution:
    """Return the record that fits the files best, and of equals the newest version."""
    winners = Counter(each for files in state.shared.values() for each in files.values())

    def fit(each: Distribution) -> tuple[object, ...]:
        missing = len(state.missing.get(each, ())) + (each in state.unrecorded)
        return (winners[each], -missing, each.version)

    return max(twin, key=fit)


def _two_versions(twin: tuple[Distribution, ...], state: FileState, commands: Commands) -> Finding:
    right = fitting(twin, state)
    versions = several([str(each.version) for each in twin])
    mixed = any(_is_mixed(files) for pair, files in state.shared.items() if set(pair) <= set(twin))
    # pip removes one record at a time.
    removals = [commands.uninstall(right.name)] * (len(twin) if commands.pip else 1)
    return fault(
        "two-versions",
        f"{right.name} is recorded as {versions}, and its files are "
        + ("those of both." if mixed else f"those of {right.version}."),
        (right,),
        remedy(*removals, commands.install(pinned(right))),
        severity=Severity.BREAKS if mixed else Severity.DEGRADES,
        evidence=(each.info.name for each in twin),
    )


def _two_owners(
    last: Distribution,
    other: Distribution,
    files: Mapping[str, Distribution | None],
    commands: Commands,
) -> Finding:
    special = _special("two-owners", files)
    mixed = _is_mixed(files)
    now = "a mixture of both" if mixed else f"that of {last}"
    return fault(
        special or "two-owners",
        f"{other} and {last} both brought {counted(len(files), 'file')}, in two versions; "
        f"what is there now is {now}.",
        (other, last),
        remedy(commands.uninstall(other.name), commands.reinstall(last)),
        severity=Severity.BREAKS if mixed or special else Severity.DEGRADES,
        evidence=(f"{path}: of {owner or 'neither'}" for path, owner in files.items()),
    )


def _is_mixed(files: Mapping[str, Distribution | None]) -> bool:
    return len({each for each in files.values() if each is not None}) > 1


def _missing(owner: Distribution, paths: Sequence[str], count: int, cure: Remedy) -> Finding:
    code = [path for path in paths if path.endswith(_CODE)]
    first = _outermost(code or paths)
    return fault(
        "missing-files",
        f"{first}, which {owner} installed, is not there."
        if len(paths) == 1
        else f"{len(paths)} of the {count} files that {owner} installed are not there; "
        f"one is {first}.",
        (owner,),
        cure,
        severity=Severity.BREAKS if code else Severity.DEGRADES,
        confidence=0.9 if code else 0.6,
        evidence=sorted(paths),
    )


def _overwritten(owner: Distribution, sizes: Mapping[str, int], cure: Remedy) -> Finding:
    empty = [path for path, size in sizes.items() if size == 0]
    first = _outermost(empty or sizes)
    what = f"{first} of {owner} is empty" if empty else f"{first} is not as {owner} installed it"
    others = len(sizes) - 1
    differ = "differs" if others == 1 else "differ"
    more = f", and {counted(others, 'more file')} {differ}" if others else ""
    return fault(
        "overwritten-files",
        f"{what}{more}.",
        (owner,),
        cure,
        severity=Severity.BREAKS if empty else Severity.DEGRADES,
        confidence=0.9 if empty else 0.7,
        evidence=(f"{path}: {size} bytes" for path, size in sorted(sizes.items())),
    )


def _outermost(paths: Iterable[str]) -> str:
    return min(paths, key=lambda path: (path.count("/"), path))


def _leftover(owner: Distribution, left: Sequence[tuple[str, str]], commands: Commands) -> Finding:
    hiding = [each for each in left if each[1]]
    paths = [owner.site / path for path, _ in left]
    cure = remedy(delete(paths))
    if len(paths) > _FEW:
        tops = sorted({owner.site / path.partition("/")[0] for path, _ in left})
        cure = remedy(commands.uninstall(owner.name), delete(tops), commands.reinstall(owner))
    special = _special("leftover-files", (path for path, _ in left))
    return fault(
        special or "leftover-files",
        f"{hiding[0][0]}, which no installed package owns, hides {hiding[0][1]} of {owner}."
        if hiding
        else f"{left[0][0]} is among the files of {owner} and no installed package owns it.",
        (owner,),
        cure,
        severity=Severity.BREAKS if hiding else Severity.DEGRADES,
        confidence=0.9 if hiding else 0.4,
        evidence=(f"{path} hides {hidden}" if hidden else path for path, hidden in left),
    )


def _half_removed(site: Site) -> Finding:
    return fault(
        "half-removed",
        f"A pip that did not finish has left {several(site.set_aside)} in {site.path}.",
        site.removing,
        remedy(delete(site.path / name for name in site.set_aside)),
        evidence=site.set_aside,
    )


def _special(fault: str, paths: Iterable[str]) -> str:
    """The rule of a fault where it is in the folders of a framework, or ""."""
    inside = (
        each.faults.get(fault, "") for path in paths for each in frameworks() if each.owns(path)
    )
    return next(inside, "")
