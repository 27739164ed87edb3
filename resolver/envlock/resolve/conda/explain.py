"""No conda packages fit: what collides, in words, and changes that were solved and work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from envlock.conda.channels import hide
from envlock.errors import NoResolution
from envlock.model import CondaPackage, CondaSpec
from envlock.resolve.conda.question import CondaQuestion
from envlock.resolve.conda.words import sentences
from envlock.resolve.explain import causes
from envlock.resolve.loop import Attempt
from envlock.resolve.wishes import TYPED, Wishes
from envlock.rules.database import Database
from envlock.rules.frameworks import frameworks
from envlock.system import left, within

_TOLD = 3
#: How many specs are let go in turn: somebody waits.
_TRIED = 8
#: How long they are looked for.
_SECONDS = 10.0
_NAMED = 4  # specs in a title

#: Solves a changed question under the rules: its packages, or None.
Solve = Callable[[CondaQuestion], tuple[CondaPackage, ...] | None]


class Asked(Struct, frozen=True, kw_only=True):
    """What only an explanation needs; ``command`` is what was typed, up to what it asks for.

    Without ``ways`` no way out is looked for: somebody else tries something else.
    """

    database: Database
    command: str
    ways: bool = True


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a question has no answer: facts for people, and all that was ``said``."""

    facts: tuple[str, ...]
    said: str


def by_the_solver(question: CondaQuestion, tree: str) -> Refusal:
    """Return what the request as it stands collides with."""
    return Refusal(facts=sentences(tree, question.specs), said=tree)


def by_the_rules(
    question: CondaQuestion, tried: Sequence[Attempt], wishes: Wishes, asked: Asked
) -> Refusal:
    """Return which rules the request collides with."""
    facts = causes(tried, {**question.constraints, **wishes}, asked.database.find)
    return Refusal(facts=facts, said="\n".join(facts))


def no_packages(
    question: CondaQuestion, refusal: Refusal, asked: Asked, solve: Solve
) -> NoResolution:
    """Say why nothing fits, and what would free it: every remedy has been solved."""
    title = f"no conda packages satisfy {_wanted(question, refusal)} on {question.subdir}"
    text = "\n".join((title, *(f"  because {fact}" for fact in refusal.facts)))
    with within(_SECONDS):
        ways = tuple(islice(_ways_out(question, refusal, asked, solve), _TOLD if asked.ways else 0))
        if not left():
            text += f"\n  ways out were looked for during {_SECONDS:g} s, and not longer"
    return NoResolution(hide(text), *map(hide, ways))


def _wanted(question: CondaQuestion, refusal: Refusal) -> str:
    """The specs that the facts name, those that bound a version, or all; a few of them."""
    specs = question.specs
    told = "\n".join(refusal.facts)
    named = [each for each in specs if re.search(rf"(?<![\w-]){re.escape(each.name)}\b", told)]
    shown = named or [each for each in specs if each.version or each.build] or list(specs)
    more = len(shown) - _NAMED
    listed = ", ".join(map(str, shown[:_NAMED]))
    return f"{listed} and {more} more" if more > 0 else listed


def _ways_out(
    question: CondaQuestion, refusal: Refusal, asked: Asked, solve: Solve
) -> Iterator[str]:
    """Another system, or one spec let go at a time, those that the facts name first."""
    if "__cuda" in refusal.said:
        with_cuda = replace(question, virtual=(*question.virtual, ("__cuda", "12.9", "0")))
        if solve(with_cuda) is not None:
            yield "--accelerator cuda"
    bound = [spec for spec in question.specs if spec.version or spec.build]
    anchors = {"python", *(each.name for each in frameworks())}
    bound.sort(key=lambda spec: (spec.name not in refusal.said, spec.name in anchors, spec.name))
    for spec in bound[:_TRIED]:
        free = replace(spec, version="", build="")
        specs = tuple(free if each is spec else each for each in question.specs)
        answer = solve(replace(question, specs=specs))
        if answer is not None:
            yield _instead(question, spec, _found(answer, spec), asked)


def _found(packages: Sequence[CondaPackage], spec: CondaSpec) -> str:
    version = next((each.version for each in packages if each.name == spec.name), "")
    return str(replace(spec, version=f"={version}" if version else "", build=""))


def _instead(question: CondaQuestion, spec: CondaSpec, instead: str, asked: Asked) -> str:
    if spec.origin != TYPED:
        return f"in {spec.origin}, change {spec} to {instead}"
    words = [instead if each is spec else str(each) for each in question.specs]
    return " ".join((asked.command, *(f'"{word}"' for word in words)))
