"""One YAML document → one `Rule`, or every fault of it with its key path.

`schema.json` beside the rules is the one description of the format. It is
applied to rules that people add and by the tests to the shipped ones; the
shipped files are therefore read without it, which keeps the start quick.
"""

from __future__ import annotations

import json
import re
import re._parser as parser  # type: ignore[import-not-found]
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.causes import Cause
from envlock.model import (
    Case,
    Condition,
    Demand,
    Evidence,
    Remedy,
    RemedyKind,
    Rule,
    RuleId,
    Severity,
    Stage,
)
from envlock.rules import messages

if TYPE_CHECKING:
    from envlock.rules.cost import Effort

Document = Mapping[str, Any]


def read_rule(document: Document, *, source: str = "") -> Rule:
    """The rule in a document that `faults` found nothing wrong with."""
    return Rule(
        id=RuleId(document["id"]),
        title=document["title"],
        cases=_cases(document),
        stage=Stage(document["stage"]),
        severity=Severity(document["severity"]),
        because=document["because"],
        metadata=document.get("metadata", "no"),
        cause=Cause(document.get("cause", Cause.VERSION)),
        aliases=tuple(document.get("aliases", ())),
        symptoms=tuple(document.get("symptoms", ())),
        raised_in=tuple(map(_name, document.get("raised-in", ()))),
        messages=tuple(document.get("messages", ())),
        certain=document.get("certain", False),
        general=document.get("general", False),
        releases=tuple(
            _condition(name, each)
            for name, ranges in document.get("releases", {}).items()
            for each in ([ranges] if isinstance(ranges, str) else ranges)
        ),
        remedies=tuple(map(_remedy, document["remedy"])),
        evidence=(*map(_evidence, document["evidence"]), *_ran(document)),
        source=source,
    )


def _evidence(item: Document) -> Evidence:
    return Evidence(
        how=item["how"],
        what=item["what"],
        checked=item["checked"],
        links=tuple(item.get("links", ())),
    )


def _ran(document: Document) -> Iterator[Evidence]:
    """What the lines of a table say that was run of each."""
    for line in document.get("cases", ()):
        if (ran := line.get("ran")) is not None:
            name = next(iter(line["require"]))
            beside = " and ".join(f"{other} {version}" for other, version in ran["beside"].items())
            yield Evidence(
                how="ran",
                what=f"{name} {ran['passes']} runs with {beside} on CPython {ran['python']},"
                f" {ran['fails']} does not ({ran['says']}).",
                checked=ran["checked"],
            )


def _remedy(item: Document) -> Remedy:
    kind = next(each for each in RemedyKind if each.value in item)
    bounds = item.keys() - {kind.value, "seen"}
    return Remedy(
        kind=kind,
        text=item[kind.value],
        case=_case(item, {}) if bounds else None,
        seen=item.get("seen", ""),
    )


def _cases(document: Document) -> tuple[Case, ...]:
    """The lines of a rule, each with the conditions of the top level added."""
    lines: Iterable[Document] = document.get("cases", ({},))
    return tuple(_case(document, line) for line in lines)


def _case(top: Document, line: Document) -> Case:
    only = {*map(_name, top.get("only", ()))}

    def merged(key: str) -> tuple[Condition, ...]:
        asked = {**top.get(key, {}), **line.get(key, {})}
        return tuple(
            _condition(name, spec, only=_name(name) in only) for name, spec in asked.items()
        )

    def either(key: str) -> tuple[str, ...]:
        return tuple(line.get(key, top.get(key, ())))

    alone = top.get("alone")
    return Case(
        when=merged("when"),
        demands=tuple(
            (demand, condition) for demand in Demand for condition in merged(demand.value)
        ),
        alone=None if alone is None else canonicalize_name(alone),
        alike=top.get("alike", False),
        python=_both(line.get("python", ""), top.get("python", "")),
        platforms=either("platform"),
        managers=either("manager"),
        accelerators=either("accelerator"),
        variables={**top.get("variables", {}), **line.get("variables", {})},
        settings={**top.get("set", {}), **line.get("set", {})},
    )


def _condition(name: str, specifier: str, *, only: bool = False) -> Condition:
    return Condition(package=_name(name), specifier=_specifier(specifier), only=only)


@cache
def _specifier(text: str) -> SpecifierSet:
    return SpecifierSet(text)


@cache
def _both(one: str, other: str) -> SpecifierSet:
    return _specifier(one) & _specifier(other)


@cache
def _name(text: str) -> NormalizedName:
    return canonicalize_name(text)


def faults(document: object, effort: Effort | None = None) -> tuple[str, ...]:
    """Everything wrong with a document, each as ``key.path: what``; empty when sound.

    ``effort`` is what may be taken to judge its symptoms, with those of other documents.
    """
    if effort and not _judgeable(document, effort):
        return ("symptoms: they have too many characters, all together, to judge; write fewer",)
    found = list(schema_faults(_validator(), document))
    if not found and isinstance(document, Mapping):
        found.extend(_shape_faults(document, effort))
    return tuple(found)


def _judgeable(document: object, effort: Effort) -> bool:
    """Whether there is effort to take the symptoms of a document apart, which the schema asks."""
    found = document.get("symptoms") if isinstance(document, Mapping) else None
    texts = [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
    effort.left -= sum(map(len, texts)) // 4
    return effort.left >= 0


def schema_faults(validator: Any, document: object) -> tuple[str, ...]:  # noqa: ANN401  (as below)
    """What a validator finds wrong with a document, each as ``key.path: what``."""
    return tuple(
        f"{_path(error.absolute_path)}{_words(_said(error))}"
        for error in sorted(validator.iter_errors(document), key=lambda e: list(map(str, e.path)))
    )


def _said(error: Any) -> str:  # noqa: ANN401  (jsonschema's)
    """What is wrong, without what else stands there: the file may be of another kind."""
    message = str(error.message)
    whole = isinstance(error.instance, dict | list) or not error.absolute_path
    return message.replace(repr(error.instance), _kind(error.instance), 1) if whole else message


def _kind(value: object) -> str:
    kinds: dict[type, str] = {dict: "a table", list: "a list", str: "a text"}
    return kinds.get(type(value), "a value")


def demands(case: Case) -> bool:
    """Tell whether an environment can break a case; another one only tells what an error means."""
    return bool(case.demands) or case.alone is not None or bool(case.settings)


def _shape_faults(document: Document, effort: Effort | None) -> Iterable[str]:
    """What a JSON Schema cannot say."""
    for demand in (*(each.value for each in Demand), "set"):
        if demand in document and "cases" in document:
            yield f"{demand}: stands beside cases; move it into each case"
    tested = document["examples"]
    judged = any(map(demands, _cases(document)))
    if judged and not {"refuses", "admits"} <= tested.keys():
        yield "examples: a rule with a demand needs both refuses and admits"
    if judged and "metadata" not in document:
        yield "metadata: a rule with a demand says whether package metadata forbids it"
    for number, line in enumerate(document.get("cases", ())):
        if "ran" in line and len(line.get("require", ())) != 1:
            yield f"cases.{number}.ran: it is told of the one package that the line requires"
    told = bool(document.get("symptoms") or document.get("messages"))
    if told and not {"matches", "provokes"} & tested.keys():
        yield "examples: a rule with symptoms or messages needs matches or provokes"
    if not judged and not told and "when" not in document:
        yield "when: a rule needs a demand, a condition, a symptom or a message"
    yield from _text_faults(document, effort)


def _text_faults(document: Document, effort: Effort | None) -> Iterable[str]:
    """What is wrong with the texts that a rule looks for."""
    for number, message in enumerate(document.get("messages", ())):
        if fault := messages.fault(message):
            yield f"messages[{number}]: {fault}"
    for number, symptom in enumerate(document.get("symptoms", ())):
        from envlock.rules.cost import slow  # noqa: PLC0415  (2 ms that shipped rules save)

        if fault := slow(symptom, effort):
            yield f"symptoms[{number}]: {fault}"


def _path(parts: Iterable[str | int]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return f"{text}: " if text else ""


def _words(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:197]}..."  # noqa: PLR2004  (a line)


@cache
def _validator() -> Any:  # noqa: ANN401  (jsonschema is imported when it is needed)
    return validator_of(schema())


def validator_of(described: Mapping[str, Any]) -> Any:  # noqa: ANN401  (as above)
    """Return a validator that knows the formats regex, specifier, version and date."""
    import jsonschema  # noqa: PLC0415  (80 ms that only people who add rules pay)

    checker = jsonschema.FormatChecker(formats=())
    checks: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("regex", _pattern),
        ("specifier", standards.specifiers),
        ("version", standards.version),
        ("date", _date),
    )
    for name, parse in checks:
        checker.checks(name)(_reads(parse))
    return jsonschema.Draft202012Validator(described, format_checker=checker)


def _reads(parse: Callable[[str], object]) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        return not isinstance(value, str) or parse(value) is not None

    return check


def _pattern(text: str) -> object:
    """The syntax tree of a pattern, whose making is quick; `slow` compiles what it admits."""
    try:
        # Python warns of what it will read in another way: such a pattern has no one meaning.
        with warnings.catch_warnings(action="error", category=FutureWarning):
            return parser.parse(text)
    except (re.error, OverflowError, RecursionError, FutureWarning):
        return None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def schema() -> dict[str, Any]:
    """The JSON Schema of a rule document."""
    loaded: dict[str, Any] = json.loads(schema_text())
    return loaded


def schema_text() -> str:
    """The same, as its authors wrote it."""
    return files("envlock_constraints").joinpath("schema.json").read_text(encoding="utf-8")
