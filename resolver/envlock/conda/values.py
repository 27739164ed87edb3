"""The frozen values of conda's side: what is asked for, and what it came to.

Versions stay text here: conda orders them by rules of its own, and PEP 440
does not take them all. URLs and channels carry no credentials, unless the
user wrote them into a request.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from envlock.model import Lock, Requested, RuleId


class CondaSpec(Struct, frozen=True, kw_only=True):
    """One conda package as somebody wrote it, in its parts.

    ``version`` keeps its operators (``=2.15``, ``>=1.2,<2``, ``1.2.*``, ""
    for any). ``url`` is set instead where the entry is the address of a
    package. ``keys`` are what else stands in brackets, sorted; ``only`` the
    subdirs (linux-64, …) that the entry counts for, none for all. ``origin``
    is file:line, or "command line".
    """

    name: str
    version: str = ""
    build: str = ""
    channel: str = ""
    subdir: str = ""
    url: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    only: tuple[str, ...] = ()
    origin: str = "command line"

    def __str__(self) -> str:
        """Return the text that conda takes."""
        if self.url:
            return self.url
        place = f"{self.channel}/{self.subdir}" if self.subdir else self.channel
        joined = self.version.startswith("=") and "," not in self.version
        text = f"{self.name}{self.version}" if joined else f"{self.name} {self.version}".rstrip()
        keys = self.keys
        if self.build and joined:
            text += f"={self.build}"
        elif self.build:
            keys = (("build", self.build), *keys)
        brackets = ",".join(f"{key}='{value}'" for key, value in keys)
        return (f"{place}::" if place else "") + text + (f"[{brackets}]" if keys else "")


class CondaRequest(Struct, frozen=True, kw_only=True):
    """What an environment file asks for, conda's part and pip's kept apart.

    ``channels`` are in order of priority, without the word ``nodefaults``;
    ``typed`` are those that are not a file's.
    ``pip_options`` are index options of the pip part, as pip spells them;
    ``platforms`` the subdirs that the file itself names. ``notes`` are
    sentences on what is left out, each with its place.
    """

    name: str | None = None
    channels: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    nodefaults: bool = False
    specs: tuple[CondaSpec, ...] = ()
    pip: tuple[Requested, ...] = ()
    pip_constraints: tuple[Requested, ...] = ()
    pip_options: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class CondaPackage(Struct, frozen=True, kw_only=True):
    """One record of a channel, as it was chosen: all that an install and the formats need.

    ``channel`` is the channel's URL, ``url`` the package's; ``size`` is in
    bytes, ``timestamp`` in milliseconds since 1970; None where the channel
    does not say. ``noarch`` is "python", "generic" or "". ``via`` names the
    packages or origins that asked for it, ``because`` the rules that moved it.
    """

    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    channel: str
    url: str
    md5: str | None = None
    sha256: str | None = None
    size: int | None = None
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    timestamp: int | None = None
    license: str | None = None
    license_family: str | None = None
    noarch: str = ""
    features: str | None = None
    track_features: tuple[str, ...] = ()
    purls: tuple[str, ...] = ()
    python_site_packages_path: str | None = None
    via: tuple[str, ...] = ()
    because: tuple[RuleId, ...] = ()

    @property
    def filename(self) -> str:
        """The name of the package's file."""
        return self.url.rpartition("/")[2]


class CondaPlatformLock(Struct, frozen=True, kw_only=True):
    """The pins of one platform: conda's sorted by name, and pip's where there is a pip part.

    ``virtual`` are the virtual packages that it was solved with, such as
    ``__glibc=2.28=0``. No package is on both sides.
    """

    subdir: str
    packages: tuple[CondaPackage, ...]
    virtual: tuple[str, ...] = ()
    pip: Lock | None = None

    def package(self, name: str) -> CondaPackage | None:
        """The pin of a conda package, or None."""
        return next((each for each in self.packages if each.name == name), None)


class CondaLock(Struct, frozen=True, kw_only=True):
    """A complete set of conda pins for one platform or several, sorted by subdir.

    ``requested`` are the specs of the request. ``command`` makes it again;
    ``request_digest`` tells whether it still answers the request; ``notes``
    are sentences for the reader; ``reasons`` maps rules to their sentence.
    """

    platforms: tuple[CondaPlatformLock, ...]
    name: str
    channels: tuple[str, ...]
    nodefaults: bool = False
    requested: tuple[CondaSpec, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    request_digest: str = ""
    notes: tuple[str, ...] = ()
    reasons: Mapping[RuleId, str] = field(default_factory=dict)

    def platform(self, subdir: str) -> CondaPlatformLock | None:
        """The pins of one platform, or None."""
        return next((each for each in self.platforms if each.subdir == subdir), None)
