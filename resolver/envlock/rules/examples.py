"""A rule's own examples are its test. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.model import Platform, Rule
from envlock.rules.check import Situation, violations
from envlock.rules.patterns import shows
from envlock.rules.schema import Document

#: What an example means where it does not say.
_DEFAULTS = {"python": "3.10", "platform": "linux-x86_64", "manager": "pip"}


def example_faults(rule: Rule, document: Document) -> tuple[str, ...]:
    """The examples that a rule does not live up to, each with its key path."""
    return tuple(_faults(rule, document["examples"]))


def _faults(rule: Rule, examples: Mapping[str, Any]) -> Iterator[str]:
    for number, example in enumerate(examples.get("refuses", ())):
        if not _broken(rule, example):
            yield f"examples.refuses[{number}]: the rule admits {_words(example)}"
    for number, example in enumerate(examples.get("admits", ())):
        if _broken(rule, example):
            yield f"examples.admits[{number}]: the rule refuses {_words(example)}"
    for number, text in enumerate(examples.get("matches", ())):
        if not _matches(rule, text):
            yield f"examples.matches[{number}]: no symptom matches {text!r}"
    for number, text in enumerate(examples.get("ignores", ())):
        if _matches(rule, text):
            yield f"examples.ignores[{number}]: a symptom matches {text!r}"


def _broken(rule: Rule, example: Mapping[str, Any]) -> bool:
    packages = {
        canonicalize_name(name): Version(text) for name, text in example["packages"].items()
    }
    return bool(violations([rule], packages, _situation(example)))


def _situation(example: Mapping[str, Any]) -> Situation:
    said = {**_DEFAULTS, **example}
    system, _, machine = said["platform"].partition("-")
    musl = machine == "musl"
    return Situation(
        python=Version(said["python"]),
        platform=Platform(
            system=system,
            machine="x86_64" if musl or not machine else machine,
            libc="musl 1.2" if musl else "glibc 2.36" if system == "linux" else "",
        ),
        manager=said["manager"],
        accelerator=said.get("accelerator"),
        variables=said.get("variables", {}),
    )


def _matches(rule: Rule, text: str) -> bool:
    return shows(text, rule.symptoms)


def _words(example: Mapping[str, Any]) -> str:
    pins = ", ".join(f"{name} {version}" for name, version in example["packages"].items())
    return f"{pins or 'no packages'} on Python {example.get('python', _DEFAULTS['python'])}"
