"""One source distribution → one wheel, by the law, and what the attempts came to."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.builds import Built
from envlock.errors import WorkError
from envlock.index.filenames import releases
from envlock.index.handover import uv_environment, uv_options, uv_program
from envlock.index.pages import Index
from envlock.index.secrets import redact
from envlock.index.ways import for_uv
from envlock.model import DistributionFile, IndexSettings, Target
from envlock.progress import Progress
from envlock.rules.building import build_tools, cause_of
from envlock.sdists import ARROW, MENDER
from envlock.sdists.archives import asking_for
from envlock.sdists.metadata import faults_of
from envlock.system import run, write_texts
from envlock.targets.tags import admits_python

#: Seconds that one attempt may take: what compiles for longer is no package of the kind.
_PATIENCE = 900.0
_NOT_SAID = re.compile(r"^(?:DEBUG|TRACE) .*\n?", re.MULTILINE)
_SELECTED = re.compile(r"^DEBUG Selecting: (\S+)==(\S+) \[", re.MULTILINE)
#: The tools that may need bounds of their day.
TOOLS = tuple(map(canonicalize_name, ("setuptools", "wheel", "cython", "numpy")))


class SourceRelease(Struct, frozen=True, kw_only=True):
    """A source distribution to be built for a target, whose interpreter is here."""

    name: NormalizedName
    version: Version
    file: DistributionFile
    target: Target

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Attempt(Struct, frozen=True, kw_only=True):
    """One way to build: in words, with bounds on what builds, and with tools beside these."""

    way: str
    bounds: tuple[str, ...] = ()
    adds: frozenset[str] = frozenset()


class Made(Struct, frozen=True, kw_only=True):
    """A wheel, what it was built with, and in which way: "" for plainly."""

    wheel: Path
    built: Built
    way: str = ""


class NotBuilt(Struct, frozen=True, kw_only=True):
    """Why a source distribution cannot be built, in one line, and the ways that were tried."""

    cause: str
    ways: tuple[str, ...]


def attempts(source: SourceRelease, index: Index) -> Iterator[Attempt]:
    """Yield the ways of the law, each worked out when the one before has failed."""
    yield Attempt(way="plainly")
    dated = _of_the_day(source, index)
    when = source.file.upload_time
    day = f"of {when:%Y-%m}" if when else f"that Python {source.target.minor} can just run"
    if dated:
        yield Attempt(way=f"with the build tools {day}", bounds=dated)
    condition = build_tools().of(source.name, source.version)
    if condition is not None:
        words = " ".join(condition.bounds)
        adds = frozenset(condition.adds)
        yield Attempt(way=f"with {words}", bounds=condition.bounds, adds=adds)
        if dated:
            bounds = (*condition.bounds, *dated)
            way = f"with {words} and the build tools {day}"
            yield Attempt(way=way, bounds=bounds, adds=adds)


def _of_the_day(source: SourceRelease, index: Index) -> tuple[str, ...]:
    """The newest build tools of the day of a release, none older than the Python can run."""
    index.read(TOOLS)
    return tuple(
        f"{tool}<={newest}"
        for tool in TOOLS
        for newest in [_newest(tool, source.file.upload_time, source.target, index)]
        if newest is not None
    )


def _newest(
    tool: NormalizedName, day: datetime | None, target: Target, index: Index
) -> Version | None:
    """The newest release of a tool on a day, or the oldest that the Python runs; None: neither."""
    pages = {v: f for v, f in releases(index.files(tool)).items() if not v.is_prerelease}
    there = [
        version
        for version, files in pages.items()
        if any(_was_there(each, day) and admits_python(each, target) for each in files)
    ]
    floor = build_tools().floor(tool, target.minor)
    newest = max(filter(None, (max(there, default=None), floor)), default=None)
    return newest if newest is not None and any(v <= newest for v in pages) else None


def _was_there(file: DistributionFile, day: datetime | None) -> bool:
    if day is None or file.upload_time is None or file.yanked is not None:
        return False
    return file.upload_time <= day


def build(
    source: SourceRelease,
    sdist: Path,
    ways: Iterator[Attempt],
    settings: IndexSettings,
    progress: Progress,
) -> Made | NotBuilt:
    """Build a source distribution in the first way that works; the wheel lies beside it.

    Raises:
        WorkError: uv cannot be run.
    """
    tried: list[str] = []
    said: list[str] = []
    for number, attempt in enumerate(_adding(ways, said)):
        folder = sdist.parent / f"built-{number}"
        with progress.phase(f"build {source} {attempt.way}"):
            log, wheel = _run(source, sdist, attempt, folder, settings, progress)
        tried.append(attempt.way)
        if wheel is None:
            said.append(log)
            continue
        wrong = faults_of(wheel)
        if wrong is None:
            said.append("its metadata cannot be read, and nobody can tell what they meant")
            continue
        mended = tuple(f"{old} {ARROW} {new}".rstrip() for old, new in sorted(wrong.items()))
        if wrong:
            _mend(wheel, mended)
        built = Built(tools=_tools(log), mended=mended)
        return Made(wheel=wheel, built=built, way=attempt.way if number else "")
    return NotBuilt(cause=cause_of(said), ways=tuple(tried))


def _adding(ways: Iterator[Attempt], said: Sequence[str]) -> Iterator[Attempt]:
    """The ways, each once more where what it ``said`` names a module that it lacks."""
    added: frozenset[str] = frozenset()
    for attempt in ways:
        yield replace(attempt, adds=attempt.adds | added)
        more = build_tools().lacking(_NOT_SAID.sub("", said[-1])) - added if said else frozenset()
        if more:
            added |= more
            way = f"{attempt.way}, with {' and '.join(sorted(added))} beside"
            yield replace(attempt, way=way, adds=attempt.adds | added)


def _mend(wheel: Path, mended: Sequence[str]) -> None:
    """Put what requirements meant into the metadata of a wheel.

    Raises:
        WorkError: it cannot be written.
    """
    pairs = wheel.with_suffix(".txt")
    write_texts({pairs: "".join(f"{each}\n" for each in mended)}, lasting=False)
    done = run([sys.executable, "-I", MENDER, wheel, pairs])
    if done.returncode != 0:
        raise WorkError(f"the metadata of {wheel.name} could not be mended: {_last(done.stderr)}")


def _last(said: str) -> str:
    return said.strip().rpartition("\n")[2]


def _run(
    source: SourceRelease,
    sdist: Path,
    attempt: Attempt,
    folder: Path,
    settings: IndexSettings,
    progress: Progress,
) -> tuple[str, Path | None]:
    """What one attempt said, and its wheel."""
    bounds = sdist.parent / "bounds.txt"
    sdist = asking_for(attempt.adds, sdist) if attempt.adds else sdist
    write_texts({bounds: "".join(f"{each}\n" for each in attempt.bounds)}, lasting=False)
    command: list[str | Path] = [uv_program(), "build", "--wheel", "--verbose", "--no-progress"]
    command += ["--color", "never", "--python", str(source.target.interpreter)]
    command += ["--build-constraints", bounds, "--out-dir", folder, *uv_options(settings), sdist]
    with for_uv(settings) as seen:
        done = run(
            command,
            cwd=sdist.parent,
            env=uv_environment(seen),
            timeout=_PATIENCE,
            on_line=lambda line: progress.detail(redact(line)),
        )
    if done.timed_out:
        return f"error: it was not built in {_PATIENCE:g} s", None
    log = redact(f"{done.stdout}\n{done.stderr}")
    wheel = next(iter(sorted(folder.glob("*.whl"))), None) if done.returncode == 0 else None
    return log, wheel


def _tools(log: str) -> tuple[str, ...]:
    """The releases that uv took to build: of one that it took twice the last."""
    found = {canonicalize_name(name): version for name, version in _SELECTED.findall(log)}
    return tuple(f"{name}=={version}" for name, version in sorted(found.items()))
