"""`envlock verify`: what an environment can really do."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name

from envlock import report
from envlock.choices import ReportFormat
from envlock.cli.options import ProbeOptions, ReportOptions, TalkOptions, refuse_two_reports
from envlock.cli.orders import environment_folder, environment_meant, seconds
from envlock.cli.output import progress_for, say, say_json
from envlock.commands.environments import ExaminedEnvironment
from envlock.commands.environments.explained import explained
from envlock.diagnose.report import findings_data, findings_text
from envlock.environment.inspect import current, installed, prefix_of
from envlock.environment.recovery import environment_at
from envlock.environment.requested import requested_in
from envlock.errors import ExitCode, UsageError
from envlock.formats import registry
from envlock.probes.proof import Proof, ProofOrder, prove
from envlock.progress import Progress
from envlock.system.looking import is_file


def verify(
    environment: Path, own: ExaminedEnvironment, order: ProofOrder, progress: Progress
) -> Proof:
    """Probe an environment without changing it, but for a change that was stopped.

    Raises:
        UsageError: there is no environment, or no such script or package.
        WorkError: what a stopped envlock left cannot be put right.
    """
    refuse_files(environment)
    python = environment_at(environment, progress)
    order = replace(order, imports=_imports(python, own))
    return prove(python, order, progress, write_bytecode=False)


def _imports(python: Path, own: ExaminedEnvironment) -> tuple[NormalizedName, ...]:
    """What is imported: what was typed, else what was asked for when the environment was made."""
    prefix = prefix_of(python)
    there = installed(prefix)
    for name in map(canonicalize_name, own.imports):
        if name not in there:
            raise UsageError(
                f"--imports {name}: {prefix} has no such package",
                f"envlock diagnose {shlex.quote(str(prefix))}",
            )
    asked = frozenset(map(canonicalize_name, own.imports)) or requested_in(prefix)
    return tuple(sorted(asked - {*map(canonicalize_name, own.no_imports)}))


def refuse_files(path: Path | None) -> None:
    """Refuse a file that is no program where an environment is meant.

    Raises:
        UsageError: it is one; says what it is.
    """
    if path is None or not is_file(path):
        return
    kind = registry.named(path)
    if kind is None and os.access(path, os.X_OK):
        return
    kind = registry.format_at(path) or kind
    what = registry.ROWS[kind].what if kind else "no program"
    others = ("envlock verify",) if current(environment_folder(None)) else ()
    raise UsageError(
        f"{path} is {what}, and no environment: a folder with a Python is needed, or a Python",
        f"envlock diagnose {shlex.quote(path.as_posix())}",
        *others,
    )


def run_verify(
    own: ExaminedEnvironment, probes: ProbeOptions, form: ReportOptions, talk: TalkOptions
) -> int:
    """Do `envlock verify`."""
    refuse_two_reports(form, talk)
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    order = proof_order(probes, in_shell=True)
    proof = verify(environment_meant(own.environment, progress), own, order, progress)
    why = None if proof.passed else explained(proof, ())
    findings = () if why is None else why.findings
    code = ExitCode.of(problem=not proof.passed or bool(proof.shell and proof.shell.broken))
    if form.format is ReportFormat.GITHUB:
        from envlock.commands.environments.github import tell_proof  # noqa: PLC0415  (for CI alone)

        tell_proof(proof, proof_text(proof, verbose=False))
    elif talk.json:
        content = {**proof_data(proof), "findings": findings_data(findings)}
        say_json("verify", content, exit_code=code)
    else:
        told = findings_text(findings, verbose=talk.verbose)
        say("\n\n".join(filter(None, (proof_text(proof, verbose=talk.verbose), told))))
    return code


def proof_text(proof: Proof, *, verbose: bool) -> str:
    """What was proved, for a person; ``verbose`` with all that failures printed."""
    text = report.proof_text(
        proof.python, proof.outcomes, proof.gate, proof.ways_round, verbose=verbose
    )
    return "\n".join((text, *(f"in this shell: {line}" for line in shell_lines(proof))))


def shell_lines(proof: Proof) -> Iterator[str]:
    """What the variables of this shell make of what was proved, and what to type against it."""
    if proof.shell is None:
        return
    added, broken = proof.shell.additions, proof.shell.broken
    names = " and ".join(map(str, added))
    if broken:
        level, detail = broken[0].level, report.first_line(report.failure_words(broken[0]))
        yield f"works without {names}, fails with {'it' if len(added) == 1 else 'them'}"
        yield f"{level}: {detail}"
    else:
        yield f"works with {names} too"
    yield from (each.does for each in added)
    if broken:
        yield f"try: {' && '.join(each.away for each in added)}"


def proof_data(proof: Proof) -> dict[str, Any]:
    """What was proved, as JSON."""
    data = report.proof_data(
        proof.python, proof.outcomes, proof.gate, proof.ways_round, passed=proof.passed
    )
    if proof.shell is None:
        return data
    told = [
        {"variable": a.variable or None, "value": a.value, "does": a.does, "away": a.away}
        for a in proof.shell.additions
    ]
    failed = [
        {**report.outcome_data(each), "required": True, "way_round": ""}
        for each in proof.shell.broken
    ]
    return {**data, "shell": {"additions": told, "broken": failed}}


def proof_order(
    probes: ProbeOptions, needs: tuple[str, ...] = (), *, in_shell: bool = False
) -> ProofOrder:
    """What is proved beside the probes, what must be, and how long it may take.

    Raises:
        UsageError: a script is not there, or the limit is no time.
    """
    for script in probes.probe:
        if not script.is_file():
            raise UsageError(f"--probe {script}: no such file")
    return ProofOrder(
        scripts=probes.probe, timeout=seconds(probes.timeout), needs=needs, in_shell=in_shell
    )
