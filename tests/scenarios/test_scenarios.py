"""Every scenario, with both engines: the pins, the reasons, the words, and remedies that work."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.choices import EngineName
from envlock.engine import ENGINES, Answer, Problem
from envlock.engine.uv import Uv
from envlock.errors import NoResolution
from envlock.progress import Progress
from envlock.resolve import Resolution
from support.engines import ENGINE_NAMES, use_own_caches
from support.scenarios import Asking, Scenario, goal, read_scenarios, run, served
from support.simple_index import SimpleIndex

SCENARIOS = read_scenarios()
_EDIT = re.compile(
    r"in (?P<file>\S+):(?P<line>\d+), (?:change (?P<old>\S+) to (?P<new>\S+)|remove \S+)"
)


@pytest.fixture(autouse=True)
def _own_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    use_own_caches(monkeypatch, tmp_path_factory)
    monkeypatch.chdir(tmp_path)


def _is_of_the_engine(scenario: Scenario) -> bool:
    """Whether what comes out hangs on how an engine reads files and bounds, or on its words.

    What rules and the choice of a framework do is the loop's, the same around every engine.
    """
    releases = [release for releases in scenario.index.values() for release in releases.items()]
    return bool(
        scenario.preferences
        or scenario.exclude_newer
        or scenario.constraints
        or scenario.requirements
        or "error" in scenario.expect
        or any(
            set(said) - {"requires"} or Version(number).is_prerelease for number, said in releases
        )
    )


def _cases() -> Iterator[Any]:
    """Every scenario with uv; with the other engine those that hang on it, the rest by night."""
    for scenario in SCENARIOS:
        for engine in ENGINE_NAMES:
            (name,) = engine.values
            quick = name is EngineName.UV or _is_of_the_engine(scenario)
            marks = [*engine.marks, *([] if quick else [pytest.mark.nightly])]
            yield pytest.param(scenario, name, id=f"{scenario}-{engine.id}", marks=marks)


@pytest.mark.parametrize(("scenario", "engine"), list(_cases()))
def test_a_request_comes_out_as_its_scenario_says(
    scenario: Scenario, engine: EngineName, tmp_path: Path
) -> None:
    if scenario.only not in {"", goal().platform.system}:
        pytest.skip(f"the facts in it are those of {scenario.only}")
    if goal().python not in SpecifierSet(scenario.python):
        pytest.skip(f"the facts in it are those of Python {scenario.python}")
    with served(scenario, tmp_path / "files") as index:
        asking = Asking.of(scenario)
        if "error" in scenario.expect:
            _refuses(scenario, asking, engine, index)
        else:
            answer = run(scenario, asking, ENGINES[engine](), index)
            _holds(scenario, answer, tmp_path / "files")


def _holds(scenario: Scenario, answer: Resolution, folder: Path) -> None:
    expect = scenario.expect
    assert {p.name: str(p.version) for p in answer.packages} == expect["pins"]
    because = {p.name: list(p.because) for p in answer.packages if p.because}
    assert because == expect.get("because", {})
    assert list(answer.notes) == expect.get("notes", [])
    for package in answer.packages:
        stem = f"{package.name.replace('-', '_')}-{package.version}"
        files = [
            file for file in folder.iterdir() if file.name.startswith((f"{stem}-", f"{stem}."))
        ]
        hashes = {f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files}
        assert set(package.hashes) == hashes


def _refuses(scenario: Scenario, asking: Asking, engine: EngineName, index: SimpleIndex) -> None:
    with pytest.raises(NoResolution) as caught:
        run(scenario, asking, ENGINES[engine](), index)
    _says(scenario, caught.value.message, index)
    assert list(caught.value.remedies) == [
        _filled(text, index) for text in scenario.expect.get("remedies", [])
    ]
    if engine is EngineName.UV:  # remedies are solved with uv, whatever the engine
        for remedy in caught.value.remedies:
            _apply(remedy, scenario, asking, index)


def _says(scenario: Scenario, message: str, index: SimpleIndex) -> None:
    """The whole message is as expected; ``{engine}`` stands for words that are uv's own."""
    expected = re.escape(_filled(scenario.expect["error"].strip(), index))
    found = re.fullmatch(expected.replace(re.escape("{engine}"), "([^\n]+)"), message)
    assert found is not None, message
    said = " ".join(found.groups())
    assert all(fact in said for fact in scenario.expect.get("facts", ()))
    assert not set("│╰─▶\u00d7") & set(said)
    assert str(Path.cwd()) not in said


def _filled(text: str, index: SimpleIndex) -> str:
    facts = {"{python}": goal().minor, "{platform}": str(goal().platform), "{index}": index.url}
    for name, fact in facts.items():
        text = text.replace(name, fact)
    return text


def _apply(remedy: str, scenario: Scenario, asking: Asking, index: SimpleIndex) -> None:
    """Do what a remedy says; it must then resolve."""
    if remedy.startswith("envlock "):
        changed = Asking.typed(remedy)
        run(scenario, changed, ENGINES[EngineName.UV](), index)
        return
    edit = _EDIT.fullmatch(remedy)
    assert edit is not None, remedy
    file = Path(edit["file"])
    before = file.read_text(encoding="utf-8")
    lines = before.splitlines()
    lines[int(edit["line"]) - 1] = edit["new"] or ""
    file.write_text("\n".join(lines), encoding="utf-8")
    run(scenario, asking, ENGINES[EngineName.UV](), index)
    file.write_text(before, encoding="utf-8")


def test_there_is_a_scenario_for_every_way_a_request_can_go() -> None:
    assert len(SCENARIOS) >= 25
    assert all(scenario.why.endswith(".") for scenario in SCENARIOS)


class Dateless(Uv):
    """An engine that knows no dates, as pip before 26."""

    def solve(self, problem: Problem, progress: Progress) -> Answer:
        return super().solve(replace(problem, exclude_newer=None), progress)


def test_a_date_holds_with_an_engine_that_knows_none(tmp_path: Path) -> None:
    (scenario,) = (each for each in SCENARIOS if each.name == "as_of_a_date")
    with served(scenario, tmp_path / "files") as index:
        answer = run(scenario, Asking.of(scenario), Dateless(), index)
    _holds(scenario, answer, tmp_path / "files")
