"""The solver's tree of a conflict, as sentences. Pure.

Each path from what was asked to what is not there is one fact: who needs what,
and what stands against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from envlock.model import CondaSpec

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
_TOLD = 5

_SYSTEM = {
    "__cuda": "the NVIDIA driver",
    "__glibc": "the C library",
    "__osx": "macOS",
    "__win": "Windows",
    "__linux": "the Linux kernel",
    "__unix": "Linux or macOS",
    "__archspec": "the processor",
}


def sentences(tree: str, specs: Sequence[CondaSpec]) -> tuple[str, ...]:
    """Return the facts of a tree, each once; a few, and how many more there are.

    ``specs`` are what was asked for: the one that a fact runs into is named
    with its place.
    """
    asked = {spec.name: spec for spec in specs}
    found = dict.fromkeys(_facts(tree, asked)) or dict.fromkeys([_plain(tree)])
    facts = [*found][:_TOLD]
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
