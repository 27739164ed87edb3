"""`envlock export` and `envlock diff`."""

# ruff: noqa: RUF009  (these calls make dataclass fields)

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envlock.choices import Format
from envlock.cli.arguments import option, word
from envlock.cli.options import IndexOptions, JsonOption, TalkOptions
from envlock.cli.output import progress_for, say, say_json
from envlock.errors import UsageError

if TYPE_CHECKING:
    from envlock.differences import Difference


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What is written, and where."""

    lock: Path = word(
        "LOCK",
        says="A lock of envlock, uv or pip-tools.  [default: requirements.txt]",
        default=Path("requirements.txt"),
    )
    format: Format | None = option(
        "--format",
        metavar="FORMAT",
        says=f"One of {', '.join(Format)}.  [default: what the name after -o says]",
    )
    output: Path | None = option(
        "-o", "--output", metavar="FILE", says="The file to write.  [default: standard output]"
    )
    python: str | None = option(
        "-p",
        "--python",
        metavar="VERSION",
        says="The Python of a lock that names none.  [default: the one that runs envlock]",
    )
    platform: str | None = option(
        "--platform",
        metavar="PLATFORM",
        says="The platform of a lock that names none.  [default: this machine's]",
    )


@dataclass(frozen=True, kw_only=True)
class TwoLocks:
    """What is compared."""

    before: Path = word("OLD", says="A lock.")
    after: Path = word("NEW", says="Another one, of any format.")


def export(own: ExportOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Write an existing lock in another format.

    Nothing is resolved. Index pages are read where the format lists files, or
    needs hashes, that the lock does not have.
    """
    from envlock.cli.orders import configured_settings, project_name  # noqa: PLC0415  (for --help)
    from envlock.platforms import read_platform  # noqa: PLC0415
    from envlock.workflow import files as workflow  # noqa: PLC0415

    kind = _format(own)
    order = workflow.ExportOrder(
        source=own.lock,
        kind=kind,
        settings=configured_settings(index),
        command=shlex.join(["envlock", "export", own.lock.as_posix(), "--format", kind]),
        name=project_name(),
        python=own.python,
        platform=read_platform(own.platform) if own.platform else None,
    )
    texts = workflow.export(order, progress_for(quiet=talk.quiet, verbose=talk.verbose))
    (text,) = texts.values()
    if own.output is None:
        if talk.json:
            say_json("export", {"format": kind, "text": text})
        else:
            say(text.removesuffix("\n"))
        return 0
    changed = workflow.write_export(own.output, text, own.lock)
    if talk.json:
        say_json("export", {"format": kind, "file": str(own.output), "changed": changed})
    else:
        say(f"{'written' if changed else 'unchanged'}  {own.output}")
    return 0


def _format(own: ExportOptions) -> Format:
    """The format that is asked for, by its name or the file's; both must agree."""
    from envlock.write import default_filename, format_of  # noqa: PLC0415  (as above)

    told = format_of(own.output) if own.output else None
    kind = own.format or told
    if kind is None:
        raise UsageError(
            "which format? There are " + ", ".join(Format),
            f"--format {Format.REQUIREMENTS}",
        )
    if own.output is not None and told is not kind:
        raise UsageError(
            f"{own.output} is not a name for the format {kind}", f"-o {default_filename(kind)}"
        )
    return kind


def diff(own: TwoLocks, talk: JsonOption) -> int:
    """Say what changed between two locks.

    Packages, versions, hashes, the rules that moved pins, Python and platform;
    exit code 1 when there is any difference. The locks may be of two formats.
    """
    from envlock.workflow.files import difference  # noqa: PLC0415  (as above)

    found = difference(own.before, own.after, progress_for(quiet=False, verbose=False))
    code = 1 if found else 0
    if talk.json:
        say_json("diff", _data(found), exit_code=code)
    else:
        say(_text(found))
    return code


def _text(found: Difference) -> str:
    from envlock.report import rows_text  # noqa: PLC0415  (as above)

    rows = [
        (label, f"{pair[0]} → {pair[1]}")
        for label, pair in (("python", found.python), ("platform", found.platform))
        if pair is not None
    ]
    width = max((len(each.name) for each in found.moved), default=0)
    for label in ("added", "removed", "up", "down"):
        for each in found.moved:
            if _way(each.before, each.after) == label:
                versions = " → ".join(str(v) for v in (each.before, each.after) if v is not None)
                rows.append((label, f"{each.name:{width}}  {versions}"))
    for item in found.hashes:
        counts = (("added", item.after), ("removed", item.before))
        told = " and ".join(f"{len(some)} {verb}" for verb, some in counts if some)
        rows.append(("hashes", f"{item.name} {item.version}: {told}"))
    for reason in found.reasons:
        parts = (("now by", reason.after), ("no longer by", reason.before))
        told = "; ".join(f"{word} {', '.join(some)}" for word, some in parts if some)
        rows.append(("rules", f"{reason.name} {told}"))
    return rows_text(rows) if rows else "no difference"


def _way(before: Any, after: Any) -> str:  # noqa: ANN401  (two versions, or None)
    if before is None or after is None:
        return "added" if before is None else "removed"
    return "up" if after > before else "down"


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
                "change": _way(each.before, each.after),
                "before": each.before and str(each.before),
                "after": each.after and str(each.after),
            }
            for each in found.moved
        ],
        "hashes": [
            {
                "name": each.name,
                "version": str(each.version),
                "added": list(each.after),
                "removed": list(each.before),
            }
            for each in found.hashes
        ],
        "rules": [
            {"name": each.name, "added": list(each.after), "removed": list(each.before)}
            for each in found.reasons
        ],
    }
