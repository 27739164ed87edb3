"""Pipes and devices where envlock, and what it starts, would wait or read without an end."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from envlock.environment.journal import journals
from envlock.environment.place import made_by_envlock
from envlock.environment.replaceable import made_by, occupant
from envlock.environment.whose import whose
from envlock.errors import EnvlockError, UsageError
from envlock.index.handover import uv_environment
from envlock.index.local import linked_files
from envlock.index.settings import IndexOverrides, settings_from
from envlock.model import IndexSettings
from envlock.progress import Silent
from envlock.targets.interpreters import python_is_gone
from support.places import fresh_environment
from support.program import Program, snapshot
from support.simple_index import SimpleIndex

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of POSIX")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.fixture(params=[pipe, device])
def endless(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        request.param(path)

    return put


SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


@pytest.mark.parametrize(
    "name",
    [
        "pyvenv.cfg",
        "envlock.json",
        "bin/tool",
        f"{SITE}/tool-1.dist-info/RECORD",
        f"{SITE}/tool-1.egg-info/top_level.txt",
        "conda-meta/tool.json",
        ".envlock/0001/journal.jsonl",
    ],
)
def test_nothing_in_an_environment_is_waited_for(
    tmp_path: Path, name: str, endless: Callable[[Path], None]
) -> None:
    folder = tmp_path / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(tmp_path / "gone")
    (folder / "pyvenv.cfg").write_text("home = nowhere\n")
    (folder / "envlock.json").write_text(json.dumps({"envlock": 1, "transaction": "0"}))
    endless(folder / name)
    assert "nowhere" in python_is_gone(folder).message or name == "pyvenv.cfg"
    assert not made_by_envlock(folder)
    made_by(folder)
    [*whose(folder, folder).own_names()]
    assert all(each.lines() == [] for each in journals(folder))
    with suppress(UsageError):
        occupant(folder, ours=False, force=True)


@pytest.mark.parametrize(
    "overrides",
    [lambda file: IndexOverrides(cert=file), lambda file: IndexOverrides(client_cert=file)],
)
def test_a_certificate_is_no_pipe_and_no_device(
    tmp_path: Path, overrides: Callable[[str], IndexOverrides], endless: Callable[[Path], None]
) -> None:
    endless(tmp_path / "ca.pem")
    with pytest.raises(UsageError, match=r"ca\.pem: is a (pipe|device), not a file$"):
        settings_from((), {}, overrides(str(tmp_path / "ca.pem")))


def test_a_netrc_is_no_pipe_and_no_device(
    envlock: Program, index: SimpleIndex, endless: Callable[[Path], None]
) -> None:
    endless(envlock.root / "home" / ".netrc")
    index.auth = ("me", "secret")
    done = envlock("lock", "h5py", "--no-cache")
    assert done.code == 4
    assert "wants credentials and none were found (401 Unauthorized); " in done.err
    assert ".netrc cannot be read: it is a " in done.err


def test_a_page_of_find_links_is_no_pipe_and_no_device(
    tmp_path: Path, endless: Callable[[Path], None]
) -> None:
    endless(tmp_path / "links" / "page.html")
    with pytest.raises(EnvlockError, match=r"page\.html: cannot be read: it is a "):
        linked_files((tmp_path / "links").as_uri())


def test_find_links_that_are_not_there_are_left_out_for_uv_too(envlock: Program) -> None:
    done = envlock("lock", "h5py", "--find-links", "nowhere")
    place = (envlock.here / "nowhere").as_uri()
    assert (done.code, done.err) == (0, f"find-links {place} is not there: left out, as by pip\n")
    links = ((envlock.here / "nowhere").as_uri(), envlock.here.as_uri(), "https://example.org/")
    assert uv_environment(IndexSettings(find_links=links))["UV_FIND_LINKS"] == (
        f"{envlock.here.as_uri()},https://example.org/"
    )


class Failed(Exception):
    """What is built is no good."""


def fail(folder: Path, content: str) -> list[str]:
    """Build an environment that fails and is kept; return what was told."""

    class Notes(Silent):
        def note(self, text: str) -> None:
            told.append(text)

    told: list[str] = []
    with (
        suppress(Failed),
        fresh_environment(folder, Notes(), force=True, keep=True) as place,
    ):
        (folder / "bin").mkdir()
        (folder / "bin" / "python").write_text(content)
        (folder / "pyvenv.cfg").write_text(f"envlock = {place.id}\n")
        raise Failed
    return told


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda kept: (kept / "mine.txt").write_text("mine"), "there is one with 1 file that"),
        (lambda kept: (kept / ".git").mkdir(), "there is one with .git in it"),
        (lambda kept: (kept / "pyvenv.cfg").write_text("home = x\n"), "another environment"),
        (lambda kept: (kept / "envlock.json").write_text('{"envlock": 1}'), "another environment"),
        (lambda kept: (kept / "envlock.json").unlink(), "another environment"),
        (
            lambda kept: kept.rename(kept.with_name("moved")) and kept.symlink_to("moved"),
            "another environment",
        ),
    ],
)
def test_only_a_failed_environment_of_envlocks_own_is_replaced_by_the_next(
    tmp_path: Path, change: Callable[[Path], object], why: str
) -> None:
    kept = tmp_path / ".venv.failed"
    assert fail(tmp_path / ".venv", "first") == [f"the failed environment is kept in {kept}"]
    assert fail(tmp_path / ".venv", "second") == [f"the failed environment is kept in {kept}"]
    assert (kept / "bin" / "python").read_text() == "second"
    change(kept)
    before = snapshot(tmp_path)
    (told,) = fail(tmp_path / ".venv", "third")
    assert told.startswith(f"the failed environment cannot be kept in {kept}: {why}")
    assert snapshot(tmp_path) == before
