"""`envlock export` and `envlock diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envlock.cli.options import JsonOption
from envlock.cli.output import progress_for, say, say_json
from envlock.commands.files import TwoLocks
from envlock.differences import Difference, Way, compare, side_of
from envlock.errors import ExitCode, UsageError
from envlock.locking.existing import without_options
from envlock.model import Lock
from envlock.progress import Progress
from envlock.report import rows_text
from envlock.targets.interpreters import find_interpreter
from envlock.write.formats import FORMATS, format_of
from envlock.write.reading import read_lock


def run_diff(own: TwoLocks, talk: JsonOption) -> int:
    """Do `envlock diff`."""
    found = difference(own.before, own.after, progress_for(quiet=False, verbose=False))
    code = ExitCode.of(problem=bool(found))
    if talk.json:
        say_json("diff", _data(found), exit_code=code)
    else:
        say(_text(found))
    return code


def _text(found: Difference) -> str:
    rows = [
        (label, f"{pair[0]} → {pair[1]}")
        for label, pair in (("python", found.python), ("platform", found.platform))
        if pair is not None
    ]
    width = max((len(each.name) for each in found.moved), default=0)
    for label in Way:
        for each in found.moved:
            if each.way is label:
                versions = " → ".join(v for v in (each.before, each.after) if v is not None)
                rows.append((label, f"{each.name:{width}}  {versions}"))
    for item in found.hashes:
        counts = (("added", item.after), ("removed", item.before))
        told = " and ".join(f"{len(some)} {verb}" for verb, some in counts if some)
        rows.append(("hashes", f"{item.name} {item.version}: {told}"))
    rows += [("index", f"{each.name}: {each.before} → {each.after}") for each in found.origins]
    for reason in found.reasons:
        parts = (("now by", reason.after), ("no longer by", reason.before))
        told = "; ".join(f"{word} {', '.join(some)}" for word, some in parts if some)
        rows.append(("rules", f"{reason.name} {told}"))
    return rows_text(rows) if rows else "no difference"


def _data(found: Difference) -> dict[str, Any]:
    def pair(both: tuple[str, str] | None) -> dict[str, str] | None:
        return None if both is None else {"before": both[0], "after": both[1]}

    return {
        "equal": not found,
        "python": pair(found.python),
        "platform": pair(found.platform),
        "packages": [
            {
                "name": each.name,
                "change": each.way,
                "before": each.before,
                "after": each.after,
            }
            for each in found.moved
        ],
        "hashes": [
            {
                "name": each.name,
                "version": each.version,
                "added": list(each.after),
                "removed": list(each.before),
            }
            for each in found.hashes
        ],
        "indexes": [
            {"name": each.name, "before": each.before, "after": each.after}
            for each in found.origins
        ],
        "rules": [
            {"name": each.name, "added": list(each.after), "removed": list(each.before)}
            for each in found.reasons
        ],
    }


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
    hashes = all(kind is None or FORMATS[kind].hashes for kind in kinds)
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
