"""What no solver is needed for is refused before one starts, and every solver has an end."""

import sys

import pytest
from packaging.version import Version

from envlock.errors import NoResolution
from envlock.index.filenames import releases
from envlock.index.pages import Index
from envlock.model import IndexSettings
from envlock.progress import Silent
from envlock.resolve import Asked, Question, Tools, resolve
from envlock.resolve.ways import Search, ways_out
from envlock.rules import database
from envlock.system import OutOfTime, left, run_solver, solve_limit, within
from support.pace import assert_soon
from support.program import Program
from support.rules import TARGET, requirements
from support.scripted import Scripted, wheels
from support.simple_index import SimpleIndex, build_wheel

RULES = database.load()


def refused(index: SimpleIndex, *words: str) -> tuple[str, list[str]]:
    """Why a request has no answer, and what the engine was asked."""
    settings = IndexSettings(index_url=index.url)
    pages = Index(settings)
    engine = Scripted(lambda *_: "the engine says no")
    question = Question(
        requirements=requirements(*words),
        constraints={},
        rules=RULES.rules,
        target=TARGET,
        settings=settings,
    )
    tools = Tools(
        engine=engine, releases=lambda name: releases(pages.files(name)), progress=Silent()
    )
    asked = Asked(database=RULES, verb="lock", targets_here=tuple)
    with pytest.raises(NoResolution) as caught:
        resolve(question, tools, pages, asked)
    return caught.value.message, engine.asked


def test_a_companion_without_a_wheel_for_this_python_needs_no_solver(index: SimpleIndex) -> None:
    build_wheel(index.folder, "tensorflow-addons", "0.23.0", tag="cp39-cp39-linux_x86_64")
    said, asked = refused(index, "tensorflow", "tensorflow-addons")
    assert said.splitlines()[1] == (
        "  because tensorflow-addons 0.23.0 has no wheel for Python 3.11 on linux-x86_64"
    )
    assert asked == []


def test_a_companion_that_rules_refuse_in_every_release_needs_no_solver(
    index: SimpleIndex,
) -> None:
    build_wheel(index.folder, "tensorflow", "2.16.1")
    build_wheel(index.folder, "tensorflow-addons", "0.22.0")
    build_wheel(index.folder, "tensorflow-addons", "0.23.0")
    said, asked = refused(index, "tensorflow==2.16.1", "tensorflow-addons")
    assert said.splitlines()[1].startswith(
        "  because tensorflow==2.16.1 cannot be with tensorflow-addons:"
        " tensorflow-addons imports private Keras modules"
    )
    assert asked == []


def test_a_companion_of_which_one_release_is_left_is_solved_for(index: SimpleIndex) -> None:
    build_wheel(index.folder, "tensorflow", "2.13.1")
    for version in ("0.10.0", "0.22.0", "0.50.0"):
        build_wheel(index.folder, "tensorflow-addons", version)
    _, asked = refused(index, "tensorflow==2.13.1", "tensorflow-addons")
    assert asked


def test_a_version_that_is_not_there_needs_no_solver(index: SimpleIndex) -> None:
    said, asked = refused(index, "tensorflow", "h5py==99")
    assert said.splitlines()[1].startswith("  because there is no h5py==99: the newest h5py is ")
    assert asked == []


SLOW = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_solver_is_ended_at_the_limit_and_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVLOCK_SOLVE_TIMEOUT", "0.2")

    def solve() -> OutOfTime:
        with pytest.raises(OutOfTime) as caught:
            run_solver("pip-tools", SLOW)
        return caught.value

    told = assert_soon(5, solve).resolving("tensorflow==2.21.0")
    assert (told.message, told.remedies, told.exit_code) == (
        (
            "no answer after 0.2 s, the time limit of ENVLOCK_SOLVE_TIMEOUT:"
            " pip-tools was resolving tensorflow==2.21.0"
        ),
        ("--engine uv", "export ENVLOCK_SOLVE_TIMEOUT=0.6"),
        4,
    )


def test_work_inside_of_work_has_no_more_time_than_is_left_outside() -> None:
    assert left() == float("inf")
    with within(5), within(60):
        assert left() <= 5
        with within(0), pytest.raises(OutOfTime):
            run_solver("uv", SLOW)
        assert left() > 0
    assert (left(), solve_limit()) == (float("inf"), 600)


def test_a_lock_over_a_slow_index_ends_at_the_limit(envlock: Program, index: SimpleIndex) -> None:
    index.where, index.delay = "/files", 8
    done = envlock.with_env(ENVLOCK_SOLVE_TIMEOUT="1")("lock", "tensorflow", "--fresh")
    assert (done.code, done.out, done.err) == (
        4,
        "",
        (
            "error: no answer after 1 s, the time limit of ENVLOCK_SOLVE_TIMEOUT:"
            " uv was resolving tensorflow==2.15.1\n"
            "  try: export ENVLOCK_SOLVE_TIMEOUT=3\n"
        ),
    )
    assert not (envlock.here / "requirements.txt").exists()


def test_a_limit_that_is_no_number_is_told(envlock: Program) -> None:
    done = envlock.with_env(ENVLOCK_SOLVE_TIMEOUT="soon")("lock", "tensorflow", "--fresh")
    assert (done.code, done.err) == (
        2,
        (
            "error: ENVLOCK_SOLVE_TIMEOUT: the value is not a number of seconds\n"
            "  try: export ENVLOCK_SOLVE_TIMEOUT=600\n"
        ),
    )


def test_ways_out_are_looked_for_as_long_as_there_is_time() -> None:
    engine = Scripted(lambda *_: {"alpha": "1.0"})
    question = Question(
        requirements=requirements("tensorflow==2.0", "alpha==9"),
        constraints={},
        rules=(),
        target=TARGET,
        settings=IndexSettings(),
    )
    looking = Search(
        question=question,
        tools=Tools(
            engine=engine, releases=lambda name: wheels(name, "1.0 2.0"), progress=Silent()
        ),
        verb="lock",
        said="",
        targets_here=tuple,
    )
    with within(0):
        assert list(ways_out(looking)) == []
    assert engine.asked == []
    assert list(ways_out(looking)) == ['envlock lock "alpha==1.0" "tensorflow==2.0" --python 3.11']
    assert [Version(asked) for asked in engine.asked] == [Version("2.0")]
