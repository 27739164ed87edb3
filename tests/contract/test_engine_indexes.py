"""What every engine makes of indexes: several, none, with a password, out of order."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.choices import EngineName, IndexStrategy
from envlock.engine import ENGINES, Answer, Unsatisfiable
from envlock.errors import IndexFailure
from envlock.index.handover import uv_program
from envlock.model import IndexSettings
from envlock.progress import Silent
from support.engines import ENGINE_NAMES, pins, problem, solve, use_own_caches
from support.simple_index import SimpleIndex, build_wheel

SECRET = "hunter2"  # noqa: S105  (of an index that lives for one test)

engines = pytest.mark.parametrize("engine", ENGINE_NAMES)


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


def build_large(folder: Path) -> int:
    """Put a wheel of one megabyte into a folder; return the bytes of its noise."""
    noise = random.Random(1).randbytes(1_000_000)  # noqa: S311  (what cannot be compressed)
    build_wheel(folder, "large", "1.0", requires=["other<2"], files={"large.bin": noise})
    return len(noise)


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
@pytest.mark.parametrize("ranges", [True, False])
def test_large_wheels_are_read_in_parts_where_a_server_gives_parts(
    engine: EngineName, index: SimpleIndex, folder: Path, *, ranges: bool
) -> None:
    size = build_large(folder)
    index.metadata, index.ranges = False, ranges
    assert pins(solve(engine, problem(index, "large"))) == {"large": "1.0", "other": "1.0"}
    assert (index.sent < size) is ranges


@pytest.mark.network
def test_pip_tools_reads_whole_wheels_where_parts_are_promised_and_not_given(
    index: SimpleIndex, folder: Path
) -> None:
    size = build_large(folder)
    index.metadata, index.ranges = False, "promised"
    answer = solve(EngineName.PIPTOOLS, problem(index, "large"))
    assert pins(answer) == {"large": "1.0", "other": "1.0"}
    assert index.sent > size


BEST = IndexStrategy.BEST


@pytest.fixture
def private(tmp_path: Path) -> Iterator[SimpleIndex]:
    """An index that has an older `other`, which needs `inner`, and nothing of `demo`."""
    files = tmp_path / "private"
    build_wheel(files, "other", "1.5", requires=["inner"])
    build_wheel(files, "inner", "1.0")
    with SimpleIndex(files, max_age=0) as served:
        yield served


@engines
@pytest.mark.parametrize("strategy", IndexStrategy)
@pytest.mark.parametrize("private_is_extra", [True, False])
def test_what_another_package_needs_comes_from_the_index_of_the_strategy(
    engine: EngineName,
    strategy: IndexStrategy,
    index: SimpleIndex,
    folder: Path,
    private: SimpleIndex,
    *,
    private_is_extra: bool,
) -> None:
    build_wheel(folder, "inner", "99.0")
    build_wheel(folder, "other", "99.0")
    first, last = (private, index) if private_is_extra else (index, private)
    settings = IndexSettings(
        index_url=last.url, extra_index_urls=(first.url,), index_strategy=strategy
    )
    answer = pins(solve(engine, problem(index, "demo==1.0", settings=settings)))
    private_wins = strategy is IndexStrategy.FIRST and private_is_extra
    expected = {"other": "1.5", "inner": "1.0"} if private_wins else {"other": "99.0"}
    assert answer == {"demo": "1.0", **expected}


@engines
def test_a_page_without_files_has_the_name_too(
    engine: EngineName, index: SimpleIndex, tmp_path: Path
) -> None:
    page = tmp_path / "simple" / "other" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<!DOCTYPE html><html><title>Links for other</title></html>")
    simple = (tmp_path / "simple").as_uri()
    settings = IndexSettings(index_url=index.url, extra_index_urls=(simple,))
    assert isinstance(solve(engine, problem(index, "demo", settings=settings)), Unsatisfiable)
    best = replace(settings, index_strategy=BEST)
    assert pins(solve(engine, problem(index, "demo", settings=best))) == {
        "demo": "2.0",
        "other": "2.0",
    }


@engines
@pytest.mark.parametrize("strategy", IndexStrategy)
@pytest.mark.parametrize("html", [True, False])
def test_what_another_package_needs_is_held_to_its_source(
    engine: EngineName,
    strategy: IndexStrategy,
    index: SimpleIndex,
    private: SimpleIndex,
    tmp_path: Path,
    *,
    html: bool,
) -> None:
    """With credentials, and with a newer file in find-links, which does not count."""
    private.json = not html
    private.auth = ("user", SECRET)
    links = tmp_path / "links"
    build_wheel(links, "other", "99.0")
    build_wheel(links, "inner", "0.9")
    settings = IndexSettings(
        index_url=index.url,
        find_links=(links.as_uri(),),
        sources=(("oth*", private.url_with(f"user:{SECRET}")),),
        index_strategy=strategy,
    )
    answer = solve(engine, problem(index, "demo==1.0", settings=settings))
    assert pins(answer) == {"demo": "1.0", "other": "1.5", "inner": "0.9"}
    assert not index.requests["/simple/other/"]


@engines
def test_a_package_that_is_not_on_its_index_is_nowhere(
    engine: EngineName, index: SimpleIndex, private: SimpleIndex
) -> None:
    settings = IndexSettings(index_url=index.url, sources=(("demo", private.url),))
    answer = solve(engine, problem(index, "demo", settings=settings))
    assert isinstance(answer, Unsatisfiable)
    assert answer.text.endswith(
        f"there is no package demo on {private.url}, the only place that sources let it come from"
    )


@engines
def test_an_index_that_cannot_be_read_is_told_by_its_own_address(
    engine: EngineName, index: SimpleIndex, private: SimpleIndex
) -> None:
    private.auth = ("user", SECRET)
    settings = IndexSettings(index_url=index.url, sources=(("other", private.url),))
    with pytest.raises(IndexFailure, match=f"{private.url}/other/: .*401 Unauthorized"):
        solve(engine, problem(index, "demo", settings=settings))


@engines
def test_a_version_is_kept_though_one_index_has_it_for_another_system(
    engine: EngineName, index: SimpleIndex, tmp_path: Path
) -> None:
    more = tmp_path / "more"
    build_wheel(more, "other", "2.0", tag="cp39-cp39-win32")
    kept = {canonicalize_name("other"): Version("2.0"), canonicalize_name("demo"): Version("1.0")}
    with SimpleIndex(more, max_age=0) as extra:
        settings = IndexSettings(
            index_url=index.url, extra_index_urls=(extra.url,), index_strategy=BEST
        )
        asked = problem(index, "demo", settings=settings, preferences=kept)
        assert pins(solve(engine, asked)) == {"demo": "1.0", "other": "2.0"}
        newer = replace(asked, requirements=("demo>=2",))
        assert pins(solve(engine, newer)) == {"demo": "2.0", "other": "2.0"}


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


@engines
def test_an_index_that_fails_is_a_failure_and_no_conflict(
    engine: EngineName, failing: Mapping[EngineName, Sequence[Future[Answer]]]
) -> None:
    errors = [answer.exception() for answer in failing[engine]]
    assert all(isinstance(error, IndexFailure) for error in errors)
    assert "500" in str(errors[0])
    assert "onnection" in str(errors[1])
    assert not any("Traceback" in str(error) or "\n" in str(error) for error in errors)
