"""Anchor, select, solve, check: until a lock obeys every rule, or none can.

No engine takes conditional constraints ("if this TensorFlow, then that
protobuf"). Choosing the framework first makes most of them plain; what is
left shows in the finished lock, becomes one more constraint, and the engine
is asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.engine import Unsatisfiable
from envlock.index.releases import admitted
from envlock.model import Constraint, LockedPackage, Severity, Target, Violation
from envlock.resolve.anchor import Anchor, Releases, candidates, distributions, framework
from envlock.resolve.feasible import Feasible, Infeasible, judge, possible
from envlock.resolve.question import Listed, Pins, Question, Tools
from envlock.resolve.refusals import refused_together
from envlock.resolve.repair import bounds_for
from envlock.rules.check import Situation, violations
from envlock.rules.families import families
from envlock.targets.fitting import fits, serves
from envlock.versions import admits

#: How often one release may be solved again before it is given up, and how
#: many solves a request may cost in all.
_ROUNDS = 6
_SOLVES = 16


class Settled(Struct, frozen=True, kw_only=True):
    """Pins, their files, the bounds that led there, and the rules that they do not meet."""

    anchor: Anchor | None
    packages: tuple[LockedPackage, ...]
    constraints: tuple[Constraint, ...]
    files: Listed
    given_up: tuple[Violation, ...] = ()


class Refused(Struct, frozen=True, kw_only=True):
    """A release that cannot be: the engine's words, or the rules no bound could meet.

    Without a release it is the request as it stands, no rule applied.
    """

    anchor: Anchor | None
    text: str = ""
    broken: tuple[Violation, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    packages: tuple[LockedPackage, ...] = ()


class Spent(Struct, frozen=True, kw_only=True):
    """The solves that a request may cost are spent; ``untried`` releases are left."""

    solves: int
    untried: tuple[Anchor | None, ...]


Attempt = Infeasible | Refused | Spent


def search(
    question: Question,
    anchors: Iterable[Anchor | None],
    tools: Tools,
    *,
    solves: int = _SOLVES,
) -> tuple[Settled | None, tuple[Attempt, ...]]:
    """The first release that can be settled, and every one refused before it.

    The engine is asked ``solves`` times at most, a few more when a release
    that is under way needs them.
    """
    tried: list[Attempt] = []
    budget = _Budget(solves)
    pending = list(anchors)
    while pending:
        if budget.left <= 0:
            tried.append(Spent(solves=solves, untried=tuple(pending)))
            break
        anchor = pending.pop(0)
        verdict = judge(anchor, question.given(anchor), question.rules, question.target)
        if isinstance(verdict, Feasible):
            verdict = refused_together(question, anchor, tools) or verdict
        if isinstance(verdict, Infeasible):
            tried.append(verdict)
            continue
        result = _settle(question, anchor, verdict, tools, budget)
        if isinstance(result, Settled):
            return result, tuple(tried)
        if pending and result.text and not budget.advised:
            advice = _advice(question, tools, budget)
            if isinstance(advice, Refused):
                return None, (advice,)
            pending = _reordered(pending, advice)
        if any(violation.case.alone for violation in result.broken):
            # A neighbour brings in another owner of the same files, whatever the release.
            pending = [each for each in pending if each and anchor and each.name != anchor.name]
        tried.append(result)
    return None, tuple(tried)


def anchors(question: Question, tools: Tools) -> tuple[Anchor | None, ...]:
    """The releases to try; one empty anchor where no framework is asked for."""
    wish = framework(question.given(None))
    if wish is None:
        return (None,)
    names = distributions(wish, question.target.accelerator)
    pages = {name: tools.releases(name) for name in names}
    family = families().family_of(wish.name)
    preferred = [v for n, v in question.preferences.items() if families().family_of(n) == family]
    bounds = question.constraints
    return tuple(
        anchor
        for anchor in candidates(wish, pages, question.target, preferred)
        if anchor.name not in bounds or admits(bounds[anchor.name].specifier, anchor.version)
    )


class _Budget(Struct):
    """How many more times an engine may be started, and whether it gave its advice."""

    left: int
    advised: bool = False


def _advice(question: Question, tools: Tools, budget: _Budget) -> Version | Refused | None:
    """The release that an engine takes when no rule is applied; refused when it finds none.

    Where a neighbour admits few releases, this finds them at once; where the
    request contradicts itself, no release needs trying.
    """
    budget.left -= 1
    budget.advised = True
    answer = tools.solve(question.problem(None, ()), "the request as it stands")
    if isinstance(answer, Unsatisfiable):
        return Refused(anchor=None, text=answer.text)
    wish = framework(question.wishes)
    found = (p.version for p in answer.packages if wish is not None and p.name == wish.name)
    return next(found, None)


def _reordered(pending: list[Anchor | None], advice: Version | None) -> list[Anchor | None]:
    """The release advised first, then those before it, then those after it."""

    def rank(anchor: Anchor | None) -> tuple[bool, bool]:
        if anchor is None or advice is None:
            return (False, False)
        return (anchor.version != advice, anchor.version > advice)

    return sorted(pending, key=rank)


def _settle(
    question: Question, anchor: Anchor | None, verdict: Feasible, tools: Tools, budget: _Budget
) -> Settled | Refused:
    """Solve and check until nothing is broken, for one framework release.

    When nothing fits, the soft constraints are given up together and once.
    """
    constraints = verdict.constraints
    soft = True
    last = Refused(anchor=anchor)
    for _ in range(_ROUNDS):
        budget.left -= 1
        name = str(anchor) if anchor else "the request"
        answer = tools.solve(question.problem(anchor, constraints), name)
        if isinstance(answer, Unsatisfiable):
            if not (soft and any(item.soft for item in constraints)):
                return Refused(anchor=anchor, text=answer.text, constraints=constraints)
            soft = False
            constraints = tuple(item for item in constraints if not item.soft)
            continue
        lock = _checked(question, anchor, answer.packages, constraints, tools)
        if lacking := _nowhere(question, lock, tools):
            return Refused(anchor=anchor, text=lacking, constraints=constraints)
        hard = tuple(v for v in lock.given_up if v.rule.severity is Severity.BREAKS)
        last = Refused(
            anchor=anchor, broken=hard, constraints=constraints, packages=answer.packages
        )
        bounds = _bounds(question, lock, lock.given_up if soft else hard, tools)
        added = dict.fromkeys(bound for bound in bounds if bound not in constraints)
        if not added:
            return last if hard else lock
        constraints = (*constraints, *added)
    return last


def _checked(
    question: Question,
    anchor: Anchor | None,
    packages: tuple[LockedPackage, ...],
    constraints: tuple[Constraint, ...],
    tools: Tools,
) -> Settled:
    """Pins with their files and the rules that they break, those only declared left out."""
    pins = {package.name: package.version for package in packages}
    judged = [rule for rule in question.rules if rule.severity is not Severity.DECLARED]
    with tools.progress.phase("read the files of the pins"):
        files = tools.pinned(pins)
    return Settled(
        anchor=anchor,
        packages=packages,
        constraints=constraints,
        files=files,
        given_up=violations(judged, pins, Situation.of(question.target)),
    )


def _bounds(
    question: Question, lock: Settled, broken: Iterable[Violation], tools: Tools
) -> Iterator[Constraint]:
    """The constraints that a lock calls for: broken rules, and files that are not for it."""
    pins = {package.name: package.version for package in lock.packages}
    anchor, target = lock.anchor, question.target
    given = question.given(anchor)

    def allowed(bound: Constraint) -> bool:
        moved = anchor is None or bound.package != anchor.name
        return moved and possible(bound, anchor, given, target)

    for violation in broken:
        yield from bounds_for(violation, pins, Situation.of(target), allowed, tools.releases)
    yield from _unfit(question, pins, lock.files, tools)


def _unfit(question: Question, pins: Pins, files: Listed, tools: Tools) -> Iterator[Constraint]:
    """Bounds against releases that are too new or not for this Python.

    pip before 26 knows no dates, uv no upper bound of a Requires-Python.
    """
    for name, listed in files.items():
        dated = admitted(listed, question.exclude_newer)
        if serves(dated, question.target):
            continue
        newest = _newest_below(pins[name], tools.releases(name), question.target)
        bound = f"<={newest}" if newest else f"<{pins[name]}"
        yield Constraint(package=name, specifier=SpecifierSet(bound), rules=())


def _newest_below(version: Version, releases: Releases, target: Target) -> Version | None:
    older = (each for each in releases if each < version and not each.is_prerelease)
    return max((each for each in older if serves(releases[each], target)), default=None)


def _nowhere(question: Question, lock: Settled, tools: Tools) -> str:
    """Which pins the target would have to compile, and every older release too; or ""."""
    target = question.target

    def compiled(package: LockedPackage) -> bool:
        files = admitted(lock.files.get(package.name, ()), question.exclude_newer)
        return (
            any(fits(file, target) for file in files)
            and not serves(files, target)
            and _newest_below(package.version, tools.releases(package.name), target) is None
        )

    lacking = (
        f"{package.name} {package.version}"
        + (f" (for {' and '.join(package.via)})" if package.via else "")
        for package in lock.packages
        if compiled(package)
    )
    named = ", ".join(lacking)
    where = f"for Python {target.minor} on {target.platform}"
    return named and f"no wheel {where} of {named} or an older release: only source to compile"
