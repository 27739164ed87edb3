"""Locks, outcomes and rules as text for people and as data for `--json`. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from envlock.behind import Behind
from envlock.model import (
    Case,
    CondaPackage,
    Constraint,
    Evidence,
    Lock,
    LockedPackage,
    Part,
    Rule,
)
from envlock.outcomes import SCRIPT, Crashed, Failed, Outcome, Passed, Skipped
from envlock.rules.check import in_words
from envlock.rules.frameworks import framework
from envlock.rules.schema import demands

_TAIL = 20  # lines of what a script printed
_SHOWN = 6  # packages, of a lock that has none of these

Row = tuple[str, str]


def rows_text(rows: Sequence[Row]) -> str:
    """Labels and what they are of, in two columns; a label that repeats is written once."""
    width = max(len(label) for label, _ in rows)
    before = ["", *(label for label, _ in rows)]
    return "\n".join(
        f"{'' if label == above else label:{width}}  {text}"
        for (label, text), above in zip(rows, before, strict=False)
    )


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Columns as plain text, wide enough for their longest cell; the last is not padded."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for row in (header, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def release_rows(part: Part, aside: Mapping[str, str] = MappingProxyType({})) -> list[Row]:
    """What is locked, and for which Python or platform.

    ``aside`` is what is said of packages that are not what a reader takes them for.
    """
    if part.conda:
        rows = [(part.subdir, _in_brief(part.conda, aside))]
        return [*rows, ("with pip", _in_brief(part.pypi, aside, main=()))] if part.pypi else rows
    return [
        ("release", _in_brief(part.pypi, aside)),
        ("python", f"{part.python} on {part.platform}"),
    ]


def _in_brief(
    packages: Sequence[CondaPackage | LockedPackage],
    aside: Mapping[str, str],
    main: Sequence[str] | None = None,
) -> str:
    """Packages in a line, those first that a reader looks for, and Python where conda brings it."""
    main = ("python", *framework().summary) if main is None else main
    by_name = {each.name: each for each in packages}
    shown = [by_name[name] for name in main if name in by_name] or packages[:_SHOWN]
    more = len(packages) - len(shown)
    said = {name: f" ({words})" for name, words in aside.items()}
    text = ", ".join(f"{each.name} {each.version}{said.get(each.name, '')}" for each in shown)
    return f"{text} and {more} more" if more else text or "no package"


def lock_rows(
    lock: Lock,
    outputs: Collection[Path],
    written: Collection[Path],
    *,
    aside: Mapping[str, str] = MappingProxyType({}),
    verbose: bool = False,
) -> list[Row]:
    """A lock in a few lines: the main pins, what rules hold, the files.

    ``aside`` is that of `release_rows`. When ``verbose``, also each package in which it differs
    from a set that was proved.
    """
    held = {_pin(each): each.because for each in _packages(lock) if each.because}
    width = max(map(len, held), default=0)
    return [
        *(row for part in lock.parts for row in release_rows(part, aside)),
        *(("held", f"{pin.ljust(width)}  by {', '.join(why)}") for pin, why in held.items()),
        *(
            ("sets", f"{name}={value}, unless somebody sets it otherwise")
            for name, value in sorted(lock.variables.items())
        ),
        *(("verified", part.verified) for part in lock.parts if part.verified),
        *(("note", note) for note in lock.notes),
        *(("unverified", each) for part in lock.parts for each in part.differs if verbose),
        *(("written" if path in written else "unchanged", str(path)) for path in outputs),
    ]


def next_step(outputs: Mapping[Path, bool], there: str | None = None) -> str:
    """The command that builds an environment from one of these locks, and on which machine.

    ``outputs`` are files, and whether they hold hashes.
    """
    if there is not None:
        return f"on {there}: {next_step(outputs)}"
    for path, hashed in outputs.items():
        if hashed:
            named = "" if path == Path("requirements.txt") else f" {shlex.quote(path.as_posix())}"
            return f"envlock sync{named}"
    return f"conda env create -f {shlex.quote(next(iter(outputs)).as_posix())}"


def _packages(lock: Lock) -> Iterator[CondaPackage | LockedPackage]:
    for part in lock.parts:
        yield from part.conda
        yield from part.pypi


def _pin(package: CondaPackage | LockedPackage) -> str:
    joint = "=" if isinstance(package, CondaPackage) else "=="
    return f"{package.name}{joint}{package.version}"


def lock_data(
    locks: Iterable[Lock], outputs: Collection[Path], written: Collection[Path]
) -> dict[str, Any]:
    """Locks of one request as JSON data, whoever installs them and for how many platforms.

    ``files`` are all that they are in, ``written`` those that changed.
    """
    locks = tuple(locks)
    first = locks[0]
    return {
        "name": first.name,
        "channels": list(first.channels),
        "parts": [part_data(part) for lock in locks for part in lock.parts],
        "indexes": list(first.indexes),
        "index_strategy": first.index_strategy,
        "variables": dict(sorted(first.variables.items())),
        "reasons": {rule: why for lock in locks for rule, why in lock.reasons.items()},
        "notes": list(dict.fromkeys(note for lock in locks for note in lock.notes)),
        "files": [str(path) for path in outputs],
        "written": [str(path) for path in outputs if path in written],
    }


def part_data(part: Part) -> dict[str, Any]:
    """The pins of one platform as JSON data."""
    return {
        "python": part.python,
        "platform": part.platform,
        "subdir": part.subdir,
        "virtual": list(part.virtual),
        "evidence": part.verified,
        "unverified": list(part.differs),
        "behind": [_behind_data(each) for each in part.behind],
        "conda": [_conda_data(each) for each in part.conda],
        "pypi": [_pypi_data(each) for each in part.pypi],
    }


def _behind_data(behind: Behind) -> dict[str, Any]:
    return {
        "name": behind.name,
        "version": str(behind.version),
        "uploaded": behind.uploaded.isoformat(),
        "newest": str(behind.newest),
        "newest_uploaded": behind.newest_uploaded.isoformat(),
        "holding": [{"why": each.why, "frees": each.frees} for each in behind.holding],
    }


def _conda_data(package: CondaPackage) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "url": package.url,
        "sha256": package.sha256,
        "via": list(package.via),
        "because": list(package.because),
    }


def _pypi_data(package: LockedPackage) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": str(package.version),
        "via": list(package.via),
        "because": list(package.because),
        "hashes": list(package.hashes),
        "index": package.index,
        "also_on": list(package.elsewhere),
        "only": [str(each) for each in package.only],
        **({"place": package.direct.address} if package.direct is not None else {}),
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


def proof_rows(
    outcomes: Sequence[Outcome],
    ways_round: Mapping[str, str],
    lacking: Mapping[str, str],
    *,
    verbose: bool = False,
) -> list[Row]:
    """Outcomes in brief: what is proved, and each thing that is not, in words of ``lacking``.

    With ``verbose`` in those of the failure too.
    """
    proved = ", ".join(each.level for each in outcomes if isinstance(each, Passed))
    rows = [("proved", proved or "nothing: there is no probe for any of these packages")]
    for outcome in outcomes:
        if not isinstance(outcome, Passed):
            words, raw = lacking.get(outcome.level, ""), first_line(_verdict(outcome)[1])
            rows.append(("not proved", f"{outcome.level}: {words or raw}"))
            if words and verbose:
                rows.append(("not proved", f"  {raw}"))
            if way := ways_round.get(outcome.level):
                rows.append(("not proved", f"  way round: {way}"))
    return rows


def proof_text(
    python: Path,
    outcomes: Sequence[Outcome],
    gate: Collection[str],
    ways_round: Mapping[str, str],
    *,
    verbose: bool = False,
) -> str:
    """Outcomes in full: each level with what happened and the way round, then the verdict.

    A script of the user's that failed has the end of what it printed below it;
    with ``verbose`` every failure has all that is known of it.
    """
    width = max((len(outcome.level) for outcome in outcomes), default=0)
    lines: list[str] = []
    missed: list[str] = []
    for outcome in outcomes:
        verdict, detail = _verdict(outcome)
        kind = "" if outcome.level in gate else "(capability)"
        lines.append(
            f"{verdict:9}{outcome.level.ljust(width)}  {kind:13}{first_line(detail)}".rstrip()
        )
        if way := ways_round.get(outcome.level):
            lines.append(f"{'':9}{'':{width}}  way round: {way}")
        if verbose or outcome.level.startswith(SCRIPT):
            lines += _printed(outcome, None if verbose else _TAIL)
        if outcome.level in gate and not isinstance(outcome, Passed):
            missed.append(outcome.level)
    last = f"NOT verified: {', '.join(missed)}" if missed else "verified"
    return "\n".join([*lines, f"{last} ({python})"])


def _printed(outcome: Outcome, longest: int | None) -> Iterator[str]:
    """What a failure printed, or its last ``longest`` lines; carriage returns end a line too."""
    if not isinstance(outcome, Failed | Crashed):
        return
    text = outcome.traceback if isinstance(outcome, Failed) else outcome.output
    lines = [line for each in text.splitlines() if (line := each.lstrip("\b").rstrip())]
    shown = lines if longest is None else lines[-longest:]
    if len(shown) < len(lines):
        yield f"{'':9}the last {len(shown)} of {len(lines)} lines that it printed, -v shows all:"
    yield from (f"{'':9}| {line if longest is None else _cut(line)}" for line in shown)


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


def failure_words(outcome: Outcome) -> str:
    """What happened where a level was not passed."""
    return _verdict(outcome)[1]


def proof_data(
    python: Path,
    outcomes: Sequence[Outcome],
    gate: Collection[str],
    ways_round: Mapping[str, str],
    *,
    passed: bool,
) -> dict[str, Any]:
    """Outcomes as JSON data; ``required`` tells the levels of the gate."""
    return {
        "interpreter": str(python),
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
    return _cut(next((line.strip() for line in text.splitlines() if line.strip()), ""), width)


def _cut(line: str, width: int = 160) -> str:
    return line if len(line) <= width else f"{line[: width - 1]}…"


def rule_rows(rules: Iterable[Rule]) -> list[tuple[str, ...]]:
    """Rules as table rows."""
    return [
        (rule.id, rule.severity.value, rule.stage.value, rule.cause.value, rule.title)
        for rule in rules
    ]


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
        "cause": rule.cause.value,
        "symptoms": list(rule.symptoms),
        "raised_in": list(rule.raised_in),
        "messages": list(rule.messages),
        "releases": in_words(rule.releases),
        "remedy": [{remedy.kind.value: remedy.text} for remedy in rule.remedies],
        "evidence": [_evidence_data(item) for item in rule.evidence],
    }


def _evidence_data(item: Evidence) -> dict[str, Any]:
    return {"how": item.how, "what": item.what, "checked": item.checked, "links": list(item.links)}


def rule_text(rule: Rule) -> str:
    """A rule in full."""
    lines = [f"{rule.id}: {rule.title}", "", rule.because, ""]
    lines.append(f"{rule.severity} at {rule.stage}; cause: {rule.cause}")
    if any(map(demands, rule.cases)):
        lines.append(f"metadata forbids it: {rule.metadata}")
    if rule.aliases:
        lines.append(f"also known as {', '.join(rule.aliases)}")
    lines += [f"  {text}" for case in rule.cases if (text := case_text(case))]
    if rule.symptoms:
        by = f" (raised in {' or '.join(rule.raised_in)})" if rule.raised_in else ""
        lines += [f"symptoms{by}:", *(f"  {symptom}" for symptom in rule.symptoms)]
    if rule.messages:
        lines += ["messages:", *(f"  {message}" for message in rule.messages)]
    if rule.releases:
        lines.append(f"known from {', '.join(in_words(rule.releases))}")
    lines += ["remedy:", *(f"  {remedy.kind}: {remedy.text}" for remedy in rule.remedies)]
    lines.append("evidence:")
    for item in rule.evidence:
        lines.append(f"  {item.how}, {item.checked}: {item.what}")
        lines += [f"    {link}" for link in item.links]
    return "\n".join(lines)


def case_text(case: Case) -> str:
    """A case in words: ``tensorflow <2.5: require h5py <3``."""
    when = in_words(case.when)
    when += [f"python {case.python}"] if case.python else []
    when += list(case.platforms) + list(case.managers) + list(case.accelerators)
    when += [f"{key}={value}" for key, value in case.variables.items()]
    asks = [f"{demand} {c.package} {c.specifier or 'any'}" for demand, c in case.demands]
    asks += [f"only one of {case.alone}"] if case.alone else []
    asks += [f"set {key}={value}" for key, value in case.settings.items()]
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
