"""What every engine must do, each run for real on a small index."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.choices import EngineName
from envlock.engine import ENGINES, Answer, Problem, Solution, Unsatisfiable
from envlock.errors import IndexFailure, InterpreterMissing, WorkError
from envlock.index.handover import uv_program
from envlock.model import IndexSettings
from envlock.progress import Silent
from support.engines import ENGINE_NAMES, use_own_caches
from support.scenarios import goal
from support.simple_index import SimpleIndex, build_sdist, build_wheel

SECRET = "hunter2"  # noqa: S105  (of an index that lives for one test)

engines = pytest.mark.parametrize("engine", ENGINE_NAMES)


@pytest.fixture(autouse=True)
def _own_caches(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    use_own_caches(monkeypatch, tmp_path_factory)


@pytest.fixture(scope="module", autouse=True)
def failing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[EngineName, Sequence[Future[Answer]]]]:
    """What engines make of an index that answers 500 and of one that is gone.

    They are asked when the module starts: each tries again for many seconds.
    """
    named = test_an_index_that_fails_is_a_failure_and_no_conflict.__name__
    items = [each for each in request.session.items if isinstance(each, pytest.Function)]
    asked = [EngineName(str(i.callspec.params["engine"])) for i in items if i.originalname == named]
    uv_program()  # asks sysconfig, which two threads must not be the first to do
    folder = tmp_path_factory.mktemp("nothing")
    with (
        pytest.MonkeyPatch.context() as patch,
        SimpleIndex(folder, status=500) as broken,
        ThreadPoolExecutor() as pool,
    ):
        use_own_caches(patch, tmp_path_factory)
        with SimpleIndex(folder) as gone:
            problems = [problem(broken, "demo"), problem(gone, "demo")]
        yield {
            engine: [pool.submit(ENGINES[engine]().solve, each, Silent()) for each in problems]
            for engine in asked
        }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The distributions of a small index."""
    folder = tmp_path / "files"
    build_wheel(folder, "demo", "1.0", requires=["other"])
    build_wheel(folder, "demo", "2.0", requires=["other>=2"])
    build_wheel(folder, "other", "1.0")
    build_wheel(folder, "other", "2.0")
    build_wheel(folder, "third", "1.0", requires=["other<2"])
    return folder


@pytest.fixture
def index(folder: Path) -> Iterator[SimpleIndex]:
    with SimpleIndex(folder, max_age=0) as served:
        yield served


def problem(index: SimpleIndex | None, *requirements: str, **more: Any) -> Problem:
    url = index.url if index is not None else "http://127.0.0.1:9/simple"
    known = {"constraints": (), "settings": IndexSettings(index_url=url), "target": goal(), **more}
    return Problem(requirements=requirements, **known)


def solve(engine: EngineName, asked: Problem) -> Answer:
    return ENGINES[engine]().solve(asked, Silent())


def pins(answer: Answer) -> dict[str, str]:
    assert isinstance(answer, Solution), answer
    return {package.name: str(package.version) for package in answer.packages}


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


@engines
def test_find_links_without_an_index(engine: EngineName, folder: Path) -> None:
    settings = IndexSettings(no_index=True, find_links=(folder.as_uri(),))
    asked = problem(None, "demo", settings=settings)
    assert pins(solve(engine, asked)) == {"demo": "2.0", "other": "2.0"}
    (folder / "other-2.0-py3-none-any.whl").unlink()
    (folder / "other-1.0-py3-none-any.whl").unlink()
    answer = solve(engine, asked)
    assert isinstance(answer, Unsatisfiable)
    assert "other was not found in the provided package locations" in answer.text


@engines
def test_the_best_of_several_indexes_is_taken(
    engine: EngineName, index: SimpleIndex, tmp_path: Path
) -> None:
    more = tmp_path / "more"
    build_wheel(more, "other", "3.0")
    with SimpleIndex(more, max_age=0) as extra:
        settings = IndexSettings(index_url=index.url, extra_index_urls=(extra.url,))
        answer = solve(engine, problem(index, "demo", settings=settings))
    assert pins(answer) == {"demo": "2.0", "other": "3.0"}


@engines
def test_find_links_beside_an_index_count_as_much(
    engine: EngineName, index: SimpleIndex, tmp_path: Path
) -> None:
    more = tmp_path / "more"
    build_wheel(more, "other", "3.0")
    settings = IndexSettings(index_url=index.url, find_links=(more.as_uri(),))
    answer = solve(engine, problem(index, "demo", settings=settings))
    assert pins(answer) == {"demo": "2.0", "other": "3.0"}


@engines
def test_the_users_own_settings_change_nothing(
    engine: EngineName, index: SimpleIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_CONSTRAINT"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9/nowhere")
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    monkeypatch.setenv("PIP_PRE", "1")
    assert pins(solve(engine, problem(index, "demo"))) == {"demo": "2.0", "other": "2.0"}


@engines
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="arguments are read in /proc")
def test_credentials_work_and_are_in_no_process_list(
    engine: EngineName, index: SimpleIndex
) -> None:
    index.auth = ("user", SECRET)
    settings = IndexSettings(index_url=index.url_with(f"user:{SECRET}"))
    solve(engine, problem(index, "demo", settings=settings))  # the helper is there from here on
    index.delay = 0.05
    with watched() as seen:
        assert pins(solve(engine, problem(index, "third", settings=settings))) == {
            "other": "1.0",
            "third": "1.0",
        }
    assert any("compile" in line for line in seen)
    assert not [line for line in seen if SECRET in line]


@contextmanager
def watched() -> Iterator[set[str]]:
    """The command lines of all children while the block runs."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.005):
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    if int(entry.name) != os.getpid():
                        line = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                        seen.add(line.decode(errors="replace"))
                except OSError:  # it has ended
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@engines
@pytest.mark.parametrize("credentials", ["", f"user:wrong-{SECRET}"])
def test_a_refused_index_is_a_failure_and_no_conflict(
    engine: EngineName, index: SimpleIndex, credentials: str
) -> None:
    index.auth = ("user", SECRET)
    url = index.url_with(credentials) if credentials else index.url
    with pytest.raises(IndexFailure, match="401 Unauthorized") as caught:
        solve(engine, problem(index, "demo", settings=IndexSettings(index_url=url)))
    assert SECRET not in caught.value.message


def test_pip_tools_needs_the_interpreter_it_resolves_for(index: SimpleIndex) -> None:
    asked = problem(index, "demo", target=replace(goal(), interpreter=None))
    with pytest.raises(InterpreterMissing) as caught:
        solve(EngineName.PIPTOOLS, asked)
    assert caught.value.message == (
        f"pip-tools needs a Python {goal().minor} to resolve for it, and none is here"
    )
    assert caught.value.remedies == ("--engine uv",)


@engines
def test_an_index_that_fails_is_a_failure_and_no_conflict(
    engine: EngineName, failing: Mapping[EngineName, Sequence[Future[Answer]]]
) -> None:
    errors = [answer.exception() for answer in failing[engine]]
    assert [type(error) for error in errors] == [IndexFailure, IndexFailure]
    assert "500" in str(errors[0])
    assert "onnection" in str(errors[1])
    assert not any("Traceback" in str(error) or "\n" in str(error) for error in errors)


def test_every_engine_is_held_to_this() -> None:
    assert {each.values[0] for each in ENGINE_NAMES} == set(EngineName) == set(ENGINES)
