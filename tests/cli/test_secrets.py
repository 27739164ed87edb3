"""A password reaches the index and nothing else."""

import subprocess
import threading
import time
from pathlib import Path

import pytest

from support.framework import for_its_python
from support.program import Program, snapshot
from support.simple_index import SimpleIndex

USER, SECRET = "robot", "s3cr3t-w0rd"
FORMATS = ("--format", "requirements", "--format", "pylock", "--format", "environment")


def in_the_url(program: Program, index: SimpleIndex) -> tuple[Program, tuple[str, ...]]:
    return program, ("--index-url", index.url_with(f"{USER}:{SECRET}"))


def in_the_variable(program: Program, index: SimpleIndex) -> tuple[Program, tuple[str, ...]]:
    return program.with_env(PIP_INDEX_URL=index.url_with(f"{USER}:{SECRET}")), ()


def in_netrc(program: Program, index: SimpleIndex) -> tuple[Program, tuple[str, ...]]:
    netrc = program.root / "home" / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {SECRET}\n")
    netrc.chmod(0o600)
    return program.with_env(NETRC=str(netrc)), ("--index-url", index.url)


@pytest.fixture
def program(program: Program) -> Program:
    return program.with_env(**for_its_python())


PLACES = [in_the_url, in_the_variable, in_netrc]


def processes() -> str:
    """Return the command lines of everything that runs."""
    return subprocess.run(
        ["/bin/ps", "-eo", "args"], capture_output=True, text=True, check=True
    ).stdout


def leaks(folder: Path) -> list[str]:
    """Return the files below a folder that have the secret in their name or content."""
    return [
        name
        for name, content in snapshot(folder).items()
        if SECRET in name
        or SECRET
        in (content.decode(errors="replace") if isinstance(content, bytes) else content or "")
    ]


@pytest.mark.parametrize("place", PLACES)
def test_a_private_index_works_and_the_secret_stays_out_of_everything(
    program: Program, index: SimpleIndex, place: object
) -> None:
    assert callable(place)
    index.auth = (USER, SECRET)
    private, words = place(program, index)
    seen: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            typed = "envlock create"
            lines = processes().splitlines()
            seen.extend(line for line in lines if SECRET in line and typed not in line)
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        done = private("create", "tensorflow", "--engine", "uv", "-v", *FORMATS, *words)
    finally:
        ended.set()
        watcher.join()
    assert done.code == 0, done.err
    assert SECRET not in done.out + done.err
    assert leaks(program.here) == leaks(program.cache) == []
    assert seen == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("how", ["--json", "-v"])
def test_an_error_does_not_have_the_secret(
    program: Program, index: SimpleIndex, place: object, how: str
) -> None:
    assert callable(place)
    index.auth = (USER, "another")
    private, words = place(program, index)
    done = private("lock", "tensorflow", "--engine", "uv", how, *words)
    assert done.code == 4
    assert "the credentials for 127.0.0.1 were refused (401 Unauthorized)" in done.out + done.err
    assert SECRET not in done.out + done.err
    assert leaks(program.here) == leaks(program.cache) == []


def test_a_remedy_that_repeats_what_was_typed_does_not_have_the_secret(
    program: Program, index: SimpleIndex
) -> None:
    url = index.url_with(f"{USER}:{SECRET}")
    done = program("lock", "tensorflow==2.15.1", "-p", "3.5", "-i", url)
    assert "  try: envlock lock tensorflow==2.15.1 -i " in done.err
    assert SECRET not in done.err
