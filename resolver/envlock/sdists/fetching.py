"""What is at a place that somebody named, brought here: archives and repositories.

Nothing of it is run. git gets no hook, no submodule and no protocol that is a
command; its credentials are the user's, which a private repository needs.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import tarfile
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from envlock.builds import Direct
from envlock.errors import IndexFailure, InstallFailure, UsageError, WorkError
from envlock.index.gather import connected
from envlock.index.secrets import redact
from envlock.model import IndexSettings
from envlock.progress import Progress
from envlock.system import parts_of, run, store
from envlock.system.looking import on_path

_MOST = 4_000_000_000  # bytes of an archive
_UNPACKED = 1_000_000_000  # bytes of what is in one of source
_SECONDS = 600.0  # of one step of git
_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
_NETWORK = re.compile(
    r"resolve host|timed? ?out|Connection|unable to access|remote end hung up|early EOF",
    re.IGNORECASE,
)
_OPTIONS = (
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "advice.detachedHead=false"),
)
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C",
}
#: What would have git work in the repository that the user is in.
_NOT_HANDED_ON = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"})


def archive(
    direct: Direct, path: Path | None, folder: Path, settings: IndexSettings, progress: Progress
) -> tuple[Path, str]:
    """Bring an archive into a folder, and return where it is and its sha256.

    ``path`` is where it is on this machine, if it is there.

    Raises:
        IndexFailure: it cannot be read.
        InstallFailure: it is not what its address says.
    """
    name = Path(unquote(urlsplit(direct.url).path)).name
    target = folder / name
    try:
        if path is not None:
            digest = store(target, parts_of(path), None, _MOST)
        else:
            if settings.offline:
                raise IndexFailure(
                    f"{redact(direct.url)} cannot be fetched offline", "leave --offline out once"
                )
            with progress.phase(f"fetch {name}"), connected(settings) as client:
                digest = client.file(
                    direct.url, lambda parts: store(target, parts, None, _MOST), "fetched"
                )
    except OSError as error:
        raise IndexFailure(f"{path}: cannot be read: {error.strerror}") from None
    _refuse_other(direct, target)
    return target, f"sha256:{digest}"


def _refuse_other(direct: Direct, path: Path) -> None:
    kind, _, wanted = direct.digest.partition(":")
    if not wanted:
        return
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, kind).hexdigest()
    if found != wanted.lower():
        raise InstallFailure(
            f"{redact(direct.url)} is not what its address says\n"
            f"  asked for {kind}:{wanted}\n  got       {kind}:{found}",
            "leave the hash out, or find out who changed the file",
        )


def repository(direct: Direct, folder: Path, progress: Progress) -> str:
    """Bring a repository into a folder as it was at a revision, and return the commit.

    Raises:
        IndexFailure: its host cannot be reached.
        UsageError: there is no such repository or revision.
        WorkError: git is not here, or takes too long.
    """
    where = redact(direct.url)
    with progress.phase(f"fetch {where}"):
        done = _git("clone", "--quiet", "--no-checkout", "--", direct.url, str(folder))
    if done is not None:
        kind = IndexFailure if _NETWORK.search(done) else UsageError
        raise kind(f"{where} cannot be cloned: {done}", f"git ls-remote {shlex.quote(where)}")
    wanted = direct.commit or direct.revision
    for name in (f"origin/{wanted}", wanted) if wanted else ("HEAD",):
        said = _git("-C", str(folder), "checkout", "--quiet", "--detach", f"{name}^{{commit}}")
        if said is None:
            return (folder / ".git" / "HEAD").read_text(encoding="ascii").strip()
    raise UsageError(
        f"{where} has no branch, tag or commit {wanted or 'at all'}",
        f"git ls-remote {shlex.quote(where)}",
    )


def _git(*words: str) -> str | None:
    """What git said where it failed, None where it did what it was told."""
    program = on_path("git")
    if program is None:
        raise WorkError("git is not on PATH, and a repository can be read by nothing else")
    env = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    done = run([program, *_OPTIONS, *words], env={**env, **_ENVIRONMENT}, timeout=_SECONDS)
    if done.timed_out:
        raise WorkError(f"git took more than {_SECONDS:.0f} seconds")
    if done.returncode == 0:
        return None
    lines = [line for line in redact(done.stderr).strip().splitlines() if line.strip()]
    fatal = next((line for line in lines if line.startswith("fatal: ")), None)
    return (fatal or (lines[-1] if lines else "it says nothing")).removeprefix("fatal: ")


def metadata_of(wheel: Path) -> bytes:
    """Return what a wheel says of itself.

    Raises:
        InstallFailure: it is none.
    """
    try:
        with zipfile.ZipFile(wheel) as packed:
            name = next(filter(_METADATA.fullmatch, packed.namelist()), None)
            if name is not None:
                return packed.read(name)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise InstallFailure(f"{wheel.name} is no wheel: {error}") from None
    raise InstallFailure(f"{wheel.name} is no wheel: it has no METADATA")


def unpacked(source: Path, folder: Path) -> Path:
    """Unpack a source archive, and return the folder of the project in it.

    Raises:
        InstallFailure: it is damaged, too large, or leads out of the folder.
    """
    try:
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as packed:
                _refuse_large(source, sum(each.file_size for each in packed.infolist()))
                packed.extractall(folder)  # noqa: S202  (zipfile keeps to the folder)
        else:
            with tarfile.open(source) as tarred:
                _refuse_large(source, sum(each.size for each in tarred.getmembers()))
                tarred.extractall(folder, filter="data")
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, ValueError) as error:
        raise InstallFailure(f"{source.name} cannot be unpacked: {error}") from None
    inside = [each for each in folder.iterdir() if each.is_dir()]
    return inside[0] if len(inside) == 1 else folder


def _refuse_large(source: Path, size: int) -> None:
    if size > _UNPACKED:
        raise InstallFailure(f"{source.name} holds {size} bytes: no source has so many")
