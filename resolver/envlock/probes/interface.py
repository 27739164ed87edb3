"""What a probe is: levels, and the script that tries them.

The script runs inside the interpreter that is examined, as
``python -I SCRIPT RESULTS SECONDS [behind PACKAGE... | through PACKAGE LEVEL...]``:
CPython 3.6 syntax, the standard library and what is tried, files in the current
folder. It appends a JSON object a line to the file RESULTS:

``{"start": LEVEL}`` before a level, so that a crash is known to belong to it;
``{"level": …, "outcome": "passed", "detail": …, "seconds": …}`` after it, or
``"outcome": "failed"`` with ``error`` and ``traceback`` besides, or
``"outcome": "skipped"``, which needs no start; a script that starts others says
of one that died ``"outcome": "crashed"``, with ``output`` and ``stopped``.

SECONDS is the time limit that the caller keeps. ``through`` tries some levels
with another package, as ``PACKAGE:LEVEL``; of the packages after ``behind`` the
one that the levels went through anyway has ``PACKAGE:import`` passed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from envlock.model import Stage
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped


class WayRound(Struct, frozen=True, kw_only=True):
    """What to write instead, in code, where a level fails with a known ``message``.

    ``message`` is a regular expression over the failure's text.
    """

    message: str
    advice: str


class Level(Struct, frozen=True, kw_only=True):
    """One capability: its name, what it proves, and whether the default gate asks for it.

    ``lacking`` says in plain words what cannot be done where it is not passed.
    ``stage`` is the stage of a rule that it shows to be passed, None: of none.
    ``package`` is what it is a capability of; for one of a family, the family.
    """

    name: str
    proves: str
    lacking: str
    package: str = "tensorflow"
    stage: Stage | None = None
    in_default_gate: bool = False
    ways_round: tuple[WayRound, ...] = ()


class Probe(Struct, frozen=True, kw_only=True):
    """Levels in the order in which the script ``scripts/SCRIPT`` tries them.

    ``others`` are packages that do the same by themselves: where they are
    installed, levels are tried with each too, as ``PACKAGE:LEVEL``.
    """

    name: str
    script: str
    levels: tuple[Level, ...]
    others: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The script on disk."""
        return Path(str(files("envlock.probes") / "scripts" / self.script))

    @property
    def package(self) -> str:
        """The package that it is about, whatever else its first levels look at."""
        return self.levels[-1].package

    @property
    def gate(self) -> tuple[str, ...]:
        """The names of the levels that the default gate asks for."""
        return tuple(level.name for level in self.levels if level.in_default_gate)

    def through(self, package: str, names: Collection[str]) -> Probe:
        """Return the probe of some of the levels with one of the ``others``."""
        levels = (each for each in self.levels if each.name in names)
        return replace(self, levels=tuple(self._by(package, each) for each in levels), others=())

    def _by(self, package: str, level: Level) -> Level:
        """A level as another package has it."""
        words = level.lacking.replace(self.package, package)
        return replace(
            level,
            name=f"{package}:{level.name}",
            lacking=f"with {package}, {words}" if words == level.lacking else words,
            package=package,
        )

    def way_round(self, outcome: Outcome) -> str:
        """Return the known way round a failure, or "" where there is none."""
        if not isinstance(outcome, Failed):
            return ""
        text = f"{outcome.error}: {outcome.detail}"
        levels = (level for level in self.levels if level.name == outcome.level)
        ways = (way for level in levels for way in level.ways_round)
        return next((way.advice for way in ways if re.search(way.message, text)), "")

    def lacking(self, outcome: Outcome) -> str:
        """Say in plain words what cannot be done after a failure, or "" where there is none."""
        words = next((each.lacking for each in self.levels if each.name == outcome.level), "")
        match outcome:
            case Failed():
                return words
            case Crashed(detail=detail):
                return f"{words}; Python ended at it ({detail})"
            case _:
                return ""


def capabilities(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Return the names of the levels that passed."""
    return tuple(outcome.level for outcome in outcomes if isinstance(outcome, Passed))


def gate_passed(outcomes: Iterable[Outcome], levels: Iterable[str]) -> bool:
    """Tell whether every one of ``levels`` was tried and passed."""
    return set(levels) <= set(capabilities(outcomes))


def outcome_from(result: dict[str, object]) -> Outcome:
    """Make the outcome of a line that a script wrote after a level.

    Raises:
        KeyError, ValueError: the line is not of the form above.

    """
    level, detail = str(result["level"]), str(result["detail"])
    seconds = float(str(result.get("seconds", 0)))
    match result["outcome"]:
        case "passed":
            return Passed(level=level, detail=detail, seconds=seconds)
        case "skipped":
            return Skipped(level=level, detail=detail)
        case "failed":
            return Failed(
                level=level,
                error=str(result["error"]),
                detail=detail,
                traceback=str(result["traceback"]),
                seconds=seconds,
            )
        case "crashed":
            output, stopped = str(result["output"]), bool(result["stopped"])
            return Crashed(level=level, detail=detail, output=output, stopped=stopped)
        case other:
            raise ValueError(f"unknown outcome {other!r}")


def lines_of(results: Path) -> Iterator[dict[str, object]]:
    """Yield the lines that a script wrote, up to one that it died in."""
    if not results.is_file():
        return
    for line in results.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            return


def results_of(results: Path) -> Mapping[str, Outcome]:
    """Return the outcomes that a script wrote, by their levels."""
    found = (outcome_from(line) for line in lines_of(results) if "level" in line)
    return {each.level: each for each in found}
