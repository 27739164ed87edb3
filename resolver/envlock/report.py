"""Locks, outcomes and rules as text for people and as data for `--json`. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from envlock.model import Case, Constraint, Evidence, Lock, LockedPackage, Rule
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped

#: The packages a reader looks for first.
_MAIN = ("tensorflow", "tensorflow-cpu", "keras", "h5py", "numpy", "protobuf")


def lock_text(lock: Lock, outputs: Sequence[Path], written: Sequence[Path]) -> str:
    """A lock in a few lines: the main pins, what rules moved, the files."""
    main = [p for name in _MAIN for p in lock.packages if p.name == name]
    lines = [
        f"{len(lock.packages)} packages for Python {lock.python} on {lock.platform}: "
        + ", ".join(f"{p.name} {p.version}" for p in main or lock.packages[:6])
    ]
    moved = [package for package in lock.packages if package.because]
    if moved:
        lines.append("moved by rules (envlock rules show ID tells more):")
        width = max(len(_pin(package)) for package in moved)
        lines += [f"  {_pin(p).ljust(width)}  {', '.join(p.because)}" for p in moved]
    lines += [f"note: {note}" for note in lock.notes]
    lines += [f"{'wrote' if path in written else 'unchanged'} {path}" for path in outputs]
    return "\n".join(lines)


def _pin(package: LockedPackage) -> str:
    return f"{package.name}=={package.version}"


def lock_data(lock: Lock, written: Sequence[Path]) -> dict[str, Any]:
    """A lock as JSON data."""
    return {
        "python": lock.python,
        "platform": lock.platform,
        "packages": [
            {
                "name": package.name,
                "version": str(package.version),
                "via": list(package.via),
                "because": list(package.because),
                "hashes": list(package.hashes),
            }
            for package in lock.packages
        ],
        "reasons": dict(lock.reasons),
        "notes": list(lock.notes),
        "files": [str(path) for path in written],
    }


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """One outcome as JSON data."""
    match outcome:
        case Passed(level=level, detail=detail, seconds=seconds):
            return {"level": level, "status": "passed", "detail": detail, "seconds": seconds}
        case Failed(level=level, error=error, detail=detail, traceback=trace, seconds=seconds):
            return {
                "level": level,
                "status": "failed",
                "error": error,
                "detail": detail,
                "traceback": trace,
                "seconds": seconds,
            }
        case Skipped(level=level, detail=detail):
            return {"level": level, "status": "skipped", "detail": detail}
        case Crashed(level=level, detail=detail, output=output):
            return {"level": level, "status": "crashed", "detail": detail, "output": output}


def proof_text(
    outcomes: Sequence[Outcome], gate: Collection[str], ways_round: Mapping[str, str]
) -> str:
    """Outcomes as lines: the verdict, the level, what happened, and the way round."""
    width = max((len(outcome.level) for outcome in outcomes), default=0)
    lines: list[str] = []
    for outcome in outcomes:
        verdict, detail = _verdict(outcome)
        kind = "" if outcome.level in gate else "(capability)"
        told = first_line(detail) if detail else ""
        lines.append(f"  {verdict:8}{outcome.level.ljust(width)}  {kind:13}{told}".rstrip())
        way = ways_round.get(outcome.level)
        if way and not isinstance(outcome, Passed | Skipped):
            lines.append(f"  {'':8}{'':{width}}  way round: {way}")
    return "\n".join(lines)


def _verdict(outcome: Outcome) -> tuple[str, str]:
    match outcome:
        case Passed(detail=detail):
            return "passed", detail
        case Failed(error=error, detail=detail):
            return "FAILED", f"{error}: {detail}"
        case Skipped(detail=detail):
            return "skipped", detail
        case Crashed(detail=detail):
            return "CRASHED", detail


def proof_data(
    outcomes: Sequence[Outcome],
    gate: Collection[str],
    ways_round: Mapping[str, str],
    *,
    passed: bool,
) -> dict[str, Any]:
    """Outcomes as JSON data; ``required`` tells the levels of the gate."""
    return {
        "verified": passed,
        "outcomes": [
            {
                **outcome_data(outcome),
                "required": outcome.level in gate,
                "way_round": ways_round.get(outcome.level, ""),
            }
            for outcome in outcomes
        ],
    }


def first_line(text: str, width: int = 120) -> str:
    """The first line that says something, cut to ``width`` characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= width else f"{line[: width - 1]}…"


def rule_rows(rules: Iterable[Rule]) -> list[tuple[str, ...]]:
    """Rules as table rows."""
    return [(rule.id, rule.severity.value, rule.stage.value, rule.title) for rule in rules]


def rule_data(rule: Rule) -> dict[str, Any]:
    """A rule as JSON data."""
    return {
        "id": rule.id,
        "aliases": list(rule.aliases),
        "title": rule.title,
        "severity": rule.severity.value,
        "stage": rule.stage.value,
        "because": rule.because,
        "metadata": rule.metadata,
        "cases": [case_text(case) for case in rule.cases],
        "symptoms": list(rule.symptoms),
        "remedy": [{remedy.kind: remedy.text} for remedy in rule.remedies],
        "evidence": [_evidence_data(item) for item in rule.evidence],
    }


def _evidence_data(item: Evidence) -> dict[str, Any]:
    return {"how": item.how, "what": item.what, "checked": item.checked, "links": list(item.links)}


def rule_text(rule: Rule) -> str:
    """A rule in full."""
    lines = [f"{rule.id}: {rule.title}", "", rule.because, ""]
    lines.append(f"{rule.severity} at {rule.stage}; metadata forbids it: {rule.metadata}")
    if rule.aliases:
        lines.append(f"also known as {', '.join(rule.aliases)}")
    lines += [f"  {text}" for case in rule.cases if (text := case_text(case))]
    if rule.symptoms:
        lines += ["symptoms:", *(f"  {symptom}" for symptom in rule.symptoms)]
    lines += ["remedy:", *(f"  {remedy.kind}: {remedy.text}" for remedy in rule.remedies)]
    lines.append("evidence:")
    for item in rule.evidence:
        lines.append(f"  {item.how}, {item.checked}: {item.what}")
        lines += [f"    {link}" for link in item.links]
    return "\n".join(lines)


def case_text(case: Case) -> str:
    """A case in words: ``tensorflow <2.5: require h5py <3``."""
    when = [f"{c.package} {c.specifier or 'any'}" for c in case.when]
    when += [f"python {case.python}"] if case.python else []
    when += list(case.platforms) + list(case.managers) + list(case.accelerators)
    when += [f"{key}={value}" for key, value in case.variables.items()]
    asks = [f"{demand} {c.package} {c.specifier or 'any'}" for demand, c in case.demands]
    asks += [f"only one of {case.alone}"] if case.alone else []
    return ": ".join(part for part in (" and ".join(when), ", ".join(asks)) if part)


def constraints_data(constraints: Iterable[Constraint]) -> dict[str, Any]:
    """Constraints as JSON data."""
    return {
        "constraints": [
            {
                "package": item.package,
                "specifier": str(item.specifier),
                "rules": list(item.rules),
                "include": item.include,
                "soft": item.soft,
            }
            for item in constraints
        ]
    }
