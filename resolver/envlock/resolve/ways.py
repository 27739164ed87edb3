"""Nothing fits: the error, with its causes and the ways out of it.

A way out is a change to the request that was solved and works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.choices import EngineName
from envlock.engine import ENGINES
from envlock.errors import NoResolution
from envlock.index.origin import where
from envlock.model import Target
from envlock.releases import pythons_for
from envlock.resolve import explain
from envlock.resolve.candidate import Candidate, PackageRequirement, Releases, file_of, framework
from envlock.resolve.explain import command, relaxable, remedy
from envlock.resolve.feasible import Infeasible, judge
from envlock.resolve.loop import Attempt, candidates_for, search
from envlock.resolve.question import Asked, Question, Tools
from envlock.resolve.settle import Rejected, Resolved
from envlock.rules.check import conditions
from envlock.rules.frameworks import families
from envlock.system import OutOfTime, left, within

#: How many solves one way out may cost, and how many bounds are let go in
#: turn: somebody waits.
_SOLVES = 3
_TRIED = 8
#: How many ways out are told.
_TOLD = 3
#: How long they are looked for: somebody waits for the reason.
_SECONDS = 10.0
#: The same where nothing had to be solved for it: then the answer itself came at once.
_AT_ONCE = 4.0


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
        _requirements_changed(looking, framework_too=False),
        _constraints_changed(looking),
    )
    both = chain(_one_owner(looking), _requirements_changed(looking, framework_too=True))
    last = islice(_python_and_all_free(looking), 1)
    for ways in (neighbours, both, _all_free(looking), _left_out(looking), last):
        found = False
        for way in ways:
            found = True
            yield way
        if found:
            return


def _other_pythons(looking: Search) -> Iterator[str]:
    """The interpreters of this machine that the required releases are for."""
    question = looking.question
    if not absent(question, looking.tools):
        yield from _pythons_of_framework(looking)
        return
    for target in looking.targets_here():
        other = replace(target, accelerator=question.target.accelerator)
        if looking.solved(replace(question, target=other)) is not None:
            yield command(question, looking.verb, target=other)


def _pythons_of_framework(looking: Search) -> Iterator[str]:
    """Those that the required release of the framework has wheels for.

    One that time is too short to solve for is told all the same: that wheel is known.
    """
    question = looking.question
    requirement = framework(question.given(None))
    if requirement is None or candidates_for(question, looking.tools):
        return
    versions = [
        v for v in looking.tools.releases(requirement.name) if requirement.specifier.contains(v)
    ]
    platform = question.target.platform
    fitting = {p for v in versions for p in pythons_for(v, platform, requirement.name) or ()}
    for target in looking.targets_here():
        if target.minor in fitting:
            other = replace(target, accelerator=question.target.accelerator)
            if looking.solved(replace(question, target=other)) is not None or not left():
                yield command(question, looking.verb, target=other)


def _requirements_changed(looking: Search, *, framework_too: bool) -> Iterator[str]:
    """One requirement bound to the version that fits when its bound is let go."""
    question = looking.question
    of_framework = framework(question.requirements)
    for requirement in relaxable(question.requirements, looking.said)[:_TRIED]:
        if (requirement is of_framework) is not framework_too:
            continue
        free = {
            **question.requirements,
            requirement.name: replace(requirement, specifier=SpecifierSet()),
        }
        settled = looking.solved(replace(question, requirements=free))
        if settled is not None:
            yield remedy(
                requirement,
                f"{requirement.name}=={_version(settled, requirement)}",
                question,
                looking.verb,
            )


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
    asked = framework(question.requirements)
    head = families().family_of(asked.name) if asked else None
    if head is None:
        return
    owners = [
        question.requirements[n] for n in families().members(head) if n in question.requirements
    ]
    if [requirement.name for requirement in owners] == [head]:
        return
    others = {
        name: requirement
        for name, requirement in question.requirements.items()
        if requirement not in owners
    }
    plain = replace(owners[0], name=head)
    settled = looking.solved(replace(question, requirements={**others, head: plain}))
    if settled is None or settled.candidate is None:
        return
    places = [place for requirement in owners for place in requirement.places]
    if places:
        named = " and ".join(map(str, owners))
        yield f"in {' and '.join(places)}, change {named} to {settled.candidate}"
    else:
        yield command(question, looking.verb, requirements=others, added=[str(settled.candidate)])


def _all_free(looking: Search) -> Iterator[str]:
    """All bounds let go at once, when no single one is enough."""
    question = looking.question
    bound = [requirement for requirement in question.requirements.values() if requirement.specifier]
    free = {
        n: replace(requirement, specifier=SpecifierSet())
        for n, requirement in question.requirements.items()
    }
    if not bound or looking.solved(replace(question, requirements=free)) is None:
        return
    files = {file_of(place)[0] for requirement in bound for place in requirement.places}
    if files:
        yield f"leave the versions open in {' and '.join(sorted(files))}"
    else:
        yield command(question, looking.verb, requirements=free)


def _python_and_all_free(looking: Search) -> Iterator[str]:
    """Another Python and all bounds let go, where this one has no framework at all."""
    question = looking.question
    requirement = framework(question.given(None))
    if requirement is None or any(each.places for each in question.requirements.values()):
        return
    free = {name: each.relaxed() for name, each in question.requirements.items()}
    for target in looking.targets_here():
        other = replace(target, accelerator=question.target.accelerator)
        asked = replace(question, requirements=free, target=other)
        if candidates_for(asked, looking.tools) and looking.solved(asked) is not None:
            yield command(question, looking.verb, requirements=free, target=other)


def _left_out(looking: Search) -> Iterator[str]:
    """A neighbour that another platform has no wheel of, asked for everywhere else."""
    question = looking.question
    target = question.target
    of_framework = framework(question.requirements)
    for requirement in relaxable(question.requirements, looking.said, bound=False)[:_TRIED]:
        others = {
            name: each for name, each in question.requirements.items() if each is not requirement
        }
        if not target.option or requirement is of_framework or not others:
            continue
        if looking.solved(replace(question, requirements=others)) is not None:
            names = ("sys_platform", "platform_machine")
            elsewhere = " or ".join(f"{name} != '{target.markers[name]}'" for name in names)
            yield remedy(requirement, f"{requirement}; {elsewhere}", question, looking.verb)


def _version(settled: Resolved, requirement: PackageRequirement) -> str:
    """What a requirement came to; "" where its package is not in the lock."""
    if settled.candidate is not None and settled.candidate.stands_for(requirement):
        return str(settled.candidate.version)
    return next((str(p.version) for p in settled.packages if p.name == requirement.name), "")


def absent(question: Question, tools: Tools) -> tuple[PackageRequirement, ...]:
    """The requirements that the index has no release for, whatever the others are."""
    return tuple(
        requirement
        for requirement in question.requirements.values()
        if explain.missing(requirement, installable(requirement, question, tools), question.target)
    )


def installable(requirement: PackageRequirement, question: Question, tools: Tools) -> Releases:
    """The releases of a requirement, without source where source is not built."""
    releases = tools.releases(requirement.name)
    of_framework = framework(question.requirements)
    if requirement.name in {*families().wheels_only, of_framework.name if of_framework else None}:
        return _wheels(releases) or releases
    return releases


def sought(
    name: NormalizedName, question: Question, tools: Tools, known: Iterable[str]
) -> explain.Sought:
    """Where and as of when a package is looked for; ``known`` are names that may be meant."""
    return explain.Sought(
        place=where(question.settings, name),
        date=question.exclude_newer,
        known=known,
        there=tools.releases,
        every=tools.releases(name),
    )


def _wheels(releases: Releases) -> Releases:
    kept = {v: [f for f in files if f.filename.endswith(".whl")] for v, files in releases.items()}
    return {version: files for version, files in kept.items() if files}


def collision(
    question: Question, tools: Tools, asked: Asked, tried: tuple[Attempt, ...]
) -> tuple[str, ...]:
    """Say what was asked, and each reason why it cannot be."""
    absent = [
        line for w in question.requirements.values() for line in _absent(w, question, tools, asked)
    ]
    bounds = {**question.constraints, **question.given(None)}
    reasons = absent or explain.causes(tried, bounds, asked.database.find)
    return (explain.title(question.requirements, question.target), *reasons)


def refusal(title: str, *reasons: str) -> NoResolution:
    """Return an error that says what collides, and of no way out."""
    return NoResolution("\n".join((title, *(f"  because {line}" for line in reasons))))


def no_resolution(
    question: Question, tools: Tools, asked: Asked, tried: tuple[Attempt, ...]
) -> NoResolution:
    """Say what collides, and what would free it: every remedy has been solved."""
    title, *reasons = collision(question, tools, asked, tried)
    said = refusal(title, *reasons).message
    facts = {
        "reasons": reasons,
        "rules": _rules(tried),
        "requirements": [*_stated(question)],
    }
    if not all(tools.releases(name) for name in question.requirements):
        return NoResolution(said).telling(**facts)
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
    return NoResolution(said, *found).telling(**facts)


def _rules(tried: Iterable[Attempt]) -> list[str]:
    """The rules that attempts failed by, each once."""
    found: dict[str, None] = {}
    for attempt in tried:
        match attempt:
            case Infeasible(broken=broken, collision=hit):
                found |= dict.fromkeys((*(rule.id for rule in broken), *(hit.rules if hit else ())))
            case Rejected(broken=violated):
                found |= dict.fromkeys(each.rule.id for each in violated)
            case _:
                pass
    return [*found]


def _stated(question: Question) -> Iterator[dict[str, object]]:
    """What was asked for, and where each of it is written."""
    for kind, stated in (
        ("requirement", question.requirements),
        ("constraint", question.constraints),
    ):
        for each in stated.values():
            yield {"kind": kind, "text": str(each), "places": [*each.places]}


def _absent(
    requirement: PackageRequirement, question: Question, tools: Tools, asked: Asked
) -> Iterator[str]:
    """Why no release can meet a requirement, whatever the others are."""
    named = (c.package for rule in asked.database.rules for k in rule.cases for c in conditions(k))
    known = {*named, *families().wheels_only}
    of_framework = framework(question.requirements)
    if of_framework is not None and requirement.name == of_framework.name:
        yield from _refused_by_rule(requirement, question, asked)
    releases = installable(requirement, question, tools)
    looked = sought(requirement.name, question, tools, known)
    if line := explain.missing(requirement, releases, question.target, looked):
        yield line


def _refused_by_rule(
    requirement: PackageRequirement, question: Question, asked: Asked
) -> Iterator[str]:
    """Why the very release that was asked for cannot be, whether it has wheels or not."""
    for part in requirement.specifier:
        if part.operator == "==" and not part.version.endswith(".*"):
            candidate = Candidate(name=requirement.name, version=Version(part.version))
            alone = {requirement.name: requirement}
            verdict = judge(candidate, alone, question.rules, question.target)
            if isinstance(verdict, Infeasible):
                yield from explain.causes((verdict,), alone, asked.database.find)
