"""Where locks are read that nobody installs: files, pipes, standard input, git revisions."""

from __future__ import annotations

from pathlib import Path, PurePath

from msgspec import Struct

from envlock.choices import STANDARD_OUTPUT
from envlock.commands.files.listed import listed_lock
from envlock.errors import UsageError, refuse_conflict
from envlock.formats.reading import decode
from envlock.formats.registry import format_of, read_lock
from envlock.locking.beside import locks_in
from envlock.locking.existing import without_options
from envlock.model import Lock
from envlock.progress import Progress
from envlock.system import read_standard_input, read_text
from envlock.system.looking import exists, is_file
from envlock.system.revisions import text_at, top
from envlock.targets.interpreters import find_interpreter

_STDIN = str(STANDARD_OUTPUT)
#: What a lock is called that comes without a name.
_USUAL = "requirements.txt"


class Source(Struct, frozen=True, kw_only=True):
    """One lock: what it is called when it is spoken of, a name that tells its format, its text."""

    label: str
    name: str
    text: str


def two_sources(before: str, after: str | None, progress: Progress) -> tuple[Source, Source]:
    """Read the two locks that were named; of a revision alone, the lock in this folder.

    Raises:
        UsageError: there is no such file or revision, or it does not say which lock.
    """
    if before == after == _STDIN:
        raise UsageError("- is read once, and both locks are to come from it")
    if after is None:
        after = _on_disk(before)
        progress.note(f"{before} against {after}, the lock in this folder")
    return _read(before, after), _read(after, before)


def source_at(word: str) -> Source:
    """Read one lock: a file, a pipe, or standard input.

    Raises:
        UsageError: there is no such file.
    """
    return _read(word, _STDIN)


def lock_of(source: Source, progress: Progress) -> Lock:
    """Return what a lock holds; one that pins a package twice, with markers, for this machine.

    Of a lock of another tool that envlock does not install from, what it lists.

    Raises:
        UsageError: it is no lock that envlock reads.
    """
    text, _ = without_options(source.name, source.text)
    try:
        return read_lock(source.name, text)
    except UsageError as fault:
        here = find_interpreter(None)
        lock = listed_lock(source.name, text, here)
        if lock is not None:
            progress.note(f"{fault.message}; of {source.label} names and versions are read")
            return lock
        lock = read_lock(source.name, text, markers=here.markers)
    progress.note(
        f"{source.label} is read for Python {here.version} on {here.platform}: it has markers"
    )
    return lock


def _on_disk(word: str) -> str:
    """The file in this folder that a revision is compared with."""
    if _is_file(word):
        raise UsageError(f"{word}: with what? two locks are compared", f"envlock diff HEAD {word}")
    _, colon, path = word.partition(":")
    if not colon:
        return _lock_here()
    return path if path.startswith(("./", "../")) else str(Path(top()) / path)


def _is_file(word: str) -> bool:
    return word == _STDIN or exists(Path(word))


def _read(word: str, other: str) -> Source:
    if word == _STDIN:
        ends = read_standard_input()
        if ends.size:
            raise UsageError("standard input: more than any lock has")
        return _named("standard input", _USUAL, decode(ends.content), sure=False)
    if _is_file(word):
        path = Path(word)
        return _named(word, path.name, read_text(path), sure=is_file(path))
    revision, colon, path_text = word.partition(":")
    if not colon:
        path_text = f"./{_beside(other)}"
    try:
        text = text_at(revision, path_text)
    except UsageError as error:
        raise UsageError(f"{word} is no file here, and as a revision: {error.message}") from None
    label = f"{revision}:{path_text}"
    return _named(label, PurePath(path_text).name, text, sure=True)


def _beside(other: str) -> str:
    """The file whose older text is meant: the one it is compared with, else the lock here."""
    if other != _STDIN and is_file(Path(other)) and not Path(other).is_absolute():
        return Path(other).as_posix()
    return _lock_here()


def _named(label: str, name: str, text: str, *, sure: bool) -> Source:
    """A pipe has no name that says anything: there the text does, or it is requirements."""
    refuse_conflict(text, Path(label))
    known = sure or format_of(PurePath(name), text) is not None
    return Source(label=label, name=name if known else _USUAL, text=text)


def _lock_here() -> str:
    """The lock in this folder, the first where there are several."""
    found = next(locks_in(Path()), None)
    if found is not None:
        return found.path.name
    if is_file(Path(_USUAL)):  # who reads it says what is wrong with it
        return _USUAL
    raise UsageError("no lock of envlock's is in this folder to compare with", "envlock lock")
