"""Changes to a request that were solved and work, each as something to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from envlock.model import Target
from envlock.releases import pythons_for
from envlock.resolve.anchor import framework
from envlock.resolve.explain import command, relaxable, remedy
from envlock.resolve.lacking import absent
from envlock.resolve.loop import candidates_for, search
from envlock.resolve.question import Question, Tools
from envlock.resolve.settle import Resolved
from envlock.resolve.wishes import Wish, file_of
from envlock.rules.families import families
from envlock.system import OutOfTime, left

#: How many solves one way out may cost, and how many bounds are let go in
#: turn: somebody waits.
_SOLVES = 3
_TRIED = 8


class Search(Struct, frozen=True, kw_only=True):
    """A question without an answer, and what is needed to look for ways out.

    ``said`` is the explanation: bounds that it names are let go first.
    """

    question: Question
    tools: Tools
    verb: str
    said: str
    targets_here: Callable[[], tuple[Target, ...]]

    def solved(self, question: Question) -> Resolved | None:
        """The answer to a changed question, if a few solves find one."""
        tools = self.tools
        if not left() or absent(question, tools):
            return None
        try:
            settled, _ = search(question, candidates_for(question, tools), tools, solves=_SOLVES)
        except OutOfTime:
            return None
        return settled


def ways_out(looking: Search) -> Iterator[str]:
    """Another Python or one bound of a neighbour changed; else the framework's; else all bounds."""
    neighbours = chain(
        islice(_other_pythons(looking), 1),
        _wishes_changed(looking, framework_too=False),
        _constraints_changed(looking),
    )
    both = chain(_one_owner(looking), _wishes_changed(looking, framework_too=True))
    last = islice(_python_and_all_free(looking), 1)
    for ways in (neighbours, both, _all_free(looking), _left_out(looking), last):
        found = False
        for way in ways:
            found = True
            yield way
        if found:
            return


def _other_pythons(looking: Search) -> Iterator[str]:
    """The interpreters of this machine that the wished release has wheels for."""
    question = looking.question
    wish = framework(question.given(None))
    if wish is None or candidates_for(question, looking.tools):
        return
    versions = [v for v in looking.tools.releases(wish.name) if wish.specifier.contains(v)]
    platform = question.target.platform
    fitting = {p for v in versions for p in pythons_for(v, platform, wish.name) or ()}
    for target in looking.targets_here():
        if target.minor in fitting:
            other = replace(target, accelerator=question.target.accelerator)
            if looking.solved(replace(question, target=other)) is not None:
                yield command(question, looking.verb, target=other)


def _wishes_changed(looking: Search, *, framework_too: bool) -> Iterator[str]:
    """One wish bound to the version that fits when its bound is let go."""
    question = looking.question
    anchor = framework(question.wishes)
    for wish in relaxable(question.wishes, looking.said)[:_TRIED]:
        if (wish is anchor) is not framework_too:
            continue
        free = {**question.wishes, wish.name: replace(wish, specifier=SpecifierSet())}
        settled = looking.solved(replace(question, wishes=free))
        if settled is not None:
            yield remedy(wish, f"{wish.name}=={_version(settled, wish)}", question, looking.verb)


def _constraints_changed(looking: Search) -> Iterator[str]:
    """One of the user's constraints, bound to the version that comes without it."""
    question = looking.question
    for bound in relaxable(question.constraints, looking.said)[:_TRIED]:
        others = {name: each for name, each in question.constraints.items() if each is not bound}
        settled = looking.solved(replace(question, constraints=others))
        if settled is not None:
            version = _version(settled, bound)
            do = f"change {bound} to {bound.name}=={version}" if version else f"remove {bound}"
            yield f"in {' and '.join(bound.places)}, {do}"


def _one_owner(looking: Search) -> Iterator[str]:
    """The framework itself in place of its other distributions."""
    question = looking.question
    asked = framework(question.wishes)
    head = families().family_of(asked.name) if asked else None
    if head is None:
        return
    owners = [question.wishes[n] for n in families().members(head) if n in question.wishes]
    if [wish.name for wish in owners] == [head]:
        return
    others = {name: wish for name, wish in question.wishes.items() if wish not in owners}
    plain = replace(owners[0], name=head)
    settled = looking.solved(replace(question, wishes={**others, head: plain}))
    if settled is None or settled.candidate is None:
        return
    places = [place for wish in owners for place in wish.places]
    if places:
        named = " and ".join(map(str, owners))
        yield f"in {' and '.join(places)}, change {named} to {settled.candidate}"
    else:
        yield command(question, looking.verb, wishes=others, added=[str(settled.candidate)])


def _all_free(looking: Search) -> Iterator[str]:
    """All bounds let go at once, when no single one is enough."""
    question = looking.question
    bound = [wish for wish in question.wishes.values() if wish.specifier]
    free = {n: replace(wish, specifier=SpecifierSet()) for n, wish in question.wishes.items()}
    if not bound or looking.solved(replace(question, wishes=free)) is None:
        return
    files = {file_of(place)[0] for wish in bound for place in wish.places}
    if files:
        yield f"leave the versions open in {' and '.join(sorted(files))}"
    else:
        yield command(question, looking.verb, wishes=free)


def _python_and_all_free(looking: Search) -> Iterator[str]:
    """Another Python and all bounds let go, where this one has no framework at all."""
    question = looking.question
    wish = framework(question.given(None))
    if wish is None or any(each.places for each in question.wishes.values()):
        return
    free = {name: each.relaxed() for name, each in question.wishes.items()}
    for target in looking.targets_here():
        other = replace(target, accelerator=question.target.accelerator)
        asked = replace(question, wishes=free, target=other)
        if candidates_for(asked, looking.tools) and looking.solved(asked) is not None:
            yield command(question, looking.verb, wishes=free, target=other)


def _left_out(looking: Search) -> Iterator[str]:
    """A neighbour that another platform has no wheel of, asked for everywhere else."""
    question = looking.question
    target = question.target
    anchor = framework(question.wishes)
    for wish in relaxable(question.wishes, looking.said, bound=False)[:_TRIED]:
        others = {name: each for name, each in question.wishes.items() if each is not wish}
        if not target.option or wish is anchor or not others:
            continue
        if looking.solved(replace(question, wishes=others)) is not None:
            names = ("sys_platform", "platform_machine")
            elsewhere = " or ".join(f"{name} != '{target.markers[name]}'" for name in names)
            yield remedy(wish, f"{wish}; {elsewhere}", question, looking.verb)


def _version(settled: Resolved, wish: Wish) -> str:
    """What a wish came to; "" where its package is not in the lock."""
    if settled.candidate is not None and settled.candidate.stands_for(wish):
        return str(settled.candidate.version)
    return next((str(p.version) for p in settled.packages if p.name == wish.name), "")
