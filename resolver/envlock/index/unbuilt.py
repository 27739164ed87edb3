"""What uv says that it could not build of its source."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.errors import ExitCode, NoResolution, WorkError
from envlock.words import last_error


class Unbuilt(WorkError):
    """An installer or an engine had to build a source distribution, and could not.

    ``log`` is what the build said. Whoever can build it otherwise may do so and ask again.
    """

    exit_code = ExitCode.NO_RESOLUTION
    cause = NoResolution.cause

    def __init__(self, name: str, version: Version, log: str) -> None:
        super().__init__(
            f"{name} {version} has no wheel for this Python, and cannot be built of its source:"
            f" {last_error(log)}"
        )
        self.name = canonicalize_name(name)
        self.version = version
        self.log = log

    def because(self, cause: str, where: str) -> Unbuilt:
        """Return it with a cause that somebody knows, and where it was to be installed."""
        self.message = (
            f"{self.name} {self.version} cannot be built of its source for {where}: {cause}"
        )
        return self


#: uv's words for a build that failed, and for metadata that it cannot read.
_UNBUILT = (
    re.compile(r"Failed to (?:download and )?build `([\w.-]+)==([\w.!+-]+)`"),
    re.compile(r"(?<![\w.-])([\w.-]+)==([\w.!+-]+) has invalid metadata"),
)
#: The same of the only release that there is, which it does not name.
_UNREADABLE = re.compile(r"(?<![\w.-])([\w.-]+) has invalid metadata")


def found_unbuilt(said: str, pins: Iterable[str] = ()) -> Unbuilt | None:
    """Return what uv could not build, where that is what it says; ``pins`` were asked for."""
    for pattern in _UNBUILT:
        found = pattern.search(said)
        version = None if found is None else standards.version(found[2])
        if found is not None and version is not None:
            return Unbuilt(found[1], version, said)
    unreadable = {canonicalize_name(each) for each in _UNREADABLE.findall(said)}
    for asked in filter(None, map(standards.requirement, pins if unreadable else ())):
        exact = [each.version for each in asked.specifier if each.operator == "=="]
        version = standards.version(exact[0]) if exact else None
        if version is not None and canonicalize_name(asked.name) in unreadable:
            return Unbuilt(asked.name, version, said)
    return None


def refuse_unbuilt(said: str, pins: Iterable[str] = ()) -> None:
    """Raise what uv could not build, where that is what it says.

    Raises:
        Unbuilt: it could not build something.
    """
    if unbuilt := found_unbuilt(said, pins):
        raise unbuilt
