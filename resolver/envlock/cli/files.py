"""`envlock export` and `envlock diff`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct

from envlock.choices import STANDARD_OUTPUT, Format
from envlock.cli.arguments import flag, option, word
from envlock.cli.options import ChosenOptions, IndexOptions, JsonOption, TalkOptions
from envlock.cli.output import progress_for, say, say_json
from envlock.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from envlock.differences import Difference


class ExportOptions(Struct, frozen=True, kw_only=True):
    """What is written, and where."""

    lock: Annotated[
        Path, word("LOCK", says="A lock of envlock, uv or pip-tools.  [default: requirements.txt]")
    ] = Path("requirements.txt")
    format: Annotated[
        Format | None,
        option(
            "--format",
            metavar="FORMAT",
            says=f"One of {', '.join(Format)}.  [default: what the name after -o says]",
        ),
    ] = None
    output: Annotated[
        Path | None,
        option(
            "-o",
            "--output",
            metavar="FILE",
            says="The file to write, or a folder.  [default: standard output]",
        ),
    ] = None
    python: Annotated[
        str | None,
        option(
            "-p",
            "--python",
            metavar="VERSION",
            says="The Python of a lock that names none.  [default: the one that runs envlock]",
        ),
    ] = None
    platform: Annotated[
        str | None,
        option(
            "--platform",
            metavar="PLATFORM",
            says="The platform of a lock that names none.  [default: this machine's]",
        ),
    ] = None

    universal: Annotated[
        bool,
        flag(
            "--universal",
            says="Put all platforms of the lock into one requirements file, with markers.",
        ),
    ] = False


class TwoLocks(Struct, frozen=True, kw_only=True):
    """What is compared."""

    before: Annotated[Path, word("OLD", says="A lock.")]
    after: Annotated[Path, word("NEW", says="Another one, of any format.")]


def export(own: ExportOptions, taken: ChosenOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Write an existing lock in another format.

    Nothing is resolved. Index pages are read where the format lists files, or
    needs hashes, that the lock does not have.
    """
    from envlock.cli.orders import configured_settings, project_name  # noqa: PLC0415  (for --help)
    from envlock.cli.selections import chosen  # noqa: PLC0415
    from envlock.targets.platforms import read_platform  # noqa: PLC0415
    from envlock.workflow import export as workflow  # noqa: PLC0415

    kind = _format(own)
    order = workflow.ExportOrder(
        source=own.lock,
        kind=kind,
        settings=configured_settings(index),
        command=shlex.join(["envlock", "export", own.lock.as_posix(), "--format", kind]),
        name=project_name(),
        python=own.python,
        platform=read_platform(own.platform) if own.platform else None,
        chosen=chosen(taken),
        together=own.universal,
    )
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    output = None if own.output == STANDARD_OUTPUT else own.output
    if output is not None:
        workflow.try_export(output, kind, progress)
    texts = workflow.export(order, progress)
    if output is None:
        return _print(kind, texts, as_json=talk.json)
    files = _places(output, texts)
    changed = workflow.write_export(files, own.lock)
    if talk.json:
        names = [str(path) for path in files]
        say_json("export", {"format": kind, "files": names, "written": list(map(str, changed))})
    else:
        rows = (f"{'written' if path in changed else 'unchanged'}  {path}" for path in files)
        say("\n".join(rows))
    return 0


def _print(kind: Format, texts: Mapping[str, str], *, as_json: bool) -> int:
    if as_json:
        say_json("export", {"format": kind, "texts": dict(texts)})
        return 0
    if len(texts) > 1:
        raise UsageError(f"these are {len(texts)} files: {', '.join(texts)}", "-o .")
    say(next(iter(texts.values())).removesuffix("\n"))
    return 0


def _places(output: Path, texts: Mapping[str, str]) -> dict[Path, str]:
    """Where the texts go: into a folder under their own names, or one into the file named."""
    if output.is_dir():
        return {output / name: text for name, text in texts.items()}
    if len(texts) > 1:
        raise UsageError(
            f"{output} is one file, and these are {len(texts)}: {', '.join(texts)}",
            f"-o {shlex.quote(output.parent.as_posix())}",
        )
    return {output: next(iter(texts.values()))}


def _format(own: ExportOptions) -> Format:
    """The format that is asked for, by its name or the file's; both must agree."""
    from envlock.formats.registry import LOCKS, format_of  # noqa: PLC0415  (as above)

    given = None if own.output == STANDARD_OUTPUT else own.output
    named = None if given is None or given.is_dir() else given
    told = format_of(named) if named else None
    kind = own.format or told
    if kind is None:
        raise UsageError(
            "which format? There are " + ", ".join(Format),
            f"--format {Format.REQUIREMENTS}",
        )
    if named is not None and told is not kind:
        raise UsageError(
            f"{named} is not a name for the format {kind}", f"-o {LOCKS[kind].filename}"
        )
    return kind


def diff(own: TwoLocks, talk: JsonOption) -> int:
    """Say what changed between two locks.

    Packages, versions, hashes, indexes, the rules that moved pins, Python and platform;
    exit code 1 when there is any difference. The locks may be of two formats.
    """
    from envlock.workflow.compare import difference  # noqa: PLC0415  (as above)

    found = difference(own.before, own.after, progress_for(quiet=False, verbose=False))
    code = ExitCode.of(problem=bool(found))
    if talk.json:
        say_json("diff", _data(found), exit_code=code)
    else:
        say(_text(found))
    return code


def _text(found: Difference) -> str:
    from envlock.differences import Way  # noqa: PLC0415  (as above)
    from envlock.report import rows_text  # noqa: PLC0415  (as above)

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
