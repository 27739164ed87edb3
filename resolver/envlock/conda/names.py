"""conda's names for packages and PyPI's, and the libraries that both bring. Pure.

Ranges of versions go from PEP 440 to conda and back. conda's order has no
pre-release of its own kind: ``<2.0`` lets 2.0rc1 in, where PEP 440 keeps it
out; ``=1.2`` is a prefix, ``|`` means or.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from msgspec import Struct
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.model import CondaPackage
from envlock.rules.tables import table

_PART = re.compile(r"(?P<operator>==|!=|~=|<=|>=|=|<|>|)\s*(?P<version>[\w.!+-]*?)(?P<star>\.?\*)?")
_RELEASE = re.compile(r"[\d.]+")
_PYPI = "pkg:pypi/"
_BUILT_FOR_PYTHON = re.compile(r"py\d")


def to_conda(specifier: SpecifierSet) -> str:
    """Return a PEP 440 range as conda writes it; "" for any version.

    The same releases are in it; a pre-release on its edge may differ.
    """
    return ",".join(sorted(_part(each) for each in specifier))


def _part(part: Specifier) -> str:
    operator = {"===": "=="}.get(part.operator, part.operator)
    version = part.version
    if operator == "==" and version.endswith(".*"):
        return version
    if operator == "<" and _RELEASE.fullmatch(version):
        version += "a0"  # as conda-forge keeps pre-releases of the bound out
    return f"{operator}{version}"


def to_pep440(version: str) -> SpecifierSet | None:
    """Return conda's text for a range as PEP 440 has it; None where PEP 440 cannot say it."""
    if version.strip() in {"", "*", "=*", "==*"}:
        return SpecifierSet()
    if "|" in version:
        return None
    try:
        return standards.specifiers(",".join(_specifiers(version)))
    except ValueError:
        return None


def _specifiers(text: str) -> Iterator[str]:
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None or not match["version"]:
            raise ValueError(part)
        operator, number, star = match["operator"], match["version"], match["star"]
        if operator == "~=" and "." not in number:
            yield f">={number}"  # PEP 440 has ~= for two numbers and more
        elif operator == "=" or (star and operator in {"", "==", "!="}):
            yield f"{'!=' if operator == '!=' else '=='}{number}.*"
        else:
            yield f"{operator or '=='}{number}"


class SharedLibrary(Struct, frozen=True, kw_only=True):
    """A library that conda shares and wheels carry; ``because`` is why two are trouble."""

    name: str
    title: str
    carried_by: tuple[NormalizedName, ...]
    because: str


class Names(Struct, frozen=True, kw_only=True):
    """What ``conda-names.yaml`` says."""

    by_conda: Mapping[NormalizedName, NormalizedName]
    nothing: frozenset[NormalizedName]
    libraries: tuple[SharedLibrary, ...]

    def pypi(self, name: str) -> NormalizedName | None:
        """Return PyPI's name for a conda package, as far as a name tells; None for none."""
        known = canonicalize_name(name.strip("_"))
        return None if known in self.nothing else self.by_conda.get(known, known)

    def conda(self, name: NormalizedName) -> tuple[str, ...]:
        """Return the conda packages that may hold a project of PyPI, its own name first."""
        others = (conda for conda, pypi in self.by_conda.items() if pypi == name)
        own = () if name in self.nothing else _spellings(name)
        return (*own, *others)

    def provided(self, package: CondaPackage) -> NormalizedName | None:
        """Return the project of PyPI that a conda package installs, or None."""
        for purl in package.purls:
            if purl.startswith(_PYPI):
                return canonicalize_name(purl.removeprefix(_PYPI).partition("@")[0])
        known = canonicalize_name(package.name.strip("_"))
        if known in self.nothing:
            return None
        if known in self.by_conda:
            return self.by_conda[known]
        return known if _may_be_python(package) else None


def _may_be_python(package: CondaPackage) -> bool:
    """By what it needs; by its build where a lock tells no needs; a bare pin may be anything."""
    if package.noarch == "python":
        return True
    if package.depends:
        return any(each.partition(" ")[0] == "python" for each in package.depends)
    return not package.build or _BUILT_FOR_PYTHON.search(package.build) is not None


def _spellings(name: NormalizedName) -> tuple[str, ...]:
    """conda-forge keeps the underscores and dots of a project's own name."""
    return tuple(dict.fromkeys((name, name.replace("-", "_"), name.replace("-", "."))))


@cache
def names() -> Names:
    """Return the names that envlock knows."""
    document = table("conda-names.yaml")
    return Names(
        by_conda={
            canonicalize_name(conda): canonicalize_name(pypi)
            for conda, pypi in document["names"].items()
        },
        nothing=frozenset(
            canonicalize_name(each.strip("_")) for each in document["nothing-of-pypi"]
        ),
        libraries=tuple(
            SharedLibrary(
                name=name,
                title=said["title"],
                carried_by=tuple(map(canonicalize_name, said["carried-by"])),
                because=said["because"],
            )
            for name, said in document["libraries"].items()
        ),
    )


def python_of(packages: Iterable[CondaPackage]) -> Version | None:
    """Return the version of the Python among packages."""
    return next((_version(each.version) for each in packages if each.name == "python"), None)


def pypi_pins(packages: Iterable[CondaPackage]) -> dict[NormalizedName, Version]:
    """Return what packages provide under PyPI's names, sorted; see `unread` for the rest."""
    found: dict[NormalizedName, Version] = {}
    for package in packages:
        name, version = names().provided(package), _version(package.version)
        own = canonicalize_name(package.name) == name
        if name is not None and version is not None and (own or name not in found):
            found[name] = version
    return dict(sorted(found.items()))


def unread(packages: Iterable[CondaPackage]) -> dict[NormalizedName, str]:
    """Return the versions that PEP 440 cannot read, so that no rule can be held against them."""
    return {
        name: package.version
        for package in packages
        if (name := names().provided(package)) is not None and _version(package.version) is None
    }


def _version(text: str) -> Version | None:
    return standards.version(text)
