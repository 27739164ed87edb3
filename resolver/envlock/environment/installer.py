"""uv at work on single packages: one release in, one out, and nothing else.

`footprint` says which paths a change of some packages touches: folders and files,
relative to the prefix, that are saved and restored as a whole, with bytecode
and whatever else came to lie in them. A folder that other packages have files
in too (a namespace such as ``google``) is entered one level deep.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName

from envlock.changes import Action, Step
from envlock.environment.holding import at_work
from envlock.environment.inspect import prefix_of, site_folders
from envlock.environment.records import Distribution, read_site, recorded
from envlock.errors import IndexFailure, InstallFailure, WorkError
from envlock.index import ceiling
from envlock.index.ceiling import longer
from envlock.index.handover import uv_environment, uv_options, uv_program
from envlock.index.offline import OFFLINE, lacked_by_uv, lacking
from envlock.index.secrets import redact
from envlock.index.unbuilt import found_unbuilt
from envlock.index.ways import for_uv
from envlock.model import IndexSettings
from envlock.progress import Progress
from envlock.rules.building import cause_of
from envlock.system import Completed, run
from envlock.trees import remove

_LINES_SHOWN = 15
_HASHES_SHOWN = 3
_PATIENCE = 12  # timeouts of one wait: an installer tries again by itself
_UV_MISMATCH = re.compile(
    r"Hash mismatch for `(?P<name>[^`]+)`\s+Expected:\s+(?P<locked>(?:\w+:\w+\s+)+?)\s*"
    r"Computed:\s+(?P<found>\w+:\w+)"
)
_PIP_MISMATCH = re.compile(
    r"(?P<name>\S+) from [^\n]+:\s+Expected \w+ "
    r"(?P<locked>[0-9a-f]+(?:\s+Expected\s+or [0-9a-f]+)*)\s+Got\s+(?P<found>[0-9a-f]+)"
)
_UNREACHABLE = re.compile(
    r"Failed to fetch|error sending request|client error \(|HTTP status (?:server|client) error"
    r"|error decoding response body|Request failed after|could not be queried"
    r"|Retrying \(Retry|Max retries exceeded|IncompleteRead|ReadTimeoutError|ProtocolError"
    r"|\d{3} (?:Client|Server) Error|Could not fetch URL",
)


def _limit(timeout: float) -> float:
    return ceiling.patience(timeout, _PATIENCE)


def patience(settings: IndexSettings) -> float:
    """Return for how many seconds an installer may fetch next to nothing."""
    return _limit(settings.timeout)


def refuse_stalled(done: Completed, settings: IndexSettings) -> None:
    """Refuse what an installer was ended for.

    Raises:
        IndexFailure: it did not get on.
    """
    if done.timed_out:
        raise IndexFailure(
            f"the packages could not be fetched: next to nothing came in {patience(settings):g} s,"
            " which is the time limit",
            longer(settings.timeout, _limit),
        )


def run_installer(
    command: Sequence[str | Path],
    prefix: Path,
    env: Mapping[str, str],
    settings: IndexSettings,
    progress: Progress,
) -> Completed:
    """Run an installer that the next envlock waits for, should this one be killed.

    Raises:
        IndexFailure: it came to a stop while it downloaded.
    """
    with at_work(prefix) as held:
        done = run(
            command,
            env=env,
            on_line=lambda line: progress.detail(redact(line)),
            inherit=held,
            stall=patience(settings),
        )
    refuse_stalled(done, settings)
    return done


def install_failure(where: str, output: str) -> WorkError:
    """Make the error for an installer that failed in ``where``, from what it printed."""
    said = redact(output)
    for pattern in (_UV_MISMATCH, _PIP_MISMATCH):
        if mismatch := pattern.search(said):
            return _mismatch(mismatch)
    if lacks := lacked_by_uv(said):
        return lacking(lacks)
    if unbuilt := found_unbuilt(said):
        return unbuilt.because(cause_of([said]), where)
    if _UNREACHABLE.search(said):
        return IndexFailure(
            f"the packages for {where} could not be fetched\n{_last_words(said)}", OFFLINE
        )
    return InstallFailure(f"the packages could not be installed in {where}\n{_last_words(said)}")


def _mismatch(mismatch: re.Match[str]) -> InstallFailure:
    name, found = mismatch["name"], mismatch["found"]
    locked = re.findall(r"\b[0-9a-f]{32,}\b", mismatch["locked"])
    shown = ", ".join(f"sha256:{each}" for each in locked[:_HASHES_SHOWN])
    if len(locked) > _HASHES_SHOWN:
        shown += f" and {len(locked) - _HASHES_SHOWN} more"
    return InstallFailure(
        f"{name}: the file that the index gave is not the one that was locked\n"
        f"  locked {shown}\n"
        f"  got    sha256:{found.removeprefix('sha256:')}",
        f"--upgrade-package {name.partition('==')[0]}",
    )


def _last_words(said: str) -> str:
    """Return the message without the progress before it, long ones shortened from the top."""
    lines = said.strip().splitlines()
    start = next((i for i, line in enumerate(lines) if line.lower().startswith("error")), 0)
    kept = [line for line in lines[start:] if line.strip()]
    return "\n".join(f"  {line}" for line in kept[-_LINES_SHOWN:])


class Footprint(Struct, frozen=True, kw_only=True):
    """What a change touches.

    ``recorded`` are the files that an installer unlinks first, ``brought``
    those that come.
    """

    entries: tuple[str, ...]
    recorded: frozenset[str]
    brought: frozenset[str] = frozenset()


def footprint(
    prefix: Path, names: Collection[NormalizedName], staged: Path | None = None
) -> Footprint:
    """Return what is touched when ``names`` are removed and what is in ``staged`` is added."""
    own: set[str] = set()
    shared: set[str] = set()
    for site in site_folders(prefix):
        for distribution in read_site(site).distributions:
            files = list(files_of(distribution, prefix))
            if distribution.name in names:
                own.update(files)
            else:
                shared.update(_top(file, _inside(site, prefix)) for file in files)
    new: set[str] = set()
    bases = (prefix,) if staged is None else (prefix, staged)
    for site in site_folders(bases[-1]) if staged else ():
        for distribution in read_site(site).distributions:
            new.update(files_of(distribution, bases[-1]))
    sites = [_inside(site, base) for base in bases for site in site_folders(base)]
    entries = {entry for file in own | new for entry in _entries(file, sites, shared)}
    return Footprint(
        entries=tuple(sorted(_outermost(entries))), recorded=frozenset(own), brought=frozenset(new)
    )


def files_of(distribution: Distribution, prefix: Path) -> Iterator[str]:
    """Yield the files that a distribution records under a prefix, and its metadata's."""
    site = _inside(distribution.site, prefix)
    yield _inside(distribution.info / "RECORD", prefix)
    rows = recorded(distribution)
    for folder, name, _, _ in () if isinstance(rows, str) else rows:
        path = os.path.normpath(f"{site}/{folder}/{name}").replace(os.sep, "/")
        if not path.startswith((".", "/")):
            yield path


def _inside(path: Path, prefix: Path) -> str:
    return path.relative_to(prefix).as_posix()


def _top(file: str, site: str) -> str:
    """Return the folder of a site-packages folder that a file is in, "" for none."""
    if not file.startswith(f"{site}/"):
        return ""
    first, _, rest = file[len(site) + 1 :].partition("/")
    return f"{site}/{first}" if rest else ""


def _entries(file: str, sites: Iterable[str], shared: Collection[str]) -> Iterator[str]:
    site = next((each for each in sites if file.startswith(f"{each}/")), None)
    if site is None:
        yield file
        return
    parts = PurePosixPath(file[len(site) + 1 :]).parts
    base = site
    if len(parts) > 1 and f"{site}/{parts[0]}" in shared:
        base, parts = f"{site}/{parts[0]}", parts[1:]
    yield f"{base}/{parts[0]}"
    if len(parts) == 1 and parts[0].endswith(".py"):
        yield f"{base}/__pycache__"


def _outermost(entries: Collection[str]) -> Iterator[str]:
    for entry in entries:
        parents = (str(each) for each in PurePosixPath(entry).parents)
        if not any(parent in entries for parent in parents):
            yield entry


class Installer(Struct, frozen=True, kw_only=True):
    """uv at work in one environment.

    ``cache`` is a uv cache of its own for reinstalls: where uv links files
    from its cache, a file that was changed in place is changed there too.
    ``prefix`` is the environment that is fixed, whichever is worked on.
    """

    prefix: Path
    settings: IndexSettings
    cache: Path
    progress: Progress
    offline: bool = False

    def install(self, python: Path, step: Step) -> None:
        """Bring the release of a step, without what it needs."""
        words: list[str | Path] = ["install", "--no-deps"]
        if self.offline:
            words += uv_options(replace(self.settings, offline=True))
        else:
            words += uv_options(self.settings)
        if step.action is Action.REINSTALL:
            words += ["--reinstall-package", step.package, "--cache-dir", self.cache]
        self._pip(python, [*words, f"{step.package}=={step.after}"])

    def uninstall(self, python: Path, step: Step) -> None:
        """Remove a package, as far as its RECORD knows it."""
        self._pip(python, ["uninstall", step.package])

    def _pip(self, python: Path, words: Sequence[str | Path]) -> None:
        verb, *rest = words
        command = [uv_program(), "pip", verb, "--python", python, *rest]
        with for_uv(self.settings) as settings:
            # What a trial has fetched is taken from uv's cache.
            env = uv_environment(replace(settings, no_cache=False))
            done = run_installer(command, self.prefix, env, self.settings, self.progress)
        if done.returncode != 0:
            raise install_failure(str(prefix_of(python)), done.stderr)


def perform(python: Path, step: Step, installer: Installer) -> None:
    """Do one step; a reinstall removes whatever else lies among the package's files.

    Raises:
        WorkError: uv refused or failed.
    """
    prefix = prefix_of(python)
    match step.action:
        case Action.REMOVE:
            installer.uninstall(python, step)
        case Action.REINSTALL:
            entries = footprint(prefix, {step.package}).entries
            installer.uninstall(python, step)
            for entry in entries:
                remove(prefix / entry)
            installer.install(python, step)
        case Action.INSTALL | Action.UPGRADE | Action.DOWNGRADE:
            installer.install(python, step)
