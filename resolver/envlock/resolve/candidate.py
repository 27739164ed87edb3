"""What is asked for, package by package, and which framework release it can be. Pure.

The framework decides what everything around it may be, and its wheel tags are
the one thing about it that metadata never gets wrong, so it is chosen first:
candidates, best first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.choices import Accelerator, Kinds
from envlock.model import DistributionFile, Requested, Target
from envlock.releases import and_cuda, cuda_row
from envlock.rules.frameworks import Framework, families, frameworks
from envlock.targets.tags import installable

#: The origin of what was typed; everything else is from a file.
TYPED = "command line"
_PLACE = re.compile(r"(?P<file>.+?)(?::\d+| \[(?P<table>[^\]]+)\])?")
Releases = Mapping[Version, Sequence[DistributionFile]]


class PackageRequirement(Struct, frozen=True, kw_only=True):
    """Everything the user says about one package, from every line that names it."""

    name: NormalizedName
    specifier: SpecifierSet
    extras: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{extras}{self.specifier}"

    @property
    def places(self) -> tuple[str, ...]:
        """The lines of files that say it."""
        return tuple(origin for origin in self.origins if origin != TYPED)

    def relaxed(self) -> PackageRequirement:
        """The same package in any version."""
        return replace(self, specifier=SpecifierSet())

    def within(self, bound: PackageRequirement) -> PackageRequirement:
        """The same package, where another line bounds it as well."""
        return replace(
            self,
            specifier=self.specifier & bound.specifier,
            extras=tuple(sorted({*self.extras, *bound.extras})),
            origins=tuple(dict.fromkeys((*self.origins, *bound.origins))),
        )


Requirements = Mapping[NormalizedName, PackageRequirement]


def merge(requested: Iterable[Requested]) -> dict[NormalizedName, PackageRequirement]:
    """One `PackageRequirement` for each package, sorted by name."""
    merged: dict[NormalizedName, PackageRequirement] = {}
    for item in requested:
        line = item.requirement
        requirement = PackageRequirement(
            name=canonicalize_name(line.name),
            specifier=line.specifier,
            extras=tuple(sorted(line.extras)),
            origins=(item.origin,),
        )
        known = merged.get(requirement.name)
        merged[requirement.name] = requirement if known is None else known.within(requirement)
    return dict(sorted(merged.items()))


def joined(several: Iterable[Requirements]) -> dict[NormalizedName, PackageRequirement]:
    """The requirements of several requests together, sorted by name."""
    found: dict[NormalizedName, PackageRequirement] = {}
    for requirements in several:
        for name, each in requirements.items():
            found[name] = found[name].within(each) if name in found else each
    return dict(sorted(found.items()))


def file_of(origin: str) -> tuple[str, str]:
    """The file of an origin, without its line, and the table in it ("" where there is none)."""
    place = _PLACE.fullmatch(origin)
    assert place is not None  # noqa: S101  (the pattern takes any text that is not empty)
    return place["file"], place["table"] or ""


class Candidate(Struct, frozen=True, kw_only=True):
    """One framework release to try: the distribution that carries it, and why this one."""

    name: NormalizedName
    version: Version
    extras: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{extras}=={self.version}"

    def stands_for(self, requirement: PackageRequirement) -> bool:
        """Whether this release answers a requirement: its own, or any for the framework."""
        return requirement.name in {self.name, families().family_of(self.name)}


def framework(requirements: Requirements) -> PackageRequirement | None:
    """The requirement for a distribution of a framework, the plain one first."""
    members = (name for each in frameworks() for name in each.members)
    return next((requirements[name] for name in members if name in requirements), None)


def _plain(requirement: PackageRequirement) -> Framework | None:
    """The framework that a requirement leaves the distribution of open."""
    return next((each for each in frameworks() if each.name == requirement.name), None)


def distributions(
    requirement: PackageRequirement, accelerator: Accelerator
) -> tuple[NormalizedName, ...]:
    """The distributions whose index pages are needed to choose a release of ``requirement``."""
    facts = _plain(requirement)
    if facts is None:
        return (requirement.name,)
    match accelerator:
        case Accelerator.CPU:
            found = [facts.cpu, facts.name]
        case Accelerator.CUDA:
            found = [facts.name, facts.gpu]
        case Accelerator.AUTO:
            found = [facts.name]
    return tuple(name for name in found if name is not None)


def candidates(
    requirement: PackageRequirement,
    pages: Mapping[NormalizedName, Releases],
    target: Target,
    preferred: Collection[Version] = (),
    kinds: Kinds = Kinds(),  # noqa: B008  (frozen)
) -> tuple[Candidate, ...]:
    """Every release that the request and the wheel tags admit, best first.

    Best is a ``preferred`` one, then the newest patch of the newest minor;
    then the newest patches of the older minors; then the other patches. A
    patch release of TensorFlow mostly repairs metadata, so an older patch is
    rarely the answer.
    """
    usable = {
        name: _usable(requirement, releases, target, early=kinds.prereleases(name))
        for name, releases in pages.items()
    }
    versions = sorted({v for found in usable.values() for v in found}, reverse=True)
    newest: dict[tuple[int, int], Version] = {}
    for version in versions:
        newest.setdefault((version.major, version.minor), version)
    ordered = [*newest.values(), *(v for v in versions if v not in newest.values())]
    ordered.sort(key=lambda version: version not in preferred)
    return tuple(
        candidate
        for version in ordered
        for candidate in _flavours(requirement, version, usable, target)
    )


def _usable(
    requirement: PackageRequirement, releases: Releases, target: Target, *, early: bool | None
) -> frozenset[Version]:
    return frozenset(
        version
        for version, files in admitted(requirement, releases, early=early).items()
        if any(installable(file, target) for file in files)
    )


def admitted(
    requirement: PackageRequirement, releases: Releases, *, early: bool | None = None
) -> Releases:
    """The releases that a requirement takes, as installers see it.

    ``early`` says whether pre-releases count. With None one does when the
    requirement names one or nothing else meets it (PEP 440). A yanked file
    counts when the requirement is for exactly that version (PEP 592).
    """
    exact = {
        Version(each.version)
        for each in requirement.specifier
        if each.operator in {"==", "==="} and not each.version.endswith(".*")
    }
    kept = {
        version: [file for file in releases[version] if file.yanked is None or version in exact]
        for version in requirement.specifier.filter(releases, prereleases=early)
    }
    return {version: files for version, files in kept.items() if files}


def _flavours(
    requirement: PackageRequirement,
    version: Version,
    usable: Mapping[NormalizedName, frozenset[Version]],
    target: Target,
) -> Iterable[Candidate]:
    """The distributions that carry one release for this accelerator, best first."""
    there = [name for name, versions in usable.items() if version in versions]
    facts = _plain(requirement)
    if facts is None or target.accelerator is Accelerator.AUTO:
        return [
            Candidate(name=requirement.name, version=version, extras=requirement.extras)
            for _ in there[:1]
        ]
    if target.accelerator is Accelerator.CPU:
        return [
            Candidate(
                name=name,
                version=version,
                note=f"no {facts.cpu} {version} can serve this request"
                if facts.cpu not in {name, None}
                else "",
            )
            for name in distributions(requirement, target.accelerator)
            if name in there
        ]
    return list(_cuda(facts, requirement.extras, version, there, target))


def _cuda(
    facts: Framework,
    extras: tuple[str, ...],
    version: Version,
    there: list[NormalizedName],
    target: Target,
) -> Iterable[Candidate]:
    extra = and_cuda(version, target.minor)
    if extra is not None and extra.installable:
        more = tuple(sorted({*extras, facts.cuda_extra}))
        yield Candidate(name=facts.name, version=version, extras=more)
        return
    row = cuda_row(version)
    need = (
        f"it needs CUDA {row.cuda} and cuDNN {row.cudnn} from the system"
        if row
        else "its CUDA is not on record"
    )
    own = facts.on_gpu(version)
    name = own if own in there else facts.name
    if name in there:
        note = f"{name} {version} brings no CUDA of its own: {need}"
        yield Candidate(name=name, version=version, extras=extras, note=note)
