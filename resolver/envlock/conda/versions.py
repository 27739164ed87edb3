"""Ranges of versions, from PEP 440 to conda and back. Pure.

conda's order has no pre-release of its own kind: ``<2.0`` lets 2.0rc1 in,
where PEP 440 keeps it out; ``=1.2`` is a prefix, ``|`` means or.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.specifiers import Specifier, SpecifierSet

from envlock import standards

_PART = re.compile(r"(?P<operator>==|!=|~=|<=|>=|=|<|>|)\s*(?P<version>[\w.!+-]*?)(?P<star>\.?\*)?")
_RELEASE = re.compile(r"[\d.]+")


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
