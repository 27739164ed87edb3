"""Nothing fits: the error with its causes, and changes that were tried and work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from envlock.engine import ENGINES, EngineName
from envlock.errors import NoResolution
from envlock.model import Target
from envlock.releases import pythons_for
from envlock.resolve import explain
from envlock.resolve.anchor import TENSORFLOW, Releases, framework
from envlock.resolve.loop import Attempt, Question, Settled, Tools, anchors, search
from envlock.resolve.wishes import Wish
from envlock.rules.check import conditions
from envlock.rules.database import Database

#: How many solves one way out may cost, and how many are told: somebody waits.
_SOLVES = 3
_TOLD = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What only an explanation needs.

    ``verb`` is the command that was typed, ``index_name`` the index without
    credentials, ``targets_here`` the interpreters of this machine, newest first.
    """

    database: Database
    verb: str
    index_name: str
    targets_here: Callable[[], tuple[Target, ...]]


def no_resolution(
    question: Question, tools: Tools, asked: Asked, tried: tuple[Attempt, ...]
) -> NoResolution:
    """Say what collides, and what would free it: every remedy has been solved."""
    absent = tuple(filter(None, (_absent(w, question, tools, asked) for w in _wishes(question))))
    causes = absent or explain.causes(tried, question.wishes, asked.database.find)
    title = explain.title(question.wishes, question.target)
    lines = [title, *(f"  because {line}" for line in causes)]
    remedies: tuple[str, ...] = ()
    if all(tools.releases(wish.name) for wish in _wishes(question)):
        with tools.progress.phase("look for a way out"):
            remedies = tuple(islice(_ways_out(question, tools, asked), _TOLD))
    return NoResolution("\n".join(lines), *remedies)


def _wishes(question: Question) -> tuple[Wish, ...]:
    return tuple(question.wishes.values())


def _absent(wish: Wish, question: Question, tools: Tools, asked: Asked) -> str:
    """Why no release can meet a wish, whatever the others are; "" when one can."""
    cases = (case for rule in asked.database.rules for case in rule.cases)
    known = {condition.package for case in cases for condition in conditions(case)}
    releases = tools.releases(wish.name)
    if wish is framework(question.wishes):
        releases = _wheels(releases) or releases
    return explain.missing(wish, releases, question.target, asked.index_name, known)


def _wheels(releases: Releases) -> Releases:
    kept = {v: [f for f in files if f.filename.endswith(".whl")] for v, files in releases.items()}
    return {version: files for version, files in kept.items() if files}


def _ways_out(question: Question, tools: Tools, asked: Asked) -> Iterator[str]:
    """Another Python first, then one wish changed: a companion before the framework."""
    quick = replace(tools, engine=ENGINES[EngineName.UV]())
    found = list(islice(_other_pythons(question, quick, asked), 1))
    yield from found
    anchor = framework(question.wishes)
    names = (anchor.name,) if anchor else ()
    for wish in explain.relaxable(question.wishes, names):
        if found and wish.name in names:
            continue
        relaxed = replace(question, wishes={**question.wishes, wish.name: wish.relaxed()})
        settled = _solved(relaxed, quick)
        version = _version(settled, wish.name, names) if settled else None
        if version is not None:
            instead = replace(wish, specifier=SpecifierSet(f"=={version}"))
            relaxation = explain.Relaxation(wish=wish, instead=instead)
            found.append(explain.remedy(relaxation, question.wishes, question.target, asked.verb))
            yield found[-1]
    if not found:
        yield from _newest(question, quick, asked)


def _other_pythons(question: Question, quick: Tools, asked: Asked) -> Iterator[str]:
    """The interpreters of this machine that the wished release has wheels for."""
    wish = framework(question.wishes)
    if wish is None or wish.name != TENSORFLOW or anchors(question, quick):
        return
    versions = [v for v in quick.releases(wish.name) if wish.specifier.contains(v)]
    fitting = {p for v in versions for p in pythons_for(v, question.target.platform) or ()}
    for target in asked.targets_here():
        if target.minor in fitting:
            other = replace(target, accelerator=question.target.accelerator)
            if _solved(replace(question, target=other), quick) is not None:
                yield explain.command(question.wishes, target, asked.verb)


def _newest(question: Question, quick: Tools, asked: Asked) -> Iterator[str]:
    """All bounds let go at once, when no single one is enough."""
    free = {name: wish.relaxed() for name, wish in question.wishes.items()}
    if _solved(replace(question, wishes=free), quick) is not None:
        yield explain.command(free, question.target, asked.verb)


def _solved(question: Question, quick: Tools) -> Settled | None:
    settled, _ = search(question, anchors(question, quick), quick, solves=_SOLVES)
    return settled


def _version(
    settled: Settled, name: NormalizedName, anchor_names: tuple[NormalizedName, ...]
) -> str | None:
    if name in anchor_names and settled.anchor is not None:
        return str(settled.anchor.version)
    return next((str(p.version) for p in settled.packages if p.name == name), None)
