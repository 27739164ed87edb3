"""What a workflow of GitHub shows of an answer beside the code: annotations.

Sources: GitHub's documentation, "Workflow commands", and ``@actions/core``,
whose escapes these are. A runner reads commands at the beginning of a line of
any output, so nothing but annotations and what begins with words of envlock's
is printed beside them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from envlock.choices import ReportFormat
from envlock.cli.output import say
from envlock.errors import Conflicted, EnvlockError
from envlock.index.secrets import redact

_WORKSPACE = "GITHUB_WORKSPACE"
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


class AnnotationLevel(StrEnum):
    """How much an annotation says is wrong."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Annotation(Struct, frozen=True, kw_only=True):
    """One remark; ``line`` is 0 where it is about a whole file, ``file`` None for none."""

    message: str
    title: str = "envlock"
    level: AnnotationLevel = AnnotationLevel.ERROR
    file: Path | None = None
    line: int = 0

    def __str__(self) -> str:
        """Return the command that the runner reads."""
        said: dict[str, str] = {}
        if self.file is not None:
            said["file"] = _from_the_top(self.file)
        if self.line:
            said["line"] = str(self.line)
        said["title"] = self.title
        properties = ",".join(f"{key}={_escaped(text, _PROPERTY)}" for key, text in said.items())
        return f"::{self.level} {properties}::{_escaped(self.message, _DATA)}"


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(each, each) for each in text)


def _from_the_top(path: Path) -> str:
    """The path as GitHub knows it: from the top of what was checked out."""
    top = os.environ.get(_WORKSPACE, "")
    whole = Path(os.path.abspath(path))  # noqa: PTH100  (links stay)
    inside = bool(top) and whole.is_relative_to(top)
    return whole.relative_to(top).as_posix() if inside else path.as_posix()


def annotate(annotations: Iterable[Annotation]) -> None:
    """Print annotations, each on a line of its own."""
    for each in annotations:
        say(str(each))


def asked_for(typed: Sequence[str]) -> bool:
    """Whether annotations were asked for by what was typed."""
    return any(
        f"--format={ReportFormat.GITHUB}" == word
        or (word, value) == ("--format", str(ReportFormat.GITHUB))
        for word, value in pairwise((*typed, ""))
    )


def annotate_error(error: EnvlockError, remedies: Sequence[str]) -> None:
    """Print an error that ended a command as an annotation."""
    file, line = None, 0
    if isinstance(error, Conflicted):
        name, _, number = error.where.rpartition(":")
        file, line = Path(name), int(number)
    ways = [f"try: {each}" for each in remedies]
    message = redact("\n".join((error.message, *ways)), certain=True)
    annotate([Annotation(message=message, file=file, line=line)])
