"""`envlock verify`: what an environment can really do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envlock.environment.inspect import find_environment
from envlock.outcomes import Outcome
from envlock.probes import DEFAULT_GATE, PROBES
from envlock.probes.interface import gate_passed
from envlock.probes.runner import run_probe, run_user_script
from envlock.progress import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class ProofOrder:
    """How an environment is proved: scripts of the user's own, and the time limit in seconds."""

    scripts: Sequence[Path] = ()
    timeout: float = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What was tried in an environment and whether the gate is passed."""

    python: Path
    outcomes: tuple[Outcome, ...]
    passed: bool
    gate: tuple[str, ...]
    ways_round: Mapping[str, str]


def verify(environment: Path | None, order: ProofOrder, progress: Progress) -> Proof:
    """Probe an environment without changing it.

    Raises:
        UsageError: there is no environment, or no such script.
    """
    return prove(find_environment(environment), order, progress, write_bytecode=False)


def prove(python: Path, order: ProofOrder, progress: Progress, *, write_bytecode: bool) -> Proof:
    """Run every probe, then the user's scripts; those count for the gate.

    ``write_bytecode`` lets the imports leave their ``.pyc`` files, which the
    next start of the environment is quicker by.
    """
    outcomes: list[Outcome] = []
    ways: dict[str, str] = {}
    for probe in PROBES.values():
        with progress.phase(f"prove {probe.name}"):
            found = run_probe(probe, python, timeout=order.timeout, write_bytecode=write_bytecode)
        outcomes += found
        ways.update((each.level, way) for each in found if (way := probe.way_round(each)))
    gate = list(DEFAULT_GATE)
    for script in order.scripts:
        with progress.phase(f"prove {script}"):
            outcomes.append(run_user_script(python, script, timeout=order.timeout))
        gate.append(outcomes[-1].level)
    return Proof(
        python=python,
        outcomes=tuple(outcomes),
        passed=gate_passed(outcomes, gate),
        gate=tuple(gate),
        ways_round=ways,
    )
