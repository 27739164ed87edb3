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
from envlock.resolve.anchor import Candidate, framework
from envlock.resolve.feasible import Infeasible, judge
from envlock.resolve.lacking import installable
from envlock.resolve.loop import Attempt
from envlock.resolve.question import Asked, Question, Tools
from envlock.resolve.ways import Search, ways_out
from envlock.resolve.wishes import Wish
from envlock.rules.check import conditions
from envlock.rules.families import families
from envlock.system import left, within

#: How many ways out are told.
_TOLD = 3
#: How long they are looked for: somebody waits for the reason.
_SECONDS = 10.0
#: The same where nothing had to be solved for it: then the answer itself came at once.
_AT_ONCE = 4.0


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
    # Who waits at a terminal reads the reason now, not when the ways out are known.
    first = reasons[0].partition("\n")[0] if reasons else "no answer"
    known = all(isinstance(each, Infeasible) for each in tried)
    seconds = _AT_ONCE if known else _SECONDS
    with tools.progress.phase(f"{first}: look for a way out"), within(seconds):
        found = tuple(islice(ways_out(looking), _TOLD))
        if not left():
            said += f"\n  ways out were looked for during {seconds:g} s, and not longer"
    return NoResolution(said, *found)


def _absent(wish: Wish, question: Question, tools: Tools, asked: Asked) -> Iterator[str]:
    """Why no release can meet a wish, whatever the others are."""
    named = (c.package for rule in asked.database.rules for k in rule.cases for c in conditions(k))
    known = {*named, *families().wheels_only}
    anchor = framework(question.wishes)
    if anchor is not None and wish.name == anchor.name:
        yield from _refused_by_rule(wish, question, asked)
    releases = installable(wish, question, tools)
    place = where(question.settings, wish.name)
    if line := explain.missing(wish, releases, question.target, place, known):
        yield line


def _refused_by_rule(wish: Wish, question: Question, asked: Asked) -> Iterator[str]:
    """Why the very release that was asked for cannot be, whether it has wheels or not."""
    for part in wish.specifier:
        if part.operator == "==" and not part.version.endswith(".*"):
            anchor = Candidate(name=wish.name, version=Version(part.version))
            alone = {wish.name: wish}
            verdict = judge(anchor, alone, question.rules, question.target)
            if isinstance(verdict, Infeasible):
                yield from explain.causes((verdict,), alone, asked.database.find)
