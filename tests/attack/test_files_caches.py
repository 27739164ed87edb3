"""A cache that cannot be used or trusted is not used, told once, and the work goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import platformdirs
import pytest

from envlock.errors import UsageError, WorkError
from envlock.index.cache import KeptPage, PageCache
from envlock.index.handover import uv_cache
from envlock.system import (
    cache_folder,
    cache_troubles,
    caches,
    exclusive,
    keep,
    kept_folder,
    load_kept,
    remembered,
)
from support.mounts import read_only, small_disk
from support.program import Program
from support.users import NOBODY, as_nobody, need_root

posix = pytest.mark.skipif(os.name == "nt", reason="owners and modes of POSIX")


@pytest.fixture(autouse=True)
def _no_troubles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was told yet."""
    monkeypatch.setattr(caches, "_troubles", {})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache that the variable names."""
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def not_used(folder: Path, why: str) -> tuple[str, ...]:
    goes_on = "work goes on without it, and ENVLOCK_CACHE_DIR=FOLDER names another"
    return (f"the cache {folder} is not used: {why}; {goes_on}",)


def made(path: Path, *, owner: int | None = None, mode: int = 0o700) -> None:
    path.mkdir(exist_ok=True)
    path.chmod(mode)
    if owner is not None:
        os.chown(path, owner, owner)


def test_a_cache_is_private_whatever_the_umask(program: Program) -> None:
    old = os.umask(0)
    try:
        assert program("rules", "list").code == 0
    finally:
        os.umask(old)
    modes = {path.stat().st_mode & 0o777 for path in (program.cache, *program.cache.rglob("*"))}
    assert modes == {0o700, 0o600}


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file in its place": (Path.touch, "it is a file"),
    "of another user": (
        partial(made, owner=NOBODY),
        "{root} belongs to nobody, and this is root",
    ),
    "in the home of another user": (
        lambda path: made(path.parent, owner=NOBODY),
        "{root.parent} belongs to nobody, and this is root",
    ),
    "writable by others": (
        partial(made, mode=0o757),
        "others may write to it (chmod go-w {root})",
    ),
    "writable by a group": (
        partial(made, mode=0o775),
        "others may write to it (chmod go-w {root})",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@posix
def test_a_cache_that_cannot_be_used_is_not_used_and_told_once(root: Path, fault: str) -> None:
    need_root()
    spoil, why = FAULTS[fault]
    spoil(root)
    before = root.stat() if root.exists() else None
    for name in ("index", "helpers", "index"):
        folder = cache_folder(name)
        assert kept_folder(name) is None
        assert root not in folder.parents
        assert (folder.is_dir(), folder.stat().st_mode & 0o777) == (True, 0o700)
    assert remembered("thing", {"a": b"1"}, lambda: "made") == "made"
    assert cache_troubles() == not_used(root, why.format(root=root))
    assert (root.stat() if root.exists() else None) == before


def test_a_cache_below_a_file_is_not_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root.touch()
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(root / "deeper"))
    assert kept_folder("index") is None
    assert cache_troubles() == not_used(root / "deeper", "Not a directory")


def test_a_read_only_cache_is_not_used(root: Path) -> None:
    root.mkdir()
    with small_disk(root, 100):
        root.chmod(0o700)
        with read_only(root):
            assert kept_folder("index") is None
    assert cache_troubles() == not_used(root, f"{root} cannot be written to")


@posix
def test_one_folder_of_another_user_in_a_cache_is_all_that_is_not_used(root: Path) -> None:
    need_root()
    made(root)
    made(root / "helpers", owner=NOBODY)
    assert kept_folder("helpers") is None
    assert kept_folder("index") == root / "index"
    why = f"{root / 'helpers'} belongs to nobody, and this is root"
    assert cache_troubles() == not_used(root / "helpers", why)


def test_without_any_home_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENVLOCK_CACHE_DIR", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: "~/.cache/envlock")
    assert kept_folder("index") is None
    assert "there is no home folder" in cache_troubles()[0]


@posix
def test_the_usual_cache_is_taken_back_from_others_without_what_they_could_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENVLOCK_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    usual = tmp_path / "envlock"
    program, page = usual / "helpers" / "tool" / "bin" / "python", usual / "index" / "page"
    for file in (program, page):
        file.parent.mkdir(parents=True)
        file.touch()
    for folder in (usual, usual / "helpers", usual / "helpers" / "tool", usual / "index"):
        folder.chmod(0o777)
    assert cache_folder("helpers", "tool", programs=True) == usual / "helpers" / "tool"
    assert cache_folder("index") == usual / "index"
    assert (program.exists(), page.exists()) == (False, True)
    assert {each.stat().st_mode & 0o777 for each in (usual, *usual.glob("*"))} == {0o700}
    assert cache_troubles() == ()


@posix
def test_a_program_of_the_cache_that_others_could_write_is_not_run(root: Path) -> None:
    cache_folder("helpers", "tool", programs=True)
    kept = root / "helpers" / "tool" / "kept"
    kept.touch()
    assert cache_folder("helpers", "tool", programs=True) == kept.parent
    assert kept.exists()
    kept.parent.chmod(0o770)
    assert cache_folder("helpers", "tool", programs=True) == kept.parent
    assert (kept.exists(), kept.parent.stat().st_mode & 0o777) == (False, 0o700)


@pytest.mark.parametrize("value", ["~/c", "~", "~root/c"])
@posix
def test_a_tilde_that_no_shell_expanded_is_refused(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        "ENVLOCK_CACHE_DIR": lambda: kept_folder("index"),
        "UV_CACHE_DIR": uv_cache,
    }
    for name, ask in variables.items():
        monkeypatch.setenv(name, value)
        with pytest.raises(UsageError) as caught:
            ask()
        assert caught.value.message == (
            f"{name}={value}: the shell did not replace ~, and envlock does not either"
        )
        assert caught.value.remedies == (f"export {name}={Path(value).expanduser()}",)


def test_a_tilde_is_told_by_the_program(program: Program) -> None:
    done = program.with_env(ENVLOCK_CACHE_DIR="~/c")("rules", "list")
    home = program.root / "home"
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: ENVLOCK_CACHE_DIR=~/c: the shell did not replace ~, and envlock does not either\n"
        f"  try: export ENVLOCK_CACHE_DIR={home}/c\n"
    )


@posix
def test_what_root_left_in_a_home_does_not_stop_its_user(envlock: Program) -> None:
    need_root()
    home = envlock.root / "home"
    for name in ("envlock", "uv"):
        (home / ".cache" / name).mkdir(parents=True)
    done = as_nobody(envlock, "create", ENVLOCK_CACHE_DIR=None, UV_CACHE_DIR=None)
    assert done.code == 0
    own, uvs = home / ".cache" / "envlock", home / ".cache" / "uv"
    assert done.err == (
        f"the cache {own} is not used: it belongs to root; work goes on without it, and"
        " ENVLOCK_CACHE_DIR=FOLDER names another\n"
        f"the cache of uv, {uvs}, is not used: {uvs} cannot be written to; one of envlock's is,"
        " and UV_CACHE_DIR=FOLDER names another\n"
    )


@posix
def test_a_user_without_a_home_gets_a_lock(envlock: Program) -> None:
    need_root()
    done = as_nobody(
        envlock, "lock", HOME="/nonexistent", ENVLOCK_CACHE_DIR=None, UV_CACHE_DIR=None
    )
    assert (done.code, done.err.count("is not used")) == (0, 2)
    assert (envlock.here / "requirements.txt").exists()


@posix
def test_root_leaves_nothing_in_the_home_of_a_user(envlock: Program) -> None:
    need_root()
    home = envlock.root / "home"
    os.chown(home, NOBODY, NOBODY)
    env = dict.fromkeys(("ENVLOCK_CACHE_DIR", "UV_CACHE_DIR"), "")
    done = envlock.with_env(**env)("lock")
    assert (done.code, list(home.iterdir())) == (0, [])
    assert done.err.count(f"{home} belongs to nobody, and this is root") == 2


def test_quiet_says_nothing_of_it(envlock: Program, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    spoilt = envlock.with_env(ENVLOCK_CACHE_DIR=str(tmp_path / "file"))
    (envlock.here / "requirements.txt").write_text("numpy==1.26.4\n")
    said = not_used(tmp_path / "file", "it is a file")[0]
    told = spoilt("fix", "requirements.txt").err.splitlines()
    assert (len(told), told[0].split(": ")[0], told[1]) == (2, "requirements.txt", said)
    assert spoilt("fix", "requirements.txt", "-q").err == ""


def test_a_cache_of_uv_that_cannot_be_used_is_replaced(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uvs"))
    assert uv_cache() == tmp_path / "uvs"
    (tmp_path / "uvs").touch()
    assert uv_cache() == root / "uv"
    uvs = tmp_path / "uvs"
    why = f"{uvs} is a file; one of envlock's is, and UV_CACHE_DIR=FOLDER names another"
    assert cache_troubles() == (f"the cache of uv, {uvs}, is not used: {why}",)


@posix
def test_a_temporary_cache_is_gone_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code = (
        "from envlock.system import cache_folder\n"
        "folder = cache_folder('helpers'); (folder / 'x').touch(); print(folder)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ENVLOCK_CACHE_DIR": str(tmp_path / "file"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(said.strip()).parent.parent == tmp_path
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_flipped_bit_in_any_byte_of_a_kept_file_is_found(tmp_path: Path) -> None:
    file, content = tmp_path / "kept", b'{"of": "numpy<1.24"}\n'
    keep({file: content})
    assert load_kept(file) == content
    whole = file.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        file.write_bytes(damaged)
        assert load_kept(file) is None
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert load_kept(file) is None
    file.write_bytes(whole + b"\n")
    assert load_kept(file) is None


def test_a_flipped_bit_in_the_knowledge_is_not_believed(program: Program) -> None:
    words = ("rules", "constraints", "tensorflow==2.10.1", "--python", "3.10")
    right = program(*words)
    file = program.cache / "knowledge-1.json"
    whole = file.read_bytes()
    assert whole.count(b"<1.24") > 0
    file.write_bytes(whole.replace(b"<1.24", b"<3.24"))
    again = program(*words)
    assert (again.code, again.out, again.err) == (0, right.out, "")
    assert file.read_bytes() == whole


def test_a_flipped_bit_in_an_index_page_is_not_believed(tmp_path: Path) -> None:
    cache = PageCache(tmp_path)
    page = KeptPage(lines={"1": b'[["a-1.0.tar.gz","http://h/a","sha"]]'}, etag=None, fresh_until=1)
    cache.store({"http://h/a/": page})
    assert cache.load("http://h/a/") == page
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes().replace(b"a-1.0", b"a-3.0"))
    assert cache.load("http://h/a/") is None


@posix
def test_a_kept_file_that_others_may_write_to_is_none(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    keep({file: b"content"})
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o666)
    assert load_kept(file) is None


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkError) as caught, exclusive(tmp_path / "file" / "lock"):
        pass
    assert caught.value.message == f"cannot lock {tmp_path / 'file' / 'lock'}: File exists"


def test_whoever_waits_for_another_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches, "_PATIENCE", 0.1)
    said: list[str] = []
    free = threading.Event()

    def tell(text: str) -> None:
        said.append(text)
        free.set()

    with exclusive(tmp_path / "lock"):
        waiting = threading.Thread(target=_wait_for, args=(tmp_path / "lock", tell))
        waiting.start()
        assert free.wait(10)
    waiting.join(10)
    assert said == [f"waiting for another envlock, which holds {tmp_path / 'lock'} (up to 30 s)"]


def _wait_for(path: Path, tell: Callable[[str], None]) -> None:
    with exclusive(path, timeout=30, tell=tell):
        pass


@pytest.mark.parametrize("target", [".cache", "nowhere"])
def test_a_cache_behind_a_link_that_leads_nowhere_is_not_used(
    envlock: Program, target: str
) -> None:
    home = envlock.root / "home"
    (home / ".cache").symlink_to(target)
    program = Program(
        root=envlock.root, env={**envlock.env, "UV_CACHE_DIR": str(home / ".cache/uv")}
    )
    done = program("lock", "h5py", "--fresh")
    assert done.code == 0
    assert done.err == (
        f"the cache of uv, {home}/.cache/uv, is not used: {home}/.cache is a link that leads"
        " nowhere; one of envlock's is, and UV_CACHE_DIR=FOLDER names another\n"
    )
