"""A set of pins, laid before pip so that it has nothing to wait for: pages, metadata, builds.

What source archives need, only building them tells; it is kept, so that it is
done once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct, field
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.documents import Malformed, json_value, shaped
from envlock.engine.interface import Problem
from envlock.errors import UsageError
from envlock.index.filenames import WHEEL_SUFFIX, admitted, version_of
from envlock.index.handover import pip_environment
from envlock.index.mending import mended
from envlock.index.metadata import MetadataCache, read_wheels
from envlock.index.offer import Offered, offering
from envlock.index.pages import Index
from envlock.index.ways import for_pip
from envlock.model import DistributionFile, IndexSettings
from envlock.progress import Progress
from envlock.system import read_text, run_solver, scratch, write_texts
from envlock.targets.tags import taken

#: pip writes reports from 22.2 on; the last one for Python 3.6 is older.
_SINCE = Version("3.7")


class _Archive(Struct, kw_only=True):
    hashes: dict[str, str] = field(default_factory=dict)


class _Download(Struct, kw_only=True):
    archive_info: _Archive = field(default_factory=_Archive)


class _Metadata(Struct, kw_only=True):
    name: str
    version: str
    requires_python: str = ""
    requires_dist: list[str] = field(default_factory=list)
    provides_extra: list[str] = field(default_factory=list)


class _Item(Struct, kw_only=True):
    metadata: _Metadata
    download_info: _Download = field(default_factory=_Download)


class _Report(Struct, kw_only=True):
    """What pip tells of an installation (its "installation report"), as far as it is read."""

    install: list[_Item]


def built(
    archives: Mapping[NormalizedName, DistributionFile],
    python: Path,
    problem: Problem,
    progress: Progress,
) -> dict[str, bytes]:
    """Return the METADATA of source archives by file name, of none where one cannot be built.

    What an archive says may depend on the Python that builds it and its
    platform, so it is kept for these.

    Raises:
        OutOfTime: they were not built in time.
    """
    target = problem.target
    made = f"{target.python}-{target.platform.system}-{target.platform.machine}".lower()
    cache = MetadataCache(problem.settings)
    found = {f.filename: text for f in archives.values() if (text := cache.load(f, made))}
    lacking = {name: file for name, file in archives.items() if file.filename not in found}
    if not lacking or target.python < _SINCE:
        return found
    hashes = {file.hashes.get("sha256"): file for file in lacking.values()}
    pairs = [
        (hashes[digest], _written(item.metadata))
        for item in _reported(sorted(lacking), archives, python, problem, progress)
        if (digest := item.download_info.archive_info.hashes.get("sha256")) in hashes
    ]
    cache.store(pairs, made)
    return found | {file.filename: text for file, text in pairs}


def _reported(
    names: Sequence[NormalizedName],
    archives: Mapping[NormalizedName, DistributionFile],
    python: Path,
    problem: Problem,
    progress: Progress,
) -> list[_Item]:
    """What pip reports of archives that it built; nothing where one could not be."""
    pins = "".join(f"{name}=={version_of(archives[name])}\n" for name in names)
    with for_pip(problem.settings) as settings, scratch() as folder:
        write_texts({folder / "archives.txt": pins}, lasting=False)
        command: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--dry-run"]
        command += ["--ignore-installed", "--no-deps", "--report", "report.json"]
        command += ["--requirement", "archives.txt"]
        env = pip_environment(settings)
        done = run_solver("pip", command, cwd=folder, env=env, on_line=progress.detail)
        report = folder / "report.json"
        if done.returncode != 0 or not report.exists():
            return []
        with suppress(Malformed, UsageError):
            return shaped("report.json", json_value(read_text(report)), _Report).install
    return []


def _written(said: _Metadata) -> bytes:
    """Metadata as a file has them: a line for each value."""
    fields = (
        ("Metadata-Version", "2.1"),
        ("Name", said.name),
        ("Version", said.version),
        *((("Requires-Python", said.requires_python),) if said.requires_python else ()),
        *(("Requires-Dist", each) for each in said.requires_dist),
        *(("Provides-Extra", each) for each in said.provides_extra),
    )
    return "".join(f"{key}: {' '.join(value.split())}\n" for key, value in fields).encode()


@contextmanager
def laid_out(problem: Problem, python: Path, progress: Progress) -> Iterator[IndexSettings]:
    """Give the settings of a pip that sees of each preferred pin that release alone.

    What is not known of a pin beforehand, pip finds out by itself.

    Raises:
        IndexFailure: a page cannot be read.
        OutOfTime: there was no time to build what has to be built.
    """
    index = Index(problem.settings, progress=progress)
    files = _taken(problem, index)
    wheels = [file for file in files.values() if file.filename.endswith(WHEEL_SUFFIX)]
    archives = {n: f for n, f in files.items() if not f.filename.endswith(WHEEL_SUFFIX)}
    texts = read_wheels(wheels, problem.settings)
    texts = {name: _sound(name, text, progress) for name, text in texts.items()}
    texts |= built(archives, python, problem, progress) if archives else {}
    pins = {
        name: Offered(
            version=problem.preferences[name], file=file, metadata=texts.get(file.filename)
        )
        for name, file in files.items()
    }
    with offering(index, problem.settings, pins, problem.exclude_newer) as settings:
        yield settings


def _sound(filename: str, metadata: bytes, progress: Progress) -> bytes:
    """The metadata of a wheel as uv reads them; what pip since 24.1 does not is told."""
    text, wrong = mended(metadata)
    for each in wrong:
        progress.note(
            f"{filename} says that it needs {each!r}, for which pip since 24.1 does not install"
            " it; envlock and uv do"
        )
    return text


def _taken(problem: Problem, index: Index) -> dict[NormalizedName, DistributionFile]:
    """The file of each pin that pip would take, where the index has one that it may."""
    found: dict[NormalizedName, DistributionFile] = {}
    for name, files in index.pinned(problem.preferences).items():
        dated = admitted(files, problem.exclude_newer)
        allowed = [
            file
            for file in dated
            if file.filename.endswith(WHEEL_SUFFIX) or name not in problem.wheels_only
        ]
        file = taken(allowed, problem.target)
        if file is not None:
            found[name] = file
    return found
