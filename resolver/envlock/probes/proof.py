"""An environment is proved: every probe, what was asked for, and scripts of the user's own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name

from envlock.choices import PROBE_SECONDS
from envlock.environment.inspect import compiling, installed, prefix_of
from envlock.environment.layout import read_layout
from envlock.environment.shell import LIBRARIES, Addition, additions, without
from envlock.model import Stage
from envlock.outcomes import IMPORTS, Crashed, Outcome, Passed, Skipped
from envlock.probes import PROBES, imports
from envlock.probes.interface import Level, Probe, capabilities, gate_passed
from envlock.probes.runner import run_probe, run_user_script
from envlock.progress import Progress
from envlock.rules.frameworks import families
from envlock.rules.uses import use_of, uses_digest
from envlock.system import run

#: Seconds that a Python has to start and do nothing.
_START = 60.0


class ProofOrder(Struct, frozen=True, kw_only=True):
    """How an environment is proved: scripts of the user's own, and the time limit in seconds.

    ``needs`` are levels that must pass beside those of the gate, ``imports``
    the distributions that must be imported. ``in_shell``: what this shell adds
    is tried too.
    """

    in_shell: bool = False
    needs: Sequence[str] = ()
    imports: Sequence[NormalizedName] = ()
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
    """Run every probe and import what was asked for, then run the user's scripts; all count.

    ``write_bytecode`` lets the imports leave their ``.pyc`` files, which the
    next start of the environment is quicker by, and makes more beside them.
    With ``pins``, levels of packages that are not among them are left out.
    """
    added = additions(read_layout(python.absolute()), os.environ) if order.in_shell else ()
    trial = _Trial(
        python=python,
        order=order,
        progress=progress,
        limits={"timeout": order.timeout, "write_bytecode": write_bytecode},
        apart=_apart(python, added),
        pins=pins,
        there=installed(prefix_of(python)).keys() if pins is None else pins,
    )
    trial.run()
    proof = trial.proof()
    return replace(proof, shell=_in_shell(proof, added, order, progress)) if added else proof


class _Trial(Struct, kw_only=True):
    """A proof under way."""

    python: Path
    order: ProofOrder
    progress: Progress
    limits: dict[str, Any]
    apart: Mapping[str, str]
    pins: Collection[NormalizedName] | None
    there: Collection[NormalizedName]
    outcomes: list[Outcome] = field(default_factory=list)
    gate: list[str] = field(default_factory=list)
    ways: dict[str, str] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Try all of it."""
        self.gate += self.order.needs
        names = [each for each in self.order.imports if not is_shown(each, self.there)]
        limits = {**self.limits, "extra_env": self.apart}
        with ExitStack() as stack:
            stack.enter_context(_compiling(self.python, wanted=self.limits["write_bytecode"]))
            work = stack.enter_context(imports.importing(self.python, names, **limits))
            for probe in PROBES.values():
                self._probe(probe)
            if names:
                told = f"import {', '.join(each.name for each in work.tasks)}"
                stack.enter_context(self.progress.phase(told))
        self._take_imports(work.outcomes)
        for script in self.order.scripts:
            with self.progress.phase(f"prove {script}"):
                found = run_user_script(self.python, script, timeout=self.order.timeout)
            self.outcomes.append(found)
            self.gate.append(found.level)

    def _probe(self, probe: Probe) -> None:
        levels = [
            each for each in probe.levels if self.pins is None or is_among(each.package, self.pins)
        ]
        if not levels:
            return
        others = [each for each in probe.others if is_among(each, self.there)]
        words = ("behind", *others) if others else ()
        found = self._tried(probe, f"prove {probe.name}", {each.name for each in levels}, words)
        passed = capabilities(found)
        if not any(name in passed for name in _imports(probe)):
            return  # what the others need is not there
        for other in others:
            if f"{other}:import" in passed:
                self.gate.append(f"{other}:import")
                continue
            some = [each.name for each in probe.levels if self._counts(each, probe, other)]
            through = probe.through(other, some)
            names = {each.name for each in through.levels}
            title = f"prove {probe.name} with {other}"
            self._tried(through, title, names, ("through", other, *some))

    def _tried(
        self, probe: Probe, title: str, names: Collection[str], words: Sequence[str]
    ) -> tuple[Outcome, ...]:
        with self.progress.phase(title):
            every = run_probe(probe, self.python, extra_env=self.apart, words=words, **self.limits)
        names = {*names, *(f"{other}:import" for other in probe.others)}
        found = tuple(each for each in every if each.level in names)
        self.outcomes += found
        self.gate += (name for name in probe.gate if name in names)
        self.ways.update((each.level, way) for each in found if (way := probe.way_round(each)))
        self.lacking.update((each.level, said) for each in found if (said := probe.lacking(each)))
        return found

    def _counts(self, level: Level, probe: Probe, other: str) -> bool:
        """Whether a level is tried with another package too: of one that nobody named the gate."""
        named = any(
            each in families().members(canonicalize_name(other)) for each in self.order.imports
        )
        return level.package == probe.package and (level.in_default_gate or named)

    def _take_imports(self, found: Sequence[Outcome]) -> None:
        """Take what imports came to; what has no module is told and asked of nobody."""
        self.outcomes += found
        self.gate += (each.level for each in found if not isinstance(each, Skipped))
        for each in found:
            if words := imports.lacking(each):
                self.lacking[each.level] = words
            if way := imports.cause_of(each)[1]:
                self.ways[each.level] = way

    def proof(self) -> Proof:
        """Return what came of it."""
        return Proof(
            python=self.python,
            outcomes=tuple(self.outcomes),
            passed=gate_passed(self.outcomes, self.gate),
            gate=tuple(self.gate),
            ways_round=self.ways,
            lacking=self.lacking,
        )


def _imports(probe: Probe) -> Iterator[str]:
    """The levels of a probe that show that its framework can be imported."""
    return (
        each.name
        for each in probe.levels
        if each.stage is Stage.IMPORT and each.package == probe.package
    )


def is_shown(name: NormalizedName, pins: Collection[NormalizedName]) -> bool:
    """Whether a level of a probe shows anyway that a distribution is imported."""
    family = families().family_of(name) or name
    for probe in PROBES.values():
        if any(each.package == family and each.stage is Stage.IMPORT for each in probe.levels):
            return True
        if family in probe.others and is_among(probe.package, pins):
            return True
    return False


def _apart(python: Path, added: Sequence[Addition]) -> dict[str, str]:
    """The variables that are left out of a proof of the environment alone, where it starts so."""
    bare = {each.variable: "" for each in added if each.variable in LIBRARIES}
    if not bare:
        return {}
    env = {**without(os.environ), **bare}
    started = run([python, "-I", "-c", "pass"], env=env, timeout=_START)
    return bare if started.returncode == 0 else {}


def _in_shell(
    proof: Proof, added: Sequence[Addition], order: ProofOrder, progress: Progress
) -> ShellProof:
    """Try once more as this shell starts it."""
    passed = set(capabilities(proof.outcomes)) & set(proof.gate)
    broken: list[Outcome] = []
    names = [each for each in order.imports if f"{IMPORTS}{each}" in passed]
    how: dict[str, Any] = {"timeout": order.timeout, "isolated": False}
    with imports.importing(proof.python, names, **how) as work:
        for probe in PROBES.values():
            if not any(level.name in passed for level in probe.levels):
                continue
            with progress.phase(f"prove {probe.name} as this shell starts it"):
                found = run_probe(probe, proof.python, **how)
            broken += (o for o in found if o.level in passed and not isinstance(o, Passed))
    broken += (each for each in work.outcomes if not isinstance(each, Passed))
    return ShellProof(additions=tuple(added), broken=tuple(broken))


def probe_digest() -> str:
    """Name the probes and a digest of their scripts: other scripts, other evidence."""
    return " ".join(
        f"{probe.name} {hashlib.sha256(probe.path.read_bytes()).hexdigest()[:12]}"
        for probe in PROBES.values()
    )


def imports_digest() -> str:
    """Name a digest of how distributions are imported and used."""
    script = hashlib.sha256(imports.SCRIPT.read_bytes()).hexdigest()[:12]
    return f"imports {script} {uses_digest()}"


def import_digest(name: NormalizedName) -> str:
    """Name a digest of how one distribution is imported and used."""
    how = imports.SCRIPT.read_bytes() + use_of(name).encode()
    return f"imports {hashlib.sha256(how).hexdigest()[:12]}"


def _compiling(python: Path, *, wanted: bool) -> AbstractContextManager[None]:
    return compiling(python) if wanted else nullcontext()


def is_among(package: str, pins: Collection[NormalizedName]) -> bool:
    """Whether a package, or for a family one of its members, is among ``pins``."""
    members = families().members(canonicalize_name(package))
    return any(member in pins for member in members)
