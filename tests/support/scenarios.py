"""Resolver scenarios: a small index, a request, and what must come out; read, served and run.

A scenario is one TOML file in ``tests/scenarios``:

``why``               one sentence: what goes wrong when this breaks
``request``           words of the command line
``requirements``      the text of a requirements.in
``constraints``       the text of a constraints.txt
``accelerator``       cpu or cuda
``exclude_newer``     an ISO date and time
``preferences``       package → version, as from an existing lock
``[[rules]]``         a project's own: ``id``, ``when``, ``require`` …; what a rule needs besides
                      is filled in
``only``              linux, macos or windows: skipped elsewhere
``python``            the running Pythons that its facts hold for: skipped under others
``[index.NAME]``      version → table of ``requires``, ``requires_python``, ``extras``,
                      ``tag`` (one or several, py3-none-any where it has no source),
                      ``sdist``, ``yanked``, ``upload_time``
``[expect]``          ``pins`` (package → version, all of them), ``because`` (package → rule
                      ids; packages not named have none), ``notes``; or ``error`` (the
                      whole message), ``facts`` (parts of what stands for ``{engine}`` in it)
                      and ``remedies``, all of which are applied

``{python}``, ``{platform}`` and ``{index}`` in expected texts are the running
Python's minor, its platform and the URL of the index; ``{engine}`` is a line
in uv's own words, which change from one uv to the next.
"""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock import resolve as resolving
from envlock.choices import Accelerator
from envlock.engine import Engine
from envlock.index.filenames import admitted, releases
from envlock.index.pages import Index
from envlock.model import IndexSettings, Requested, Target
from envlock.progress import Silent
from envlock.request.files import read_constraints_file, read_request_file
from envlock.request.words import applicable, parse_words
from envlock.rules import database
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter
from support.distributions import build_sdist, build_wheel
from support.simple_index import SimpleIndex

FOLDER = Path(__file__).parent.parent / "scenarios"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One file; see the module's docstring."""

    name: str
    why: str
    index: Mapping[str, Mapping[str, Mapping[str, Any]]]
    expect: Mapping[str, Any]
    request: tuple[str, ...] = ()
    requirements: str = ""
    constraints: str = ""
    accelerator: str = "auto"
    exclude_newer: str = ""
    preferences: Mapping[str, str] | None = None
    rules: Sequence[Mapping[str, Any]] = ()
    only: str = ""
    python: str = ""

    def __str__(self) -> str:
        return self.name


def read_scenarios() -> list[Scenario]:
    """Return every scenario, by name."""
    return [
        Scenario(name=path.stem, **tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(FOLDER.glob("*.toml"))
    ]


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What is asked, as a command line would have it: words and files."""

    words: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    accelerator: str = "auto"
    exclude_newer: str = ""

    @classmethod
    def of(cls, scenario: Scenario) -> Asking:
        """Write the files of a scenario into the working folder, and ask for them."""
        named: dict[str, tuple[str, ...]] = {}
        for key, name in (("requirements", "requirements.in"), ("constraints", "constraints.txt")):
            text = getattr(scenario, key)
            if text:
                Path(name).write_text(text, encoding="utf-8")
                named[key] = (name,)
        return cls(
            words=tuple(scenario.request),
            accelerator=scenario.accelerator,
            exclude_newer=scenario.exclude_newer,
            **named,
        )

    @classmethod
    def typed(cls, command: str) -> Asking:
        """Take a remedy apart: ``envlock lock WORD… -r FILE -c FILE --python X.Y …``."""
        program, verb, *rest = shlex.split(command)
        assert (program, verb) == ("envlock", "lock")
        words = iter(rest)
        given: dict[str, tuple[str, ...]] = {"words": (), "-r": (), "-c": ()}
        single = {"--accelerator": "auto", "--exclude-newer": ""}
        for word in words:
            if word == "--python":
                assert next(words) == goal().minor
            elif word in single:
                single[word] = next(words)
            elif word in given:
                given[word] += (next(words),)
            else:
                given["words"] += (word,)
        return cls(
            words=given["words"],
            requirements=given["-r"],
            constraints=given["-c"],
            accelerator=single["--accelerator"],
            exclude_newer=single["--exclude-newer"],
        )


@contextmanager
def served(scenario: Scenario, folder: Path) -> Iterator[SimpleIndex]:
    """Build the distributions of a scenario and serve them, never to be cached."""
    index = SimpleIndex(folder, max_age=0)
    index.upload_times, index.yanked = times, yanked = {}, {}
    for name, versions in scenario.index.items():
        for version, said in versions.items():
            for file in _build(folder, name, version, said):
                if "upload_time" in said:
                    times[file.name] = said["upload_time"]
                if "yanked" in said:
                    yanked[file.name] = said["yanked"]
    with index:
        yield index


def _build(folder: Path, name: str, version: str, said: Mapping[str, Any]) -> Iterator[Path]:
    """Write the files of a release: its source, or a wheel for each tag, or both."""
    common = {key: said[key] for key in ("requires", "requires_python") if key in said}
    if said.get("sdist"):
        yield build_sdist(folder, name, version, **common)
    tags = said.get("tag", [] if said.get("sdist") else ["py3-none-any"])
    for tag in [tags] if isinstance(tags, str) else tags:
        yield build_wheel(folder, name, version, **common, extras=said.get("extras", ()), tag=tag)


@cache
def goal() -> Target:
    """Return the target of the running interpreter."""
    return target(find_interpreter(None))


def run(
    scenario: Scenario,
    asking: Asking,
    engine: Engine,
    index: SimpleIndex,
    on: Target | None = None,
) -> resolving.Resolution:
    """Resolve with the real engine and the real index client; the running Python without ``on``."""
    place = replace(on or goal(), accelerator=Accelerator(asking.accelerator))
    settings = IndexSettings(index_url=index.url)
    date = datetime.fromisoformat(asking.exclude_newer) if asking.exclude_newer else None
    pages = Index(settings)
    rules = database.load(_own_rules(scenario))
    question = resolving.Question(
        requirements=resolving.merge(applicable(_requested(asking), place)),
        constraints=resolving.merge(
            item
            for file in asking.constraints
            for item in read_constraints_file(Path(file)).constraints
        ),
        rules=rules.rules,
        target=place,
        settings=settings,
        preferences={
            canonicalize_name(n): Version(v) for n, v in (scenario.preferences or {}).items()
        },
        exclude_newer=date,
    )
    tools = resolving.Tools(
        engine=engine,
        releases=cache(lambda name: releases(admitted(pages.files(name), date))),
        progress=Silent(),
    )
    asked = resolving.Asked(database=rules, verb="lock", targets_here=lambda: ())
    return resolving.resolve(question, tools, pages, asked)


def _own_rules(scenario: Scenario) -> tuple[Path, ...]:
    if not scenario.rules:
        return ()
    folder = Path("rules")
    folder.mkdir(exist_ok=True)
    for rule in scenario.rules:
        document = {
            "title": f"The rule {rule['id']}",
            "stage": "import",
            "severity": "breaks",
            "because": f"{rule['id']} is a fact of this scenario.",
            "metadata": "no",
            "remedy": [{"advice": "none"}],
            "evidence": [{"how": "reported", "what": "in a test", "checked": "2026-01-01"}],
            "examples": {"refuses": [{"packages": {}}], "admits": [{"packages": {}}]},
            **rule,
        }
        (folder / f"{rule['id']}.yaml").write_text(json.dumps(document), encoding="utf-8")
    return (folder,)


def _requested(asking: Asking) -> list[Requested]:
    words = parse_words(asking.words) if asking.words else ()
    files = [read_request_file(Path(file)) for file in asking.requirements]
    return [*words, *(item for file in files for item in file.requirements)]
