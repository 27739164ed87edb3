"""One entry of a conda file → PyPI's name and PEP 440's versions, which rules speak in. Pure."""

from __future__ import annotations

import re

from msgspec import Struct, field
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.conda.names import names
from envlock.conda.versions import to_pep440
from envlock.request.conda_spec import parse_archive, parse_spec

_ALONE = re.compile(r"(={0,2})((?:\d+!)?[^\s=<>!~*,|()]+)")
_RELEASE_NUMBERS = 3  # X.Y.Z names one release


class PypiSpec(Struct, frozen=True):
    """A package under its PyPI name, with the versions as PEP 440 has them.

    ``version`` is set where the entry names one release; an empty
    ``specifier`` means any, or one that PEP 440 cannot say.
    """

    name: NormalizedName
    specifier: SpecifierSet = field(default_factory=SpecifierSet)
    version: Version | None = None
    build: str = ""


def parse_conda_spec(text: str) -> PypiSpec:
    """Parse a match specification, or the address of a conda package.

    Raises:
        UsageError: it is neither, in words.
    """
    spec = parse_spec(text)
    archive = parse_archive(spec.url)
    if archive is not None:
        version = _version(archive.version)
        return PypiSpec(pypi_name(archive.name), SpecifierSet(), version, archive.build)
    specifier, version = _versions(spec.version, built=bool(spec.build))
    return PypiSpec(pypi_name(spec.name), specifier, version, spec.build)


def pypi_name(text: str) -> NormalizedName:
    """Return the name that PyPI has for a conda package; its own where PyPI has none."""
    return names().pypi(text) or canonicalize_name(text.strip("_"))


def _version(text: str) -> Version | None:
    return standards.version(text)


def _versions(text: str, *, built: bool) -> tuple[SpecifierSet, Version | None]:
    alone = _ALONE.fullmatch(text)
    if alone is not None:
        return _alone(alone[1], alone[2], built=built)
    return to_pep440(text) or SpecifierSet(), None


def _alone(operator: str, number: str, *, built: bool) -> tuple[SpecifierSet, Version | None]:
    """A version by itself: exact, or with one ``=`` and fewer than three numbers a prefix."""
    version = _version(number)
    if version is None:
        return SpecifierSet(), None
    short = re.fullmatch(r"[\d.]+", number) and len(version.release) < _RELEASE_NUMBERS
    exact = operator != "=" or built or not short
    return (SpecifierSet(), version) if exact else (SpecifierSet(f"=={number}.*"), None)
