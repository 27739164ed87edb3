"""A module of another distribution that is not there at all: which one brings it. Pure."""

from __future__ import annotations

import re
from functools import cache

from packaging.utils import NormalizedName, canonicalize_name

from envlock import names
from envlock.diagnose.rulings import Ruling, Support, Symptom, quoted
from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity, Stage
from envlock.releases import FrameworkRelease, framework_releases
from envlock.rules.check import Known, spoken_of
from envlock.rules.database import load
from envlock.rules.frameworks import families, framework
from envlock.rules.traces import distribution_of, last_raised, raised, top_of
from envlock.versions import minor_of

MISSING_MODULE = "missing-module"

_NO_MODULE = re.compile(r"No module named ['\"]?(?P<name>[A-Za-z_][\w.]{0,200})")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
#: Where it is to be installed: what is on PATH is often another Python than the one that runs.
_WHERE = (
    Remedy(kind=RemedyKind.COMMAND, text='python -c "import sys; print(sys.executable)"'),
    Remedy(
        kind=RemedyKind.ADVICE,
        text="In a notebook print sys.executable in a cell, and install there with %pip install.",
    ),
)


def missing_module(text: str, known: Known) -> Ruling | None:
    """Return the finding that a known distribution is not installed, by the last exception."""
    one = last_raised(raised(text))
    match = _NO_MODULE.match(one.message) if one is not None else None
    if one is None or match is None or top_of(match["name"]) != match["name"]:
        return None
    name = distribution_of(match["name"])
    if not is_distribution(name):
        return None
    symptom = Symptom(start=one.at, end=one.at + 1, letters=0, line=quoted(text, one.at))
    return Ruling(
        finding=_finding(name, match["name"], symptom, known), symptom=symptom, told=Support.TEXT
    )


def _finding(name: NormalizedName, module: str, symptom: Symptom, known: Known) -> Finding:
    there = known.versions.get(name)
    last = _last_with(name)
    since = f" {framework().title} brought it along up to {minor_of(last.version)}." if last else ""
    if there is not None:
        because = (
            f"{name} {there} has {module}, so another Python than the one that has it ran this."
        )
        way = Remedy(kind=RemedyKind.COMMAND, text=f"python -m pip show {name}")
    else:
        of = f"{module} is of {name}, and the" if canonicalize_name(module) != name else "The"
        because = f"{of} Python that ran this does not have it; another one may.{since}"
        way = Remedy(kind=RemedyKind.INSTALL, text=name)
    return Finding(
        id=MISSING_MODULE,
        title=f"{name} is not installed where this ran",
        severity=Severity.BREAKS,
        because=because,
        packages={name: there},
        stage=Stage.IMPORT,
        confidence=0.8,
        remedies=(way, *_WHERE),
        evidence=symptom.line,
    )


@cache
def _last_with(name: NormalizedName) -> FrameworkRelease | None:
    """The last release of the framework that declares a distribution, where later ones do not."""
    if name in families().members(framework().name):
        return None
    found = [each for each in framework_releases() if name in _declared(each)]
    return found[-1] if found and found[-1] is not framework_releases()[-1] else None


def _declared(release: FrameworkRelease) -> frozenset[NormalizedName]:
    lines = (line for needs in release.needs.values() for line in needs)
    return frozenset(canonicalize_name(match[0]) for line in lines if (match := _NAME.match(line)))


@cache
def is_distribution(name: str) -> bool:
    """Whether a distribution of this name is known to be on the index."""
    table = families()
    return (
        name in spoken_of(load().rules)
        or name in table.imports.values()
        or name in names.distributions()
        or any(name in members for members in table.by_name.values())
        or any(
            name in _declared(each) for each in (framework_releases()[0], framework_releases()[-1])
        )
        or _last_with(canonicalize_name(name)) is not None
    )
