"""What is not taken from an index as it is: places that are named, wheels that are built. Pure."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from packaging.version import Version

#: The version of a project that says none, as the tools that work it out have it.
UNTOLD = Version("0+unknown")


class Built(Struct, frozen=True, kw_only=True):
    """What the wheel of a source distribution was built with, which builds it again.

    ``tools`` are ``name==version``, ``mended`` requirements of its metadata that
    no installer reads, each with ``->`` and what stands in its place.
    """

    tools: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()


class DirectKind(StrEnum):
    """What a place is that a package is named by."""

    GIT = "git"
    ARCHIVE = "archive"
    DIRECTORY = "directory"


class Direct(Struct, frozen=True, kw_only=True):
    """The place that a package is taken from where it is named by that, and not by a version.

    ``url`` is a repository's, an archive's, or the path of a file or folder from where the lock
    was asked for. ``revision`` is what was asked for of a repository, ``commit`` what it was.
    ``digest`` is ``sha256:…`` where somebody says it. An ``editable`` folder stays where it is.
    """

    kind: DirectKind
    url: str
    revision: str = ""
    commit: str = ""
    subdirectory: str = ""
    digest: str = ""
    editable: bool = False

    @property
    def is_local(self) -> bool:
        """Whether it is a path of this machine."""
        return self.kind is not DirectKind.GIT and "://" not in self.url

    @property
    def address(self) -> str:
        """The text that stands for it in a requirement, behind the ``@``."""
        said = {
            "subdirectory": self.subdirectory,
            self.digest.partition(":")[0]: self.digest.partition(":")[2],
            "editable": "true" if self.editable else "",
        }
        fragment = "&".join(f"{key}={value}" for key, value in said.items() if value)
        version = self.commit or self.revision
        place = f"git+{self.url}{f'@{version}' * bool(version)}" if self.is_git else self.url
        return f"{place}#{fragment}" if fragment else place

    @property
    def is_git(self) -> bool:
        """Whether it is a repository."""
        return self.kind is DirectKind.GIT

    def is_of(self, other: Direct) -> bool:
        """Whether it is the same place as another, at whatever revision."""
        mine, theirs = ((d.kind, d.url, d.subdirectory, d.editable) for d in (self, other))
        return mine == theirs
