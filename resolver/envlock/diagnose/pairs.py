"""A package that was built for, or written against, another release of one than is there. Pure.

The frames say whose code failed, and the error which package it wanted
otherwise: a name that it lacks, another binary interface, a range that is
checked. A rule about the two says which releases go together; without one, the
error itself does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import names, standards
from envlock.diagnose.lives import members, version_of
from envlock.diagnose.lost import Lost
from envlock.diagnose.missing import is_distribution
from envlock.diagnose.rulings import Ruling, Support, Symptom, candidate, symptom_of
from envlock.findings import Finding
from envlock.model import Case, Demand, Remedy, RemedyKind, Rule, Severity, Stage
from envlock.rules.check import Known, conditions
from envlock.rules.frameworks import families, framework
from envlock.rules.traces import Blame, Raised, blamed, last_raised, raised
from envlock.versions import admits, complement

BUILT = "built-for-another"

_LETTERS = 150  # what is said of two packages

_NUMPY = NormalizedName("numpy")
_TWO = Version("2.0.0")
_MODULE = "A compiled module"
#: From which release on arrays are of a size; NumPy 2 has another interface for all.
_SIZES = {"88": ">=1.20,<2", "96": ">=1.22,<2"}
#: What modules that were compiled for NumPy 1 say under NumPy 2.
_FOR_NUMPY_1 = re.compile(
    r"_ARRAY_API not found|compiled using NumPy 1\.x cannot be run in"
    r"|numpy\.dtype size changed[^\n]{0,80}Expected 96 from C header, got 88"
    r"|numpy\.core\.(?:multiarray|umath) failed to import"
)
#: What they say under a NumPy that is older than the one that they were compiled for.
_FOR_NEWER = re.compile(
    r"numpy\.(?:ndarray|ufunc|dtype) size changed[^\n]{0,80}"
    r"Expected (?P<built>\d+) from C header, got (?P<there>\d+)"
)
#: A symbol of the framework's C++ code that a module looks for in vain.
_SYMBOL = re.compile(
    r"(?:undefined symbol|Symbol not found): _?_ZN?K?\w{0,20}(?:10tensorflow|4absl)"
)
_NEEDS = re.compile(
    r"\b(?P<owner>[A-Z][\w-]{1,40}) (?:needs|requires) (?P<target>[A-Z][\w-]{1,40})"
    r" (?P<version>\d[\d.]{0,20}\d) or (?P<side>less|lower|older|greater|newer|higher|later)"
    r"(?:\. Got \w+ (?P<there>\d[\d.]{0,20}\d))?"
)
_REQUIRED = re.compile(
    r"(?P<target>[\w-]{2,60}) ?(?P<range>[<>=!~]=?[\d.,<>=!~]{1,80}) is required for a normal"
    r" functioning of this module, but found [\w-]{2,60}==(?P<there>\d[\w.]{0,20})"
)
_UPPER = frozenset({"less", "lower", "older"})


class Pair(Struct, frozen=True, kw_only=True):
    """``asker`` (None: nobody knows who) does not go with ``release`` of ``target``.

    ``wanted`` is the range of ``target`` that it goes with, as far as the error tells;
    ``mixed`` says that the target's own code failed.
    """

    asker: NormalizedName | None
    target: NormalizedName
    release: Version | None
    wanted: SpecifierSet
    one: Raised
    mixed: bool = False


def pair_of(text: str, lost: Lost | None, known: Known) -> Pair | None:
    """Return the two packages that an error is about; None where it is about no two."""
    if lost is not None and lost.asker is not None and lost.life.lacks:
        life = lost.life
        wanted = f"<{life.gone}" if life.gone is not None else f">={life.after}"
        return Pair(
            asker=lost.asker,
            target=canonicalize_name(life.distribution),
            release=life.here or life.gone or Version("0"),
            wanted=SpecifierSet(wanted if life.gone or life.after else ""),
            one=lost.one,
        )
    found = raised(text)
    last = last_raised(found) or _without(text)
    if last is None:
        return None
    pair = _asked(last, known) or _built(last, known)
    if pair is None or pair.asker is not None:
        return pair
    # What comes last without frames was said before, with those of whom it is about.
    before = (_built(each, known) for each in reversed(found) if each.frames and each is not last)
    return next((each for each in before if each is not None and each.asker is not None), pair)


def _without(text: str) -> Raised | None:
    """The line about another NumPy of a text without an exception."""
    match = _FOR_NUMPY_1.search(text) or _FOR_NEWER.search(text) or _NEEDS.search(text)
    if match is None:
        return None
    end = text.find("\n", match.end())
    return Raised(
        type="",
        message=match[0],
        start=match.start(),
        at=match.start(),
        end=end if end >= 0 else len(text),
    )


def _asked(one: Raised, known: Known) -> Pair | None:
    if match := _NEEDS.search(one.message):
        target = canonicalize_name(match["target"])
        wanted = _bound(match["version"], upper=match["side"] in _UPPER)
        asker: NormalizedName | None = canonicalize_name(match["owner"])
    elif match := _REQUIRED.search(one.message):
        found = standards.specifiers(match["range"])
        if found is None:
            return None
        target, wanted = canonicalize_name(match["target"]), found
        blame = blamed(one)
        asker = blame.distribution if blame is not None else None
    else:
        return None
    if target == asker:
        return None
    there = standards.version(match["there"] or "") or version_of(target, known)
    return Pair(asker=asker, target=target, release=there, wanted=wanted, one=one)


def _bound(version: str, *, upper: bool) -> SpecifierSet:
    """The range up to a release, all patches of it counted, or from it on."""
    if not upper:
        return SpecifierSet(f">={version}")
    *first, last = version.split(".")
    return SpecifierSet(f"<{'.'.join((*first, str(int(last) + 1)))}")


def _built(one: Raised, known: Known) -> Pair | None:
    blame = blamed(one)
    asker = blame.distribution if blame is not None and _may_be_built(blame) else None
    mixed = blame is not None and blame.distribution == _NUMPY
    if _FOR_NUMPY_1.search(one.message):
        here = version_of(_NUMPY, known)
        release = here if here is not None and here >= _TWO else _TWO
        wanted = SpecifierSet("" if mixed else "<2")
        return Pair(
            asker=asker, target=_NUMPY, release=release, wanted=wanted, one=one, mixed=mixed
        )
    sizes = _FOR_NEWER.search(one.message)
    if sizes is not None and int(sizes["built"]) > int(sizes["there"]):
        grown = SpecifierSet(_SIZES.get(sizes["built"], ""))
        return Pair(asker=asker, target=_NUMPY, release=None, wanted=grown, one=one)
    if asker is not None and _SYMBOL.search(one.message) and asker not in framework().members:
        name = framework().name
        there = version_of(name, known)
        return Pair(asker=asker, target=name, release=there, wanted=SpecifierSet(), one=one)
    return None


def _may_be_built(blame: Blame) -> bool:
    return blame.distribution is not None and blame.distribution != _NUMPY


def told_of_pair(
    pair: Pair, rules: Iterable[Rule], known: Known, text: str, others: Sequence[Ruling]
) -> Iterator[Ruling]:
    """Yield what the rules about the two say, or what the error itself does where none speaks.

    ``others`` are candidates whose words explain the same lines already.
    """
    symptom = symptom_of(text, pair.one, _LETTERS)
    near = [
        each
        for each in others
        if each.symptom is not None
        and each.finding.severity is Severity.BREAKS
        and pair.one.start <= each.symptom.end <= pair.one.end + 1
    ]
    both = {each for each in (pair.asker, pair.target) if each is not None}
    if any(both <= each.finding.packages.keys() for each in near):
        return
    found = [] if pair.asker is None else list(_by_rules(pair, pair.asker, rules, known, symptom))
    yield from found
    if not found and not near and pair.one.message and _is_its_own(pair):
        yield Ruling(finding=_finding(pair, known, symptom), symptom=symptom, told=Support.TEXT)


def _is_its_own(pair: Pair) -> bool:
    """Whether the error is no missing name, which is told as such."""
    message = pair.one.message
    patterns = (_FOR_NUMPY_1, _FOR_NEWER, _NEEDS, _REQUIRED, _SYMBOL)
    return any(each.search(message) for each in patterns)


def _by_rules(
    pair: Pair, asker: NormalizedName, rules: Iterable[Rule], known: Known, symptom: Symptom
) -> Iterator[Ruling]:
    for rule in rules:
        cases = tuple(each for each in rule.cases if _speaks(each, pair, asker))
        found = candidate(replace(rule, cases=cases), known, symptom) if cases else None
        if found is None:
            continue
        own = tuple(_ways(cases[-1], asker))  # lines follow the releases of what is asked
        seen = {each.text for each in own}
        finding = replace(
            found.finding,
            title=f"{asker} was made for another {names.title(pair.target)}: {rule.title}"[:120]
            if len(rule.cases) > len(cases)
            else rule.title,
            packages={asker: known.versions.get(asker), **found.finding.packages},
            remedies=(*own, *(each for each in found.finding.remedies if each.text not in seen)),
        )
        sure = version_of(pair.target, known) is not None
        support = Support.TEXT_AND_VERSIONS if sure else Support.TEXT
        yield replace(found, finding=finding, told=support)


def _speaks(case: Case, pair: Pair, asker: NormalizedName) -> bool:
    """Whether a case is about the two, and about this release of the one that is asked."""
    mine, asked = members(asker), members(pair.target)
    if not any(_is(each.package, mine) for each in conditions(case)):
        return False
    if pair.release is None:
        return False
    when = [each for each in case.when if _is(each.package, asked)]
    demands = [(demand, each) for demand, each in case.demands if _is(each.package, asked)]
    if not when and not demands:
        return False
    return all(admits(each.specifier, pair.release) for each in when) and all(
        admits(each.specifier, pair.release) is (demand is Demand.REFUSE)
        for demand, each in demands
    )


def _is(package: NormalizedName, own: tuple[NormalizedName, ...]) -> bool:
    return not set(families().members(package)).isdisjoint(own)


def _ways(case: Case, asker: NormalizedName) -> Iterator[Remedy]:
    """The releases of the asker that go with what is there, then those of what is asked."""
    mine = members(asker)
    for demand, condition in case.demands:
        wanted = complement(condition.specifier) if demand is Demand.REFUSE else condition.specifier
        if wanted and _is(condition.package, mine):
            yield Remedy(kind=RemedyKind.INSTALL, text=f"{asker}{wanted}")
    for condition in case.when:
        wanted = complement(condition.specifier)
        if wanted and "!=" not in str(wanted) and _is(condition.package, mine):
            yield Remedy(kind=RemedyKind.INSTALL, text=f"{asker}{wanted}")


def _finding(pair: Pair, known: Known, symptom: Symptom) -> Finding:
    title = names.title(pair.target)
    who = str(pair.asker) if pair.asker is not None else title if pair.mixed else _MODULE
    told = pair.release is not None and pair.release != _TWO
    there = str(pair.release) if told else "the one"
    here = version_of(pair.target, known)
    packages: dict[NormalizedName, Version | None] = {pair.target: here}
    if pair.asker is not None:
        packages = {pair.asker: known.versions.get(pair.asker), **packages}
    if here is not None and pair.wanted and admits(pair.wanted, here):
        because = (
            f"{title} {here} is installed, and {who} goes with it, so the process that failed still"
            f" holds another {title}: it was started before the last install, or is another Python."
        )
        ways: tuple[Remedy, ...] = (
            Remedy(kind=RemedyKind.ADVICE, text="Start the kernel or the process again."),
        )
    elif pair.mixed:
        because = f"{title}'s own files do not fit together: an install replaced some of them while"
        because += " a process held the others, or left some of another release behind."
        ways = (
            Remedy(kind=RemedyKind.ADVICE, text="Start the kernel or the process again."),
            Remedy(
                kind=RemedyKind.COMMAND,
                text=f"python -m pip install --force-reinstall {pair.target}"
                + (f"=={here}" if here is not None else ""),
            ),
        )
    else:
        asks = f" It goes with {pair.target}{pair.wanted}." if pair.wanted else ""
        because = f"{who} wants another {title} than {there} that it found.{asks}"
        ways = tuple(_own_ways(pair))
    return Finding(
        id=BUILT,
        title=f"{who} is a mixture of two releases"
        if pair.mixed
        else f"{who} was made for another {title} than the one that is here",
        severity=Severity.BREAKS,
        because=because,
        packages=packages,
        stage=Stage.IMPORT,
        confidence=0.9 if pair.asker is not None else 0.8,
        remedies=ways,
        evidence=symptom.line,
    )


def _own_ways(pair: Pair) -> Iterator[Remedy]:
    if pair.target == framework().name and not pair.wanted:
        title = framework().title
        yield Remedy(
            kind=RemedyKind.ADVICE,
            text=f"Take {title} and the {pair.asker} that is made for its minor, both from pip: a"
            f" {title} of conda, of a notebook service or of one's own build is built otherwise.",
        )
        return
    if pair.wanted:
        yield Remedy(kind=RemedyKind.INSTALL, text=f"{pair.target}{pair.wanted}")
    if pair.asker is not None:
        upgrade = f": python -m pip install --upgrade {pair.asker}"
        said = f"Or take a release of {pair.asker} that is made for it"
        known = is_distribution(pair.asker)
        yield Remedy(kind=RemedyKind.ADVICE, text=f"{said}{upgrade if known else ''}.")
    if not pair.wanted:
        yield Remedy(kind=RemedyKind.COMMAND, text=f"python -m pip install --upgrade {pair.target}")
