"""The frozen values that flow through envlock. Imports only `builds`, `choices` and `causes`.

Every workflow is a chain of these: `Request` → `Constraint`s → `Lock` → environment → `Outcome`s.
Texts become `packaging` types once, at the edge; versions of conda's packages stay text. URLs and
channels carry no credentials, unless the user wrote them into a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NewType

from msgspec import Struct, field
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.behind import Behind
from envlock.builds import Built, Direct
from envlock.causes import Cause
from envlock.choices import Accelerator, IndexStrategy, Kinds

RuleId = NewType("RuleId", str)


class Severity(StrEnum):
    """What a rule's combination does: three kinds of trouble kept apart."""

    BREAKS = "breaks"
    DEGRADES = "degrades"
    DECLARED = "declared"


class Stage(StrEnum):
    """Where the trouble shows first."""

    RESOLVE = "resolve"
    INSTALL = "install"
    IMPORT = "import"
    FIT = "fit"
    RECURRENT = "recurrent"
    CONVOLUTION = "convolution"
    SAVE = "save"
    LOAD = "load"
    RESUME = "resume"
    SAVEDMODEL = "savedmodel"
    USE = "use"
    GPU = "gpu"


class Platform(Struct, frozen=True, kw_only=True):
    """A system (linux, macos, windows) and a machine (x86_64, aarch64, arm64; in lower case).

    ``libc`` is "glibc 2.36", "musl 1.2", "macos 14.0" (the oldest release), or "".
    """

    system: str
    machine: str
    libc: str = ""

    def __str__(self) -> str:
        return f"{self.system}-{self.machine}"


class Target(Struct, frozen=True, kw_only=True):
    """What a lock is for: one interpreter on one platform.

    ``python`` is its version, ``tags`` the wheel tags it takes, best first, ``markers`` the
    PEP 508 environment. ``interpreter`` is the program, which no file names; None where it is not
    on this machine: ``option`` is then what ``--platform`` takes, "" for a Python that is missing
    here. ``manager`` is who installs: pip or conda. ``variables`` are set in the environment.
    """

    python: Version
    platform: Platform
    accelerator: Accelerator = Accelerator.AUTO
    tags: tuple[str, ...] = ()
    markers: Mapping[str, str] = field(default_factory=dict)
    interpreter: Path | None = None
    option: str = ""
    manager: str = "pip"
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def minor(self) -> str:
        """The ``X.Y`` of the interpreter."""
        return f"{self.python.major}.{self.python.minor}"


class Requested(Struct, frozen=True, kw_only=True):
    """One requirement or constraint as somebody wrote it, and where."""

    requirement: Requirement
    origin: str


class SelectionKind(StrEnum):
    """What of a project can be chosen where it is installed."""

    EXTRA = "extra"
    GROUP = "group"


class Selection(Struct, frozen=True, kw_only=True, order=True):
    """An extra or dependency group that can be chosen where a lock is installed."""

    kind: SelectionKind
    name: NormalizedName

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class IndexSettings(Struct, frozen=True, kw_only=True):
    """Where packages come from, as pip is configured, flags over it.

    URLs may carry credentials: they go to an engine through its environment and to nothing that is
    printed or written (see `envlock.index.secrets`). ``sources`` hold packages to one place each: a
    name or a pattern such as ``acme-*``, and the URL; the first that matches counts. Which index is
    asked for what is told by `envlock.index.origin` alone. ``refresh`` asks again for what is kept;
    ``no_cache`` keeps nothing; ``offline`` asks nobody. ``kinds`` are the files that are taken.
    """

    index_url: str = "https://pypi.org/simple"
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    keyring_provider: str = "auto"
    proxy: str | None = None
    timeout: float = 15.0
    index_strategy: IndexStrategy = IndexStrategy.FIRST
    sources: tuple[tuple[str, str], ...] = ()
    refresh: bool = False
    no_cache: bool = False
    offline: bool = False
    kinds: Kinds = Kinds()


class CondaSpec(Struct, frozen=True, kw_only=True):
    """One conda package as somebody wrote it, in its parts.

    ``version`` keeps its operators (``=2.15``, ``>=1.2,<2``, ``1.2.*``, "" for any). ``url`` is set
    instead where the entry is the address of a package. ``keys`` are what else is in brackets, in
    order; ``only`` the subdirs (linux-64, …) that count, none for all. ``origin`` is file:line.
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


class Request(Struct, frozen=True, kw_only=True):
    """What somebody wants locked, before any target is known.

    ``specs`` are conda's packages; without any, and without ``channels``, it is pip's alone.
    ``channels`` are in order of priority, without the word ``nodefaults``; ``typed`` are those that
    are not a file's. ``constraints`` bound both sides, ``pip_constraints`` (of a file's pip
    section) pip's alone; ``pip_options`` are those of files that count, without credentials.
    ``users`` are constraints that whoever asks gives to pip and uv: no part of what a lock answers.
    ``platforms`` are the subdirs that a file itself names, ``name`` and ``variables`` those of its
    environment. ``needs`` are levels of the probes that evidence must show, ``no_imports`` packages
    that a proof does not import, ``allow_build`` those whose source may be built. ``notes`` say
    what of a file is left out, ``optional`` is for extras.
    """

    requirements: tuple[Requested, ...] = ()
    optional: Mapping[Selection, tuple[Requested, ...]] = field(default_factory=dict)
    constraints: tuple[Requested, ...] = ()
    specs: tuple[CondaSpec, ...] = ()
    channels: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    nodefaults: bool = False
    pip_constraints: tuple[Requested, ...] = ()
    pip_options: tuple[str, ...] = ()
    users: tuple[Requested, ...] = ()
    platforms: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    accelerator: Accelerator = Accelerator.AUTO
    exclude_newer: datetime | None = None
    needs: tuple[str, ...] = ()
    no_imports: tuple[NormalizedName, ...] = ()
    allow_build: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def bounds(self) -> tuple[Requested, ...]:
        """All that bounds what pip installs, beside what is of pip's section of a file."""
        return (*self.constraints, *self.users)


class Condition(Struct, frozen=True, kw_only=True):
    """A package in a range, and every member of a family by its name, but with ``only``."""

    package: NormalizedName
    specifier: SpecifierSet
    only: bool = False


class Demand(StrEnum):
    """What a rule asks once its conditions hold."""

    REQUIRE = "require"  # the package, if there, is in the range
    REFUSE = "refuse"  # the package, if there, is not in the range
    INCLUDE = "include"  # the package is there, and in the range


class Case(Struct, frozen=True, kw_only=True):
    """One line of a rule: conditions (ANDed) and what they demand.

    Empty ``platforms``, ``managers``, ``accelerators`` and ``variables`` mean any. ``settings`` are
    variables that are to be set. A case without demands is trouble that no version cures.
    """

    when: tuple[Condition, ...]
    demands: tuple[tuple[Demand, Condition], ...] = ()
    alone: NormalizedName | None = None
    alike: bool = False  # of several in ``alone``, whether they have one version
    python: SpecifierSet = field(default_factory=SpecifierSet)
    platforms: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    accelerators: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


class RemedyKind(StrEnum):
    """What the text of a remedy is."""

    INSTALL = "install"  # specifiers, with blanks between
    COMMAND = "command"  # a line for the shell
    CODE = "code"  # Python
    SETTING = "setting"  # an environment variable, NAME=VALUE
    ADVICE = "advice"  # a sentence


class Remedy(Struct, frozen=True, kw_only=True):
    """One way out as a rule's author wrote it, for a case, and texts with the pattern ``seen``."""

    kind: RemedyKind
    text: str
    case: Case | None = None
    seen: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """What backs a rule: how it was found, what was seen, when, and links."""

    how: str
    what: str
    checked: str
    links: tuple[str, ...] = ()


class Rule(Struct, frozen=True, kw_only=True):
    """A fact that package metadata does not tell, or tells only in part; or what an error means.

    ``symptoms`` are ``raised_in`` those alone, where a text shows it. ``messages`` are printed,
    with ``{}`` for what varies, by some of ``releases``, which rules nothing out. ``certain`` ones
    need conditions that are known to hold, ``general`` ones a text that nothing else explains.
    """

    id: RuleId
    title: str
    cases: tuple[Case, ...]
    stage: Stage
    severity: Severity
    because: str
    metadata: str
    cause: Cause = Cause.VERSION
    aliases: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    raised_in: tuple[NormalizedName, ...] = ()
    messages: tuple[str, ...] = ()
    certain: bool = False
    general: bool = False
    releases: tuple[Condition, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    source: str = ""


class Constraint(Struct, frozen=True, kw_only=True):
    """A bound that rules put on one package, for one candidate and target.

    ``include`` asks for the package to be there; ``soft`` bounds give way when nothing fits.
    """

    package: NormalizedName
    specifier: SpecifierSet
    rules: tuple[RuleId, ...]
    include: bool = False
    soft: bool = False


class Violation(Struct, frozen=True, kw_only=True):
    """A rule that a set of versions breaks, and the versions it was seen on."""

    rule: Rule
    case: Case
    packages: Mapping[NormalizedName, Version | None]


class DistributionFile(Struct, frozen=True, kw_only=True, array_like=True):
    """One file of a release, as an index page lists it; an array where it is kept as JSON.

    ``hashes`` maps algorithm to hex digest; ``upload_time`` and ``size`` (bytes) are None where the
    index does not say. ``url`` has its credentials until `envlock.index.secrets` takes them out.
    """

    filename: str
    url: str
    hashes: Mapping[str, str]
    requires_python: str | None = None
    yanked: str | None = None
    upload_time: datetime | None = None
    size: int | None = None


class LockedPackage(Struct, frozen=True, kw_only=True):
    """One pin: exact version, the files it may be installed from, and why.

    ``hashes`` are ``sha256:…`` strings, sorted. ``via`` names the packages or origins that asked
    for it, ``because`` the rules that moved it. ``index`` is where it came from, without
    credentials, and "" where that is not known; ``elsewhere`` are the indexes that have the name
    too and were passed over, as far as it was just made. ``only`` are the extras and groups of
    which one must be chosen for it to be installed, none for always; ``built`` is of source alone,
    ``direct`` of what no index lists.
    """

    name: NormalizedName
    version: Version
    hashes: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    because: tuple[RuleId, ...] = ()
    files: tuple[DistributionFile, ...] = ()
    index: str = ""
    elsewhere: tuple[str, ...] = ()
    only: tuple[Selection, ...] = ()
    built: Built | None = None
    direct: Direct | None = None


class CondaPackage(Struct, frozen=True, kw_only=True):
    """One record of a channel, as it was chosen: all that an install and the formats need.

    ``channel`` is the channel's URL, ``url`` the package's; ``size`` is in bytes, ``timestamp`` in
    milliseconds since 1970. ``noarch`` is "python", "generic" or "".
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


class Part(Struct, frozen=True, kw_only=True):
    """The pins of one Python on one platform, each side sorted by name.

    ``python`` is X.Y and ``platform`` envlock's name (linux-x86_64), both "" where a file does not
    tell. ``conda`` are conda's packages, none in a lock of pip alone, ``pypi`` those that pip
    installs; no project is on both sides. ``subdir`` is conda's name of the platform, "" without
    its packages, and ``virtual`` what those ask of the system, such as ``__glibc >=2.17``.
    ``verified`` says when, where and what this set of pins was seen to do; ``differs`` in what it
    is not one that was proved, and ``behind`` are known where it was just made.
    """

    python: str = ""
    platform: str = ""
    subdir: str = ""
    conda: tuple[CondaPackage, ...] = ()
    pypi: tuple[LockedPackage, ...] = ()
    virtual: tuple[str, ...] = ()
    verified: str = ""
    differs: tuple[str, ...] = ()
    behind: tuple[Behind, ...] = ()

    def version(self, name: str) -> Version | None:
        """The pinned version of a Python package (its name normalised), or None."""
        return next((each.version for each in self.pypi if each.name == name), None)

    @property
    def pins(self) -> dict[NormalizedName, Version]:
        """The Python packages that pip installs, by name."""
        return {each.name: each.version for each in self.pypi}

    @property
    def place(self) -> str:
        """The platform, as the manager of its packages calls it."""
        return self.subdir or self.platform


class Recorded(Struct, frozen=True, kw_only=True):
    """What a lock says that it was asked for.

    ``requirements`` and ``constraints`` are spelled alike and sorted, as
    `envlock.request.digest.recorded` has them; conda's packages are the ``requested`` of the lock.
    ``options`` are what was typed for it and stands in no file of the project: settings of
    ``[tool.envlock]``, each with its values, so that who types nothing is understood as before.
    """

    requirements: tuple[Requested, ...] = ()
    constraints: tuple[Requested, ...] = ()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Lock(Struct, frozen=True, kw_only=True):
    """A complete set of pins for one platform or several, ``parts`` sorted by place.

    ``command`` makes it again; ``request_digest`` tells whether it still answers the request it was
    made for, ``asked`` what that is, ``content`` what a file of it held when it was written
    (`envlock.formats.content`); ``notes`` are sentences for the reader (a soft rule given up, a
    CUDA row), ``reasons`` maps rules to theirs. ``name``, ``channels`` (as written, best first),
    ``nodefaults`` and ``variables`` are the environment's, ``requested`` the specs that conda was
    asked for. ``indexes`` are those that were asked, in their order, where there were several, and
    ``index_strategy`` is how one of them was chosen. ``selections`` are the extras and groups that
    can be chosen from it. No clock, host or path of the machine that made it.
    """

    parts: tuple[Part, ...]
    name: str = ""
    channels: tuple[str, ...] = ()
    nodefaults: bool = False
    requested: tuple[CondaSpec, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    request_digest: str = ""
    asked: Recorded = Recorded()
    content: str = ""
    notes: tuple[str, ...] = ()
    reasons: Mapping[RuleId, str] = field(default_factory=dict)
    indexes: tuple[str, ...] = ()
    index_strategy: str = ""
    selections: tuple[Selection, ...] = ()

    @property
    def part(self) -> Part:
        """The part of a lock that has one."""
        (part,) = self.parts
        return part

    @property
    def of_conda(self) -> bool:
        """Whether conda's packages are in it; else pip installs all of it."""
        return any(each.conda or each.subdir for each in self.parts)

    def on(self, place: str) -> Part | None:
        """Return the part for a platform, by conda's name of it or envlock's; None without."""
        return next((each for each in self.parts if place in {each.subdir, each.platform}), None)
