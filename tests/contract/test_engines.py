"""What every engine must do, each run for real on a small index."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.choices import EngineName
from envlock.engine import ENGINES, Solution, Unsatisfiable
from envlock.errors import IndexFailure, InterpreterMissing, WorkError
from support.engines import ENGINE_NAMES, pins, problem, solve
from support.scenarios import goal
from support.simple_index import SimpleIndex, build_sdist, build_wheel

engines = pytest.mark.parametrize("engine", ENGINE_NAMES)


@engines
def test_a_problem_is_solved_with_the_newest_that_fits_and_who_asked(
    engine: EngineName, index: SimpleIndex
) -> None:
    answer = solve(engine, problem(index, "demo"))
    assert pins(answer) == {"demo": "2.0", "other": "2.0"}
    assert isinstance(answer, Solution)
    assert {p.name: p.via for p in answer.packages} == {"demo": (), "other": ("demo",)}
    assert index.downloads == ()


@engines
def test_constraints_bound_what_comes_and_bring_nothing(
    engine: EngineName, index: SimpleIndex
) -> None:
    asked = problem(index, "demo", constraints=("other<2", "third==1.0"))
    assert pins(solve(engine, asked)) == {"demo": "1.0", "other": "1.0"}


@engines
def test_preferred_pins_are_kept_where_they_fit(engine: EngineName, index: SimpleIndex) -> None:
    kept = {"demo": "1.0", "other": "2.0"}
    preferences = {canonicalize_name(name): Version(version) for name, version in kept.items()}
    assert pins(solve(engine, problem(index, "demo", preferences=preferences))) == kept
    moved = problem(index, "demo>=2", preferences=preferences)
    assert pins(solve(engine, moved)) == {"demo": "2.0", "other": "2.0"}


@engines
def test_a_preferred_pin_that_is_no_longer_on_the_index_is_forgotten(
    engine: EngineName, index: SimpleIndex
) -> None:
    preferences = {canonicalize_name("other"): Version("9.9")}
    asked = problem(index, "demo", preferences=preferences)
    assert pins(solve(engine, asked)) == {"demo": "2.0", "other": "2.0"}


@engines
@pytest.mark.parametrize(
    ("requirements", "facts"),
    [
        (("demo>=2", "third"), ("other>=2", "other<2", "third")),
        (("demo==9",), ("there is no version of demo==9",)),
        (("nowhere",), ("nowhere was not found",)),
    ],
)
def test_what_does_not_fit_is_told_as_facts(
    engine: EngineName, index: SimpleIndex, requirements: tuple[str, ...], facts: tuple[str, ...]
) -> None:
    answer = solve(engine, problem(index, *requirements))
    assert isinstance(answer, Unsatisfiable)
    assert all(fact in answer.text for fact in facts)
    assert "\n" not in answer.text
    assert not {"Traceback", "cause:", "hint:", "conclude", "/"} & set(answer.text.split())


@engines
def test_packages_that_are_never_built_are_taken_as_wheels(
    engine: EngineName, index: SimpleIndex, folder: Path
) -> None:
    build_sdist(folder, "other", "3.0", backend="raise SystemExit('no compiler')")
    asked = problem(index, "demo", wheels_only=("other",))
    assert pins(solve(engine, asked)) == {"demo": "2.0", "other": "2.0"}


@engines
def test_a_source_archive_is_asked_for_its_needs(
    engine: EngineName, index: SimpleIndex, folder: Path
) -> None:
    build_sdist(folder, "pure", "1.0", requires=["other<2"])
    assert pins(solve(engine, problem(index, "pure"))) == {"other": "1.0", "pure": "1.0"}


@engines
def test_a_build_that_fails_is_no_conflict(
    engine: EngineName, index: SimpleIndex, folder: Path
) -> None:
    needs_a_build = ["other\nDynamic: Requires-Dist"]  # uv believes metadata that are not dynamic
    backend = "raise SystemExit('no compiler')"
    build_sdist(folder, "broken", "1.0", requires=needs_a_build, backend=backend)
    with pytest.raises(WorkError, match="no compiler") as caught:
        solve(engine, problem(index, "broken"))
    assert not isinstance(caught.value, IndexFailure)


@engines
def test_extras_are_followed_and_not_a_part_of_the_pin(
    engine: EngineName, index: SimpleIndex, folder: Path
) -> None:
    build_wheel(folder, "demo", "3.0", extras=["more"], requires=["third; extra == 'more'"])
    answer = solve(engine, problem(index, "demo[more]"))
    assert pins(answer) == {"demo": "3.0", "other": "1.0", "third": "1.0"}


@engines
def test_files_newer_than_the_date_are_not_seen(engine: EngineName, index: SimpleIndex) -> None:
    old, new = "2024-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
    index.upload_times = {
        "demo-1.0-py3-none-any.whl": old,
        "demo-2.0-py3-none-any.whl": new,
        "other-1.0-py3-none-any.whl": old,
        "other-2.0-py3-none-any.whl": new,
    }
    asked = problem(index, "demo", exclude_newer=datetime(2025, 1, 1, tzinfo=UTC))
    assert pins(solve(engine, asked)) == {"demo": "1.0", "other": "1.0"}


def test_pip_tools_needs_the_interpreter_it_resolves_for(index: SimpleIndex) -> None:
    asked = problem(index, "demo", target=replace(goal(), interpreter=None))
    with pytest.raises(InterpreterMissing) as caught:
        solve(EngineName.PIPTOOLS, asked)
    assert caught.value.message == (
        f"pip-tools needs a Python {goal().minor} to resolve for it, and none is here"
    )
    assert caught.value.remedies == ("--engine uv",)


def test_every_engine_is_held_to_this() -> None:
    assert {each.values[0] for each in ENGINE_NAMES} == set(EngineName) == set(ENGINES)
