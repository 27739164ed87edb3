"""`envlock rules`: the knowledge by itself, for people who stay with pip or uv."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.choices import Accelerator
from envlock.errors import NoResolution, ProblemFound, UsageError
from envlock.model import Constraint, Rule, Target
from envlock.resolve.candidate import Candidate
from envlock.resolve.feasible import Infeasible, judge
from envlock.rules import database
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter
from envlock.targets.platforms import Place, foreign_target
from envlock.words import counted


def find_rule(name: str, folders: Sequence[Path]) -> Rule:
    """The rule with this id or alias.

    Raises:
        UsageError: there is none; the nearest names are told.
    """
    from difflib import get_close_matches  # noqa: PLC0415  (only an error needs it)

    known = database.load(folders)
    rule = known.find(name)
    if rule is None:
        names = [each for item in known.rules for each in (item.id, *item.aliases)]
        close = get_close_matches(name, names, n=3, cutoff=0.5)
        raise UsageError(
            f"there is no rule {name}", *(f"envlock rules show {each}" for each in close)
        )
    return rule


def check_rules(folder: Path) -> tuple[Rule, ...]:
    """The rules of a folder, all sound.

    Raises:
        ProblemFound: some are not; every fault is told with file, id and key path.
    """
    rules, wrong = database.check(folder)
    if wrong:
        raise ProblemFound("\n".join((f"{counted(len(wrong), 'fault')} in {folder}:", *wrong)))
    return rules


def all_rules(folders: Sequence[Path]) -> tuple[Rule, ...]:
    """Every rule, by id."""
    return database.load(folders).rules


class Bounds(Struct, frozen=True, kw_only=True):
    """What the rules mean for one release and target."""

    anchor: Candidate
    target: Target
    constraints: tuple[Constraint, ...]
    rules: database.Database


def constraints_for(
    release: str,
    python: str | None,
    accelerator: Accelerator,
    folders: Sequence[Path],
    place: Place | None = None,
) -> Bounds:
    """What the rules ask of everything around one release, here or on another platform.

    Raises:
        UsageError: ``release`` is not NAME==VERSION, or ``python`` no version.
        NoResolution: the rules refuse the release itself.
    """
    anchor = _release(release)
    goal = _target(python, accelerator, place)
    rules = database.load(folders)
    verdict = judge(anchor, {}, rules.rules, goal)
    if isinstance(verdict, Infeasible):
        facts = "; ".join(f"{rule.because} (rule {rule.id})" for rule in verdict.broken)
        raise NoResolution(f"{anchor} cannot be on Python {goal.minor}: {facts}")
    return Bounds(anchor=anchor, target=goal, constraints=verdict.constraints, rules=rules)


def constraints_text(bounds: Bounds) -> str:
    """The bounds as a constraints file for pip or uv, with their reasons as comments."""
    lines = [
        f"# {bounds.anchor} on Python {bounds.target.minor}, {bounds.target.platform}",
        f"# pip install -c FILE {bounds.anchor}",
    ]
    for constraint in bounds.constraints:
        lines += _lines(constraint, bounds.rules)
    return "\n".join(lines) + "\n"


def _lines(constraint: Constraint, rules: database.Database) -> list[str]:
    found = [rule for name in constraint.rules if (rule := rules.find(name)) is not None]
    told = [f"# {rule.id}: {rule.because}" for rule in found]
    bound = f"{constraint.package}{constraint.specifier}"
    return ["", *told, f"# must be installed: {bound}" if constraint.include else bound]


def _release(text: str) -> Candidate:
    requirement = standards.requirement(text)
    specifiers = () if requirement is None else tuple(requirement.specifier)
    exact = [each.version for each in specifiers if each.operator == "=="]
    version = standards.version(exact[0]) if len(exact) == len(specifiers) == 1 else None
    if requirement is None or version is None:
        raise UsageError(
            f"{text}: one release is needed, as NAME==VERSION",
            'envlock rules constraints "tensorflow==2.15.1"',
        )
    return Candidate(name=canonicalize_name(requirement.name), version=version)


def _target(python: str | None, accelerator: Accelerator, place: Place | None) -> Target:
    """The target of a Python that need not be here: rules ask for its version only."""
    if python is not None and not re.fullmatch(r"3\.\d{1,3}(\.\d{1,3})?", python, re.ASCII):
        raise UsageError(f"{python} is not a version of Python, such as 3.10", "--python 3.10")
    here = target(find_interpreter(None), accelerator)
    version = Version(python) if python else here.python
    if place is not None:
        return foreign_target(place, version, accelerator)
    return replace(here, python=version)
