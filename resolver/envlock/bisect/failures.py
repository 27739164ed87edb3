"""How something fails, so that two failures can be told to be the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from envlock.bisect.ddmin import Verdict
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped

_RAISED = re.compile(r"^(?P<kind>(?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?:: (?P<said>.*))?$")
_MODULE = re.compile(r"No module named '?([\w.]+)")


class Failure(Struct, frozen=True, kw_only=True):
    """The level that does not pass, the type of its error, a line of words, and all it said."""

    level: str
    error: str
    message: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.level}: {self.line}"

    @property
    def line(self) -> str:
        """The line that a traceback would end with."""
        return f"{self.error}: {self.message}" if self.message else self.error

    def is_like(self, other: Failure) -> bool:
        """Whether both are one failure: the same level and type of error.

        Modules that are missing are told apart by their names.
        """
        return (self.level, self.error, self._module) == (other.level, other.error, other._module)

    @property
    def _module(self) -> str:
        found = _MODULE.match(self.message) if self.error == "ModuleNotFoundError" else None
        return found[1] if found else ""


def failures(outcomes: Iterable[Outcome], required: Collection[str]) -> tuple[Failure, ...]:
    """Return how each required level fails, in their order; nothing where all of them pass.

    For one that is skipped stands the level that failed before it.
    """
    outcomes = tuple(outcomes)
    found: list[Failure] = []
    failed = [each for each in outcomes if isinstance(each, Failed | Crashed)]
    for each in outcomes:
        if each.level in required and not isinstance(each, Passed):
            stands = failed[0] if failed and isinstance(each, Skipped) else each
            found.append(_failure(stands))
    return tuple(dict.fromkeys(found))


def verdict(found: Sequence[Failure], wanted: Failure) -> Verdict:
    """Say what the failures of a trial tell about the one that is looked for."""
    if not found:
        return Verdict.PASSES
    same = any(each.is_like(wanted) for each in found)
    return Verdict.FAILS if same else Verdict.UNRESOLVED


def _failure(outcome: Outcome) -> Failure:
    match outcome:
        case Failed(level=level, error=error, detail=detail, traceback=text):
            if error.startswith("exit status"):
                error, detail = raised(text, error)
            return Failure(level=level, error=error, message=_line(detail), text=text or detail)
        case Crashed(level=level, detail=detail, output=output):
            return Failure(level=level, error=detail, message="", text=output)
        case Skipped(level=level, detail=detail):
            return Failure(level=level, error="not tried", message=_line(detail))
        case Passed(level=level):
            raise ValueError(f"{level} passed")


def raised(text: str, status: str) -> tuple[str, str]:
    """Return type and words of the exception that a program's output ends with.

    Of one that ends with no exception, its exit status and its last line.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    tracebacks = [number for number, line in enumerate(lines) if line.startswith("Traceback ")]
    for line in lines[tracebacks[-1] :] if tracebacks else ():
        if (match := _RAISED.match(line)) is not None:
            return match["kind"].rpartition(".")[2], match["said"] or ""
    return status, lines[-1].strip() if lines else ""


def _line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
