"""Which Python on which platform a lock is for, and which others it could be for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.environment.description import Interpreter, target
from envlock.environment.foreign import foreign_target, python_version
from envlock.environment.interpreters import available, find_interpreter
from envlock.errors import InterpreterMissing, UsageError
from envlock.model import Platform, Target
from envlock.platforms import Place, assumed
from envlock.releases import wheels_for
from envlock.resolve.anchor import TENSORFLOW
from envlock.rules.families import families
from envlock.system.looking import exists

if TYPE_CHECKING:
    from envlock.workflow.lock import LockOrder


def find_target(order: LockOrder) -> Target:
    """Return the target that was asked for.

    It is a Python of this machine; where a platform is named, or a Python that
    is not here, a target without one, unless the order is to build there.

    Raises:
        InterpreterMissing: it must be here, and is not.
        UsageError: the project says that it does not run on it.
    """
    accelerator = order.request.accelerator
    if order.platform is not None:
        goal = foreign_target(order.platform, _version(order), accelerator)
    else:
        try:
            goal = target(find_interpreter(order.python, allows=_allows), accelerator)
        except InterpreterMissing as error:
            version = python_version(order.python or "")
            if order.builds or version is None:
                others = (each for each in error.remedies if not each.startswith("--python"))
                raise InterpreterMissing(error.message, *_suitable(order), *others) from None
            own = find_interpreter(None).platform
            goal = foreign_target(Place(platform=own, option=""), version, accelerator)
    if not order.requires_python.contains(goal.python, prereleases=True):
        raise UsageError(
            f"the project asks for Python {order.requires_python},"
            f" and Python {goal.python} would be locked for",
            *_suitable(order),
        )
    return goal


def _version(order: LockOrder) -> Version:
    """The Python for another platform: the one asked for, or the minor of envlock's own."""
    version = python_version(order.python or "")
    if version is not None:
        return version
    if order.python is not None and not exists(Path(order.python)):
        raise UsageError(
            f"--python {order.python}: for --platform a version such as 3.11 is needed",
            "--python 3.11",
        )
    minor = _minor(find_interpreter(order.python).version)
    return python_version(minor) or Version(minor)


def other_targets(goal: Target) -> tuple[Target, ...]:
    """The targets that could be locked for instead, newest Python first.

    Of this machine, or for another platform every Python with a TensorFlow.
    """
    if not goal.option:
        return tuple(map(target, available()))
    place = Place(platform=goal.platform, option=goal.option)
    return tuple(foreign_target(place, version) for version in _versions_on(goal.platform))


def _versions_on(platform: Platform) -> Iterator[Version]:
    for minor in reversed(wheels_for("3.11", platform).pythons):
        if (version := python_version(minor)) is not None:
            yield version


def _suitable(order: LockOrder) -> tuple[str, ...]:
    """The newest Python that the project and the wished TensorFlow run on, as an option."""
    members = families().members(TENSORFLOW)
    wishes = [wish.requirement for wish in order.request.requirements]
    asked = [w.specifier for w in wishes if canonicalize_name(w.name) in members]
    for version, platform in _pythons(order):
        releases_there = wheels_for(_minor(version), platform).versions
        if order.requires_python.contains(version, prereleases=True) and (
            not asked or any(all(v in spec for spec in asked) for v in releases_there)
        ):
            return (f"--python {_minor(version)}",)
    return ()


def _pythons(order: LockOrder) -> Iterator[tuple[Version, Platform]]:
    if order.platform is None:
        yield from ((each.version, each.platform) for each in available())
        return
    platform = order.platform.platform
    for version in _versions_on(platform):
        yield version, assumed(platform, (version.major, version.minor))


def _allows(interpreter: Interpreter) -> str:
    versions = wheels_for(_minor(interpreter.version), interpreter.platform).versions
    return f"TensorFlow {versions[0]} to {versions[-1]}" if versions else "no TensorFlow"


def _minor(version: Version) -> str:
    return f"{version.major}.{version.minor}"
