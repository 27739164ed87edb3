"""Which Python on which platform a lock is for, and which others it could be for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.errors import InterpreterMissing, UsageError
from envlock.model import Platform, Request, Target
from envlock.releases import wheels_for
from envlock.rules.frameworks import framework, framework_of
from envlock.system.looking import exists
from envlock.targets.description import Interpreter, target
from envlock.targets.interpreters import available, find_interpreter
from envlock.targets.platforms import NamedPlatform, assumed, foreign_target, python_version
from envlock.versions import minor_of


class TargetTerms(Struct, frozen=True, kw_only=True):
    """What a target has to suit.

    ``requires_python`` is what the projects in the request say, ``frameworks``
    are the ranges that are asked for of the framework. ``here`` says that an
    environment is to be built, so that the Python must be on this machine,
    ``said`` who named the Python, "" where nobody did. ``variables`` are those
    that are asked for.
    """

    accelerator: Accelerator = Accelerator.AUTO
    requires_python: SpecifierSet = field(default_factory=SpecifierSet)
    frameworks: tuple[SpecifierSet, ...] = ()
    here: bool = False
    said: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def terms(
    request: Request, requires_python: SpecifierSet, *, here: bool, said: str = ""
) -> TargetTerms:
    """Return what the target of a request has to suit."""
    asked = (each.requirement for each in request.requirements)
    return TargetTerms(
        accelerator=request.accelerator,
        requires_python=requires_python,
        frameworks=tuple(a.specifier for a in asked if framework_of(canonicalize_name(a.name))),
        here=here,
        said=said,
        variables=request.variables,
    )


def find(python: str | None, place: NamedPlatform | None, wanted: TargetTerms) -> Target:
    """Return the target of the Python and the platform that somebody named, None: this one's.

    It is a Python of this machine; where a platform is named, or a Python that
    is not here, a target without one, unless it is to be ``here``.

    Raises:
        InterpreterMissing: it must be here, and is not.
        UsageError: the project says that it does not run on it.
    """
    if place is not None:
        goal = foreign_target(place, _version(python), wanted.accelerator)
    else:
        try:
            goal = target(find_interpreter(python, allows=_allows), wanted.accelerator)
        except InterpreterMissing as error:
            version = python_version(python or "")
            if wanted.here or version is None:
                others = (each for each in error.remedies if not each.startswith("--python"))
                error.remedies = (*_suitable(place, wanted), *others)
                raise
            own = find_interpreter(None).platform
            goal = foreign_target(
                NamedPlatform(platform=own, option=""), version, wanted.accelerator
            )
    if not wanted.requires_python.contains(goal.python, prereleases=True):
        asks = f"the project asks for Python {wanted.requires_python}"
        raise UsageError(
            f"{asks} (requires-python), and {wanted.said} says {goal.minor}"
            if wanted.said
            else f"{asks}, and Python {goal.minor} would be locked for",
            *_suitable(place, wanted),
        )
    return replace(goal, variables=wanted.variables)


def suitable(place: NamedPlatform | None, wanted: TargetTerms) -> str | None:
    """Return the Python to take where nobody names one and the usual one is none for the project.

    None: the usual one suits, or none does.
    """
    usual = find_interpreter(None).version
    if wanted.requires_python.contains(usual, prereleases=True):
        return None
    found = next(iter(_suitable(place, wanted)), None)
    return None if found is None else found.removeprefix("--python ")


def _version(python: str | None) -> Version:
    """The Python for another platform: the one asked for, or the minor of envlock's own."""
    version = python_version(python or "")
    if version is not None:
        return version
    if python is not None and not exists(Path(python)):
        raise UsageError(
            f"--python {python}: for --platform a version such as 3.11 is needed",
            "--python 3.11",
        )
    minor = minor_of(find_interpreter(python).version)
    return python_version(minor) or Version(minor)


def others(goal: Target) -> tuple[Target, ...]:
    """The targets that could be locked for instead, newest Python first.

    Of this machine, or for another platform every Python with a framework.
    """
    if not goal.option:
        return tuple(map(target, available()))
    place = NamedPlatform(platform=goal.platform, option=goal.option)
    return tuple(foreign_target(place, version) for version in _versions_on(goal.platform))


def _versions_on(platform: Platform) -> Iterator[Version]:
    for minor in reversed(wheels_for("3.11", platform).pythons):
        if (version := python_version(minor)) is not None:
            yield version


def _suitable(place: NamedPlatform | None, wanted: TargetTerms) -> tuple[str, ...]:
    """The newest Python that the project and the wished framework run on, as an option."""
    for version, platform in _pythons(place):
        releases_there = wheels_for(minor_of(version), platform).versions
        if wanted.requires_python.contains(version, prereleases=True) and (
            not wanted.frameworks
            or any(all(v in spec for spec in wanted.frameworks) for v in releases_there)
        ):
            return (f"--python {minor_of(version)}",)
    return ()


def _pythons(place: NamedPlatform | None) -> Iterator[tuple[Version, Platform]]:
    if place is None:
        yield from ((each.version, each.platform) for each in available())
        return
    for version in _versions_on(place.platform):
        yield version, assumed(place.platform, (version.major, version.minor))


def _allows(interpreter: Interpreter) -> str:
    title = framework().title
    versions = wheels_for(minor_of(interpreter.version), interpreter.platform).versions
    return f"{title} {versions[0]} to {versions[-1]}" if versions else f"no {title}"
