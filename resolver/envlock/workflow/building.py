"""An environment of one part of a lock: a venv of pip's packages, or a prefix of conda's and pip's.

Both are built in an empty folder that `envlock.environment.replacement` gives,
and give back their Python.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field
from packaging.utils import NormalizedName

from envlock.choices import Manager
from envlock.conda.names import pypi_pins
from envlock.environment.create import add, sync
from envlock.environment.holding import at_work
from envlock.environment.inspect import site_folders
from envlock.environment.layout import conda_packages, records_of
from envlock.environment.owners import of_conda
from envlock.environment.records import read_site
from envlock.environment.replacement import Replacement
from envlock.errors import InstallFailure, UsageError
from envlock.formats.requirements import text_of
from envlock.model import IndexSettings, Lock, Part, Request
from envlock.progress import Progress
from envlock.system import make_folder, write_texts
from envlock.targets.description import Interpreter, target
from envlock.targets.interpreters import python_in
from envlock.words import counted
from envlock.workflow.space import refuse_cramped, refuse_cramped_prefix

#: The programs behind the managers that are not py-rattler.
_PROGRAMS = {
    Manager.MICROMAMBA: "micromamba",
    Manager.MAMBA: "mamba",
    Manager.CONDA_CLI: "conda",
}
#: The packages of conda that are a Python.
_PYTHONS = frozenset({"python", "pypy"})


class Builder(Protocol):
    """Makes an environment of a part of a lock."""

    @property
    def part(self) -> Part:
        """What is installed."""
        ...

    def refuse_cramped(self, folder: Path, progress: Progress) -> None:
        """Make sure that there is room for it.

        Raises:
            DiskFull: it cannot fit.
        """
        ...

    def build(self, place: Replacement, progress: Progress) -> Path:
        """Build it, and return its Python.

        Raises:
            WorkError: network, disk, interpreter or installer failed.
        """
        ...


class Venv(Struct, frozen=True, kw_only=True):
    """A virtual environment of an interpreter."""

    lock: Lock
    part: Part
    interpreter: Interpreter
    settings: IndexSettings

    def refuse_cramped(self, folder: Path, progress: Progress) -> None:
        """Make sure that there is room; see `Builder`."""
        goal = target(self.interpreter)
        refuse_cramped(self.part.pypi, goal, folder, self.settings, progress)

    def build(self, place: Replacement, progress: Progress) -> Path:
        """Build it, and return its Python; see `Builder`."""
        with progress.phase(f"install {counted(len(self.part.pypi), 'package')}"):
            python = place.venv(self.interpreter)
            sync(python, text_of(self.lock, self.part), self.settings, progress)
        return python


class Prefix(Struct, frozen=True, kw_only=True):
    """A conda prefix, and pip's packages in it.

    ``request`` says where the channels are, ``variables`` what is set when the
    prefix is activated. Without ``program`` py-rattler installs.
    """

    lock: Lock
    part: Part
    request: Request
    settings: IndexSettings
    variables: Mapping[str, str] = field(default_factory=dict)
    program: Path | None = None

    def refuse_cramped(self, folder: Path, progress: Progress) -> None:
        """Make sure that there is room; see `Builder`."""
        del progress
        refuse_cramped_prefix(self.part.conda, folder)

    def build(self, place: Replacement, progress: Progress) -> Path:
        """Build it, and return its Python; see `Builder`."""
        prefix, pypi = place.folder, self.part.pypi
        self._install(prefix, progress)
        if self.variables:
            make_folder(prefix / "conda-meta")
            state = {"version": 1, "env_vars": dict(self.variables)}
            write_texts({prefix / "conda-meta" / "state": json.dumps(state, sort_keys=True)})
        python = python_in(prefix)
        if python is None:
            raise InstallFailure(f"{prefix} has no Python in it, so it cannot be proved")
        if pypi:
            with progress.phase(f"install {counted(len(pypi), 'package')} with pip"):
                add(python, text_of(self.lock, self.part), self.settings, progress)
        return python

    def _install(self, prefix: Path, progress: Progress) -> None:
        from envlock.conda import rattler  # noqa: PLC0415  (not for a venv)
        from envlock.conda.programs import install_through  # noqa: PLC0415
        from envlock.workflow.conda.question import channel_addresses  # noqa: PLC0415

        packages, subdir = self.part.conda, self.part.subdir
        channels, _ = channel_addresses(self.request, subdir)
        specs = tuple(map(str, self.request.specs))
        title = f"install {counted(len(packages), 'package')} of conda"
        with progress.phase(title), at_work(prefix) as held:
            if self.program is not None:
                where = (self.program, packages, channels, prefix, subdir)
                install_through(*where, progress, inherit=held)
            else:
                rattler.install(packages, channels, prefix, subdir, specs, progress, inherit=held)


def program_of(manager: Manager) -> Path | None:
    """Return the program behind a manager; None for those that envlock brings itself.

    Raises:
        WorkError: it is not there.
    """
    if manager not in _PROGRAMS:
        return None
    from envlock.conda.programs import find_program  # noqa: PLC0415  (as above)

    return find_program(_PROGRAMS[manager])


def refuse_without_python(part: Part, folder: Path) -> None:
    """Refuse to install what could not be proved, while nothing is installed.

    Raises:
        UsageError: no package of conda is a Python.
    """
    if not any(each.name in _PYTHONS for each in part.conda):
        raise UsageError(
            f"nothing that was asked for brings a Python, so {folder} could not be proved",
            "ask for python too",
        )


def projects_in(part: Part) -> frozenset[NormalizedName]:
    """Return the projects of PyPI that a part installs, whoever installs them."""
    return frozenset((*pypi_pins(part.conda), *part.pins))


def holds(prefix: Path, part: Part) -> bool:
    """Whether a prefix has exactly the packages of a part, each installed by who is to.

    Nothing of it is run: it may have come with a folder that was cloned.
    """
    wanted = {f"{each.name}-{each.version}-{each.build}" for each in part.conda}
    if records_of(prefix) != wanted or python_in(prefix) is None:
        return False
    there = [each for site in site_folders(prefix) for each in read_site(site).distributions]
    by_pip = set(there) - of_conda(there, conda_packages(prefix))
    return {each.name: each.version for each in by_pip} == part.pins
