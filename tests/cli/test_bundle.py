"""`envlock bundle`: a lock and its wheels in a folder, and what is installed from it alone."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from support.distributions import build_wheel
from support.program import Done, Program, snapshot
from support.simple_index import SimpleIndex
from support.terminal import Terminal
from support.unrouted import unrouted

WHEELS = ["h5py-3.11.0-py3-none-any.whl", "numpy-1.26.4-py3-none-any.whl"]
WHEELS += ["tensorflow-2.15.1-py3-none-any.whl"]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Program:
    """Give a program that shares nothing with the one that made the bundle."""
    root = tmp_path / "elsewhere"
    for name in ("project", "home"):
        (root / name).mkdir(parents=True)
    return Program(root=root, env={"ENVLOCK_ENGINE": "uv"})


def bundled(program: Program, *words: str, lock: str = "requirements.txt") -> Done:
    kind = "pylock" if lock.startswith("pylock") else "requirements"
    assert program("lock", "tensorflow", "--format", kind).code == 0
    return program("bundle", lock, *words)


@pytest.mark.parametrize("lock", ["requirements.txt", "pylock.toml"])
def test_a_bundle_is_all_that_an_install_needs(
    envlock: Program, elsewhere: Program, lock: str
) -> None:
    done = bundled(envlock, "-o", "b", lock=lock)
    assert (done.code, done.err) == (0, "")
    assert "b: 3 files" in done.out
    assert "envlock sync b\n" in done.out
    assert sorted(each.name for each in (envlock.here / "b" / "wheels").iterdir()) == WHEELS
    shutil.copytree(envlock.here / "b", elsewhere.here / "b")
    synced = unrouted(elsewhere, "sync", "b")
    assert (synced.code, synced.err) == (0, "")
    made = unrouted(elsewhere, "create", "--from", "b", "--env", "other")
    assert (made.code, made.err) == (0, "")
    assert "proved" in made.out
    assert sorted(each.name for each in elsewhere.here.iterdir()) == [".venv", "b", "other"]
    again = unrouted(elsewhere, "create", "--from", "b", "--json")
    assert (again.code, again.data["verified"]) == (0, True)


def test_the_same_again_fetches_nothing(envlock: Program, index: SimpleIndex) -> None:
    assert bundled(envlock).code == 0
    before = snapshot(envlock.here)
    count = len(index.downloads)
    done = envlock("bundle", "--json")
    assert (done.code, done.data["fetched"], len(index.downloads)) == (0, [], count)
    assert done.data["files"] == WHEELS
    assert snapshot(envlock.here) == before


def test_one_that_was_broken_off_goes_on(envlock: Program, index: SimpleIndex) -> None:
    assert envlock("lock", "tensorflow").code == 0
    index.status, index.where = 500, "/files/tensorflow"
    done = envlock("bundle")
    assert (done.code, (envlock.here / "bundle").exists()) == (4, False)
    assert "the same command goes on from what has come" in done.err
    index.status = None
    count = len(index.downloads)
    assert envlock("bundle", "--json").data["fetched"] == [WHEELS[2]]
    assert set(index.downloads[count:]) == {WHEELS[2]}
    assert sorted(each.name for each in envlock.here.iterdir()) == ["bundle", "requirements.txt"]


def test_one_that_nothing_came_of_leaves_nothing(envlock: Program, index: SimpleIndex) -> None:
    assert envlock("lock", "tensorflow").code == 0
    before = snapshot(envlock.here)
    index.status, index.where = 500, "/files/"
    done = envlock("bundle")
    assert (done.code, snapshot(envlock.here)) == (4, before)
    assert "goes on" not in done.err


def test_a_file_that_is_not_the_locked_one_is_refused(envlock: Program, index: SimpleIndex) -> None:
    assert envlock("lock", "h5py").code == 0
    wheel = index.folder / WHEELS[0]
    honest = {"sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
    wheel.write_bytes(wheel.read_bytes() + b"more")
    done = envlock("bundle", "--refresh")
    assert done.code == 4
    assert "that the lock knows by its hash" in done.err or honest["sha256"] in done.err
    assert not (envlock.here / "bundle").exists()


def test_what_is_no_bundle_is_left_alone(envlock: Program) -> None:
    (envlock.here / "mine").mkdir()
    (envlock.here / "mine" / "thesis.txt").write_text("years\n")
    done = bundled(envlock, "-o", "mine")
    assert done.code == 2
    assert "is no bundle of envlock's; it is left as it is" in done.err
    assert bundled(envlock, "-o", ".").code == 2


def test_a_strangers_bundle(envlock: Program, tmp_path: Path) -> None:
    assert bundled(envlock, "-o", "b").code == 0
    wheels = envlock.here / "b" / "wheels"
    (wheels / "page.html").write_text("<a href='https://evil.example/h5py-3.11.0.tar.gz'>")
    assert "not the file of a distribution" in envlock("sync", "b").err
    (wheels / "page.html").unlink()
    honest = (wheels / WHEELS[0]).read_bytes()
    (wheels / WHEELS[0]).unlink()
    (wheels / WHEELS[0]).symlink_to(tmp_path / "wheels" / WHEELS[0])
    assert "a link, which a bundle has not" in envlock("sync", "b").err
    (wheels / WHEELS[0]).unlink()
    done = envlock("sync", "b")
    assert (done.code, "lacks h5py 3.11.0" in done.err) == (4, True)
    build_wheel(wheels, "h5py", "3.11.0", files={"h5py/__init__.py": "raise SystemExit('evil')\n"})
    fresh = envlock.with_env(UV_CACHE_DIR=str(tmp_path / "fresh"))
    done = fresh("sync", "b")
    assert (done.code, "not the one that was locked" in done.err) == (4, True)
    assert not (envlock.here / ".venv").exists()
    (wheels / WHEELS[0]).write_bytes(honest)
    assert fresh("sync", "b").code == 0


def test_several_platforms(envlock: Program) -> None:
    words = ("--platform", "linux-x86_64", "--platform", "macos-arm64", "--format", "pylock")
    assert envlock("lock", "h5py", "--python", "3.11", *words).code == 0
    done = envlock("bundle", "pylock.toml", "--json")
    assert done.data["platforms"] == ["linux-x86_64", "macos-arm64"]
    one = envlock("bundle", "pylock.toml", "--platform", "macos-arm64", "--json")
    assert one.data["platforms"] == ["macos-arm64"]
    strange = envlock("bundle", "pylock.toml", "--platform", "windows-x86_64")
    assert strange.code == 2
    mark = json.loads((envlock.here / "bundle" / "envlock-bundle.json").read_text())
    assert mark["platforms"] == ["macos-arm64"]


def test_a_bundle_names_its_request_itself(envlock: Program) -> None:
    assert bundled(envlock, "-o", "b").code == 0
    done = envlock("create", "h5py", "--from", "b")
    assert (done.code, "h5py is asked for besides" in done.err) == (2, True)


def test_what_is_proposed_for_another_platform_bundles_it(envlock: Program) -> None:
    terminal = Terminal(program=envlock)
    terminal.types("envlock lock h5py --engine uv")
    terminal.types("envlock bundle --platform windows-x86_64", code=2)
    terminal.follows()
    assert (terminal.program.here / "bundle" / "requirements.windows-x86_64.txt").is_file()
    terminal.types("envlock bundle -o more --platform windows-x86_64", code=2)
    terminal.follows()
    assert (terminal.program.here / "more" / "requirements.windows-x86_64.txt").is_file()


def test_a_bundle_that_is_not_there(envlock: Program) -> None:
    terminal = Terminal(program=envlock)
    terminal.types("envlock lock h5py --engine uv")
    assert "nosuch: there is no such bundle" in terminal.types(
        "envlock create --from nosuch", code=2
    )
    terminal.follows()
    assert (terminal.program.here / "nosuch" / "wheels").is_dir()
