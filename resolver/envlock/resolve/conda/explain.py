"""No conda packages fit: what collides, in words, and changes that were solved and work.

The solver's tree of a conflict becomes sentences: each path from what was asked
to what is not there is one fact, who needs what, and what stands against it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from envlock.conda.channels import hide
from envlock.errors import NoResolution
from envlock.model import CondaPackage, CondaSpec
from envlock.resolve.candidate import TYPED, Requirements
from envlock.resolve.conda.question import CondaQuestion
from envlock.resolve.explain import causes
from envlock.resolve.loop import Attempt
from envlock.rules.database import Database
from envlock.rules.frameworks import frameworks
from envlock.system import left, within

_OPENING = "Cannot solve the request because of:"
_BRANCH = re.compile(r"^(?P<indent>[│ ]*)(?:[├└]─ )(?P<text>.*)$")
_REQUIRES = re.compile(r"(?P<who>.+?) would require$")
_LEADS = re.compile(r"(?P<need>.+?), which can(?:not)? be installed .*$")
_NONE = re.compile(r"(?P<need>.+?), for which no candidates were found\.?$")
_CLASH = re.compile(r"(?P<need>.+?), which conflicts with .*$")
_ABSENT = re.compile(r"No candidates were found for (?P<need>.+?)\.?$")
_BOUND = re.compile(r"the constraint (?P<need>.+) cannot be fulfilled$")
_LOCKED = re.compile(r"(?P<need>.+?) is locked, but another version is required")
_STEP = 3  # characters that a level of the tree is indented by
_FACTS = 5
_SYSTEM = {
    "__cuda": "the NVIDIA driver",
    "__glibc": "the C library",
    "__osx": "macOS",
    "__win": "Windows",
    "__linux": "the Linux kernel",
    "__unix": "Linux or macOS",
    "__archspec": "the processor",
}
_WAYS = 3
#: How many specs are let go in turn: somebody waits.
_TRIED = 8
#: How long they are looked for.
_SECONDS = 10.0
_NAMED = 4  # specs in a title
#: Solves a changed question under the rules: its packages, or None.
Solve = Callable[[CondaQuestion], tuple[CondaPackage, ...] | None]


def sentences(tree: str, specs: Sequence[CondaSpec]) -> tuple[str, ...]:
    """Return the facts of a tree, each once; a few, and how many more there are.

    ``specs`` are what was asked for: the one that a fact runs into is named
    with its place.
    """
    asked = {spec.name: spec for spec in specs}
    found = dict.fromkeys(_facts(tree, asked)) or dict.fromkeys([_plain(tree)])
    facts = [*found][:_FACTS]
    more = len(found) - len(facts)
    return (*facts, f"and {more} more like these") if more else tuple(facts)


def _facts(tree: str, asked: dict[str, CondaSpec]) -> Iterator[str]:
    path: list[str] = []
    for line in tree.splitlines():
        text = line.removeprefix(_OPENING).strip()
        branch = _BRANCH.match(line)
        depth = len(branch["indent"]) // _STEP + 1 if branch else 0
        if branch:
            text = branch["text"].strip()
        path[depth:] = [text]
        if found := _ABSENT.match(text):
            yield _absent(found["need"], asked)
        elif found := _NONE.match(text) or _CLASH.match(text):
            yield _chain(path[:depth], found["need"], asked)
        elif found := _BOUND.match(text):
            yield f"{found['need']} is demanded, and nothing else that was asked for fits it"
        elif found := _LOCKED.match(text):
            yield f"{found['need']} is kept from the lock that is there, and it does not fit"


def _absent(need: str, asked: dict[str, CondaSpec]) -> str:
    name, _, bound = need.partition(" ")
    wanted = name if bound in {"", "*"} else f"{name} {bound}"
    return f"no channel has {wanted} for this platform{_place(asked.get(name))}"


def _chain(path: Iterable[str], need: str, asked: dict[str, CondaSpec]) -> str:
    """Say who needs what, from the first that was asked for to the one that is not there."""
    found = (_REQUIRES.match(text) for text in path)
    steps = [*dict.fromkeys(_short(each["who"]) for each in found if each)]
    name, _, bound = need.partition(" ")
    said = _needs([*steps, need.removesuffix(" *")]) if steps else f"{need} is needed"
    if name in _SYSTEM:
        return f"{said}: {_SYSTEM[name]} that the lock is for does not offer it"
    if name in asked and bound:
        return f"{said}; {asked[name]} was asked for{_place(asked[name])}"
    return f"{said}, and no channel has one that fits the rest"


def _needs(steps: Sequence[str]) -> str:
    first, second, *rest = steps
    verb = "need" if " to " in first else "needs"
    return "".join((f"{first} {verb} {second}", *(f", which needs {each}" for each in rest)))


def _short(step: str) -> str:
    name, _, versions = step.partition(" ")
    listed = [each.strip() for each in versions.split("|")]
    return f"{name} {listed[0]}" if len(listed) == 1 else f"{name} {listed[0]} to {listed[-1]}"


def _place(spec: CondaSpec | None) -> str:
    return "" if spec is None or spec.origin == "command line" else f" ({spec.origin})"


def _plain(tree: str) -> str:
    lines = (re.sub(r"[│├└─]", " ", line.removeprefix(_OPENING)) for line in tree.splitlines())
    return "; ".join(" ".join(line.split()) for line in lines if line.strip())


class CondaAsked(Struct, frozen=True, kw_only=True):
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
    question: CondaQuestion, tried: Sequence[Attempt], requirements: Requirements, asked: CondaAsked
) -> Refusal:
    """Return which rules the request collides with."""
    facts = causes(tried, {**question.constraints, **requirements}, asked.database.find)
    return Refusal(facts=facts, said="\n".join(facts))


def no_packages(
    question: CondaQuestion, refusal: Refusal, asked: CondaAsked, solve: Solve
) -> NoResolution:
    """Say why nothing fits, and what would free it: every remedy has been solved."""
    title = f"no conda packages satisfy {_wanted(question, refusal)} on {question.subdir}"
    text = "\n".join((title, *(f"  because {fact}" for fact in refusal.facts)))
    with within(_SECONDS):
        ways = tuple(islice(_ways_out(question, refusal, asked, solve), _WAYS if asked.ways else 0))
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
    question: CondaQuestion, refusal: Refusal, asked: CondaAsked, solve: Solve
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


def _instead(question: CondaQuestion, spec: CondaSpec, instead: str, asked: CondaAsked) -> str:
    if spec.origin != TYPED:
        return f"in {spec.origin}, change {spec} to {instead}"
    words = [instead if each is spec else str(each) for each in question.specs]
    return " ".join((asked.command, *(f'"{word}"' for word in words)))
