"""What to write in the place of a name that a release does not have. Pure.

What became of it is known by hand; else the one public name that ends so is it, and
else those that are spelled nearly so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.utils import NormalizedName, canonicalize_name

from envlock import names
from envlock.causes import Cause
from envlock.diagnose import alike
from envlock.diagnose.claims import Claim
from envlock.diagnose.lives import Life
from envlock.diagnose.missing import is_distribution
from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity, Stage
from envlock.rules.frameworks import framework
from envlock.rules.traces import Raised
from envlock.versions import minor_of

ENDED, UNKNOWN = "name-ended", "name-unknown"

_KERAS = "keras"


def line_for(claim: Claim, life: Life, one: Raised) -> str:
    """Return the line to write in the place of what is missing, or ""."""
    move = moved(claim)
    of_its_own = move is not None and move.name.endswith(f".{claim.whole.rpartition('.')[2]}")
    name = None if of_its_own else _elsewhere(claim, life)
    if name is None:
        return "" if move is None else _written(move.write, claim)
    owner, _, simple = name.rpartition(".")
    if one.message.startswith(("cannot import", "No module")) or one.type.endswith("ImportError"):
        return f"from {owner} import {simple}"
    return names.as_written(name)


def _elsewhere(claim: Claim, life: Life) -> str | None:
    """The one public name that ends so, in the releases that lack the other."""
    if claim.is_member or claim.dotted.endswith(")") or life.lost is None:
        return None
    if claim.whole == claim.dotted and claim.dotted.count(".") < 2:  # noqa: PLR2004  (top.name)
        return None
    simple = claim.whole.rpartition(".")[2]
    table, release, prefix = life.distribution, life.lost, ""
    if claim.dotted.startswith(f"{framework().name}.{_KERAS}."):
        table, prefix = _KERAS, f"{framework().name}."
        companion, its = framework().keras, names.names(_KERAS)
        if its is None or companion is None:
            return None
        same = companion.same_from <= release < companion.third_from
        release = release if same else its.releases[-1]
    found = alike.elsewhere(table, release, simple)
    same = found is None or f"{prefix}{found}" == claim.whole
    return None if same else f"{prefix}{found}"


def moved(claim: Claim) -> names.Move | None:
    """Return what became of it: of all that the code asks for, else of what is missing."""
    for dotted in (claim.whole, claim.dotted):
        plain = re.sub(rf"^(?:{framework().name}\.(?:python\.)?|tf_)keras(?=\.)", "keras", dotted)
        exact = sorted(dict.fromkeys((dotted, plain)), key=lambda name: name not in names.moves())
        for name in exact:
            move = names.moved(name)
            gone = claim.dotted.rpartition("keras")[2]
            own = dotted.rpartition(".")[2]
            if move is not None and (gone in move.name or re.search(rf"\b{own}\b", move.write)):
                return move
    return None


def _written(line: str, claim: Claim) -> str:
    """The line to write, in the Keras that the code takes."""
    if claim.dotted.startswith(f"{framework().name}.keras"):
        line = re.sub(r"(?<![\w.])keras\.", "tf.keras.", line)
        line = re.sub(r"^from (?:tf\.)?keras", f"from {framework().name}.keras", line)
    return line


def short(dotted: str) -> str:
    """Return how a finding calls a name: ``lr= of keras.optimizers.Adam`` for a parameter."""
    function, paren, parameter = dotted.removesuffix(")").partition("(")
    function = function.removesuffix(".__init__")
    return f"{parameter}= of {function}" if paren else dotted


def never(
    claim: Claim, life: Life, line: str, one: Raised, asker: NormalizedName | None = None
) -> Finding:
    """Return the finding on a name that no release on record has."""
    table, title = names.names(life.distribution), names.title(life.distribution)
    releases = table.releases if table is not None else ()
    every = f"{minor_of(releases[0])} to {minor_of(releases[-1])}" if releases else ""
    name, move = short(claim.dotted), names.moves().get(claim.dotted)
    none = f"No {title} from {every} has {name}"
    if move is not None:
        note = f" {move.note[0].upper()}{move.note[1:]}." if move.note else ""
        ways: tuple[Remedy, ...] = (Remedy(kind=RemedyKind.CODE, text=line),)
        title, because = f"{name} is gone since {title} {move.gone}", f"{none}.{note}"
    elif asker is not None:
        title, because = none, _told_of(asker, title)
        upgrade = f"python -m pip install --upgrade {asker}"
        ways = (Remedy(kind=RemedyKind.COMMAND, text=upgrade),) if is_distribution(asker) else ()
        other = (
            f"Or take a release of {asker} from the time of your {names.title(life.distribution)}."
        )
        ways = (*ways, Remedy(kind=RemedyKind.ADVICE, text=other))
    else:
        title, because, ways = none, _told(claim), tuple(_nearest(claim, life, line))
    return Finding(
        id=UNKNOWN if move is None else ENDED,
        title=title,
        severity=Severity.BREAKS,
        because=because,
        cause=Cause.CODE if asker is None else Cause.VERSION,
        packages={
            **({asker: None} if asker else {}),
            canonicalize_name(life.distribution): life.here,
        },
        stage=Stage.IMPORT if one.type.endswith("ImportError") else Stage.USE,
        confidence=0.85 if move is not None else 0.6,
        remedies=ways,
    )


def _told(claim: Claim) -> str:
    simple = claim.dotted.rpartition(".")[2]
    return (
        f"So another release does not help: {simple} is misspelled, is of another package, was"
        " never published, or is what your own code put there or means by it."
    )


def _told_of(asker: NormalizedName, title: str) -> str:
    return (
        f"So another {title} does not help: it is {asker} that asks for it, and another release of"
        f" {asker} may not."
    )


def _nearest(claim: Claim, life: Life, line: str) -> Iterator[Remedy]:
    near = alike.nearest(life.distribution, life.lost, claim.dotted) if life.lost else ()
    for each in [line] if line else map(names.as_written, near):
        yield Remedy(kind=RemedyKind.CODE, text=each)
    owner, _, simple = claim.dotted.rpartition(".")
    look = f"Look where {simple} comes from, and whether {names.as_written(owner)} is meant."
    yield Remedy(kind=RemedyKind.ADVICE, text=look)
