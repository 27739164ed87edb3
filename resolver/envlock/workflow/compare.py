"""`envlock diff`: what changed between two lock files."""

from __future__ import annotations

from pathlib import Path

from envlock.differences import Difference, compare, side_of
from envlock.errors import UsageError
from envlock.formats.registry import LOCKS, format_of, read_lock
from envlock.model import Lock
from envlock.progress import Progress
from envlock.targets.interpreters import find_interpreter
from envlock.workflow.lockfiles import without_options


def difference(before: Path, after: Path, progress: Progress) -> Difference:
    """Return what differs between two lock files, both of conda packages or neither.

    One that pins a package twice, with markers, is read for this machine.

    Raises:
        UsageError: one is no lock that envlock reads, or is of another kind.
    """
    old, new = (_read(path, progress) for path in (before, after))
    if old.of_conda != new.of_conda:
        conda, other = (before, after) if old.of_conda else (after, before)
        raise UsageError(f"{conda} is a lock of conda packages, and {other} is not")
    kinds = (format_of(before), format_of(after))
    hashes = all(kind is None or LOCKS[kind].hashes for kind in kinds)
    apart = max(len(each.parts) for each in (old, new)) > 1
    return compare(side_of(old, apart=apart), side_of(new, apart=apart), hashes=hashes)


def _read(path: Path, progress: Progress) -> Lock:
    text, _ = without_options(path)
    try:
        return read_lock(path.name, text)
    except UsageError:
        here = find_interpreter(None)
        lock = read_lock(path.name, text, markers=here.markers)
    progress.note(f"{path} is read for Python {here.version} on {here.platform}: it has markers")
    return lock
