"""An environment is proved: every probe, and scripts of the user's own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name

from envlock.choices import PROBE_SECONDS
from envlock.environment.inspect import compiling
from envlock.environment.layout import read_layout
from envlock.environment.shell import LIBRARIES, Addition, additions, without
from envlock.outcomes import Crashed, Outcome, Passed
from envlock.probes import PROBES
from envlock.probes.interface import capabilities, gate_passed
from envlock.probes.runner import run_probe, run_user_script
from envlock.progress import Progress
from envlock.rules.frameworks import families
from envlock.system import run


class ProofOrder(Struct, frozen=True, kw_only=True):
    """How an environment is proved: scripts of the user's own, and the time limit in seconds.

    ``needs`` are levels that must pass beside those of the gate. ``in_shell``:
    what this shell adds is tried too.
    """

    in_shell: bool = False
    needs: Sequence[str] = ()
    scripts: Sequence[Path] = ()
    timeout: float = PROBE_SECONDS


class ShellProof(Struct, frozen=True, kw_only=True):
    """What the shell adds, and the levels of the gate that pass without it and fail with it."""

    additions: tuple[Addition, ...]
    broken: tuple[Outcome, ...] = ()


class Proof(Struct, frozen=True, kw_only=True):
    """What was tried in an environment and whether the gate is passed.

    ``lacking`` maps a level that failed to what cannot be done, in plain words;
    ``shell`` is what this shell makes of it, None where it adds nothing.
    """

    python: Path
    outcomes: tuple[Outcome, ...]
    passed: bool
    gate: tuple[str, ...]
    ways_round: Mapping[str, str]
    lacking: Mapping[str, str]
    shell: ShellProof | None = None

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
    added = additions(read_layout(python.absolute()), os.environ) if order.in_shell else ()
    apart = _apart(python, added)
    outcomes: list[Outcome] = []
    gate: list[str] = list(order.needs)
    ways: dict[str, str] = {}
    lacking: dict[str, str] = {}
    for probe in PROBES.values():
        levels = [each for each in probe.levels if pins is None or is_among(each.package, pins)]
        if not levels:
            continue
        limits: dict[str, Any] = {"timeout": order.timeout, "write_bytecode": write_bytecode}
        with progress.phase(f"prove {probe.name}"), _compiling(python, wanted=write_bytecode):
            found = run_probe(probe, python, extra_env=apart, **limits)
        names = {level.name for level in levels}
        outcomes += (each for each in found if each.level in names)
        gate += (level.name for level in levels if level.in_default_gate)
        ways.update((each.level, way) for each in found if (way := probe.way_round(each)))
        lacking.update((each.level, words) for each in found if (words := probe.lacking(each)))
    for script in order.scripts:
        with progress.phase(f"prove {script}"):
            outcomes.append(run_user_script(python, script, timeout=order.timeout))
        gate.append(outcomes[-1].level)
    proof = Proof(
        python=python,
        outcomes=tuple(outcomes),
        passed=gate_passed(outcomes, gate),
        gate=tuple(gate),
        ways_round=ways,
        lacking=lacking,
    )
    return replace(proof, shell=_in_shell(proof, added, order, progress)) if added else proof


def _apart(python: Path, added: Sequence[Addition]) -> dict[str, str]:
    """The variables that are left out of a proof of the environment alone, where it starts so."""
    bare = {each.variable: "" for each in added if each.variable in LIBRARIES}
    if not bare:
        return {}
    started = run([python, "-I", "-c", "pass"], env={**without(os.environ), **bare})
    return bare if started.returncode == 0 else {}


def _in_shell(
    proof: Proof, added: Sequence[Addition], order: ProofOrder, progress: Progress
) -> ShellProof:
    """Try once more as this shell starts it."""
    passed = set(capabilities(proof.outcomes)) & set(proof.gate)
    broken: list[Outcome] = []
    for probe in PROBES.values():
        if not any(level.name in passed for level in probe.levels):
            continue
        with progress.phase(f"prove {probe.name} as this shell starts it"):
            found = run_probe(probe, proof.python, timeout=order.timeout, isolated=False)
        broken += (o for o in found if o.level in passed and not isinstance(o, Passed))
    return ShellProof(additions=tuple(added), broken=tuple(broken))


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
