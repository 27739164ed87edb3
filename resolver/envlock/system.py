"""The only module that starts a process or writes a file.

Everything here either succeeds or raises an `EnvlockError` that says what was
attempted; nothing is left half-written.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from envlock.errors import UsageError, WorkError

WINDOWS = sys.platform == "win32"

# Read once: there is no way to read it without setting it, for all threads.
_UMASK = os.umask(0)
os.umask(_UMASK)


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """How a program ended: its exit status (negative: a signal) and its output.

    ``timed_out`` is True when it was killed at the time limit.
    """

    returncode: int
    stdout: str
    stderr: str
    timed_out: bool = False


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    on_line: Callable[[str], None] | None = None,
    inherit: int | None = None,
) -> Completed:
    """Run a program to its end and return what it printed.

    ``on_line`` sees each line of standard error as it comes, ``inherit`` is a
    descriptor that the program gets, ``timeout`` is in seconds. The program
    gets a process group: a time limit or Ctrl-C ends its children too.

    Raises:
        WorkError: the program cannot be started.
    """
    process = _start([str(word) for word in command], env, cwd, inherit)
    out: list[str] = []
    said: list[str] = []
    readers = (
        threading.Thread(target=_drain, args=(process, out), daemon=True),
        threading.Thread(target=_follow, args=(process, said, on_line), daemon=True),
    )
    for reader in readers:
        reader.start()
    timed_out = False
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        _end(process)
    except BaseException:
        _end(process)
        raise
    finally:
        for reader in readers:
            reader.join(5)
    return Completed(
        returncode=process.returncode,
        stdout="".join(out),
        stderr="".join(said),
        timed_out=timed_out,
    )


def _start(
    words: list[str], env: Mapping[str, str] | None, cwd: Path | None, inherit: int | None
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else dict(env),
            cwd=cwd,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=not WINDOWS,
            pass_fds=() if inherit is None else (inherit,),
        )
    except OSError as error:
        raise WorkError(f"cannot start {words[0]}: {error.strerror or error}") from error


def _drain(process: subprocess.Popen[str], out: list[str]) -> None:
    assert process.stdout is not None
    with process.stdout:
        out.extend(process.stdout)


def _follow(
    process: subprocess.Popen[str], captured: list[str], on_line: Callable[[str], None] | None
) -> None:
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            captured.append(line)
            if on_line is not None:
                on_line(line.rstrip())


def _end(process: subprocess.Popen[str]) -> None:
    """Kill the program and whatever it started, and wait for it."""
    with suppress(OSError):
        if WINDOWS:
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def read_text(path: Path) -> str:
    """The text of a user's file, decoded as UTF-8 (a byte order mark is dropped).

    Raises:
        UsageError: it is missing, a folder, unreadable or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: is a folder, not a file") from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: not UTF-8 text (byte {error.start} is 0x{error.object[error.start]:02x})",
            f"save {path} as UTF-8",
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write several files, all or none as far as a file system can promise.

    Each text is staged beside its target and synced; only when all are safe
    on disk are they renamed. An existing file keeps its permissions, and a
    link to a file stays a link.

    Raises:
        WorkError: a folder is missing or read-only, or the disk is full; then
            no target has changed.
    """
    write_files({path: text.encode() for path, text in texts.items()})


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write several files as `write_texts` does, from bytes.

    Raises:
        WorkError: as `write_texts`.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for path, content in contents.items():
            target = path.resolve()
            staged.append((_stage(target, content), target))
        for temporary, path in staged:
            temporary.replace(path)
    except OSError as error:
        names = ", ".join(map(str, contents))
        raise WorkError(
            f"cannot write {names}: {error.strerror or error}; nothing was changed"
        ) from error
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)


def _stage(path: Path, content: bytes) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        else:
            temporary.chmod(0o666 & ~_UMASK)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


@contextmanager
def scratch(prefix: str = "envlock-", *, inside: Path | None = None) -> Iterator[Path]:
    """A private folder that is gone when the block ends, however it ends.

    It is made in the system's temporary folder, or ``inside`` another.
    """
    try:
        name = tempfile.mkdtemp(prefix=prefix, dir=inside)
    except OSError as error:
        raise WorkError(f"cannot make a temporary folder: {error.strerror}") from error
    try:
        yield Path(name)
    finally:
        remove_tree(Path(name))


def remove_tree(path: Path) -> None:
    """Remove a folder and everything in it; a missing one is fine."""
    shutil.rmtree(path, ignore_errors=True)


def move(source: Path, target: Path) -> None:
    """Rename a file or folder within one file system.

    Raises:
        WorkError: the rename is refused.
    """
    try:
        source.rename(target)
    except OSError as error:
        raise WorkError(f"cannot move {source} to {target}: {error.strerror}") from error


def make_folder(path: Path) -> None:
    """Make a folder and its parents; an existing one is fine.

    Raises:
        WorkError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkError(f"cannot make the folder {path}: {error.strerror}") from error


def cache_folder() -> Path:
    """Where envlock keeps what can be fetched again; ``ENVLOCK_CACHE_DIR`` moves it."""
    chosen = os.environ.get("ENVLOCK_CACHE_DIR")
    if chosen:
        return Path(chosen)
    import platformdirs  # noqa: PLC0415  (10 ms that --help does not need)

    return Path(platformdirs.user_cache_dir("envlock"))


@contextmanager
def exclusive(path: Path, *, timeout: float = 600) -> Iterator[None]:
    """Hold a lock file, so that several envlocks do one thing once.

    Raises:
        WorkError: somebody else holds it for longer than ``timeout`` seconds.
    """
    import filelock  # noqa: PLC0415  (30 ms that --help does not need)

    try:
        with filelock.FileLock(path, timeout=timeout):
            yield
    except filelock.Timeout:
        raise WorkError(f"another envlock holds {path} for more than {timeout:.0f} s") from None
