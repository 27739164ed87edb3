"""What a refusal proposes works when it is typed: it asks where, and writes what, was asked for."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from envlock.cli import _app
from envlock.cli.advice import carried, pasted
from envlock.targets.interpreters import python_is_gone
from support.conda_channel import CondaChannel
from support.program import Done, Program
from support.remedies import ways
from support.simple_index import SimpleIndex, build_wheel

NOWHERE = "http://127.0.0.1:9/simple"


def typed(done: Done) -> list[str]:
    """The one way out, as a shell splits it."""
    (way,) = ways(done)
    return shlex.split(way.removeprefix("envlock "))


def test_a_way_out_is_asked_of_the_same_index_and_written_to_the_same_file(
    program: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "made", "1.0")
    build_wheel(index.folder, "made", "2.0")
    build_wheel(index.folder, "needs", "1.0", requires=["made<2"])
    program = program.with_env(ENVLOCK_ENGINE="uv", PIP_INDEX_URL=NOWHERE)
    done = program("lock", "made==2.0", "needs", "-i", index.url, "--output=own.txt", "--fresh")
    assert done.code == 3
    assert done.err.splitlines()[-1].endswith(f" -i {index.url} --output=own.txt --fresh")
    assert program(*typed(done)).code == 0
    assert "made==1.0" in (program.here / "own.txt").read_text()


@pytest.mark.parametrize(
    ("words", "way", "whole"),
    [
        ("lock a -i URL -o x.txt", 'envlock lock "a"', 'envlock lock "a" -i URL -o x.txt'),
        ("lock a -iURL -qf PLACE", 'envlock lock "a"', 'envlock lock "a" -iURL'),
        ("lock a --no-index -f A -f B", "envlock lock a", "envlock lock a --no-index -f A -f B"),
        (
            "create a --env=q --force",
            "envlock create a",
            "envlock create a --env=q --force  # --force deletes the environment that is there",
        ),
        ("lock a -i URL", "envlock lock b  # why", "envlock lock b -i URL  # why"),
        # Another command that asks for packages takes them from where they were looked for.
        ("lock a -i URL -o x", "envlock create a", "envlock create a -i URL"),
        # What a way out says itself is not said twice, nor what it leaves out.
        ("lock a -p 3.12", "envlock lock a --python 3.11", "envlock lock a --python 3.11"),
        ("lock -r a.in --platform X", "envlock lock b", "envlock lock b"),
        ("docker a -o d", "envlock docker a --output d", "envlock docker a --output d"),
        ("lock a --check", "envlock lock a", "envlock lock a"),
        ("lock a -- -i", "envlock lock a", "envlock lock a"),
        # What is no such command stays as it is.
        ("lock a -i URL", "in c.txt, remove b<2", "in c.txt, remove b<2"),
        ("lock a -i", "envlock lock a", "envlock lock a -i"),
    ],
)
def test_a_way_out_has_the_options_that_were_typed(words: str, way: str, whole: str) -> None:
    assert carried(_app(words.split()), words.split(), way) == whole


def test_what_was_to_be_deleted_at_one_place_is_not_proposed_for_another() -> None:
    words = ["create", "a", "--env", ".", "--force"]
    assert pasted(_app(words), words, "--env .venv") == "envlock create a --env .venv"
    assert pasted(_app(words), words, "--engine uv") == (
        "envlock create a --env . --force --engine uv"
        "  # --force deletes the environment that is there"
    )


def test_the_password_of_an_index_is_in_no_way_out(program: Program, index: SimpleIndex) -> None:
    build_wheel(index.folder, "made", "1.0")
    index.auth = ("me", "S3cr3tTok3n9")
    program = program.with_env(ENVLOCK_ENGINE="uv", PIP_INDEX_URL=NOWHERE)
    done = program("lock", "made==2.0", "-i", index.url_with("me:S3cr3tTok3n9"))
    assert done.code == 3
    assert " -i http://" in done.err
    assert "S3cr3tTok3n9" not in done.err


def test_a_way_out_of_conda_has_its_channels_and_a_prefix_needs_a_python(
    program: Program,
) -> None:
    channel = CondaChannel(program.root / "channel")
    channel.add("low", "1.0")
    channel.write()
    words = ("--manager", "conda", "--channel", channel.url, "--env", "own")
    done = program("create", "low=3", *words)
    assert done.code == 3
    assert done.err.splitlines()[-1] == (
        f'  try: envlock create --manager conda "low=1.0" --channel {channel.url} --env own'
    )
    done = program(*typed(done))
    assert done.code == 2
    assert done.err == (
        "error: nothing that was asked for brings a Python, so own could not be proved\n"
        "  try: ask for python too\n"
    )
    assert not (program.here / "own").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("create", "made", "--env", "--force"),
            (
                "error: --env --force: this begins as options do; is the value of --env missing?\n"
                "  try: give --env a value\n"
            ),
        ),
        (
            ("sync", "--env", "~"),
            (
                "error: --env ~: the shell did not replace ~, and envlock does not either\n"
                "  try: envlock sync --env HOME/.venv\n"
            ),
        ),
    ],
)
def test_a_value_that_is_no_place_is_told(
    program: Program, words: tuple[str, ...], told: str
) -> None:
    done = program(*words)
    assert done.code == 2
    assert done.err == told.replace("HOME", str(program.root / "home"))


def test_the_folder_of_a_python_that_was_removed_is_not_said_to_be_gone(tmp_path: Path) -> None:
    (tmp_path / "programs").mkdir()
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").write_text(f"home = {tmp_path}/programs\nversion = 3.9.1\n")
    (tmp_path / "env" / "bin" / "python").symlink_to(tmp_path / "programs" / "python3.9")
    assert python_is_gone(tmp_path / "env").message == (
        f"{tmp_path}/env: the Python of this environment is gone: it was made from Python 3.9.1 in"
        f" {tmp_path}/programs, and bin/python leads to {tmp_path}/programs/python3.9, which is no"
        " longer there"
    )
