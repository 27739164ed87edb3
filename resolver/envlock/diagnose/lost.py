"""The law of names: what an error says is missing, answered from the tables of names. Pure.

A name that ended, that came later, or that is there all the same: each is told
with the releases that have it, with what is known to be installed, and with the
line to write or the release to take. Whose code asks for it decides which side
is to change. What no table says is not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock import names
from envlock.causes import Cause
from envlock.diagnose.claims import Claim, claims
from envlock.diagnose.instead import line_for, moved, never, short
from envlock.diagnose.lives import Life, life_of, members
from envlock.diagnose.missing import is_distribution
from envlock.diagnose.releasing import beside, newer, older, reinstalled
from envlock.diagnose.rulings import Ruling, Support, Symptom, symptom_of
from envlock.diagnose.shadowed import SHADOWED, own_file
from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity, Stage
from envlock.rules.check import Known, Truth
from envlock.rules.frameworks import framework
from envlock.rules.traces import Blame, Raised, blamed, last_raised, raised
from envlock.versions import minor_of

ENDED, LATER, THERE = "name-ended", "name-not-yet", "name-there"

_LETTERS = 200  # of a name that is spelled out, at most
_TRIED = 3  # exceptions of one chain
#: What a line without an exception's type says of a name.
_BARE = re.compile(
    r"has no attribute '|No module named |cannot import name |unexpected keyword argument"
    r"|Argument\(s\) not recognized|was removed in the NumPy"
)


class Lost(Struct, frozen=True, kw_only=True):
    """What an exception says is missing, when it was there, and whose code asks for it."""

    claim: Claim
    life: Life
    one: Raised
    blame: Blame | None

    @property
    def asker(self) -> NormalizedName | None:
        """The distribution whose code asks, where that is not the one that lacks the name."""
        return None if self.blame is None or self.is_own else self.blame.distribution

    @property
    def is_own(self) -> bool:
        """Whether the code of the package itself asks for what it lacks.

        So does that of the Keras behind a name of the framework's.
        """
        own = members(self.life.distribution)
        if self.claim.is_member and self.life.distribution == framework().name:
            own = (*own, *members("keras"), *members("tf-keras"))
        return self.blame is not None and self.blame.distribution in own


def find_lost(text: str, known: Known) -> Lost | None:
    """Return what the last exception of a text, or of those that led to it, says is missing."""
    less: list[Lost] = []
    for each in (each for one in _considered(text) for each in _of_one(one, text, known)):
        if each.life.sure and not each.life.never:
            return each
        less.append(each)
    return min(less, key=lambda each: each.life.never, default=None)


def _of_one(one: Raised, text: str, known: Known) -> Iterator[Lost]:
    for claim in claims(one, text):
        life = life_of(claim.dotted, known)
        if life is None or life.lacks is None:
            continue
        if not life.never or claim.dotted in names.moves() or _is_told_whole(claim):
            yield Lost(claim=claim, life=life, one=one, blame=blamed(one))


def _is_told_whole(claim: Claim) -> bool:
    """Whether a table with all names says that there is none such, and not only it does not."""
    hidden = claim.dotted.rpartition(".")[2].startswith("_")
    return not claim.is_member and not claim.dotted.endswith(")") and not hidden


def _considered(text: str) -> Iterator[Raised]:
    found = raised(text)
    last = last_raised(found)
    if last is None:
        yield from _bare(text)
        return
    at = found.index(last)
    for one in reversed(found[max(0, at - _TRIED + 1) : at + 1]):
        yield one
        if not one.chained:
            return


def _bare(text: str) -> Iterator[Raised]:
    """The last line that says so, as if it were an exception."""
    match = next(iter(list(_BARE.finditer(text))[-1:]), None)
    if match is not None:
        start = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        end = len(text) if end < 0 else end
        yield Raised(type="", message=text[start:end], start=start, at=start, end=end)


def told_of(found: Lost, text: str, known: Known, others: Sequence[Ruling] = ()) -> Ruling | None:
    """Return the finding on what is missing; None where nothing is known that is true of it.

    A rule about the same words that speaks of the versions of the same package
    knows more, and goes first.
    """
    if any(each.finding.id == SHADOWED for each in others) or found.claim.partly:
        return None
    finding = _shadowed(found) if found.claim.shadowed else None
    if finding is None and found.life.lacks:
        finding = missing(found, known)
    elif finding is None and not found.claim.is_member and not found.claim.dotted.endswith(")"):
        finding = _there(found)
    if finding is None:
        return None
    symptom = symptom_of(text, found.one, _LETTERS)
    symptom = replace(symptom, letters=min(symptom.end - symptom.start, _LETTERS))
    finding = replace(finding, evidence=symptom.line)
    owned = any(_knows_more(each, symptom, found) for each in others)
    support = Support.VERSIONS if owned else None
    if not owned and found.life.here is not None:
        support = Support.TEXT_AND_VERSIONS
    return Ruling(finding=finding, symptom=symptom, told=support)


def _knows_more(other: Ruling, symptom: Symptom, found: Lost) -> bool:
    own, verdict = other.symptom, other.verdict
    if own is None or verdict is None or verdict.truth is Truth.NO:
        return False
    if found.asker is not None and found.asker in verdict.packages:
        return found.one.start <= own.end <= found.one.end + 1
    own_package = not verdict.packages.keys().isdisjoint(members(found.life.distribution))
    return own_package and own.meets(symptom)


def missing(found: Lost, known: Known) -> Finding | None:
    """Return the finding on a name that is missing; None where nothing true is known of it."""
    life = found.life
    if found.is_own and not found.claim.is_member:
        return _mixed(found)
    if life.never:
        return never(found.claim, life, _line(found), found.one, found.asker)
    if life.before is None and life.after is None:
        return None
    ended = life.before is not None
    if found.claim.is_member and not ended and life.here is None:
        return None  # an object may be of another class that is called so
    return Finding(
        id=ENDED if ended else LATER,
        title=_title(found),
        severity=Severity.BREAKS,
        because=" ".join((_told(found), *_notes(found))),
        cause=Cause.VERSION if found.asker or not ended or found.blame is None else Cause.CODE,
        packages=_packages(found, known),
        stage=Stage.IMPORT if found.one.type.endswith("ImportError") else Stage.USE,
        confidence=0.95 if life.here is not None else 0.85,
        remedies=tuple(_ways(found, known)),
    )


def _title(found: Lost) -> str:
    life, name = found.life, short(found.claim.dotted)
    title = names.title(life.distribution)
    if life.since is not None and life.before is not None:
        return f"{name} is only in {title} {in_words(life.since, life.before)}"
    release = life.before or life.after or Version("0")
    verb = "ended with" if life.before is not None else "came with"
    return f"{name} {verb if life.sure else 'is known up to'} {title} {minor_of(release)}"


def _ways(found: Lost, known: Known) -> Iterator[Remedy]:
    """What to change: the code that asks, the release that is asked, or the asker's own."""
    life = found.life
    line = _line(found) if found.asker is None and life.before is not None else ""
    if line:
        yield Remedy(kind=RemedyKind.CODE, text=line)
    if found.asker is not None:
        yield Remedy(kind=RemedyKind.ADVICE, text=_of_asker(found.asker, life))
    yield from beside(life)
    if life.before is not None:
        yield from older(life, known)
    both = life.before is None or life.distribution in {"keras", framework().name}
    if life.since is not None or (life.after is not None and both):
        yield from newer(life, known)


def _of_asker(asker: NormalizedName, life: Life) -> str:
    said = f"Take a release of {asker} that is made for your {names.title(life.distribution)}"
    upgrade = f": python -m pip install --upgrade {asker}" if life.before is not None else ""
    return f"{said}{upgrade if is_distribution(asker) else ''}."


def _told(found: Lost) -> str:
    life = found.life
    title = names.title(life.distribution)
    runs = " and ".join(in_words(*each) for each in life.runs)
    here = f"; {title} {life.here} is here" if life.here is not None else ""
    asker = ""
    if found.asker is not None and found.blame is not None:
        frame = found.blame.frame
        place = f", {frame.path.replace(chr(92), '/').rpartition('/')[2]}" if frame else ""
        asker = f" It is {found.asker} that asks for it{place}."
    return f"{short(found.claim.dotted)} is in {title} {runs}{here}.{asker}"


def in_words(first: Version | None, last: Version | None) -> str:
    """Say a run of releases by its minors; None where it begins before or goes on."""
    if first is None:
        return f"up to {minor_of(last)}" if last is not None else "of every release"
    if last is None:
        return f"from {minor_of(first)} on"
    one, other = minor_of(first), minor_of(last)
    return one if one == other else f"{one} to {other}"


def _notes(found: Lost) -> Iterator[str]:
    move = moved(found.claim)
    if move is not None and move.note and found.life.before is not None:
        yield f"{move.note[0].upper()}{move.note[1:]}."


def _line(found: Lost) -> str:
    """The line to write in its place, by hand or by the one name that ends so; or ""."""
    return line_for(found.claim, found.life, found.one)


def _mixed(found: Lost) -> Finding:
    life = found.life
    title = names.title(life.distribution)
    return Finding(
        id=THERE,
        title=f"{title} is a mixture of two releases",
        severity=Severity.BREAKS,
        because=f"A file of {title} asks for {short(found.claim.dotted)}, which {title} itself"
        " lacks here, so its files are not all of one release.",
        packages={members(life.distribution)[0]: life.here},
        stage=Stage.IMPORT,
        confidence=0.8,
        remedies=tuple(reinstalled(life)),
    )


def _there(found: Lost) -> Finding | None:
    life, claim = found.life, found.claim
    top, _, rest = claim.dotted.partition(".")
    if found.is_own or not rest:
        return None
    title = names.title(life.distribution)
    which = f"{title} {life.here}" if life.here is not None else f"every {title}"
    check = Remedy(
        kind=RemedyKind.COMMAND,
        text=f'python -c "import {top}; print({top}.__path__, {top}.__file__)"',
    )
    again = tuple(reinstalled(life))
    absent = found.one.message.startswith("No module")
    if life.distribution != framework().name and not absent and _is_module(claim.dotted, life):
        again = (*again, check)
        check = Remedy(kind=RemedyKind.CODE, text=f"import {claim.dotted}")
    ways = (*again, check) if absent else (check, *again)
    return Finding(
        id=THERE,
        title=f"{claim.dotted} should be there: {which} has it",
        severity=Severity.BREAKS,
        because=f"The last patch of each minor has {claim.dotted}. So the {top} that is imported is"
        " an early patch of its minor, is damaged or left over from another release, or is a file"
        " or folder of your own that is called so.",
        cause=Cause.FILE,
        packages={members(life.distribution)[0]: life.here},
        stage=Stage.IMPORT,
        confidence=0.7,
        remedies=(
            *ways,
            Remedy(
                kind=RemedyKind.ADVICE,
                text=f"Rename a file or folder of your own that is called {top}; start a notebook's"
                " kernel again after an install.",
            ),
        ),
    )


def _is_module(dotted: str, life: Life) -> bool:
    """Whether a name is a module, which has to be imported before it can be used."""
    table = names.names(life.distribution)
    return table is not None and table.is_module(dotted)


def _shadowed(found: Lost) -> Finding:
    top = found.claim.dotted.partition(".")[0]
    return own_file(top)


def _packages(found: Lost, known: Known) -> dict[NormalizedName, Version | None]:
    name = next(
        (each for each in members(found.life.distribution) if each in known.versions),
        members(found.life.distribution)[0],
    )
    asker = found.asker
    seen: dict[NormalizedName, Version | None] = {asker: known.versions.get(asker)} if asker else {}
    return {**seen, name: found.life.here}
