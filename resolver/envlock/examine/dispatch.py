"""What kind of file is this? By its name, else by what is in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from envlock.choices import Format
from envlock.documents import read_json, shaped
from envlock.errors import UsageError
from envlock.examine.brief import with_short_lines
from envlock.examine.gathered import Gathered, Given
from envlock.examine.listings import examine_listing, is_json_listing, is_listing
from envlock.examine.reading import read_lenient
from envlock.examine.requirement_lines import RequirementLines, looks_like_requirement
from envlock.examine.text import examine_text
from envlock.findings import Examined, Kind
from envlock.request.requirements import logical_lines
from envlock.write import format_of

_Reader = Callable[[Path, str, Given], Examined]
_TROUBLE = re.compile(
    r"Traceback \(most recent call last\)"
    r"|^[ \t]*(?:[\w.]{1,100})?(?:Error|Exception|Warning)\b[^\n]{0,300}:"
    r"|\bERROR\b|\berror:"
    r"|^[ \t]*File \"[^\"\n]+\", line \d+",
    re.MULTILINE,
)
#: One of these is in all that `_TROUBLE` finds, and is looked for thirty times as fast.
_SIGNS = ("Traceback (", "Error", "Exception", "Warning", "ERROR", "error:", 'File "')
_OF_CONDA = re.compile(r"^(?:dependencies|channels|prefix|variables):", re.MULTILINE)
_LOCK_NAMES = re.compile(r"pylock(?:\.[^.]+)?\.toml|(?:uv|poetry)\.lock")
_HEAD = 20_000  # characters in which the head of a list or file is looked for
_MOST = 50_000  # lines: nobody has so many requirements
_UNREAD = 100  # lines that cannot be read, above which a text is a log
_SAMPLED = 1_000_000  # characters, and
_SAMPLE = 60  # lines that are looked at to tell requirements from a log
#: Shares of lines that cannot be requirements, above which a text is a log.
_HALF, _FEW = 0.5, 0.1


class _Output(Struct):
    """What one cell of a notebook printed or raised."""

    text: str | list[str] = ""
    traceback: str | list[str] = ""


class _Cell(Struct):
    outputs: list[_Output] = []


class _Notebook(Struct):
    cells: list[_Cell]


def examine_path(path: Path, given: Given | None = None) -> Examined:
    """Examine a file: requirements, listings, environment files, locks, projects or logs.

    Raises:
        UsageError: it cannot be read, or is of a kind that is known and not
            what its name says; in words, with the line.
    """
    given = given or Given()
    text, part = read_lenient(path)
    if part:
        return examine_part(text, part, str(path), given)
    reader = _reader(path)
    if reader is not None:
        return reader(path, text, given)
    requirements = path.suffix in {".txt", ".in"}
    return examine_content(text, str(path), given, folder=path.parent, requirements=requirements)


def _reader(path: Path) -> _Reader | None:
    """What reads the files of a name that speaks for itself; imported when it is needed."""
    if _LOCK_NAMES.fullmatch(path.name):
        from envlock.examine.locks import examine_lock  # noqa: PLC0415  (tomllib: 2 ms)

        return examine_lock
    if format_of(path) in {Format.CONDA_LOCK, Format.PIXI}:
        from envlock.examine.conda_locks import examine_conda_lock  # noqa: PLC0415  (yaml: 10 ms)

        return examine_conda_lock
    if path.name == "pyproject.toml":
        from envlock.examine.project import examine_project  # noqa: PLC0415  (as above)

        return examine_project
    if path.suffix in {".yml", ".yaml"}:
        from envlock.examine.environment_yml import (  # noqa: PLC0415  (yaml: 10 ms)
            examine_environment_yml,
        )

        return examine_environment_yml
    return _examine_notebook if path.suffix == ".ipynb" else None


def _examine_notebook(path: Path, text: str, given: Given) -> Examined:
    return examine_text("\n".join(_outputs(path, text)), given, origin=str(path))


def examine_part(text: str, part: str, origin: str, given: Given | None = None) -> Examined:
    """Examine both ends of a text that is too long to be read whole: a log, or nothing.

    Raises:
        UsageError: it is no log.
    """
    if not _is_log(text[:_HEAD], named=False):
        raise UsageError(
            f"{origin}: more than 10 MB, and no log: a part of a list says nothing",
            "give the part with the error in it",
        )
    found = examine_text(text, given, origin=origin)
    return replace(found, notes=(*found.notes, f"{origin}: {part}"))


def examine_content(
    text: str,
    origin: str,
    given: Given | None = None,
    *,
    folder: Path | None = None,
    requirements: bool = False,
) -> Examined:
    """Examine a text that may be a listing, requirements, an environment file or a log.

    ``folder`` is where includes are looked for; ``requirements`` says that the
    name of a file speaks for requirements.
    """
    given = given or Given()
    if is_json_listing(text):
        return examine_listing(origin, text, given)
    text = with_short_lines(text)
    if is_listing(text) and not _in_trouble(text):
        return examine_listing(origin, text, given)
    if _OF_CONDA.search(text[:_HEAD]) and not _in_trouble(text):
        from envlock.examine.environment_yml import (  # noqa: PLC0415  (yaml: 10 ms)
            examine_environment_yml,
        )

        return examine_environment_yml(Path(origin), text, given)
    if _is_log(text, named=requirements):
        return examine_text(text, given, origin=origin)
    gathered = Gathered(origin=origin, given=given, manager="pip")
    reader = RequirementLines(gathered=gathered)
    for number, line in logical_lines(text, as_pip=True):
        reader.line(line, f"{origin}:{number}", folder)
        if len(gathered.notes) > _UNREAD:
            return examine_text(text, given, origin=origin)
    return gathered.examined(Kind.FILE)


def _in_trouble(text: str) -> bool:
    return any(sign in text for sign in _SIGNS) and _TROUBLE.search(text) is not None


def _is_log(text: str, *, named: bool) -> bool:
    """Whether a text is prose or a log; ``named``: its name says that it is requirements."""
    if text.count("\n") > _MOST:
        return True
    lines = [line for _, line in islice(logical_lines(text[:_SAMPLED], as_pip=True), _SAMPLE)]
    if not lines:
        return False
    strange = 1 - sum(map(looks_like_requirement, lines)) / len(lines)
    troubled = _in_trouble("\n".join(lines))
    return strange > (_FEW if troubled and not named else _HALF)


def _outputs(path: Path, text: str) -> Iterator[str]:
    """The printed output and tracebacks of a notebook."""
    document = read_json(str(path), text)
    if not isinstance(document, dict) or "cells" not in document:
        raise UsageError(f"{path}: not a Jupyter notebook: it has no cells")
    notebook = shaped(f"{path}: not a Jupyter notebook", document, _Notebook)
    for cell in notebook.cells:
        for output in cell.outputs:
            for value in (output.text, output.traceback):
                yield value if isinstance(value, str) else "\n".join(value)
