"""The frameworks that envlock resolves around, and distributions that stand for one another. Pure.

``frameworks.yaml`` tells of the first; the second share an import package, as
``families.yaml`` has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.model import Condition
from envlock.rules.tables import table


class Families(Struct, frozen=True, kw_only=True):
    """What ``families.yaml`` says.

    ``by_name`` maps a family to its members, ``stubs`` are pairs of which one
    is an empty shell that pulls in the other, and ``wheels_only`` names the
    packages whose source distributions are never to be built. ``one_system``
    maps packages that exist for one system only to it, and ``not_imported``
    are declared without being imported. ``imports`` maps an import package to
    its distribution, where that has another name.
    """

    by_name: Mapping[NormalizedName, tuple[NormalizedName, ...]]
    stubs: frozenset[frozenset[NormalizedName]]
    wheels_only: tuple[NormalizedName, ...]
    one_system: Mapping[NormalizedName, str]
    not_imported: frozenset[NormalizedName]
    imports: Mapping[str, NormalizedName]

    def family_of(self, name: NormalizedName) -> NormalizedName | None:
        """Return the family that a distribution belongs to."""
        return next((family for family, names in self.by_name.items() if name in names), None)

    def members(self, name: NormalizedName) -> tuple[NormalizedName, ...]:
        """Return the members of a family, or the name itself where it is no family's."""
        return self.by_name.get(name, (name,))

    def meant(self, condition: Condition) -> tuple[NormalizedName, ...]:
        """Return the distributions that a condition of a rule speaks of."""
        return (condition.package,) if condition.only else self.members(condition.package)

    def is_stub_pair(self, one: NormalizedName, other: NormalizedName) -> bool:
        """Whether the two belong together when they have the same version."""
        return frozenset((one, other)) in self.stubs


@cache
def families() -> Families:
    """Return the families that envlock knows."""
    document = table("families.yaml")
    return Families(
        by_name={
            canonicalize_name(family): _names(members)
            for family, members in document["families"].items()
        },
        stubs=frozenset(frozenset(_names(pair)) for pair in document["stubs"]),
        wheels_only=_names(document["wheels-only"]),
        one_system={
            name: system
            for system, names in document["one-system"].items()
            for name in _names(names)
        },
        not_imported=frozenset(_names(document["not-imported"])),
        imports={name: canonicalize_name(of) for name, of in document["imports"].items()},
    )


def _names(names: list[str]) -> tuple[NormalizedName, ...]:
    return tuple(map(canonicalize_name, names))


class Companion(Struct, frozen=True, kw_only=True):
    """Which releases of a framework come with which Keras.

    From ``same_from`` on Keras has the version of the release; before that it
    is of ``since`` (Keras minor → first release), or of ``oldest``. From
    ``third_from`` on it is Keras 3; ``legacy`` are the variables that choose
    Keras 2 all the same.
    """

    same_from: Version
    since: Mapping[str, str]
    oldest: str
    third_from: Version
    legacy: Mapping[str, str]

    def first_with(self, keras: Version, minor: str) -> str:
        """Return the first release whose Keras is not older; ``minor`` is the X.Y of it."""
        return minor if keras >= self.same_from else self.since.get(minor, self.oldest)


class Framework(Struct, frozen=True, kw_only=True):
    """One framework; ``name`` is that of its family and of its plain distribution.

    ``request`` is asked for when nothing is, ``summary`` what a lock is summed
    up by, ``decisive`` the packages whose installer an environment is of.
    ``imports`` are the folders that it is imported from. Of ``recorded``
    distributions the releases are on record, from ``oldest`` on, and ``large``
    are those with big files. ``cpu`` has no GPU code, ``gpu`` has it for
    ``gpu_releases``, the extra ``cuda_extra`` brings CUDA: "" where there is
    none. ``machines`` has a sentence for a platform, ``faults`` the rule of a
    fault of files in its folders. ``formats`` are those that it alone writes.
    ``versions`` are patterns with VERSION for the version, ``names`` what
    running text calls it and what goes with it, ``layout`` pairs of a pattern
    of paths and the releases that have such.
    """

    name: NormalizedName
    title: str
    request: tuple[str, ...]
    summary: tuple[str, ...]
    decisive: frozenset[str]
    imports: tuple[str, ...]
    recorded: tuple[NormalizedName, ...]
    oldest: Version
    large: tuple[NormalizedName, ...]
    cpu: NormalizedName | None
    gpu: NormalizedName | None
    gpu_releases: tuple[SpecifierSet, ...]
    cuda_extra: str
    machines: Mapping[str, str]
    faults: Mapping[str, str]
    formats: frozenset[str]
    keras: Companion | None
    versions: tuple[str, ...]
    names: tuple[str, ...]
    layout: tuple[tuple[str, SpecifierSet], ...]

    @property
    def members(self) -> tuple[NormalizedName, ...]:
        """Every distribution of it, the plain one first."""
        return families().members(self.name)

    def on_gpu(self, version: Version) -> NormalizedName:
        """Return the distribution with the GPU code of a release."""
        own = self.gpu is not None and any(version in each for each in self.gpu_releases)
        return self.gpu if own and self.gpu is not None else self.name

    def owns(self, path: str) -> bool:
        """Whether a path below site-packages is in one of its folders."""
        return path.partition("/")[0] in self.imports and "/" in path


@cache
def frameworks() -> tuple[Framework, ...]:
    """Return the frameworks that envlock knows, the usual one first."""
    return tuple(_read(name, facts) for name, facts in table("frameworks.yaml").items())


def framework() -> Framework:
    """Return the framework that is meant where nobody names one."""
    return frameworks()[0]


def framework_of(name: str) -> Framework | None:
    """Return the framework that a distribution (normalised) is of."""
    return next((each for each in frameworks() if name in each.members), None)


def is_foreign(packages: Collection[str]) -> bool:
    """Whether packages (normalised) are without any framework and what is decisive beside one."""
    return not any({*each.members, *each.decisive} & {*packages} for each in frameworks())


def _read(name: str, facts: Mapping[str, Any]) -> Framework:
    recorded, log, gpu = facts["recorded"], facts.get("log", {}), facts.get("gpu")
    keras = facts.get("keras")
    return Framework(
        name=canonicalize_name(name),
        title=facts["title"],
        request=tuple(facts["request"]),
        summary=tuple(facts["summary"]),
        decisive=frozenset(facts["decisive"]),
        imports=tuple(facts["imports"]),
        recorded=tuple(map(canonicalize_name, recorded["distributions"])),
        oldest=Version(recorded["oldest"]),
        large=tuple(map(canonicalize_name, recorded["large"])),
        cpu=canonicalize_name(facts["cpu"]) if "cpu" in facts else None,
        gpu=canonicalize_name(gpu["distribution"]) if gpu else None,
        gpu_releases=tuple(map(SpecifierSet, gpu["releases"])) if gpu else (),
        cuda_extra=facts.get("cuda-extra", ""),
        machines=facts.get("machines", {}),
        faults=facts.get("faults", {}),
        formats=frozenset(facts.get("formats", ())),
        keras=_companion(keras) if keras else None,
        versions=tuple(log.get("versions", ())),
        names=tuple(log.get("names", ())),
        layout=tuple(
            (each["path"], SpecifierSet(each["releases"])) for each in log.get("layout", ())
        ),
    )


def _companion(facts: Mapping[str, Any]) -> Companion:
    return Companion(
        same_from=Version(facts["same-from"]),
        since=facts["since"],
        oldest=facts["oldest"],
        third_from=Version(facts["keras-3-from"]),
        legacy=facts.get("legacy", {}),
    )
