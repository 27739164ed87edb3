"""`envlock bundle`: a lock and its files, in a folder."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from envlock.bundle.folder import Content, Written, refuse_occupied, write_bundle
from envlock.bundle.wanted import Goal, built, files_of
from envlock.cli.options import IndexOptions, TalkOptions
from envlock.cli.orders import configured_lock, configured_settings
from envlock.cli.output import progress_for, say_json
from envlock.cli.rows import say_rows
from envlock.commands.bundle import BundleOptions
from envlock.commands.lock.edited import tell_edits
from envlock.errors import UsageError
from envlock.formats.lock_rows import for_platform
from envlock.formats.registry import LOCKS, read_lock
from envlock.locking.beside import Beside, locks_in, refuse_missing, usual_lock
from envlock.locking.existing import bare_of, refuse_placed
from envlock.model import Lock, Part, Target
from envlock.system import read_text, size_words
from envlock.system.looking import exists
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter
from envlock.targets.platforms import NamedPlatform, foreign_target, python_version, read_platform
from envlock.versions import minor_of
from envlock.words import counted


def run(own: BundleOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Do `envlock bundle`."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    refuse_occupied(own.output)
    settings = configured_settings(index)
    lock = own.lock or configured_lock() or usual_lock([*filter(_fits, locks_in(Path()))])
    own = replace(own, lock=lock)
    text, read = _read(_path(own))
    goals = tuple(_goals(own, read))
    files = files_of(goals, settings, progress)
    for name in built(files):
        progress.note(f"{name} is no wheel: what builds it is in no bundle")
    platforms = tuple(part.platform for part, _ in goals if part.platform)
    content = Content(lock=_path(own).name, text=text, files=files, platforms=platforms)
    written = write_bundle(own.output, content, settings, progress)
    _tell(own, goals, written, talk)
    return 0


def _fits(found: Beside) -> bool:
    return LOCKS[found.format].hashes and not found.of_conda


def _path(own: BundleOptions) -> Path:
    assert own.lock is not None  # noqa: S101  (it is filled in first)
    return own.lock


def _tell(own: BundleOptions, goals: Sequence[Goal], written: Written, talk: TalkOptions) -> None:
    if talk.json:
        say_json(
            "bundle",
            {
                "folder": str(own.output),
                "lock": _path(own).name,
                "platforms": [part.platform for part, _ in goals],
                "files": list(written.files),
                "fetched": list(written.fetched),
                "size": written.size,
            },
        )
        return
    folder = shlex.quote(own.output.as_posix())
    came = len(written.fetched)
    files = f"{counted(len(written.files), 'file')}, {size_words(written.size)}"
    rows = [
        ("lock", f"{own.lock} for {' and '.join(_place(part) for part, _ in goals)}"),
        ("bundle", f"{own.output}: {files}, {'all' if came == len(written.files) else came} new"),
        ("next", f"envlock sync {folder}"),
    ]
    say_rows(rows, quiet=talk.quiet)


def _place(part: Part) -> str:
    return part.platform or "this machine"


def _read(path: Path) -> tuple[str, Lock]:
    refuse_missing(path, "envlock bundle")
    text = read_text(path)
    lock = read_lock(path.name, text)
    tell_edits(path, lock, "goes into the bundle as it is now")
    if lock.of_conda:
        raise UsageError(
            f"{path} has conda's packages, and a bundle has wheels alone: a conda lock is"
            " installed offline from a warm cache",
            f"envlock sync {shlex.quote(path.as_posix())} --offline",
        )
    refuse_placed(
        lock,
        "a bundle has the files of indexes alone",
        f"envlock sync {shlex.quote(path.as_posix())}",
    )
    for part in lock.parts:
        if bare := bare_of(part):
            raise UsageError(
                f"{path} has no hashes for {', '.join(bare[:5])}: nothing tells that the files"
                " are the ones that were locked",
                "envlock bundle requirements.txt",
            )
    return text, lock


def _goals(own: BundleOptions, lock: Lock) -> Iterator[Goal]:
    """The parts that are taken, and for which Python on which platform each."""
    named = {str(place.platform): place for place in map(read_platform, own.platform)}
    known = {part.platform for part in lock.parts}
    if strange := [name for name in named if name not in known and known != {""}]:
        raise UsageError(
            f"--platform {strange[0]}: {_path(own)} is for {' and '.join(sorted(known))}",
            _with_platform(own, strange[0]),
        )
    for part in lock.parts:
        if known == {""}:
            for place in named.values():
                yield part, _targets(own, part, place)
            if not named:
                yield part, _targets(own, part, None)
        elif not named or part.platform in named:
            yield (
                part,
                _targets(own, part, named.get(part.platform) or read_platform(part.platform)),
            )


def _with_platform(own: BundleOptions, platform: str) -> str:
    """What bundles the lock of a platform that the named one is not for."""
    lock = for_platform(_path(own), platform)
    words = ["envlock", "bundle", lock.as_posix(), "-o", own.output.as_posix()]
    first = "" if exists(Path(lock)) else f"envlock lock --platform {platform} && "
    return f"{first}{shlex.join(words)}"


def _targets(own: BundleOptions, part: Part, place: NamedPlatform | None) -> Sequence[Target]:
    """The targets of a part: any machine of its kind, since a bundle travels; then this one."""
    if own.python is None and part.python:
        version = python_version(part.python)
    else:
        version = python_version(own.python or "")
    if version is None:
        version = python_version(minor_of(find_interpreter(own.python).version))
    here = target(find_interpreter(None))
    platform = here.platform if place is None else place.platform
    assert version is not None  # noqa: S101  (a Python that is here has one)
    named = read_platform(str(platform)) if place is None else place
    found = [foreign_target(named, version)]
    if str(platform) == str(here.platform):
        found.append(foreign_target(NamedPlatform(platform=here.platform, option=""), version))
    return tuple(found)
