"""Code for another Python: its syntax, or a use of what is built in, as the error shows. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock import names
from envlock.causes import Cause
from envlock.diagnose.rulings import Ruling, Support, Symptom, is_told, symptom_of
from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity, Stage
from envlock.rules.check import Known
from envlock.rules.patterns import needs
from envlock.rules.tables import pythons
from envlock.rules.traces import Raised, blamed, distribution_of, last_raised, raised

SYNTAX = "python-syntax"

#: The Python that a path is of: lib/python3.5, Python35, envs/py36, versions/3.6.9.
_OF_PATH = re.compile(
    r"(?:[Pp]ython|[Vv]ersions[/\\]|\bpy)-?(?P<major>[23])\.?(?P<minor>\d{1,2})(?![\d])"
)
_PYTHON_2 = Version("3.0")
_LETTERS = 100  # a form that is spelled out
_LONGEST = 500  # characters of a line of code, or of a message, that are looked at


class _Form(Struct, frozen=True, kw_only=True):
    """What a Python takes ``since`` a minor, or no more since it is ``gone``.

    ``said`` finds the error, ``source`` the line of code; what is ``loose`` may
    be an ordinary slip as well.
    """

    said: str
    what: str
    source: str = ""
    gone: str = ""
    since: str = ""
    write: str = ""
    loose: bool = False

    @property
    def bound(self) -> Version:
        return Version(self.gone or self.since)


@cache
def _forms() -> tuple[_Form, ...]:
    return tuple(_Form(**each) for each in names.syntax())


def told_of_syntax(text: str, known: Known, others: Sequence[Ruling]) -> Ruling | None:
    """Return the finding on the last exception, where this Python is too old or new for the code.

    ``others`` that explain the same line know more.
    """
    one = last_raised(raised(text))
    if one is None:
        return None
    python = _python(one) or known.situation.python
    asker = _asker(one)
    form = next((each for each in _forms() if _is(each, one, python, asker)), None)
    if form is None:
        return None
    symptom = symptom_of(text, one, _LETTERS)
    if is_told(symptom, others):
        return None
    finding = _finding(form, asker, python, symptom)
    return Ruling(finding=finding, symptom=symptom, told=Support.TEXT)


def _is(form: _Form, one: Raised, python: Version | None, asker: NormalizedName | None) -> bool:
    line = one.line[:_LONGEST]
    # Most patterns are never compiled: the letters that they need are not there.
    if not needs(form.said).are_in(line.__contains__) or not re.search(form.said, line):
        return False
    # What shows no line of code is taken by its message, unless that says too little.
    source = one.source[:_LONGEST]
    vague = form.said.startswith("SyntaxError: ") and bool(form.source)
    if form.source and (source or vague) and not re.search(form.source, source):
        return False
    if python is None:
        return not form.loose or asker is not None
    return python >= form.bound if form.gone else python < form.bound


def _python(one: Raised) -> Version | None:
    """The Python that the paths of a traceback are of, the last ones first."""
    found = (_OF_PATH.search(each.path) for each in reversed(one.frames))
    match = next(filter(None, found), None)
    return Version(f"{match['major']}.{match['minor']}") if match else None


def _asker(one: Raised) -> NormalizedName | None:
    """The distribution that it is of: of syntax the one whose file cannot be read."""
    if one.type == "SyntaxError":
        package = one.frames[-1].package if one.frames else ""
        return distribution_of(package) if package else None
    blame = blamed(one)
    return blame.distribution if blame is not None else None


def _finding(
    form: _Form, asker: NormalizedName | None, python: Version | None, symptom: Symptom
) -> Finding:
    whose = asker or "The code"
    old = form.gone == "3.0"
    if form.since:
        title = f"{whose} is written for Python {form.since} or later"
        told = f"A Python has {form.what} from {form.since} on"
    else:
        title = f"{whose} is written for {'Python 2' if old else f'Python before {form.gone}'}"
        told = f"No Python from {form.gone} on has {form.what}"
    ran = f", and Python {python.major}.{python.minor} ran this" if python is not None else ""
    of_version = asker is not None or bool(form.since)
    return Finding(
        id=SYNTAX,
        title=title,
        severity=Severity.BREAKS if of_version else Severity.DEGRADES,
        because=f"{told}{ran}.",
        cause=Cause.VERSION if of_version else Cause.CODE,
        packages={} if asker is None else {asker: None},
        stage=Stage.IMPORT if asker is not None else Stage.USE,
        confidence=0.6 if form.loose and python is None else 0.85,
        remedies=tuple(_ways(form, asker)),
        evidence=symptom.line,
    )


def _ways(form: _Form, asker: NormalizedName | None) -> Iterator[Remedy]:
    if asker is None and form.write:
        yield Remedy(kind=RemedyKind.CODE, text=form.write)
    if asker is not None:
        # An old pip does not ask which Python a release is made for.
        yield Remedy(
            kind=RemedyKind.COMMAND,
            text=f"python -m pip install --upgrade pip && python -m pip install --upgrade {asker}",
        )
    if form.since:
        yield Remedy(kind=RemedyKind.ADVICE, text=_newer(form.since))
    elif form.bound == _PYTHON_2:
        text = "Or run it with Python 2.7, whose last TensorFlow is 2.1: 2to3 rewrites most of it."
        yield Remedy(kind=RemedyKind.ADVICE, text=text)
    else:
        minors = pythons().minors
        before = minors[minors.index(form.gone) - 1]
        yield Remedy(kind=RemedyKind.ADVICE, text=f"Or run it with Python {before}.")


def _newer(since: str) -> str:
    return f"Run it with Python {since} or a later one; python -V says which one runs."
