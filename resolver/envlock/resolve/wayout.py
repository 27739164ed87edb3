"""Nothing fits: the error, with its causes and the ways out of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from msgspec.structs import replace
from packaging.version import Version

from envlock.choices import EngineName
from envlock.engine import ENGINES
from envlock.errors import NoResolution
from envlock.index.origin import where
from envlock.resolve import explain
from envlock.resolve.anchor import Anchor, Releases, framework
from envlock.resolve.feasible import Infeasible, judge
from envlock.resolve.loop import Attempt
from envlock.resolve.question import Asked, Question, Tools
from envlock.resolve.ways import Search, ways_out
from envlock.resolve.wishes import Wish
from envlock.rules.check import conditions
from envlock.rules.families import families

#: How many ways out are told.
_TOLD = 3


def no_resolution(
    question: Question, tools: Tools, asked: Asked, tried: tuple[Attempt, ...]
) -> NoResolution:
    """Say what collides, and what would free it: every remedy has been solved."""
    absent = [line for w in question.wishes.values() for line in _absent(w, question, tools, asked)]
    bounds = {**question.constraints, **question.given(None)}
    reasons = absent or explain.causes(tried, bounds, asked.database.find)
    said = "\n".join(
        (
            explain.title(question.wishes, question.target),
            *(f"  because {line}" for line in reasons),
        )
    )
    if not all(tools.releases(name) for name in question.wishes):
        return NoResolution(said)
    looking = Search(
        question=question,
        tools=replace(tools, engine=ENGINES[EngineName.UV]()),
        verb=asked.verb,
        said=said,
        targets_here=asked.targets_here,
    )
    with tools.progress.phase("look for a way out"):
        return NoResolution(said, *islice(ways_out(looking), _TOLD))


def _absent(wish: Wish, question: Question, tools: Tools, asked: Asked) -> Iterator[str]:
    """Why no release can meet a wish, whatever the others are."""
    named = (c.package for rule in asked.database.rules for k in rule.cases for c in conditions(k))
    known = {*named, *families().wheels_only}
    releases = tools.releases(wish.name)
    anchor = framework(question.wishes)
    if anchor is not None and wish.name == anchor.name:
        yield from _refused_by_rule(wish, question, asked)
    if wish.name in {*families().wheels_only, anchor.name if anchor else None}:
        releases = _wheels(releases) or releases
    place = where(question.settings, wish.name)
    if line := explain.missing(wish, releases, question.target, place, known):
        yield line


def _refused_by_rule(wish: Wish, question: Question, asked: Asked) -> Iterator[str]:
    """Why the very release that was asked for cannot be, whether it has wheels or not."""
    for part in wish.specifier:
        if part.operator == "==" and not part.version.endswith(".*"):
            anchor = Anchor(name=wish.name, version=Version(part.version))
            alone = {wish.name: wish}
            verdict = judge(anchor, alone, question.rules, question.target)
            if isinstance(verdict, Infeasible):
                yield from explain.causes((verdict,), alone, asked.database.find)


def _wheels(releases: Releases) -> Releases:
    kept = {v: [f for f in files if f.filename.endswith(".whl")] for v, files in releases.items()}
    return {version: files for version, files in kept.items() if files}
