"""What is locked, for which platforms, and into which files."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.choices import EngineName, Format, Manager
from envlock.locking.outputs import Seen
from envlock.model import IndexSettings, Lock, Part, Request, Requested, Rule, RuleId, Target
from envlock.resolve import Sources
from envlock.rules.database import Database
from envlock.targets.find import find, terms
from envlock.targets.platforms import NamedPlatform

#: Where conda's packages come from when nobody says.
DEFAULT_CHANNEL = "conda-forge"


class Job(Struct, frozen=True, kw_only=True):
    """A request, and everything else that its lock depends on.

    ``outputs`` are the files to write, those of one format in the order of the
    platforms; pins of what is there are preferred, and ``preferences``
    besides. ``command`` makes the files again; ``verb`` is the command that
    was typed. ``name`` is what the environment is called where a format names
    it. ``typed`` are the settings that a lock records, see `Recorded`,
    ``words`` what asks for the same again, ``inputs`` the files that were read,
    ``manager`` is who installs conda's packages.
    ``subdirs`` are conda's names of the platforms, none for a lock of pip
    alone; ``here`` says that no platform was named, so that the system of this
    machine counts.

    For pip alone, ``python`` is a version or a path, ``python_said``
    who says it, ``recalled`` where it is that
    of the lock that is there, ``requires_python`` what
    the projects in the request say, ``places`` the platforms that were named,
    sorted, none for this machine's, and ``builds`` says that the Python must be
    here. ``together``: one file holds all platforms in every format that can.
    ``upgrades`` are packages whose pins are not kept, and the versions to take.
    ``fresh`` leaves evidence aside, ``evidence`` are folders with more of it.
    ``learnt`` are rules that a failed proof taught, and ``near`` the lock that
    failed: all that they do not speak of stays as it is there.
    """

    request: Request
    settings: IndexSettings
    outputs: Mapping[Path, Format]
    command: str
    name: str
    verb: str = "lock"
    typed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    inputs: tuple[Path, ...] = ()
    manager: Manager = Manager.CONDA
    subdirs: tuple[str, ...] = ()
    here: bool = True
    python: str | None = None
    python_said: str = ""
    recalled: bool = False
    places: tuple[NamedPlatform, ...] = ()
    together: bool = False
    builds: bool = False
    requires_python: SpecifierSet = field(default_factory=SpecifierSet)
    engine: EngineName = EngineName.PIPTOOLS
    rules: tuple[Path, ...] = ()
    upgrade: bool = False
    upgrades: tuple[Requested, ...] = ()
    preferences: Mapping[NormalizedName, Version] = field(default_factory=dict)
    fresh: bool = False
    evidence: tuple[Path, ...] = ()
    learnt: tuple[Rule, ...] = ()
    near: Lock | None = None

    @property
    def upgraded(self) -> frozenset[NormalizedName]:
        """The packages that are to be upgraded by their names."""
        return frozenset(canonicalize_name(each.requirement.name) for each in self.upgrades)

    @property
    def typed_again(self) -> str:
        """The command that makes the files again, with the Python where one was asked for."""
        said = self.python and not (self.subdirs or self.recalled)
        wanted = f" --python {shlex.quote(self.python or '')}" if said else ""
        return f"{self.command}{wanted}"

    def targets(self) -> tuple[Target, ...]:
        """Return what pip's packages are locked for, by platform; raises as `find` does."""
        pythons = self.requires_python
        wanted = terms(self.request, pythons, here=self.builds, said=self.python_said)
        return tuple(find(self.python, place, wanted) for place in self.places or (None,))

    def target(self) -> Target:
        """Return the target of a job for one platform; raises as `find` does."""
        (goal,) = self.targets()
        return goal


class Work(Struct, frozen=True, kw_only=True):
    """A job under way: the rules, and by platform what is kept of the lock that is there.

    ``sources`` builds what has no wheel for the platform that is worked on.
    """

    job: Job
    database: Database
    kept: Mapping[str, Part] = field(default_factory=dict)
    sources: Sources | None = None


class SolvedPart(Struct, frozen=True, kw_only=True):
    """The part of one platform, what the reader should know of it, and why its pins are these.

    ``variables`` were set where it was proved.
    """

    part: Part
    notes: tuple[str, ...] = ()
    reasons: Mapping[RuleId, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


class Locked(Struct, frozen=True, kw_only=True):
    """A lock and the texts of its files; no texts when all are current.

    ``before`` is what the files held when they were read.
    """

    lock: Lock
    texts: Mapping[Path, str]
    before: Seen
