"""The rules that hold in one run: the shipped ones and those of the user's folders.

A rule's own examples are its test.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.documents import Malformed
from envlock.errors import UsageError
from envlock.model import Platform, Rule
from envlock.rules.check import Situation, violations
from envlock.rules.cost import Effort
from envlock.rules.schema import Document, faults, read_rule
from envlock.rules.shown import speaks
from envlock.rules.tables import EXPLAINS, TABLES, parse, shipped, table_faults
from envlock.system import read_text

if TYPE_CHECKING:
    from envlock.rules.cost import Effort

#: What an example means where it does not say.
_DEFAULTS = {"python": "3.10", "platform": "linux-x86_64", "manager": "pip"}
#: To judge the symptoms of all folders: a second or two. The shipped ones would take 55,000.
_STEPS = 90_000
#: Of one folder and what is below it, and of faults that are told.
_MOST_FILES, _MOST_LOOKED_AT, _DEEPEST, _MOST_FAULTS = 2000, 20_000, 8, 100


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
    for place, text in _told(examples):
        if not speaks(rule, text):
            yield f"examples.{place}: no symptom or message is in {text!r}"
    for number, text in enumerate(examples.get("ignores", ())):
        if speaks(rule, text):
            yield f"examples.ignores[{number}]: a symptom or message is in {text!r}"


def _told(examples: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts that a rule explains, each with its key path."""
    for number, text in enumerate(examples.get("matches", ())):
        yield f"matches[{number}]", text
    for number, item in enumerate(examples.get("provokes", ())):
        for cell, text in item["raises"].items():
            yield f"provokes[{number}].raises.{cell}", text


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
        settled=True,
    )


def _words(example: Mapping[str, Any]) -> str:
    pins = ", ".join(f"{name} {version}" for name, version in example["packages"].items())
    return f"{pins or 'no packages'} on Python {example.get('python', _DEFAULTS['python'])}"


class Database(Struct, frozen=True, kw_only=True):
    """Rules in the order of their ids, found by id or alias.

    Those that only tell what an error means judge no versions, and are read
    where they are asked for.
    """

    rules: tuple[Rule, ...]

    @property
    def everything(self) -> tuple[Rule, ...]:
        """The rules and what tells what errors mean."""
        return tuple(sorted((*self.rules, *_explained()), key=lambda rule: rule.id))

    def with_rules(self, more: Sequence[Rule]) -> Database:
        """The same with more rules, of which one with the id of another takes its place."""
        if not more:
            return self
        by_id = {rule.id: rule for rule in (*self.rules, *more)}
        return Database(rules=tuple(sorted(by_id.values(), key=lambda rule: rule.id)))

    def find(self, name: str) -> Rule | None:
        """The rule with this id or alias."""
        return _named(name, self.rules) or _named(name, _explained())


def _named(name: str, rules: Iterable[Rule]) -> Rule | None:
    return next((rule for rule in rules if name == rule.id or name in rule.aliases), None)


def load(folders: Sequence[Path] = ()) -> Database:
    """The shipped rules and those in ``folders`` (every ``*.yaml`` below them).

    Raises:
        UsageError: a folder is missing, or a document is not a rule; every
            fault of every file is told, with file, id and key path.
    """
    ours = _shipped()
    if not folders:
        return Database(rules=ours)
    added, wrong = _read_folders(folders)
    wrong += _clashes((*ours, *_explained(), *added))
    if wrong:
        raise UsageError("\n".join(("these rules cannot be used:", *wrong)))
    return Database(rules=tuple(sorted((*ours, *added), key=lambda rule: rule.id)))


def check(folder: Path) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The sound rules of a folder, and every fault in it, failing examples included.

    In the folder that ships that is also what is wrong with its tables.
    """
    rules, wrong = _read_folders([folder], examples=True)
    ours = files("envlock_constraints")
    itself = isinstance(ours, Path) and ours.resolve() == folder.resolve()
    if itself:
        wrong += table_faults()
    others = () if itself else (*_shipped(), *_explained())
    return tuple(rules), (*wrong, *_clashes((*others, *rules)))


@cache
def _shipped(folder: str = "") -> tuple[Rule, ...]:
    found: list[Rule] = []
    for name, documents in shipped(folder).items():
        if name not in TABLES:
            found.extend(read_rule(document, source=name) for document in documents)
    return tuple(sorted(found, key=lambda rule: rule.id))


def _explained() -> tuple[Rule, ...]:
    return _shipped(EXPLAINS)


def _read_folders(
    folders: Iterable[Path], *, examples: bool = False
) -> tuple[list[Rule], tuple[str, ...]]:
    rules: list[Rule] = []
    wrong: list[str] = []
    effort = Effort(_STEPS)
    for folder in folders:
        if not folder.is_dir():
            wrong.append(f"{folder}: no such folder")
            continue
        try:
            for path in rule_files(folder):
                if path.name not in TABLES:
                    _read_file(path, rules, wrong, effort, examples=examples)
        except UsageError as error:
            wrong.append(error.message)
    return rules, _few(wrong)


def rule_files(folder: Path) -> list[Path]:
    """Return the ``*.yaml`` files of a folder and of those below it, in order.

    Raises:
        UsageError: there is too much below it to be a folder of rules.
    """
    found: list[Path] = []
    looked_at = 0
    for place, folders, names in os.walk(folder):
        looked_at += len(folders) + len(names)
        found += (Path(place) / name for name in names if name.endswith(".yaml"))
        deep = len(Path(place).relative_to(folder).parts) >= _DEEPEST and folders
        if looked_at > _MOST_LOOKED_AT or len(found) > _MOST_FILES or deep:
            raise UsageError(
                f"{folder}: this is no folder of rules: it has more than {_MOST_FILES:,} files"
                f" *.yaml, {_MOST_LOOKED_AT:,} files of all kinds, or {_DEEPEST} levels"
            )
    return sorted(found)


def _few(wrong: list[str]) -> tuple[str, ...]:
    if len(wrong) <= _MOST_FAULTS:
        return tuple(wrong)
    more = f"and {len(wrong) - _MOST_FAULTS:,} more faults like these"
    return (*wrong[:_MOST_FAULTS], more)


def _read_file(
    path: Path, rules: list[Rule], wrong: list[str], effort: Effort, *, examples: bool
) -> None:
    try:
        found = parse(read_text(path))
    except UsageError as error:
        wrong.append(error.message)
        return
    except Malformed as error:
        wrong.append(error.named(str(path), "YAML").message)
        return
    for number, document in enumerate(found, start=1):
        name = document.get("id") if isinstance(document, Mapping) else None
        place = f"{path}: {name or f'document {number}'}: "
        problems = faults(document, effort)
        wrong.extend(place + problem for problem in problems)
        if not problems:
            rule = read_rule(document, source=str(path))
            rules.append(rule)
            if examples:
                wrong.extend(place + fault for fault in example_faults(rule, document))


def _clashes(rules: Iterable[Rule]) -> tuple[str, ...]:
    seen: dict[str, Rule] = {}
    wrong: list[str] = []
    for rule in rules:
        for name in (rule.id, *rule.aliases):
            if name in seen:
                taken = f"{name} is taken by {seen[name].id} in {seen[name].source}"
                wrong.append(f"{rule.source}: {rule.id}: {taken}")
            seen[name] = rule
    return tuple(wrong)
