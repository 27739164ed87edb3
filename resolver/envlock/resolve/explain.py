"""Why nothing fits, in words, and the cheapest single change that frees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from packaging.utils import NormalizedName

from envlock.choices import Accelerator
from envlock.model import Constraint, Rule, RuleId, Target
from envlock.releases import pythons_for
from envlock.resolve.anchor import Anchor, Releases, fits, framework
from envlock.resolve.feasible import Collision, Infeasible
from envlock.resolve.loop import Attempt, Refused
from envlock.resolve.wishes import Wish, Wishes
from envlock.rules.check import conditions

Find = Callable[[str], Rule | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Relaxation:
    """A wish that stands in the way, and what it could be instead."""

    wish: Wish
    instead: Wish


def title(wishes: Wishes, target: Target) -> str:
    """What was asked, in one line."""
    anchor = framework(wishes)
    ordered = sorted(wishes.values(), key=lambda wish: wish is not anchor)
    bound = [str(wish) for wish in ordered if wish.specifier]
    asked = " with ".join(bound) if bound else " and ".join(map(str, ordered))
    return f"no versions satisfy {asked} on Python {target.minor} ({target.platform})"


def causes(tried: Sequence[Attempt], wishes: Wishes, find: Find) -> tuple[str, ...]:
    """The reasons, best candidate first; at most five.

    A fact that rules out many releases is told for the first of them.
    """
    lines: dict[str, str] = {}
    for attempt in tried:
        for fact, line in _cause(attempt, wishes, find):
            lines.setdefault(fact, line)
    return tuple(lines.values())[:5]


def _cause(attempt: Attempt, wishes: Wishes, find: Find) -> Iterator[tuple[str, str]]:
    """Each reason of one refusal: what makes it the same fact, and the sentence."""
    match attempt:
        case Infeasible(anchor=anchor, broken=broken, collision=collision):
            for rule in broken:
                named = {c.package for case in rule.cases for c in conditions(case)}
                bound = [str(w) for w in wishes.values() if w.specifier and w.name in named]
                beside = [text for text in bound if not text.startswith(f"{anchor.name}=")]
                together = f" with {' and '.join(beside)}" if beside else ""
                yield rule.id, f"{anchor} cannot be{together}: {_rule(rule)}"
            if collision is not None:
                fact = f"{collision.package}{collision.bound}{collision.rules}"
                yield fact, _collision(anchor, collision, find)
        case Refused(broken=broken, text=text, constraints=constraints):
            for violation in broken:
                seen = " and ".join(f"{n} {v}" for n, v in violation.packages.items())
                yield violation.rule.id, f"{seen} cannot be together: {_rule(violation.rule)}"
            if text:
                yield text, text
                yield from ((line, line) for line in _named(text, constraints, find))


def _collision(anchor: Anchor, collision: Collision, find: Find) -> str:
    wanted = f"{collision.package}{collision.wish}"
    bound = f"{collision.package}{collision.bound}"
    if not collision.rules:
        return f"{anchor.name} {anchor.version} declares {bound}; {wanted} was asked for"
    facts = "; ".join(_rule(rule) for name in collision.rules if (rule := find(name)))
    return f"{anchor.name} {anchor.version} needs {bound}, {wanted} was asked for: {facts}"


def _named(text: str, constraints: Iterable[Constraint], find: Find) -> Iterator[str]:
    """The rules behind bounds that the engine's own words name."""
    ids = {
        rule: None
        for constraint in constraints
        if f"{constraint.package}{constraint.specifier}" in text.replace(" ", "")
        for rule in constraint.rules
    }
    yield from (_rule(rule) for name in ids if (rule := find(RuleId(name))))


def _rule(rule: Rule) -> str:
    return f"{rule.because} (rule {rule.id})"


def missing(
    wish: Wish, releases: Releases, target: Target, where: str, known: Iterable[str]
) -> str:
    """Why no release of one package can be taken, or "" when one can.

    ``where`` names the index, ``known`` are names that a misspelt one may mean.
    """
    if not releases:
        close = get_close_matches(wish.name, sorted(known), n=1, cutoff=0.8)
        hint = f"; did you mean {close[0]}?" if close and close[0] != wish.name else ""
        return f"there is no package {wish.name} on {where}{hint}"
    admitted = sorted(v for v in releases if wish.specifier.contains(v, prereleases=True))
    newest = max((v for v in releases if not v.is_prerelease), default=max(releases))
    if not admitted:
        return f"there is no {wish}: the newest {wish.name} is {newest}"
    if any(fits(file, target) for version in admitted for file in releases[version]):
        return ""
    named = f"{wish.name} {admitted[-1]}"
    pythons = (
        pythons_for(admitted[-1], target.platform) if wish.name.startswith("tensorflow") else ()
    )
    has = f"it has wheels for Python {_span(pythons)} on {target.platform}" if pythons else ""
    return f"{named} has no wheel for Python {target.minor} on {target.platform}" + (
        f"; {has}" if has else ""
    )


def _span(pythons: Sequence[str]) -> str:
    ordered = sorted(pythons, key=lambda text: tuple(map(int, text.split("."))))
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def relaxable(wishes: Wishes, anchor_names: Iterable[NormalizedName]) -> tuple[Wish, ...]:
    """The wishes that could give way, those for the framework last."""
    anchors = frozenset(anchor_names)
    bound = [wish for wish in wishes.values() if wish.specifier]
    return tuple(sorted(bound, key=lambda wish: (wish.name in anchors, wish.name)))


def remedy(relaxation: Relaxation, wishes: Wishes, target: Target, verb: str) -> str:
    """A change as something to type, or the line of the file to edit."""
    changed = relaxation.wish
    places = [origin for origin in changed.origins if origin != "command line"]
    if places:
        return f"in {places[0]}, change {changed} to {relaxation.instead}"
    return command({**wishes, changed.name: relaxation.instead}, target, verb)


def command(wishes: Wishes, target: Target, verb: str) -> str:
    """The command line that asks for these wishes; files are named by ``-r``."""
    typed = [f'"{wish}"' for wish in wishes.values() if "command line" in wish.origins]
    files = {o.partition(":")[0] for wish in wishes.values() for o in wish.origins}
    named = [f"-r {file}" for file in sorted(files - {"command line"})]
    words = ["envlock", verb, *typed, *named, "--python", target.minor]
    if target.accelerator is not Accelerator.AUTO:
        words += ["--accelerator", target.accelerator.value]
    return " ".join(words)
