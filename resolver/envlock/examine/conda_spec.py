"""One entry of a conda file → package and versions. Pure.

conda's words for versions are not PEP 440: ``=1.2`` is a prefix, a third
``=`` is the build, ``|`` means or. Source: conda's documentation, "Package
match specifications".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from envlock.errors import UsageError
from envlock.request.parsed import shown

#: conda packages that hold, or only pull in, what PyPI has under another name.
_PYPI_NAMES = {
    "keras-base": "keras",
    "keras-gpu": "keras",
    "matplotlib-base": "matplotlib",
    "numpy-base": "numpy",
    "pytorch": "torch",
    "tensorflow-base": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-eigen": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-gpu-base": "tensorflow",
    "tensorflow-mkl": "tensorflow",
}
_CHANNEL = re.compile(r"^.*::(?=[^:]*$)")
_SPEC = re.compile(
    r"""^(?P<name>[A-Za-z0-9_][\w.-]*)
        \s*(?P<version>(?:[<>=!~]|\s[\d*])[^\[\]]*|)
        \s*(?:\[(?P<brackets>[^\]]*)\])?$""",
    re.VERBOSE,
)
_BRACKET = re.compile(r"""(\w+)\s*=\s*(?:'([^']*)'|"([^"]*)"|([^,'"\]]+))""")
_ARCHIVE = re.compile(r"([^/\\]+?)-([^/\\-]+)-([^/\\-]+)\.(?:tar\.bz2|conda)(?:#\S*)?$")
_PART = re.compile(r"(==|=|!=|~=|<=|>=|<|>|)\s*([^\s=<>!~]+?)(=?)(\.?\*|)$")
_RELEASE_NUMBERS = 3  # X.Y.Z names one release


@dataclass(frozen=True, slots=True)
class CondaSpec:
    """A package under its PyPI name, with the versions as PEP 440 has them.

    ``version`` is set where the entry names one release; an empty
    ``specifier`` means any, or one that PEP 440 cannot say.
    """

    name: NormalizedName
    specifier: SpecifierSet = field(default_factory=SpecifierSet)
    version: Version | None = None
    build: str = ""


def parse_conda_spec(text: str) -> CondaSpec:
    """Parse a match specification, or the address of a conda package.

    Raises:
        UsageError: it is neither, in words.
    """
    archive = _ARCHIVE.search(text.strip())
    if archive:
        name, version, build = archive.groups()
        return CondaSpec(pypi_name(name), SpecifierSet(), _version(version), build)
    plain = _CHANNEL.sub("", text.strip())
    match = _SPEC.match(plain)
    if match is None:
        raise _refusal(text)
    keys = {key: a or b or c.strip() for key, a, b, c in _BRACKET.findall(match["brackets"] or "")}
    wanted, build = _split_build(match["version"].strip())
    specifier, version = _versions(keys.get("version", wanted), text, built=bool(build))
    return CondaSpec(pypi_name(match["name"]), specifier, version, keys.get("build", build))


def pypi_name(text: str) -> NormalizedName:
    """Return the name that PyPI has for a conda package."""
    name = canonicalize_name(text.strip("_"))
    return canonicalize_name(_PYPI_NAMES.get(name, name))


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _split_build(text: str) -> tuple[str, str]:
    """Part ``=1.2=py38_0`` and ``1.2 py38_0`` into versions and build."""
    match = re.fullmatch(r"(={0,2}\s*(?:\d+!)?[^=<>!~,|\s]+)(?:=|\s+)([\w.*]+)", text)
    return (match[1], match[2]) if match else (text, "")


def _versions(text: str, entry: str, *, built: bool) -> tuple[SpecifierSet, Version | None]:
    if text in {"", "*", "=*", "==*", "=", "=="}:
        return SpecifierSet(), None
    if "|" in text:
        return SpecifierSet(), None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) == 1:
        alone = re.fullmatch(r"(={0,2})\s*((?:\d+!)?[^\s=<>!~*]+)", parts[0])
        if alone is not None:
            return _alone(alone[1], alone[2], built=built)
    return SpecifierSet(",".join(_part(part, entry) for part in parts)), None


def _alone(operator: str, number: str, *, built: bool) -> tuple[SpecifierSet, Version | None]:
    """A version by itself: exact, or with one ``=`` and fewer than three numbers a prefix."""
    version = _version(number)
    if version is None:
        return SpecifierSet(), None
    short = re.fullmatch(r"[\d.]+", number) and len(version.release) < _RELEASE_NUMBERS
    exact = operator != "=" or built or not short
    return (SpecifierSet(), version) if exact else (SpecifierSet(f"=={number}.*"), None)


def _part(text: str, entry: str) -> str:
    match = _PART.fullmatch(text)
    if match is None:
        raise _refusal(entry)
    operator, number, _, star = match.groups()
    number = number.rstrip(".")
    operator = {"=": "==", "": "=="}.get(operator, operator)
    wild = ".*" if operator in {"==", "!="} and (star or match[1] == "=") else ""
    try:
        SpecifierSet(f"{operator}{number}{wild}")
    except InvalidSpecifier:
        if operator == "~=":
            return f">={number}"
        raise _refusal(entry) from None
    return f"{operator}{number}{wild}"


def _refusal(text: str) -> UsageError:
    return UsageError(
        f"{shown(text)} is not a package as conda writes one", 'write it like "numpy=1.26"'
    )
