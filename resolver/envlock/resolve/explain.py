"""Why nothing fits, in words, and the change that frees it, as something to type. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches
from itertools import chain

from msgspec import Struct, field
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.model import Constraint, DistributionFile, LockedPackage, Rule, Target, Violation
from envlock.releases import contents, pythons_for
from envlock.resolve.candidate import (
    TYPED,
    Candidate,
    PackageRequirement,
    Releases,
    Requirements,
    admitted,
    file_of,
    framework,
)
from envlock.resolve.feasible import Collision, Infeasible
from envlock.resolve.loop import Attempt, BudgetExhausted
from envlock.resolve.question import Question
from envlock.resolve.settle import Rejected, SourceOnly
from envlock.rules.check import conditions
from envlock.rules.frameworks import families
from envlock.targets.tags import fits, tagged_for

Find = Callable[[str], Rule | None]

#: How many reasons are told.
_TOLD = 5


def title(requirements: Requirements, target: Target) -> str:
    """What was asked, in one line."""
    of_framework = framework(requirements)
    ordered = sorted(requirements.values(), key=lambda requirement: requirement is not of_framework)
    if any(requirement.specifier for requirement in ordered):
        first, *rest = (
            str(requirement)
            for requirement in ordered
            if requirement.specifier or requirement is of_framework
        )
        asked = f"{first} with {' and '.join(rest)}" if rest else first
    else:
        asked = " and ".join(map(str, ordered))
    return f"no versions satisfy {asked} on Python {target.minor} ({target.platform})"


def causes(tried: Sequence[Attempt], bounds: Requirements, find: Find) -> tuple[str, ...]:
    """The reasons, best candidate first; a few, and whether releases were left untried.

    ``bounds`` is all that the user says. A fact that rules out many releases
    is told for the first of them.
    """
    lines: dict[str, str] = {}
    for attempt in tried:
        for fact, line in _cause(attempt, bounds, find):
            lines.setdefault(fact, line)
    spent = tuple(_spent(attempt) for attempt in tried if isinstance(attempt, BudgetExhausted))
    return (*tuple(lines.values())[:_TOLD], *spent)


def _cause(attempt: Attempt, bounds: Requirements, find: Find) -> Iterator[tuple[str, str]]:
    """Each reason of one refusal: what makes it the same fact, and the sentence."""
    match attempt:
        case Infeasible(candidate=candidate, broken=broken, beside=other, collision=collision):
            for rule in broken:
                yield rule.id, _broken_alone(candidate, rule, bounds, other)
            if collision is not None:
                fact = f"{collision.requirement.name}{collision.bound}{collision.rules}"
                yield fact, _collision(candidate, collision, find)
        case Rejected(broken=broken, text=text, constraints=constraints, packages=packages):
            for violation in broken:
                yield violation.rule.id, _broken_together(violation, packages)
            if attempt.source_only is not None:
                text = _uncompiled(attempt.source_only)
            if text:
                yield text, text
                yield from ((line, line) for line in _named(text, constraints, find))
        case BudgetExhausted():
            return


def _uncompiled(found: SourceOnly) -> str:
    """Which pins a target would have to compile, with no older release that has wheels."""
    named = ", ".join(
        f"{package.name} {package.version}"
        + (f" (for {' and '.join(package.via)})" if package.via else "")
        for package in found.packages
    )
    where = f"for Python {found.target.minor} on {found.target.platform}"
    return f"no wheel {where} of {named} or an older release: only source to compile"


def _spent(spent: BudgetExhausted) -> str:
    first, *more = spent.untried
    rest = f"{first} and {len(more)} more releases were" if more else f"{first} was"
    return f"{spent.solves} attempts found nothing; {rest} not tried"


def _broken_alone(
    candidate: Candidate, rule: Rule, bounds: Requirements, other: NormalizedName | None
) -> str:
    named = {c.package for case in rule.cases for c in conditions(case)}
    owners = {n for case in rule.cases if case.alone for n in families().members(case.alone)}
    beside = [
        _as_written(requirement)
        for requirement in bounds.values()
        if (
            requirement.name in {*owners, other}
            or (requirement.name in named and requirement.specifier)
        )
        and not candidate.stands_for(requirement)
    ]
    together = f" with {' and '.join(beside)}" if beside else ""
    return f"{candidate} cannot be{together}: {_rule(rule)}"


def _broken_together(violation: Violation, packages: Iterable[LockedPackage]) -> str:
    wanted_by = {package.name: package.via for package in packages}
    seen = [
        f"{name} {version}" + (f" (for {' and '.join(via)})" if via else "")
        for name, version in violation.packages.items()
        for via in [wanted_by.get(name, ())]
    ]
    return f"{' and '.join(seen)} cannot be together: {_rule(violation.rule)}"


def _collision(candidate: Candidate, collision: Collision, find: Find) -> str:
    wanted = f"{_as_written(collision.requirement)} was asked for"
    bound = f"{collision.requirement.name}{collision.bound}"
    if not collision.rules:
        return f"{candidate.name} {candidate.version} declares {bound}; {wanted}"
    facts = "; ".join(_rule(rule) for name in collision.rules if (rule := find(name)))
    return f"{candidate.name} {candidate.version} needs {bound}, {wanted}: {facts}"


def _as_written(requirement: PackageRequirement) -> str:
    where = f" ({', '.join(requirement.places)})" if requirement.places else ""
    return f"{requirement.name}{requirement.specifier}{where}"


def _named(text: str, constraints: Iterable[Constraint], find: Find) -> Iterator[str]:
    """The rules behind bounds that the engine's own words name."""
    ids = dict.fromkeys(
        rule
        for constraint in constraints
        for part in constraint.specifier
        if re.search(rf"(?<![\w.-]){constraint.package}\S*{re.escape(str(part))}(?![\w.])", text)
        for rule in constraint.rules
    )
    yield from (_rule(rule) for name in ids if (rule := find(name)))


def _rule(rule: Rule) -> str:
    return f"{rule.because} (rule {rule.id})"


class Sought(Struct, frozen=True, kw_only=True):
    """Where a package is looked for: in words, as of which date, and which names may be meant.

    ``there`` tells whether the index has one of those, ``every`` are all releases of the
    package, also those of which only source is there.
    """

    place: str = ""
    date: datetime | None = None
    known: Iterable[str] = ()
    there: Callable[[NormalizedName], object] = bool
    every: Releases = field(default_factory=dict)

    def nowhere(self, name: str) -> str:
        """Say that there is no such package, and which one is there that may be meant."""
        if not self.place:
            return f"nothing is asked for {name}: there is no index, and no find-links"
        close = get_close_matches(name, sorted(self.known), n=1, cutoff=0.8)
        meant = [each for each in close if each != name and self.there(canonicalize_name(each))]
        hint = f"; did you mean {meant[0]}?" if meant else ""
        return f"there is no package {name} on {self.place}{hint}"


_ANYWHERE = Sought()


def missing(
    requirement: PackageRequirement,
    releases: Releases,
    target: Target,
    sought: Sought = _ANYWHERE,
) -> str:
    """Why no release of one package can be taken, or "" when one can."""
    if not releases:
        return sought.nowhere(requirement.name)
    found = admitted(requirement, releases)
    if not found:
        return _none_admitted(requirement, releases, sought)
    newest_first = sorted(found, reverse=True)
    best = newest_first[0]
    usable = (v for v in newest_first if any(fits(file, target) for file in found[v]))
    if (first := next(usable, None)) is not None:
        return _empty(requirement, chain([first], usable), target)
    tagged = [file for file in found[best] if tagged_for(file, target)]
    if tagged:
        bounds = " or ".join(sorted({file.requires_python or "" for file in tagged}))
        return f"{requirement.name} {best} is for Python {bounds}, not for {target.python}"
    pythons = pythons_for(best, target.platform, requirement.name)
    has = f"; it has wheels for Python {_span(pythons)}" if pythons else ""
    lacks = f"has no wheel for Python {target.minor} on {_system(target)}"
    return f"{requirement.name} {best} {lacks}{has}"


def _none_admitted(requirement: PackageRequirement, releases: Releases, sought: Sought) -> str:
    """Why none of the releases that are there meets a requirement."""
    met = [file for version in requirement.specifier.filter(releases) for file in releases[version]]
    if met:
        return _yanked(requirement, met)
    if bare := [*requirement.specifier.filter(sought.every)]:
        newest = max(releases)
        return (
            f"of {requirement.name} {max(bare)} there is source alone, which is not built: the"
            f" newest {requirement.name} with a wheel is {newest}"
        )
    return f"there is no {requirement}{_newest(requirement.name, releases, sought.date)}"


def _newest(name: str, releases: Releases, date: datetime | None) -> str:
    """Which release there is instead: of a date, if it is as of one, and final where one is."""
    standing = [v for v, files in releases.items() if any(f.yanked is None for f in files)]
    newest = max((v for v in standing if not v.is_prerelease), default=max(standing or releases))
    last = max(releases)
    by_then = f" by {date:%Y-%m-%d}" if date is not None else ""
    later = ""
    if last > newest:
        later = f", and {last} is {'yanked' if last not in standing else 'a pre-release'}"
    return f"{by_then}: the newest {name} {'then was' if by_then else 'is'} {newest}{later}"


def _yanked(requirement: PackageRequirement, files: Sequence[DistributionFile]) -> str:
    """That a release is there and its author took it back, with the reasons that were given."""
    reasons = sorted({file.yanked for file in files if file.yanked})
    why = f": {'; '.join(reasons)[:200]}" if reasons else ""
    return (
        f"every file of {requirement} is yanked{why};"
        " one is taken only when its very version is asked for"
    )


def _empty(requirement: PackageRequirement, versions: Iterable[Version], target: Target) -> str:
    """Why releases that have wheels are of no use: the code is in another one, which has none.

    ``versions`` come newest first; the first that is of use ends the look.
    """
    for version in versions:
        pythons = pythons_for(version, target.platform, requirement.name)
        inside = contents(version, target.platform, requirement.name)
        if pythons is None or target.minor in pythons or inside == requirement.name:
            return ""
    lacks = f"which has no wheel for Python {target.minor}"
    has = f"; it has some for Python {_span(pythons)}" if pythons else " or any other there"
    return f"{requirement.name} {version} on {target.platform} only pulls in {inside}, {lacks}{has}"


def _system(target: Target) -> str:
    """The platform, with the system that is taken for granted where it is not this machine's."""
    libc = target.platform.libc.replace("macos", "macOS") if target.option else ""
    return f"{target.platform} with {libc}" if libc else str(target.platform)


def _span(pythons: Sequence[str]) -> str:
    return pythons[0] if len(pythons) == 1 else f"{pythons[0]} to {pythons[-1]}"


def relaxable(
    requirements: Requirements, said: str, *, bound: bool = True
) -> list[PackageRequirement]:
    """The requirements that could give way, those named in the reasons ``said`` first.

    Those that bound a version; all of them where ``bound`` is False.
    """
    able = [
        requirement for requirement in requirements.values() if requirement.specifier or not bound
    ]
    return sorted(able, key=lambda requirement: (requirement.name not in said, requirement.name))


def remedy(changed: PackageRequirement, instead: str, question: Question, verb: str) -> str:
    """One requirement changed, as something to type or the line of the file to edit."""
    if changed.places:
        return f"in {' and '.join(changed.places)}, change {changed} to {instead}"
    others = {
        name: requirement
        for name, requirement in question.requirements.items()
        if requirement is not changed
    }
    return command(question, verb, requirements=others, added=[instead])


def command(
    question: Question,
    verb: str,
    *,
    requirements: Requirements | None = None,
    added: Iterable[str] = (),
    target: Target | None = None,
) -> str:
    """The command line that asks a question; files are named, not spelled out.

    Constraints are not: those that hold anyway need no word, and whoever tells it
    carries the options that were typed.
    """
    requirements = question.requirements if requirements is None else requirements
    target = question.target if target is None else target
    typed = {
        str(requirement) for requirement in requirements.values() if TYPED in requirement.origins
    }
    words = ["envlock", verb, *(f'"{word}"' for word in sorted({*typed, *added}))]
    words += _files(requirements)
    words += ["--platform", target.option] if target.option else []
    words += ["--python", target.minor]
    if target.accelerator is not Accelerator.AUTO:
        words += ["--accelerator", target.accelerator.value]
    if question.exclude_newer is not None:
        words += ["--exclude-newer", question.exclude_newer.isoformat().replace("+00:00", "Z")]
    return " ".join(words)


#: What is asked for where nothing is typed.
_SETTING = "tool.envlock.requirements"


def _files(requirements: Requirements) -> list[str]:
    """The options that name the files of requirements, and extras and groups of them."""
    named = sorted(
        {
            (file, table)
            for requirement in requirements.values()
            for file, table in map(file_of, requirement.places)
            if table != _SETTING
        }
    )
    options = {"project.optional-dependencies": "--extra", "dependency-groups": "--group"}
    found = dict.fromkeys(f"-r {file}" for file, _ in named)
    for _, table in named:
        kind, _, name = table.rpartition(".")
        if kind in options:
            found[f"{options[kind]} {name}"] = None
    return list(found)
