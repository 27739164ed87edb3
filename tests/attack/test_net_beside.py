"""What goes on beside the main work: ended before the end, and never seen in it."""

import hashlib
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.choices import EngineName
from envlock.engine import Answer, Problem
from envlock.engine.piptools import _TRACEBACK, _UNREADABLE
from envlock.environment.installer import refuse_stalled
from envlock.errors import IndexFailure, WorkError
from envlock.evidence.values import PLAIN, Cell
from envlock.index.metadata import with_hashes
from envlock.index.pages import Index
from envlock.index.parse import file_at
from envlock.locking.job import Job
from envlock.locking.make import make_lock
from envlock.matrix.lanes import Task, Terms
from envlock.matrix.proving import resolve_set
from envlock.model import IndexSettings, Request
from envlock.progress import Progress, Silent
from envlock.request.words import parse_words
from envlock.system import run
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter
from support.distributions import build_wheel
from support.index_client import DEMO, OTHER, client
from support.odd_server import OddServer, drip
from support.pace import assert_soon, wait_until
from support.program import Program
from support.simple_index import SimpleIndex


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Say nothing until the peer hangs up."""
    handler.rfile.read(1)


def alive() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name in {"index", "output"}]


def assert_nothing_goes_on() -> None:
    wait_until(lambda: not alive(), 30)  # of a server that would be silent for a minute


def nobody() -> list[NormalizedName]:
    return []


def fail_once_asked(index: Index, server: OddServer) -> None:
    with index.expecting(lambda: [DEMO, OTHER]):
        wait_until(lambda: server.requests)
        raise WorkError("the engine")


def test_what_is_read_ahead_is_broken_off_when_the_engine_fails(tmp_path: Path) -> None:
    with OddServer({"/simple/demo/": silent, "/simple/other/": silent}) as server:

        def read() -> None:
            with pytest.raises(WorkError, match="the engine"):
                fail_once_asked(client(tmp_path, server.url, timeout=60), server)

        assert_soon(20, read)
    assert_nothing_goes_on()


def test_the_first_bad_page_breaks_the_others_off(tmp_path: Path) -> None:
    with OddServer({"/simple/demo/": b"<![bad>", "/simple/other/": silent}) as server:

        def read() -> None:
            with pytest.raises(IndexFailure):
                client(tmp_path, server.url, timeout=60).files_of([DEMO, OTHER])

        assert_soon(20, read)
    assert_nothing_goes_on()


class NoEngine:
    crosses_platforms = True

    def solve(self, _: Problem, __: Progress) -> Answer:
        raise AssertionError("an engine is started")


def test_a_page_of_the_request_that_cannot_be_read_is_told_before_an_engine_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("envlock.engine.ENGINES", {EngineName.UV: NoEngine})
    with OddServer({"/simple/demo/": b"<![bad>"}) as server:
        job = Job(
            request=Request(requirements=parse_words(("demo",))),
            settings=IndexSettings(index_url=server.url, no_cache=True),
            outputs={},
            command="",
            name="",
            engine=EngineName.UV,
            fresh=True,
        )
        with pytest.raises(IndexFailure) as caught:
            make_lock(job, Silent())
        assert caught.value.message.startswith(f"cannot read the package index {server.url}/demo/")


def test_a_page_that_cannot_be_read_ahead_ends_nothing(tmp_path: Path) -> None:
    with OddServer({"/simple/demo/": b"", "/simple/other/": b"<![bad>"}) as server:
        index = client(tmp_path, server.url)
        with index.expecting(lambda: [OTHER]):
            wait_until(lambda: server.requests["/simple/other/"])
            assert run([sys.executable, "-c", "print(1)"]).returncode == 0


def test_defects_of_what_is_read_ahead_are_not_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen = threading.Event()

    def broken() -> list[NormalizedName]:
        seen.set()
        raise ZeroDivisionError

    with OddServer() as server, client(tmp_path, server.url).expecting(broken):
        assert seen.wait(5)
    assert capfd.readouterr().err == ""


def refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_without_threads_pages_are_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OddServer({"/simple/demo/": b'<a href="demo-1.0.tar.gz">x</a>'}) as server:
        here = threading.Thread.start

        def start(thread: threading.Thread) -> None:
            (refuse if thread.name == "index" else here)(thread)

        monkeypatch.setattr(threading.Thread, "start", start)
        index = client(tmp_path, server.url)
        with index.expecting(nobody):
            assert len(index.files(DEMO)) == 1


def test_without_threads_a_program_is_not_followed_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(WorkError) as caught:
        run([sys.executable, "-c", "print(1)"])
    assert caught.value.message == (
        "the system gives no more threads, which following a program takes"
    )


def test_a_listener_that_has_gone_ends_no_program() -> None:
    def gone(_: str) -> None:
        raise BrokenPipeError

    code = "import sys; print('a', file=sys.stderr); print('b', file=sys.stderr)"
    done = run([sys.executable, "-c", code], on_line=gone)
    assert (done.returncode, done.stderr) == (0, "a\nb\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process does")
@pytest.mark.parametrize(
    ("code", "stalled"),
    [
        ("import time; time.sleep(60)", True),
        ("import time\nend = time.time() + 1.5\nwhile time.time() < end: pass", False),
        ("import subprocess; subprocess.run(['sleep', '1.5'])", False),
    ],
)
def test_an_installer_that_does_not_get_on_is_left(code: str, *, stalled: bool) -> None:
    done = assert_soon(15, lambda: run([sys.executable, "-c", code], stall=0.5))
    assert done.timed_out is stalled
    if stalled:
        with pytest.raises(IndexFailure) as caught:
            refuse_stalled(done, IndexSettings())
        assert caught.value.message == (
            "the packages could not be fetched: next to nothing came in 120 s,"
            " which is the time limit"
        )
        assert caught.value.remedies == (
            "a longer limit: PIP_DEFAULT_TIMEOUT=240, or timeout in pip's configuration",
        )


@pytest.mark.parametrize("name", ["index", "output"])
def test_a_thread_that_cannot_be_ended_does_not_hold_the_end_up(name: str) -> None:
    code = (
        "import threading, time; from envlock.cli.process import leave\n"
        f"threading.Thread(target=time.sleep, args=(30,), name={name!r}).start()\n"
        "print('done', end=''); leave(4)"
    )

    def end() -> None:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (4, b"done", b"")

    assert_soon(10, end)


def test_a_page_that_drips_ends_the_lock_at_the_time_limit(program: Program) -> None:
    with OddServer({"/simple/demo/": drip}) as server:
        quick = program.with_env(PIP_DEFAULT_TIMEOUT="0.2", ENVLOCK_ENGINE="uv")
        done = quick("lock", "demo", "--fresh", "--index-url", server.url)
    assert done.code == 4
    assert "came within the time limit of 0.8 s\n" in done.err


def lock(program: Program, index: SimpleIndex, *words: str) -> str:
    done = program("lock", *words, "--index-url", index.url, "--engine", "uv", "--fresh")
    return done.err if done.code else (program.here / "requirements.txt").read_text()


def test_a_project_of_which_all_is_yanked_is_said_to_be(program: Program) -> None:
    wheel = build_wheel(program.root / "wheels", "demo", "1.0").name
    with SimpleIndex(program.root / "wheels", yanked={wheel: "broken build"}) as index:
        assert lock(program, index, "demo").splitlines()[1] == (
            "  because every file of demo is yanked: broken build;"
            " one is taken only when its very version is asked for"
        )
        assert "\ndemo==1.0 " in lock(program, index, "demo==1.0")


def test_an_index_without_hashes_gives_files_that_are_hashed(program: Program) -> None:
    wheel = build_wheel(program.root / "wheels", "demo", "1.0")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with SimpleIndex(program.root / "wheels", hashes=False) as index:
        done = program("lock", "demo", "--index-url", index.url, "--engine", "uv", "--fresh")
        assert done.err == "127.0.0.1 states no hashes: 1 file downloaded to be hashed\n"
        text = (program.here / "requirements.txt").read_text()
        assert f"demo==1.0 \\\n    --hash=sha256:{digest}\n" in text


def test_a_set_of_the_matrix_has_the_files_of_one_index_hashed(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "first", "demo", "1.0")
    build_wheel(tmp_path / "second", "demo", "1.0", requires=["other"])
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with (
        SimpleIndex(wheel.parent, hashes=False) as first,
        SimpleIndex(tmp_path / "second") as second,
    ):
        use = IndexSettings(index_url=second.url, extra_index_urls=(first.url,), no_cache=True)
        terms = Terms(workspace=tmp_path, settings=use, engine=EngineName.UV)
        goal = target(find_interpreter(None))
        cell = Cell(
            distribution=DEMO,
            version=Version("1.0"),
            python=goal.minor,
            platform=str(goal.platform),
        )
        found = resolve_set(Task(cell=cell, name=PLAIN, terms=terms), goal)
    (package,) = found.packages
    assert package.hashes == (f"sha256:{digest}",)
    assert package.index == first.url


def not_hashed(server: OddServer, timeout: float = 15.0) -> str:
    """What is said of a file that cannot be hashed, with its address as URL."""
    url = f"{server.root}/demo-1.0.tar.gz"
    listed = {DEMO: [file_at(url)]}
    with pytest.raises(IndexFailure) as caught:
        with_hashes(listed, lambda files: files, IndexSettings(timeout=timeout), Silent())
    return caught.value.message.replace(url, "URL")


def test_a_file_that_cannot_be_hashed_is_told() -> None:
    with OddServer() as server:
        assert not_hashed(server) == "URL cannot be hashed: it answered 404 Not Found"
        server.answers["/demo-1.0.tar.gz"] = drip
        said = not_hashed(server, timeout=0.2)
        assert said.endswith("came within the time limit of 0.8 s")


def test_a_release_of_a_moment_ago_is_found_when_it_is_asked_for(program: Program) -> None:
    wheels = program.root / "wheels"
    build_wheel(wheels, "demo", "1.0")
    with SimpleIndex(wheels, max_age=600) as index:
        assert "demo==1.0" in lock(program, index, "demo")
        build_wheel(wheels, "demo", "2.0")
        assert "demo==1.0" in lock(program, index, "demo")
        assert "demo==2.0" in lock(program, index, "demo==2.0")
        build_wheel(wheels, "demo", "3.0")
        assert "demo==3.0" in lock(program, index, "demo", "-U", "--refresh")


@pytest.mark.parametrize(
    "last",
    [
        "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff",
        "RecursionError: maximum recursion depth exceeded",
    ],
)
def test_a_traceback_of_pip_over_what_it_read_is_known_by_its_last_line(last: str) -> None:
    begin = 'WARNING: x\nTraceback (most recent call last):\n  File "a", line 1, in b\n    c()\n'
    said = f"{begin}{last}\n"
    assert _TRACEBACK.findall(said) == [last]
    assert _UNREADABLE.match(last)
