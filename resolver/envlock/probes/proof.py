"""An environment is proved: every probe, and scripts of the user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name

from envlock.choices import PROBE_SECONDS
from envlock.environment.inspect import compiling
from envlock.outcomes import Crashed, Outcome
from envlock.probes import PROBES
from envlock.probes.interface import capabilities, gate_passed
from envlock.probes.runner import run_probe, run_user_script
from envlock.progress import Progress
from envlock.rules.frameworks import families


class ProofOrder(Struct, frozen=True, kw_only=True):
    """How an environment is proved: scripts of the user's own, and the time limit in seconds.

    ``needs`` are levels that must pass beside those of the gate.
    """

    needs: Sequence[str] = ()
    scripts: Sequence[Path] = ()
    timeout: float = PROBE_SECONDS


class Proof(Struct, frozen=True, kw_only=True):
    """What was tried in an environment and whether the gate is passed.

    ``lacking`` maps a level that failed to what cannot be done, in plain words.
    """

    python: Path
    outcomes: tuple[Outcome, ...]
    passed: bool
    gate: tuple[str, ...]
    ways_round: Mapping[str, str]
    lacking: Mapping[str, str]

    @property
    def missed(self) -> tuple[str, ...]:
        """The levels of the gate that are not passed."""
        passed = capabilities(self.outcomes)
        return tuple(each for each in self.gate if each not in passed)

    @property
    def stopped(self) -> Crashed | None:
        """The level that was ended from outside, where the gate is not passed for it."""
        crashed = (each for each in self.outcomes if isinstance(each, Crashed) and each.stopped)
        return None if self.passed else next(crashed, None)


def prove(
    python: Path,
    order: ProofOrder,
    progress: Progress,
    *,
    write_bytecode: bool,
    pins: Collection[NormalizedName] | None = None,
) -> Proof:
    """Run every probe, then the user's scripts; those count for the gate.

    ``write_bytecode`` lets the imports leave their ``.pyc`` files, which the
    next start of the environment is quicker by, and makes more beside them.
    With ``pins``, levels of packages that are not among them are left out.
    """
    outcomes: list[Outcome] = []
    gate: list[str] = list(order.needs)
    ways: dict[str, str] = {}
    lacking: dict[str, str] = {}
    for probe in PROBES.values():
        levels = [each for each in probe.levels if pins is None or is_among(each.package, pins)]
        if not levels:
            continue
        with progress.phase(f"prove {probe.name}"), _compiling(python, wanted=write_bytecode):
            found = run_probe(probe, python, timeout=order.timeout, write_bytecode=write_bytecode)
        names = {level.name for level in levels}
        outcomes += (each for each in found if each.level in names)
        gate += (level.name for level in levels if level.in_default_gate)
        ways.update((each.level, way) for each in found if (way := probe.way_round(each)))
        lacking.update((each.level, words) for each in found if (words := probe.lacking(each)))
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
        lacking=lacking,
    )


def probe_digest() -> str:
    """Name the probes and a digest of their scripts: other scripts, other evidence."""
    return " ".join(
        f"{probe.name} {hashlib.sha256(probe.path.read_bytes()).hexdigest()[:12]}"
        for probe in PROBES.values()
    )


def _compiling(python: Path, *, wanted: bool) -> AbstractContextManager[None]:
    return compiling(python) if wanted else nullcontext()


def is_among(package: str, pins: Collection[NormalizedName]) -> bool:
    """Whether a package, or for a family one of its members, is among ``pins``."""
    members = families().members(canonicalize_name(package))
    return any(member in pins for member in members)
