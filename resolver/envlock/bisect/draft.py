"""What was found, as a rule to start from: sound by the schema and by its own examples. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct, field
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.bisect.differences import Side
from envlock.bisect.failures import Failure
from envlock.changes import Action, Plan, Step
from envlock.model import Platform, Stage
from envlock.outcomes import IMPORTS
from envlock.rules.frameworks import families, framework_of
from envlock.versions import admits, minor_of

_STAGES = {
    "import-h5py": Stage.IMPORT,
    "import": Stage.IMPORT,
    "fit": Stage.FIT,
    "save": Stage.SAVE,
    "load": Stage.LOAD,
    "weights": Stage.LOAD,
    "custom-layer": Stage.LOAD,
    "load-compiled": Stage.LOAD,
    "resume": Stage.RESUME,
    "savedmodel": Stage.SAVEDMODEL,
    "keras": Stage.LOAD,
    "recurrent": Stage.RECURRENT,
    "convolution": Stage.CONVOLUTION,
    "install": Stage.INSTALL,
}
_OF_IMPORT = frozenset({"ImportError", "ModuleNotFoundError"})
_TITLE, _BECAUSE, _LINE = 100, 300, 200  # characters that the schema or a reader takes
_SHORTEST = 5  # characters of a symptom
#: What differs from run to run: addresses, and absolute paths up to the file's name.
_VOLATILE = re.compile(r"\b0x[0-9a-fA-F]+|(?:[A-Za-z]:)?[/\\](?:[^\s'\"/\\:]+[/\\])+")


class DraftFacts(Struct, frozen=True, kw_only=True):
    """What a rule is made of.

    Each of ``culprits`` leads from a version that works to one that does not.
    ``between`` are the releases between the two that are unresolved, by
    package; None where nobody has looked. ``companions`` came along because a
    culprit needs them. ``victim`` is the package of
    ``good`` that fails with them, where it is known; ``breaks`` False for a level that the
    default gate does not ask for. ``bounds`` are what the culprits are asked to
    be where more is known than the versions that were tried, ``why`` says from
    what; ``besides`` are changes that came with those of the culprits.
    """

    culprits: Sequence[Step]
    between: Mapping[NormalizedName, Sequence[Version]] | None
    failure: Failure
    good: Side
    victim: NormalizedName | None
    breaks: bool
    python: Version
    platform: Platform
    today: date
    companions: Sequence[Step] = ()
    bounds: Mapping[NormalizedName, SpecifierSet] = field(default_factory=dict)
    why: str = ""
    besides: Sequence[Step] = ()


def draft(facts: DraftFacts) -> dict[str, Any]:
    """Return the document of a rule that refuses the combination that was seen to fail."""
    asked, others = _asked(facts)
    when: dict[str, str] = _victim(facts) | {each.package: _range(each) for each in others}
    forbidden, note = _declared(facts, asked)
    # A blank of a symptom takes all of a run of blanks and line ends: no other may follow it.
    line = " ".join(_steady(facts.failure.line).split())[:_LINE].strip()
    document: dict[str, Any] = {
        "id": _id(facts, asked),
        "title": _cut(f"{_who(facts)} {_fails(facts)} with {_words(facts.culprits)}", _TITLE),
        **({"when": when} if when else {}),
        **_demands(facts, asked),
        "stage": _stage(facts.failure).value,
        "severity": "breaks" if facts.breaks else "degrades",
        "because": _cut(_because(facts, line), _BECAUSE),
    }
    if len(line) >= _SHORTEST:
        document["symptoms"] = [_pattern(line)]
    document |= {
        "metadata": "yes" if forbidden else "no",
        **({"metadata-note": note} if note else {}),
        "remedy": [_remedy(facts, asked)],
        "evidence": [{"how": "ran", "what": _ran(facts), "checked": facts.today.isoformat()}],
        "examples": _examples(facts, line),
    }
    return document


def _asked(facts: DraftFacts) -> tuple[Step, list[Step]]:
    """Choose the culprit that is bounded, and those that are its condition.

    A framework is bounded last; what has gone can only be asked for. Where the
    bounds are known, all culprits have one.
    """

    def rank(step: Step) -> tuple[bool, bool, str]:
        framework = framework_of(step.package) is not None
        return step.after is not None, framework, step.package

    first, *others = sorted(facts.culprits, key=rank)
    conditions = () if facts.bounds else others
    return first, [each for each in conditions if each.after is not None]


def _demands(facts: DraftFacts, asked: Step) -> dict[str, dict[str, str]]:
    """What a rule asks for: the bounds that are known, or one that parts the two versions."""
    if not facts.bounds:
        demand, bounds = _demand(asked)
        return {demand: bounds}
    absent = {each.package for each in facts.culprits if each.after is None}
    parts = {"include": absent, "require": facts.bounds.keys() - absent}
    return {
        demand: {name: str(facts.bounds[name]) for name in sorted(names)}
        for demand, names in parts.items()
        if names
    }


def _demand(step: Step) -> tuple[str, dict[str, str]]:
    """What a rule asks of a culprit, so that it admits the one version and not the other."""
    if step.after is None:
        return "include", {step.package: ""}
    if step.before is not None and (bound := _bound(step)):
        return "require", {step.package: bound}
    # Pre-releases, post-releases and builds of one version have no bound between them.
    exactly = (SpecifierSet(f"{sign}{step.after}") for sign in ("==", "==="))
    apart = (each for each in exactly if not (step.before and admits(each, step.before)))
    return "refuse", {step.package: str(next(apart))}


def _bound(step: Step) -> str:
    """The range on the side of the good version, "" where it does not part the two."""
    assert step.before is not None  # noqa: S101  (asked before)
    assert step.after is not None  # noqa: S101  (as above)
    sign = "<" if step.action is Action.UPGRADE else ">"
    bound = SpecifierSet(f"{sign}{step.after.public}")
    parts = admits(bound, step.before) and not admits(bound, step.after)
    return str(bound) if parts else ""


def _range(step: Step) -> str:
    """The versions of a culprit that fail, as far as it was seen."""
    if step.after is None or step.before is None:
        return "" if step.after is None else f"=={step.after}"
    return f"{'>=' if step.action is Action.UPGRADE else '<='}{step.after.public}"


def _victim(facts: DraftFacts) -> dict[str, str]:
    if facts.victim is None:
        return {}
    name = families().family_of(facts.victim) or facts.victim
    return {name: f"=={facts.good.pins[facts.victim]}"}


def _who(facts: DraftFacts) -> str:
    if facts.victim is None:
        return "a program"
    return f"{facts.victim} {facts.good.pins[facts.victim]}"


def _fails(facts: DraftFacts) -> str:
    stage = _stage(facts.failure)
    return "fails when used" if stage is Stage.USE else f"fails at {stage}"


def _words(culprits: Iterable[Step]) -> str:
    return " and ".join(
        f"{each.package} {each.after}" if each.after else f"no {each.package}" for each in culprits
    )


def _because(facts: DraftFacts, line: str) -> str:
    if facts.why:
        return f"{_who(facts)} {_fails(facts)} with {_words(facts.culprits)}: {facts.why}"
    plan = Plan(steps=tuple(facts.culprits))
    return f"{_who(facts)} {_fails(facts)} after {plan}: {line}"


def _stage(failure: Failure) -> Stage:
    if failure.level in _STAGES:
        return _STAGES[failure.level]
    if failure.level.startswith(IMPORTS):
        return Stage.IMPORT
    return Stage.IMPORT if failure.error in _OF_IMPORT else Stage.USE


def _id(facts: DraftFacts, asked: Step) -> str:
    parts = ["draft", asked.package, str(asked.after or "missing"), _stage(facts.failure).value]
    parts += [facts.victim] if facts.victim else []
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def _remedy(facts: DraftFacts, asked: Step) -> dict[str, str]:
    if facts.bounds:
        wishes = sorted(f"{name}{bound}" for name, bound in facts.bounds.items())
        return {"install": " ".join(wishes)}
    if asked.before is None:
        return {"command": f"pip uninstall {asked.package}"}
    bound = "" if asked.after is None else _bound(asked)
    return {"install": f"{asked.package}{bound or f'=={asked.before}'}"}


def _declared(facts: DraftFacts, asked: Step) -> tuple[bool, str]:
    """Whether a package of the rule declares that it refuses the bounded one, and its words."""
    there = [facts.victim, *(each.package for each in facts.culprits)]
    for name in dict.fromkeys(each for each in there if each and each in facts.good.pins):
        for each in facts.good.requires.get(name, ()):
            if canonicalize_name(each.name) == asked.package:
                unmet = bool(facts.good.unmet(name, asked.package, asked.after))
                bound = f"{asked.package}{each.specifier}"
                return unmet, f"{name} {facts.good.pins[name]} declares {bound}."
    return False, ""


def _ran(facts: DraftFacts) -> str:
    ends = "; ".join(
        f"{each.package} {each.before or 'absent'} passes and {each.after or 'absent'} fails"
        for each in facts.culprits
    )
    along = f", with {_words(facts.companions)} that it needs" if facts.companions else ""
    if facts.besides:
        along += f", beside {Plan(steps=tuple(facts.besides))}"
    moved = {each.package for each in (*facts.culprits, *facts.besides)}
    others = len(facts.good.pins.keys() - moved)
    place = f"On CPython {facts.python}, {facts.platform}: {ends}{along}"
    said = _steady(facts.failure.line).rstrip(".")
    text = f"{place}, the other {others} packages as they were: {said}."
    if facts.between is None:
        return f"{text} Releases between the two were not tried."
    odd = [f"{n} {', '.join(map(str, each))}" for n, each in facts.between.items() if each]
    return f"{text} Fails otherwise, or cannot be tried: {'; '.join(odd)}." if odd else text


def _examples(facts: DraftFacts, line: str) -> dict[str, Any]:
    victim = {} if facts.victim is None else {facts.victim: facts.good.pins[facts.victim]}
    minor = minor_of(facts.python)

    def example(moved: Mapping[NormalizedName, Version | None]) -> dict[str, Any]:
        packages = {n: str(v) for n, v in {**victim, **moved}.items() if v is not None}
        return {"packages": packages, "python": minor}

    asked, _ = _asked(facts)
    bad = {each.package: each.after for each in facts.culprits}
    cured = facts.culprits if facts.bounds else (asked,)
    found: dict[str, Any] = {
        "refuses": [example(bad)],
        "admits": [example({**bad, **{each.package: each.before for each in cured}})],
    }
    if len(line) >= _SHORTEST:
        found["matches"] = [line]
    return found


def _steady(line: str) -> str:
    """The line without what differs from run to run or tells of this machine."""
    return _VOLATILE.sub(lambda found: "0x0" if found[0].startswith("0x") else "/", line)


def _pattern(line: str) -> str:
    """A regular expression for the line, whatever its addresses, paths and quotes."""
    escaped = re.escape(line).replace(r"\ ", " ").replace("0x0", "0x[0-9a-fA-F]+")
    # The start of a path is all that `_steady` has left of the folders.
    escaped = re.sub(r"(?<![\w.*])/(?=\w)", r"\\S*[/\\\\]", escaped)
    return re.sub(r"(?<!\\)['\"]", "['\"]", escaped)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
