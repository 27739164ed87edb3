"""py-rattler, the engine of conda's side, run as a child process.

It is never imported here: a Python that has used it crashes now and then at
its exit, and it is an extra that may not be there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache, partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from msgspec import Struct
from msgspec.structs import asdict, fields

from envlock.conda.channels import Address, hide, public, with_credentials, without_credentials
from envlock.conda.programs import without_secrets
from envlock.errors import IndexFailure, InstallFailure, UsageError, WorkError
from envlock.index.offline import OFFLINE, lacking
from envlock.model import CondaPackage
from envlock.progress import Progress, Silent
from envlock.system import cache_folder, refuse_full, run, run_solver, scratch, write_texts
from envlock.system.typed import beside_envlock
from envlock.targets.subdirs import Virtual

SCRIPT = Path(__file__).parent / "scripts" / "rattler_job.py"
#: Its API moves from release to release.
_KNOWN = "0.28"
_FIELDS = tuple(each.name for each in fields(CondaPackage) if each.name not in {"via", "because"})
_LISTS = frozenset({"depends", "constrains", "track_features", "purls"})
_SPEC_REFUSED = re.compile(r"InvalidMatchSpec|InvalidVersion|InvalidPackageName")


_OFFLINE: ContextVar[bool] = ContextVar("offline", default=False)


@contextmanager
def reaching(*, offline: bool) -> Iterator[None]:
    """Let py-rattler use the network in a block, or what it has kept alone."""
    token = _OFFLINE.set(offline)
    try:
        yield
    finally:
        _OFFLINE.reset(token)


class SolveJob(Struct, frozen=True, kw_only=True):
    """What py-rattler is to solve, for one platform.

    ``specs`` and ``constraints`` are match specifications; a constraint
    bounds a package that need not be there. ``preferred`` packages are kept
    where they fit; ``strict`` takes a package from the first channel that has it.
    """

    channels: tuple[Address, ...]
    subdir: str
    specs: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    virtual: tuple[Virtual, ...] = ()
    preferred: tuple[CondaPackage, ...] = ()
    strict: bool = True
    exclude_newer: datetime | None = None


class Unsolvable(Struct, frozen=True, kw_only=True):
    """No set of packages fits; ``text`` is the solver's tree, without credentials."""

    text: str


def solve(job: SolveJob, progress: Progress) -> tuple[CondaPackage, ...] | Unsolvable:
    """Solve a job; the packages are sorted by name and carry no credentials.

    Raises:
        IndexFailure: a channel could not be read.
        UsageError: a specification is malformed.
        WorkError: py-rattler is missing or failed.
    """
    answer = _ask(
        {
            "do": "solve",
            "channels": [each.url for each in job.channels],
            "subdir": job.subdir,
            "specs": job.specs,
            "constraints": job.constraints,
            "virtual": job.virtual,
            "locked": [_plain(with_credentials(each, job.channels)) for each in job.preferred],
            "strict": job.strict,
            "exclude_newer": job.exclude_newer.isoformat() if job.exclude_newer else None,
        },
        progress,
    )
    if "unsatisfiable" in answer:
        return Unsolvable(text=hide(answer["unsatisfiable"]))
    packages = (_package(each) for each in answer["records"])
    known = (without_credentials(each, job.channels) for each in packages)
    return tuple(sorted(known, key=lambda each: each.name))


def versions(
    channels: Sequence[Address], subdir: str, names: Iterable[str], progress: Progress
) -> Mapping[str, tuple[str, ...]]:
    """Return every version that the channels have of each package, in no order.

    Raises:
        IndexFailure: a channel could not be read.
        WorkError: py-rattler is missing or failed.
    """
    answer = _ask(
        {
            "do": "versions",
            "channels": [each.url for each in channels],
            "subdir": subdir,
            "names": sorted(set(names)),
        },
        progress,
    )
    return {name: tuple(known) for name, known in answer["versions"].items()}


def install(
    packages: Sequence[CondaPackage],
    channels: Sequence[Address],
    prefix: Path,
    subdir: str,
    specs: Sequence[str],
    progress: Progress,
    *,
    inherit: int | None = None,
) -> None:
    """Install packages into a prefix, and check their hashes; ``specs`` were asked for.

    ``inherit`` is a descriptor that py-rattler's process gets.

    Raises:
        IndexFailure: a package could not be fetched.
        InstallFailure: a package is not what was locked, or cannot be linked.
    """
    for each in packages:
        _check_local(each, prefix)
    if _OFFLINE.get():
        _refuse_lacking(packages)
    job = {
        "do": "install",
        "records": [_plain(with_credentials(each, channels)) for each in packages],
        "prefix": str(prefix.resolve()),  # a relative one would land in every shebang
        "subdir": subdir,
        "specs": specs,
    }
    try:
        _ask(job, progress, inherit)
    except _Failed as error:
        raise _install_failure(prefix, error.message) from None
    without_secrets(prefix, channels)


@cache
def detect() -> tuple[str, tuple[Virtual, ...]]:
    """Return the platform of this machine and its virtual packages, overrides counted.

    Raises:
        WorkError: py-rattler is missing or failed.
    """
    answer = _ask({"do": "detect"}, Silent())
    return answer["subdir"], tuple((n, v, b) for n, v, b in answer["virtual"])


class _Failed(WorkError):
    """py-rattler failed at what it was told."""


def _ask(job: dict[str, Any], progress: Progress, inherit: int | None = None) -> dict[str, Any]:
    if find_spec("rattler") is None:
        raise WorkError(
            "conda packages are solved and installed by py-rattler, which is not here",
            beside_envlock("conda"),
        )
    if not (found := version("py-rattler")).startswith(f"{_KNOWN}."):
        raise WorkError(
            f"py-rattler {found} is here, and envlock works with {_KNOWN}", beside_envlock("conda")
        )
    place = cache_folder("conda")
    with scratch() as folder:
        file = folder / "job.json"
        # What it keeps of a channel names the address that was asked for, secrets and all.
        private = any(public(each) != each for each in job.get("channels", ()))
        kept = folder if private else place
        own = {"cache": str(place), "repodata": str(kept), "offline": _OFFLINE.get()}
        write_texts({file: json.dumps({**job, **own})})
        installs = job["do"] == "install"
        start = partial(run, inherit=inherit) if installs else partial(run_solver, "py-rattler")
        done = start(
            [sys.executable, "-I", SCRIPT, file, str(os.getpid())],
            on_line=lambda line: progress.detail(hide(line)),
        )
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = hide("\n".join(done.stderr.strip().splitlines()[-5:]))
        raise WorkError(f"py-rattler ended with {done.returncode} and no answer\n{last}") from None
    if "unreachable" in answer and _OFFLINE.get():
        raise lacking(("all pages of " + " and ".join(map(public, job["channels"])),))
    if "unreachable" in answer:
        raise IndexFailure(_unreachable(answer["unreachable"]), OFFLINE)
    if "failed" in answer:
        said = _chain(answer["failed"])
        refuse_full("py-rattler", said, place)
        if _SPEC_REFUSED.search(answer["kind"]):
            raise UsageError(f"conda cannot read the request: {said}")
        raise _Failed(f"py-rattler failed: {said}")
    if not isinstance(answer, dict):
        raise WorkError("py-rattler gave no answer")
    return answer


_ADDRESS = re.compile(r"https?://[^\s)']+")


def _unreachable(said: str) -> str:
    """Which page of a channel could not be read, and the last of the causes that are told."""
    address = _ADDRESS.search(said)
    *_, last = (line.strip() for line in said.splitlines() if line.strip())
    why = last.removeprefix("Caused by:").strip()
    if address is None or address[0] in why:
        return f"a conda channel could not be read: {_chain(said)}"
    return f"the conda channel {hide(address[0])} could not be read: {hide(why)}"


def _chain(said: str) -> str:
    """An error of Rust's, its causes on one line, without credentials."""
    return hide("; ".join(line.strip() for line in said.splitlines() if line.strip()))


def _install_failure(prefix: Path, said: str) -> WorkError:
    words = said.removeprefix("py-rattler failed: ")
    mismatch = re.search(r"hash mismatch when extracting (\S+) .*expected (\w+), got (\w+)", words)
    if mismatch is not None:
        return _mismatch(mismatch[1].rpartition("/")[2], mismatch[2], mismatch[3])
    if re.search(r"error sending request|status (?:client|server) error|timed out", words):
        return IndexFailure(f"the packages for {prefix} could not be fetched: {words}", OFFLINE)
    return InstallFailure(f"the packages could not be installed in {prefix}: {words}")


def _refuse_lacking(packages: Iterable[CondaPackage]) -> None:
    kept = cache_folder("conda") / "pkgs"
    away = (each for each in packages if not each.url.startswith("file:"))
    names = (f"{each.name}-{each.version}-{each.build}" for each in away)
    if lacks := [name for name in names if not (kept / name).exists()]:
        raise lacking(lacks)


def _check_local(package: CondaPackage, prefix: Path) -> None:
    """py-rattler checks the hashes of what it downloads, not those of local files."""
    if not package.url.startswith("file:"):
        return
    kind, locked = ("sha256", package.sha256) if package.sha256 else ("md5", package.md5)
    try:
        with Path(url2pathname(urlsplit(package.url).path)).open("rb") as stream:
            found = hashlib.file_digest(stream, kind).hexdigest()
    except OSError as error:
        raise IndexFailure(
            f"the packages for {prefix} could not be fetched: {package.url}: {error.strerror}"
        ) from None
    if locked and found != locked:
        raise _mismatch(package.filename, locked, found)


def _mismatch(file: str, locked: str, found: str) -> InstallFailure:
    return InstallFailure(
        f"{file}: the file that the channel gave is not the one that was locked\n"
        f"  locked {locked}\n  got    {found}",
        "--upgrade",
    )


def _plain(package: CondaPackage) -> dict[str, Any]:
    return {name: value for name, value in asdict(package).items() if name in _FIELDS}


def _package(said: Mapping[str, Any]) -> CondaPackage:
    values: dict[str, Any] = {name: said[name] for name in _FIELDS}
    values.update({name: tuple(said[name]) for name in _LISTS})
    return CondaPackage(**values)
