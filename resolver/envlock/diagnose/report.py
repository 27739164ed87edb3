"""Findings as text for people and as data for `--json`. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from envlock.diagnose.models import Loads
from envlock.findings import Examined, Finding
from envlock.model import Remedy, RemedyKind, Severity
from envlock.rules.check import in_words
from envlock.rules.frameworks import framework
from envlock.words import counted

_WORDS = ((0.95, "certain"), (0.8, "very likely"), (0.6, "likely"), (0.0, "possible"))
_INDENT = "   "
_WIDTH = 96
_SHOWN = 3  # remedies and consequences of one finding, unless all are asked for


def findings_text(findings: Sequence[Finding], *, verbose: bool = False) -> str:
    """Findings as numbered paragraphs; ``verbose`` adds every remedy and the links."""
    return "\n\n".join(
        "\n".join(_paragraph(number, finding, verbose=verbose))
        for number, finding in enumerate(findings, 1)
    )


def _paragraph(number: int, finding: Finding, *, verbose: bool) -> Iterator[str]:
    stage = f" at {finding.stage}" if finding.stage else ""
    yield f"{number}. {finding.id}: {finding.title}"
    cause = f"; cause: {finding.cause}" if finding.cause else ""
    yield f"{_INDENT}{_severity(finding)}{stage}, {confidence_words(finding.confidence)}{cause}"
    known = [f"{name} {version}" for name, version in finding.packages.items() if version]
    unknown = [name for name, version in finding.packages.items() if not version]
    if known:
        yield from _wrapped("seen on ", ", ".join(known))
    if unknown:
        yield from _wrapped("look at the version of ", ", ".join(unknown))
    yield from _wrapped("", finding.because)
    if finding.releases:
        yield from _wrapped("known from ", ", ".join(in_words(finding.releases)))
    if finding.evidence:
        yield from (f"{_INDENT}> {line}" for line in finding.evidence.splitlines())
    shown = finding.remedies if verbose else finding.remedies[:_SHOWN]
    for place, remedy in enumerate(shown):
        yield from _remedy("try: " if place == 0 else "or:  ", remedy)
    if finding.consequences:
        gone = ", ".join(dict.fromkeys(each.id for each in finding.consequences))
        yield from _wrapped("goes away with it: ", gone)
    if verbose:
        yield from (f"{_INDENT}{link}" for link in finding.sources)


def _severity(finding: Finding) -> str:
    return "declared only" if finding.severity is Severity.DECLARED else finding.severity.value


def confidence_words(confidence: float) -> str:
    """A confidence between 0 and 1 in words."""
    return next(word for least, word in _WORDS if confidence >= least)


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        f"{label}{text}",
        _WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT + " " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _remedy(label: str, remedy: Remedy) -> Iterator[str]:
    if remedy.kind == RemedyKind.ADVICE:
        yield from _wrapped(label, remedy.text)
        return
    first, *rest = remedy_text(remedy).splitlines()
    yield f"{_INDENT}{label}{first}"
    yield from (f"{_INDENT}{' ' * len(label)}{line}" for line in rest)


def remedy_text(remedy: Remedy) -> str:
    """A remedy as it is typed; advice and code as they are."""
    match remedy.kind:
        case RemedyKind.INSTALL:
            words = " ".join(f'"{each}"' for each in remedy.text.split())
            return f"install {words}"
        case RemedyKind.SETTING:
            return f"export {remedy.text}"
        case _:
            return remedy.text


def findings_data(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as JSON data, in their order."""
    return [_data(finding) for finding in findings]


def _data(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.id,
        "aliases": list(finding.aliases),
        "severity": finding.severity.value,
        "packages": {name: str(v) if v else None for name, v in finding.packages.items()},
        "because": finding.because,
        "remedy": remedy_text(finding.remedies[0]) if finding.remedies else "",
        "sources": list(finding.sources),
        "title": finding.title,
        "cause": finding.cause.value if finding.cause else None,
        "releases": in_words(finding.releases),
        "stage": finding.stage.value if finding.stage else None,
        "confidence": finding.confidence,
        "remedies": [{each.kind.value: remedy_text(each)} for each in finding.remedies],
        "evidence": finding.evidence,
        "places": [
            {"file": each.where, "line": each.line, "column": each.column}
            for each in finding.places
        ],
        "consequences": findings_data(finding.consequences),
    }


def examined_text(examined: Examined) -> str:
    """What was examined, in one line."""
    facts = [counted(len(examined.packages), "package")] if examined.packages else []
    facts += [f"{len(examined.loose)} asked for in ranges"] if examined.loose else []
    facts += [f"Python {examined.python}"] if examined.python else []
    facts += [str(examined.platform).rstrip("-")] if examined.platform else []
    facts += [f"{counted(len(examined.uses), 'name')} used"] if examined.uses else []
    lines = counted(examined.text.count("\n") + 1, "line")
    facts += [f"{lines} of text"] if examined.text else []
    return f"examined {examined.origin}: {', '.join(facts) or 'nothing in it'}"


def examined_data(examined: Examined) -> dict[str, Any]:
    """What was examined, as JSON data."""
    return {
        "origin": examined.origin,
        "kind": examined.kind.value,
        "packages": {name: str(version) for name, version in examined.packages.items()},
        "ranges": {name: str(specifier) for name, specifier in examined.loose.items()},
        "python": str(examined.python) if examined.python else None,
        "platform": str(examined.platform).rstrip("-") if examined.platform else None,
        "manager": examined.manager,
        "notes": list(examined.notes),
    }


def loads_text(found: Loads) -> str:
    """A model file in a few lines: what wrote it and what loads it."""
    model = found.model
    by = f"Keras {model.keras_version}" if model.keras_version else ""
    by = by or (f"{framework().title} {model.framework}" if model.framework else "")
    facts = [model.format, f"written by {by}" if by else "its writer is not told"]
    facts += [f"backend {model.backend}"] if model.backend else []
    lines = [f"model {model.origin}: {', '.join(facts)}"]
    ranges = {framework().name: found.framework, "keras": found.keras}
    told = [f"{name}{bound}" for name, bound in ranges.items() if str(bound)]
    if told:
        lines.append(f"{_INDENT}loads with {' and '.join(told)}")
    return "\n".join([*lines, *(f"{_INDENT}{note}" for note in found.notes)])


def loads_data(found: Loads) -> dict[str, Any]:
    """A model file as JSON data."""
    model = found.model
    return {
        "origin": model.origin,
        "format": model.format,
        "keras_version": str(model.keras_version) if model.keras_version else None,
        f"{framework().name}_version": str(model.framework) if model.framework else None,
        "backend": model.backend or None,
        "weights_only": model.weights_only,
        "layers": list(model.layers),
        "loads_with": {"keras": str(found.keras), framework().name: str(found.framework)},
        "notes": list(found.notes),
    }
