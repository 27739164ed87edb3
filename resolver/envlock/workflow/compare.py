"""`envlock diff`: what changed between two lock files."""

from __future__ import annotations

from pathlib import Path

from envlock.conda.values import CondaLock
from envlock.differences import Difference, compare, conda_side, side_of
from envlock.errors import UsageError
from envlock.model import Lock
from envlock.progress import Progress
from envlock.targets.interpreters import find_interpreter
from envlock.workflow.lockfiles import read_conda, without_options
from envlock.write import WITHOUT_HASHES, format_of, read_lock


def difference(before: Path, after: Path, progress: Progress) -> Difference:
    """Return what differs between two lock files, both of conda packages or neither.

    One that pins a package twice, with markers, is read for this machine.

    Raises:
        UsageError: one is no lock that envlock reads, or is of another kind.
    """
    old, new = (_read(path, progress) for path in (before, after))
    bare = WITHOUT_HASHES & {format_of(before), format_of(after)}
    if isinstance(old, CondaLock) and isinstance(new, CondaLock):
        apart = max(len(each.platforms) for each in (old, new)) > 1
        sides = [conda_side(each, apart=apart) for each in (old, new)]
        return compare(sides[0], sides[1], hashes=not bare)
    if isinstance(old, CondaLock) or isinstance(new, CondaLock):
        conda, other = (before, after) if isinstance(old, CondaLock) else (after, before)
        raise UsageError(f"{conda} is a lock of conda packages, and {other} is not")
    return compare(side_of(old), side_of(new), hashes=not bare)


def _read(path: Path, progress: Progress) -> Lock | CondaLock:
    if (conda := read_conda(path)) is not None:
        return conda
    text, _ = without_options(path)
    try:
        return read_lock(path.name, text)
    except UsageError:
        here = find_interpreter(None)
        lock = read_lock(path.name, text, markers=here.markers)
    progress.note(f"{path} is read for Python {here.version} on {here.platform}: it has markers")
    return lock
