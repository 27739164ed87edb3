"""A name of Python's own library that this Python has no more, or not yet. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.causes import Cause
from envlock.diagnose import python_names
from envlock.diagnose.claims import claims
from envlock.diagnose.rulings import Ruling, Support, Symptom, is_told, symptom_of
from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity, Stage
from envlock.rules.check import Known
from envlock.rules.tables import pythons
from envlock.rules.traces import Raised, blamed, last_raised, raised

PYTHON = "python-name"

_LETTERS = 100  # a name that is spelled out


def told_of_python(text: str, known: Known, others: Sequence[Ruling]) -> Ruling | None:
    """Return the finding on the last exception, where it is about such a name.

    ``others`` that explain the same line know more: which release of a package is to change.
    """
    one = last_raised(raised(text))
    entry = None if one is None else _of(one, text)
    if one is None or entry is None or not _may_be(entry, known.situation.python):
        return None
    symptom = symptom_of(text, one, _LETTERS)
    if is_told(symptom, others):
        return None
    return Ruling(finding=_finding(entry, one, symptom), symptom=symptom, told=Support.TEXT)


def _of(one: Raised, text: str) -> python_names.StandardName | None:
    return next(filter(None, (_entry(each.dotted) for each in claims(one, text))), None)


def _entry(dotted: str) -> python_names.StandardName | None:
    """What is known of a name, or of the module that it is in."""
    table = python_names.standard()
    parts = dotted.split(".")
    tried = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((table[each] for each in tried if each in table), None)


def _may_be(entry: python_names.StandardName, python: Version | None) -> bool:
    if python is None:
        return True
    return python >= Version(entry.gone) if entry.gone else python < Version(entry.since)


def _finding(entry: python_names.StandardName, one: Raised, symptom: Symptom) -> Finding:
    blame = blamed(one)
    asker = blame.distribution if blame is not None else None
    if entry.gone:
        title = f"{entry.name} is no more in Python {entry.gone}"
        told = f"{entry.name} was taken out of Python with {entry.gone}"
    else:
        title = f"{entry.name} came with Python {entry.since}"
        told = f"{entry.name} is in Python from {entry.since} on"
    who = f", and {asker} asks for it" if asker else ", and the code asks for it"
    note = f" {entry.note[0].upper()}{entry.note[1:]}." if entry.note else ""
    return Finding(
        id=PYTHON,
        title=title,
        severity=Severity.BREAKS,
        because=f"{told}{who}.{note}",
        cause=Cause.CODE if blame is not None and asker is None else Cause.VERSION,
        packages={} if asker is None else {asker: None},
        stage=Stage.IMPORT,
        confidence=0.85,
        remedies=tuple(_ways(entry, asker)),
        evidence=symptom.line,
    )


def _ways(entry: python_names.StandardName, asker: NormalizedName | None) -> Iterator[Remedy]:
    if entry.install and (asker is None or entry.gone):
        yield Remedy(kind=RemedyKind.INSTALL, text=entry.install)
    if asker is not None:
        yield Remedy(
            kind=RemedyKind.ADVICE, text=f"Take a release of {asker} that is made for this Python."
        )
    elif entry.write:
        yield Remedy(kind=RemedyKind.CODE, text=entry.write)
    if entry.gone:
        minors = pythons().minors
        before = minors[minors.index(entry.gone) - 1] if entry.gone in minors[1:] else ""
        which = f"Python {before}" if before else f"a Python before {entry.gone}"
        yield Remedy(kind=RemedyKind.ADVICE, text=f"Or run it with {which}, which has it.")
    else:
        yield Remedy(
            kind=RemedyKind.ADVICE, text=f"Or run it with Python {entry.since} or a later one."
        )
