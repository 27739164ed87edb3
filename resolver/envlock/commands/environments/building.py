"""An environment of one part of a lock: a venv of pip's packages, or a prefix of conda's and pip's.

Both are built in an empty folder that `envlock.environment.replacement` gives,
and give back their Python.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.choices import Manager
from envlock.commands.environments.drift import Closeness, Drift, drift_of
from envlock.commands.environments.placed import install_places, listed
from envlock.conda import rattler
from envlock.conda.names import pypi_pins
from envlock.conda.programs import find_program, install_through
from envlock.environment.create import add, install, remove, seed, sync
from envlock.environment.held import hold
from envlock.environment.holding import at_work
from envlock.environment.inspect import prefix_of, site_folders
from envlock.environment.place import made_by_envlock
from envlock.environment.records import Distribution
from envlock.environment.replaceable import occupant
from envlock.environment.replacement import Replacement
from envlock.environment.settings import write_settings
from envlock.errors import DiskFull, EnvlockError, IndexFailure, InstallFailure, UsageError
from envlock.formats.requirements import text_of
from envlock.index.handover import uv_cache
from envlock.index.offline import lacking
from envlock.index.pages import Index
from envlock.locking.conda import channel_addresses
from envlock.model import (
    CondaPackage,
    DistributionFile,
    IndexSettings,
    Lock,
    LockedPackage,
    Part,
    Request,
    Target,
)
from envlock.progress import Progress
from envlock.sdists.installing import with_wheels
from envlock.system import cache_folder, make_folder, room_in, room_words, size_words, write_texts
from envlock.system.looking import is_file
from envlock.targets.description import Interpreter, target
from envlock.targets.interpreters import find_interpreter, python_in
from envlock.targets.tags import tagged_for
from envlock.versions import minor_of
from envlock.words import counted

#: The programs behind the managers that are not py-rattler.
_PROGRAMS = {
    Manager.MICROMAMBA: "micromamba",
    Manager.MAMBA: "mamba",
    Manager.CONDA_CLI: "conda",
}

_PIP = canonicalize_name("pip")

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

    @property
    def changes(self) -> bool:
        """Whether what was built can be changed in its place."""
        ...

    def change(self, place: Replacement, python: Path, before: Part, progress: Progress) -> None:
        """Make what was built of ``before`` there equal to this part, by the difference.

        Raises:
            WorkError: network, disk, interpreter or installer failed.
        """
        ...


class Venv(Struct, frozen=True, kw_only=True):
    """A virtual environment of an interpreter.

    ``pip`` puts one into it where the lock has none. ``kept`` are packages
    that come along beside the lock. What uv's cache may have as somebody
    ``rewritten`` it is fetched anew. Paths in the lock are from ``base``.
    """

    lock: Lock
    part: Part
    interpreter: Interpreter
    settings: IndexSettings
    no_imports: tuple[str, ...] = ()
    pip: bool = True
    kept: tuple[Distribution, ...] = ()
    rewritten: frozenset[NormalizedName] = frozenset()
    base: Path = Path()

    @property
    def changes(self) -> bool:
        """It can be; see `Builder`."""
        return True

    def refuse_cramped(self, folder: Path, progress: Progress) -> None:
        """Make sure that there is room; see `Builder`."""
        goal = target(self.interpreter)
        refuse_cramped(self.part.pypi, goal, folder, self.settings, progress)

    def build(self, place: Replacement, progress: Progress) -> Path:
        """Build it, and return its Python; see `Builder`."""
        with progress.phase(f"install {counted(len(self.part.pypi), 'package')}"):
            python = place.venv(self.interpreter)
            if self.rewritten:
                anew = tuple(each for each in self.part.pypi if each.name in self.rewritten)
                part, settings = self._ready(replace(self.part, pypi=anew), progress)
                text = text_of(self.lock, listed(part))
                add(python, text, replace(settings, no_cache=True), progress)
            self._fill(place, python, progress)
        return python

    def change(self, place: Replacement, python: Path, before: Part, progress: Progress) -> None:
        """Install and remove what differs; see `Builder`."""
        del before  # what is there is compared with the lock
        with progress.phase("change what differs"):
            self._fill(place, python, progress)

    def _fill(self, place: Replacement, python: Path, progress: Progress) -> None:
        """Have what is locked in an environment, pip, what is kept, and nothing else."""
        part, settings = self._ready(self.part, progress)
        try:
            sync(python, text_of(self.lock, listed(part)), settings, progress)
        except IndexFailure as error:
            raise self._lacking(error) from None
        install_places(python, part, self.base, self.settings, progress)
        if self.pip and (_PIP in self.part.pins or self._seeded(python, progress)):
            hold(place.folder, self.part.pins)
        if self.kept:
            pins = [f"{each.name}=={each.version}" for each in self.kept]
            install(python, pins, self.settings, progress, alone=True)
        write_settings(site_folders(prefix_of(python)), self.lock.variables)
        built: dict[str, str] = {n: str(version) for n, version in self.part.pins.items()}
        place.mark(built, asked_for(self))

    def _ready(self, part: Part, progress: Progress) -> tuple[Part, IndexSettings]:
        return with_wheels(part, target(self.interpreter), self.settings, progress)

    def _seeded(self, python: Path, progress: Progress) -> bool:
        return seed(python, self.interpreter, self.settings, progress)

    def _lacking(self, error: IndexFailure) -> IndexFailure:
        """The failure of an offline install, with all that is lacking: uv names the first."""
        cache = uv_cache()
        missing = [f"{p.name} {p.version}" for p in self.part.pypi if not _has(cache, p)]
        return lacking(missing) if self.settings.offline and missing else error


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
    no_imports: tuple[str, ...] = ()
    base: Path = Path()

    @property
    def changes(self) -> bool:
        """A program of conda's leaves behind what a list of packages does not name."""
        return self.program is None

    def refuse_cramped(self, folder: Path, progress: Progress) -> None:
        """Make sure that there is room; see `Builder`."""
        del progress
        refuse_cramped_prefix(self.part.conda, folder)

    def build(self, place: Replacement, progress: Progress) -> Path:
        """Build it, and return its Python; see `Builder`."""
        prefix = place.folder
        self._install(prefix, progress)
        python = python_in(prefix)
        if python is None:
            raise InstallFailure(f"{prefix} has no Python in it, so it cannot be proved")
        self._fill(place, python, progress)
        return python

    def change(self, place: Replacement, python: Path, before: Part, progress: Progress) -> None:
        """Have conda and pip change what differs; see `Builder`."""
        gone = before.pins.keys() - self.part.pins.keys()
        if gone:
            remove(python, sorted(gone), self.settings, progress)
        self._install(place.folder, progress)
        self._fill(place, python, progress)

    def _fill(self, place: Replacement, python: Path, progress: Progress) -> None:
        """Have pip's packages beside conda's, and what is set."""
        prefix, pypi = place.folder, self.part.pypi
        if self.variables:
            make_folder(prefix / "conda-meta")
            state = {"version": 1, "env_vars": dict(self.variables)}
            write_texts({prefix / "conda-meta" / "state": json.dumps(state, sort_keys=True)})
        if pypi:
            with progress.phase(f"install {counted(len(pypi), 'package')} with pip"):
                here = target(find_interpreter(str(python)))
                part, settings = with_wheels(self.part, here, self.settings, progress)
                add(python, text_of(self.lock, listed(part)), settings, progress)
                install_places(python, part, self.base, self.settings, progress)
        write_settings(site_folders(prefix), self.lock.variables)
        ours = {each.name: each.version for each in self.part.conda}
        built = ours | {name: str(version) for name, version in self.part.pins.items()}
        place.mark(built, asked_for(self))

    def _install(self, prefix: Path, progress: Progress) -> None:
        packages, subdir = self.part.conda, self.part.subdir
        channels, _ = channel_addresses(self.request, subdir)
        specs = tuple(map(str, self.request.specs))
        title = f"install {counted(len(packages), 'package')} of conda"
        with progress.phase(title), at_work(prefix) as held:
            if self.program is not None:
                where = (self.program, packages, channels, prefix, subdir)
                install_through(*where, progress, inherit=held)
            else:
                with rattler.reaching(offline=self.settings.offline):
                    rattler.install(
                        packages, channels, prefix, subdir, specs, progress, inherit=held
                    )


def program_of(manager: Manager) -> Path | None:
    """Return the program behind a manager; None for those that envlock brings itself.

    Raises:
        WorkError: it is not there.
    """
    if manager not in _PROGRAMS:
        return None
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


def pins_in(part: Part) -> dict[NormalizedName, Version]:
    """Return the projects of PyPI that a part installs by their versions, whoever installs them."""
    return {**pypi_pins(part.conda), **part.pins}


def projects_in(part: Part) -> frozenset[NormalizedName]:
    """Return the projects of PyPI that a part installs, whoever installs them."""
    return frozenset(pins_in(part))


def asked_for(builder: Venv | Prefix) -> tuple[NormalizedName, ...]:
    """Return what a proof imports: the distributions that somebody asked for, but for some.

    Those are left out that were typed now, or for the lock.
    """
    recorded = builder.lock.asked.options.get("no-imports", ())
    left_out = {canonicalize_name(each) for each in (*recorded, *builder.no_imports)}
    part = builder.part
    names = {canonicalize_name(n) for n in (*part.pins, *(each.name for each in part.conda))}
    conda = pypi_pins(tuple(each for each in part.conda if _is_asked(each.via, names)))
    pypi = (each.name for each in part.pypi if _is_asked(each.via, names))
    return tuple(sorted({*conda, *pypi} - left_out))


def _is_asked(via: Iterable[str], names: Collection[str]) -> bool:
    """Whether somebody asked for a package, and not another package alone."""
    return any(canonicalize_name(each.partition("[")[0]) not in names for each in via)


def part_of(lock: Lock) -> Part:
    """Return the part of a lock that is installed here: of conda's it may be for other machines."""
    if not lock.of_conda:
        return lock.part
    own = lock.on(rattler.detect()[0])
    assert own is not None  # noqa: S101  (the job asked for it)
    return own


def of_lock(builder: Venv | Prefix, lock: Lock) -> Venv | Prefix:
    """Return the builder of another lock of the same request, in the place of the first."""
    part = part_of(lock)
    if isinstance(builder, Venv):
        return replace(builder, lock=lock, part=part, rewritten=frozenset())
    return replace(builder, lock=lock, part=part, variables=lock.variables)


def told_apart(builder: Venv | Prefix, how: Closeness, folder: Path) -> Drift:
    """Return how the environment in a folder differs from the one that would be built."""
    if isinstance(builder, Venv):
        part = replace(builder.part, python=minor_of(builder.interpreter.version))
        return drift_of(folder, part, how, builder.lock.variables)
    return drift_of(folder, builder.part, how, builder.lock.variables)


def in_place_of(builder: Venv | Prefix, drift: Drift) -> Venv | Prefix:
    """Return a builder that takes over what is to be kept, and fetches anew what was rewritten.

    Raises:
        UsageError: something that is to be kept cannot be installed again.
    """
    if isinstance(builder, Prefix):
        if drift.kept:
            raise UsageError(
                "--inexact keeps what pip installed into a virtual environment; a conda prefix"
                " is built of its lock alone",
                "leave --inexact out",
            )
        return builder
    for each in drift.kept:
        if each.editable or is_file(each.info / "direct_url.json"):
            raise UsageError(
                f"{each} was installed from a folder or an address, so --inexact cannot install"
                " it again",
                f"lock it, or install it again after envlock is done: {each.name}",
            )
    return replace(builder, kept=drift.kept, rewritten=drift.rewritten)


#: Bytes: with more than this free, no environment is too large, and no page is read to be sure.
_PLENTY = 20 * 10**9

#: How much larger the files of a wheel are than the wheel: the least of those that were looked at.
#: grpcio 1.60 is 2.43, libclang 18.1 2.6, tensorflow 2.15 2.86, numpy 1.26 3.5, keras 3.3 3.9;
#: of NVIDIA's, which hardly let themselves be compressed, cuBLAS 12.5 is 1.52 and cuDNN 8.9 1.59.
_UNPACKED, _UNPACKED_NVIDIA = 2.4, 1.5


def refuse_cramped(
    packages: Sequence[LockedPackage],
    target: Target,
    folder: Path,
    settings: IndexSettings,
    progress: Progress,
) -> None:
    """Make sure that there is room for what is installed, as far as the index tells sizes.

    uv unpacks wheels into its cache and links them from there, or copies them
    when the environment is on another disk; what it has already takes no more
    room. The old environment is there until the new one is proved.

    Raises:
        DiskFull: it cannot fit.
    """
    cache = uv_cache()
    wanted: list[tuple[Path, int, int]] = []
    with suppress(OSError, EnvlockError):  # no room or size is told: nothing to compare
        (there, free), (kept, free_to_keep) = room_in(folder), room_in(cache)
        if min(free, free_to_keep) >= _PLENTY:
            return
        with progress.phase("compare what is wanted with the room on the disk"):
            sizes = _sizes(packages, target, settings)
        has = {each.name for each in packages if _has(cache, each)}
        new = sum(size for name, size in sizes.items() if name not in has)
        wanted = [(folder, free, new if there == kept else sum(sizes.values()))]
        if there != kept:
            wanted.append((cache, free_to_keep, new))
    _refuse(wanted, {cache: "UV_CACHE_DIR"})


def refuse_cramped_prefix(packages: Iterable[CondaPackage], prefix: Path) -> None:
    """Make sure that there is room for conda's packages, at the least for what is downloaded.

    They are unpacked into envlock's cache and linked, or copied to another disk.

    Raises:
        DiskFull: it cannot fit.
    """
    cache = cache_folder("conda")
    kept = cache / "pkgs"
    wanted: list[tuple[Path, int, int]] = []
    with suppress(OSError):
        (there, free), (own, free_to_keep) = room_in(prefix), room_in(cache)
        every = [(each, each.size or 0) for each in packages]
        new = sum(
            size
            for each, size in every
            if not (kept / f"{each.name}-{each.version}-{each.build}").exists()
        )
        wanted = [(prefix, free, new if there == own else sum(size for _, size in every))]
        if there != own:
            wanted.append((cache, free_to_keep, new))
    _refuse(wanted, {cache: "ENVLOCK_CACHE_DIR"})


def _refuse(wanted: Iterable[tuple[Path, int, int]], variables: Mapping[Path, str]) -> None:
    """Refuse where a place has less room than is wanted there; a cache has its variable."""
    for place, room, size in wanted:
        if size > room:
            way = f"{variables[place]}=/a/folder/with/room" if place in variables else "--env OTHER"
            raise DiskFull(
                f"the environment does not fit: it wants at least {size_words(size)} in {place},"
                f" and {room_words(place)}",
                way,
            )


def _sizes(
    packages: Sequence[LockedPackage], target: Target, settings: IndexSettings
) -> dict[NormalizedName, int]:
    """What the smallest file of each pin takes unpacked, in bytes; 0 where nobody says."""
    sized = {each.name for each in packages if any(file.size for file in each.files)}
    unlisted = {each.name: each.version for each in packages if each.name not in sized}
    listed: Mapping[NormalizedName, tuple[DistributionFile, ...]] = {}
    if unlisted:
        listed = Index(settings).pinned(unlisted)
    return {each.name: _size(each, listed.get(each.name, each.files), target) for each in packages}


def _size(package: LockedPackage, files: Iterable[DistributionFile], target: Target) -> int:
    fitting = [each for each in files if _allowed(each, package) and tagged_for(each, target)]
    wheels = [each for each in fitting if each.filename.endswith(".whl")]
    known = [each.size for each in wheels or fitting if each.size is not None]
    factor = _UNPACKED_NVIDIA if package.name.startswith("nvidia-") else _UNPACKED
    return round(min(known, default=0) * (factor if wheels else 1))


def _allowed(file: DistributionFile, package: LockedPackage) -> bool:
    own = {f"{kind}:{digest}" for kind, digest in file.hashes.items()}
    return not package.hashes or not own.isdisjoint(package.hashes)


def _has(cache: Path, package: LockedPackage) -> bool:
    """Whether uv has a wheel of a pin unpacked in its cache."""
    name = f"{package.name}/{package.version}-*"
    return any(next(cache.glob(f"wheels-v*/{where}/{name}"), None) for where in ("pypi", "*/*"))


def replaced_by(folder: Path, *, force: bool) -> str | None:
    """Return what is to be replaced, in words; None where nothing is.

    Raises:
        UsageError: something there may not be replaced.
    """
    found = occupant(folder, ours=made_by_envlock(folder), force=force)
    return None if found is None else str(found)


def replaced_rows(folder: Path, replaced: str | None) -> Iterator[tuple[str, str]]:
    """Say which environment is gone, unless it was one of envlock's own."""
    if replaced is not None and "envlock" not in replaced:
        yield "replaced", f"{folder}: {replaced}"
