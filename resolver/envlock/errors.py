"""The errors a user can meet, each with an exit code and what to type next.

Everything envlock raises on purpose derives from `EnvlockError`; any other
exception that reaches the command line is a defect.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Self


class ExitCode(IntEnum):
    """How envlock ends, and what that says to a script."""

    DONE = 0
    PROBLEM = 1
    USAGE = 2
    NO_RESOLUTION = 3
    WORK = 4
    INTERRUPTED = 130

    @classmethod
    def of(cls, *, problem: bool) -> ExitCode:
        """Return the code of an answer: it tells of a problem, or of none."""
        return cls.PROBLEM if problem else cls.DONE


class EnvlockError(Exception):
    """Something asked for could not be done.

    ``message`` says what was asked, what was found and why; ``remedies`` are
    commands or edits that lead on, best first; one that begins with an option
    is to be added to what was typed. ``cause`` is the kind of it, for programs;
    ``details`` are facts for ``--json``. With ``carries`` a remedy that asks anew gets
    the options that were typed too.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.WORK
    cause: ClassVar[str] = "work"
    carries: ClassVar[bool] = False
    details: Mapping[str, object] = MappingProxyType({})

    def __init__(self, message: str, *remedies: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedies = remedies

    def telling(self, **details: object) -> Self:
        """Return it with more facts."""
        self.details = {**self.details, **details}
        return self


class UsageError(EnvlockError):
    """The command line or an input file is malformed."""

    exit_code = ExitCode.USAGE
    cause = "usage"


class Conflicted(UsageError):
    """A merge left both versions of what it could not merge in a file.

    ``where`` is file:line, ``files`` are those in which it did so; ``again``
    makes them anew where envlock wrote them. How the files come back is git's
    to say (`envlock.system.revisions.before_merge`), so there are no remedies yet.
    """

    def __init__(self, where: str, *files: Path, again: str = "") -> None:
        super().__init__(
            f"{where}: a merge left both versions here (from <<<<<<< to >>>>>>>), and one must go"
        )
        self.where = where
        self.files = files
        self.again = again


def refuse_conflict(text: str, path: Path) -> None:
    """Refuse a text with the marks of a merge that somebody has still to decide.

    Raises:
        Conflicted: it has them.
    """
    begin = middle = f"\n{text}".find("\n<<<<<<< ")
    for mark in ("\n=======", "\n>>>>>>> "):
        middle = text.find(mark, middle) if middle >= 0 else middle
    if middle >= 0:
        line = text.count("\n", 0, begin) + 1
        own = "made by: envlock " in text or '\ncommand = "envlock ' in text
        raise Conflicted(f"{path}:{line}", path, again="envlock lock" if own else "")


class ProblemFound(EnvlockError):
    """What was examined is wrong, and there is no answer to print.

    Where the problem is the answer (a stale lock, a proof that failed), it is
    printed and the program ends with the same code.
    """

    exit_code = ExitCode.PROBLEM
    cause = "problem"


class NoResolution(EnvlockError):
    """No set of versions meets the request and the rules."""

    exit_code = ExitCode.NO_RESOLUTION
    cause = "no-resolution"
    carries = True


class WorkError(EnvlockError):
    """The work could not be done: network, disk, missing interpreter."""

    exit_code = ExitCode.WORK


class DiskFull(WorkError):
    """A disk or a quota has no room for what was being done, which says nothing about the work."""

    cause = "disk-full"


class InterpreterMissing(WorkError):
    """The Python that was asked for is not on this machine."""

    cause = "python-missing"


class PythonGone(InterpreterMissing):
    """The Python of the virtual environment ``folder`` was removed; the last remedy is its return.

    What else can be typed depends on what is in the folder (`envlock.environment.place`).
    """

    def __init__(self, folder: Path, message: str, *remedies: str) -> None:
        super().__init__(message, *remedies)
        self.folder = folder


class IndexFailure(WorkError):
    """A package index could not be reached or did not answer properly."""

    cause = "index"


class InstallFailure(WorkError):
    """The installer refused or failed: a hash mismatch, a build that broke."""

    cause = "install"
