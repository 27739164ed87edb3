"""Which framework release is taken: candidates, best first, until one can be settled.

No engine takes conditional constraints ("if this TensorFlow, then that
protobuf"). Choosing the framework first makes most of them plain; what is
left shows in the finished lock, becomes one more constraint, and the engine
is asked again (`resolve.settle`).

    candidates   2.15.1   2.14.1   2.13.1   2.15.0 …
                   │        │        │
    judge        rules     fits     fits          no solve: rules, declared ranges, pages
    settle         ✗      refused  resolved       up to six solves each, sixteen in all
                            │
                          advice                  one solve of the request without any rule

Candidates are a queue that only shrinks. It is put into another order once,
by the advice, which starts with the release that an engine takes when no rule
is applied: where a neighbour admits few releases, that finds them at once. A
request that has no solution then, has none with rules either, and ends it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from packaging.version import Version

from envlock.engine import Unsatisfiable
from envlock.model import Constraint, Severity, Violation
from envlock.resolve.candidate import Candidate, candidates, distributions, framework
from envlock.resolve.feasible import Feasible, Infeasible, judge, possible, refused_together
from envlock.resolve.old_wheels import Dates
from envlock.resolve.question import Pins, Question, Tools
from envlock.resolve.settle import Budget, Rejected, Resolved, Settlement, breaks, settle
from envlock.rules.check import Situation, violations
from envlock.rules.frameworks import families
from envlock.versions import admits

#: How many solves a request may cost in all.
_SOLVES = 16


class BudgetExhausted(Struct, frozen=True, kw_only=True):
    """The solves that a request may cost are spent; ``untried`` releases are left."""

    solves: int
    untried: tuple[Candidate | None, ...]


Attempt = Infeasible | Rejected | BudgetExhausted


def search(
    question: Question,
    candidates: Iterable[Candidate | None],
    tools: Tools,
    *,
    solves: int = _SOLVES,
) -> tuple[Resolved | None, tuple[Attempt, ...]]:
    """The first release that can be settled, and every one refused before it.

    The engine is asked ``solves`` times at most, a few more when a release
    that is under way needs them.
    """
    tried: list[Attempt] = []
    budget = Budget(left=solves)
    pending = list(candidates)
    while pending:
        if budget.left <= 0:
            tried.append(BudgetExhausted(solves=solves, untried=tuple(pending)))
            break
        candidate = pending.pop(0)
        verdict = judge(candidate, question.given(candidate), question.rules, question.target)
        if isinstance(verdict, Feasible):
            verdict = refused_together(question, candidate, tools) or verdict
        if isinstance(verdict, Infeasible):
            tried.append(verdict)
            continue
        task = _task(question, candidate, verdict, tools)
        result = settle(task, verdict.constraints, tools, budget)
        if isinstance(result, Resolved):
            return result, tuple(tried)
        stuck = result.text or result.source_only
        if pending and stuck and not budget.advised:
            advice = _advice(question, tools, budget)
            if isinstance(advice, Rejected):
                return None, (advice,)
            pending = _reordered(pending, advice)
        if any(violation.case.alone for violation in result.broken):
            # A neighbour brings in another owner of the same files, whatever the release.
            pending = [
                each for each in pending if each and candidate and each.name != candidate.name
            ]
        tried.append(result)
    return None, tuple(tried)


def candidates_for(question: Question, tools: Tools) -> tuple[Candidate | None, ...]:
    """The releases to try; one empty candidate where no framework is asked for."""
    requirement = framework(question.given(None))
    if requirement is None:
        return (None,)
    names = distributions(requirement, question.target.accelerator)
    pages = {name: tools.releases(name) for name in names}
    family = families().family_of(requirement.name)
    preferred = [v for n, v in question.preferences.items() if families().family_of(n) == family]
    bounds = question.constraints
    return tuple(
        candidate
        for candidate in candidates(
            requirement, pages, question.target, preferred, question.settings.kinds
        )
        if candidate.name not in bounds
        or admits(bounds[candidate.name].specifier, candidate.version)
    )


def _advice(question: Question, tools: Tools, budget: Budget) -> Version | Rejected | None:
    """The release that an engine takes when no rule is applied; refused when it finds none.

    Where a neighbour admits few releases, this finds them at once; where the
    request contradicts itself, no release needs trying.
    """
    budget.left -= 1
    budget.advised = True
    answer = tools.solve(question.problem(None, ()), "the request as it stands")
    if isinstance(answer, Unsatisfiable):
        return Rejected(candidate=None, text=answer.text)
    requirement = framework(question.requirements)
    found = (
        p.version for p in answer.packages if requirement is not None and p.name == requirement.name
    )
    return next(found, None)


def _reordered(pending: list[Candidate | None], advice: Version | None) -> list[Candidate | None]:
    """The release advised first, then those before it, then those after it."""

    def rank(candidate: Candidate | None) -> tuple[bool, bool]:
        if candidate is None or advice is None:
            return (False, False)
        return (candidate.version != advice, candidate.version > advice)

    return sorted(pending, key=rank)


def _task(
    question: Question, candidate: Candidate | None, verdict: Feasible, tools: Tools
) -> Settlement:
    """A lock around one release: what an engine gets, and what its answer is held to."""
    target = question.target
    situation = Situation.of(target)
    given = question.given(candidate)
    judged = [rule for rule in question.rules if rule.severity is not Severity.DECLARED]
    asked = framework(question.given(None))
    left_open = asked is not None and len(distributions(asked, target.accelerator)) > 1

    def allowed(bound: Constraint) -> bool:
        moved = candidate is None or bound.package != candidate.name
        return moved and possible(bound, candidate, given, target)

    def broken(pins: Pins) -> tuple[Violation, ...]:
        return violations(judged, pins, situation)

    def hard(violation: Violation) -> bool:
        # Two owners of one version run. Where the request leaves open which is taken, the one that
        # a neighbour brings serves it alone; who names another gets both.
        brought = violation.case.alone is not None and not violation.packages.keys() <= given.keys()
        return breaks(violation) or (brought and left_open)

    return Settlement(
        name=str(candidate) if candidate else "the request",
        target=target,
        problem=lambda constraints: question.problem(candidate, constraints),
        broken=broken,
        allowed=allowed,
        hard=hard,
        candidate=candidate,
        inferred=verdict.inferred,
        situation=situation,
        exclude_newer=question.exclude_newer,
        dates=Dates.of(question.rules),
        finals=[
            each.name
            for each in question.requirements.values()
            if not (each.specifier.prereleases or question.settings.kinds.prereleases(each.name))
            and any(not version.is_prerelease for version in tools.releases(each.name))
        ],
    )
