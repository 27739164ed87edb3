"""Names that no file can have, folders that are gone or closed: words, never a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import fields
from typer.models import ArgumentInfo

from envlock.cli import COMMANDS, run
from envlock.cli.arguments import Command, _is_path, typed_path
from support.program import Program

LONG = "a" * 300
FEW = 40
#: Names, and what is said of them.
ODD = {
    LONG: "this name is too long for a file",
    "d/" * 3000: "this name is too long for a file",
    "loop": "these links lead round in a circle",
    "loop/x": "these links lead round in a circle",
    "~/x": "the shell did not replace ~, and envlock does not either",
    "=~/x": "the shell did not replace ~, and envlock does not either",
    "a/~/b": "the shell did not replace ~, and envlock does not either",
    "$HOME/x": "the shell did not replace $HOME, and envlock does not either",
    "${NOWHERE}/x": "the shell did not replace ${NOWHERE}, and envlock does not either",
    r"%USERPROFILE%\x": "the shell did not replace %USERPROFILE%, and envlock does not either",
    "a\0b": "no file can have this name",
    "": "the value is empty; is a variable that stands there not set?",
    " ": "the value is empty; is a variable that stands there not set?",
}


def named_paths() -> Iterator[tuple[str, ...]]:
    """Every argument and option of every command that takes a path: what is typed, NAME for it."""
    for command, place in COMMANDS.items():
        room, _, name = place.partition(".")
        declared: Command = getattr(import_module(f"envlock.commands.{room}"), name)
        items = [item for kind in declared.groups.values() for item in fields(kind)]
        needed = [item.name for item in items if item.required]
        for item in items:
            hint, info = get_args(item.type)
            others = ["NAME" if each == item.name else "ok.txt" for each in needed]
            if not _is_path(hint):
                continue
            if isinstance(info, ArgumentInfo):
                yield (*command.split(), *others, *([] if item.required else ["NAME"]))
            else:
                yield (*command.split(), *others, info.default, "NAME")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("pool")
    (tmp_path / "pool").symlink_to("loop")
    (tmp_path / "ok.txt").write_text("h5py==3.10.0\n")
    return tmp_path


def test_the_paths_of_all_commands_are_found() -> None:
    found = [" ".join(words) for words in named_paths()]
    assert {"lock -r NAME", "bisect ok.txt NAME", "verify NAME", "fix --rules NAME"} <= set(found)
    assert len(found) == len(set(found)) > FEW


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("words", [*named_paths()], ids=" ".join)
def test_every_command_has_words_for_every_odd_name(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, said in ODD.items():
        assert run([name if word == "NAME" else word for word in words]) == 2
        assert said in capsys.readouterr().err.splitlines()[0]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "words",
    [
        ("diagnose", "ok.txt", LONG),
        ("lock", "demo", "-p", LONG),
        ("sync", "ok.txt", "-p", LONG),
        ("rules", "show", LONG),
        ("lock", "demo", "--platform", LONG),
        ("bisect", "ok.txt", "ok.txt", "-p", LONG),
        ("export", "ok.txt", "--format", LONG),
    ],
    ids=" ".join,
)
def test_long_words_that_are_no_paths_are_told(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) in {1, 2, 4}
    assert capsys.readouterr().err.startswith("error: ")


OPTIONS = [
    ("lock", "--exclude-newer"),
    ("lock", "-p"),
    ("lock", "--engine"),
    ("lock", "--index-url"),
    ("lock", "--platform"),
    ("lock", "--needs"),
    ("lock", "--extra"),
    ("lock", "--manager"),
    ("lock", "--channel"),
    ("create", "--timeout"),
    ("docker", "--base"),
    ("docker", "--label"),
    ("bisect", "ok.txt", "ok.txt", "--run"),
    ("matrix", "run", "--tensorflow"),
    ("fix", "--keep"),
    ("lock",),
    ("diagnose",),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("words", OPTIONS, ids=" ".join)
def test_an_option_given_as_an_empty_string_is_not_left_out(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, ""]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("here")
def test_the_option_with_an_empty_value_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lock", "--exclude-newer", ""]) == 2
    assert capsys.readouterr().err == (
        "error: --exclude-newer: the value is empty; is a variable that stands there not set?\n"
        "  try: give --exclude-newer a value, or leave it out\n"
    )


def test_a_home_that_the_shell_did_not_write_is_written_out(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert run(["create", "demo", "--env=~/x"]) == 2
    assert capsys.readouterr().err == (
        "error: --env ~/x: the shell did not replace ~, and envlock does not either\n"
        "  try: envlock create demo --env /home/me/x\n"
    )
    assert not (here / "~").exists()


def test_a_variable_that_the_shell_left_is_written_out_where_it_is_no_secret(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("TOKEN", "hunter2secret")
    for value, remedy in (
        ("$HOME/x", "envlock create demo --env /home/me/x"),
        ("${HOME}/x", "envlock create demo --env /home/me/x"),
        ("$TOKEN/x", "write the path out"),
    ):
        assert run(["create", "demo", "--env", value]) == 2
        assert capsys.readouterr().err.endswith(f"  try: {remedy}\n")
    assert sorted(each.name for each in here.iterdir()) == ["loop", "ok.txt", "pool"]


def test_a_name_that_only_looks_so_is_one(here: Path) -> None:
    for name in ("$name", "~nobody-of-this-name", "a~", "~$x.docx"):
        (here / name).write_text("h5py==3.10.0\n")
        assert typed_path(name, "--requirement").name == name
    assert typed_path("a~/x", "--env").name == "x"


@pytest.mark.parametrize("name", ["ENVLOCK_CACHE_DIR", "ENVLOCK_RULES"])
def test_a_home_in_a_variable_is_refused_too(
    here: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv(name, "~/x")
    assert run(["lock", "demo"]) == 2
    assert "/home/me/x" in capsys.readouterr().err
    assert sorted(each.name for each in here.iterdir()) == ["loop", "ok.txt", "pool"]


ERROR = """Traceback (most recent call last):
  File "/home/me/train.py", line 1, in <module>
    import tensorflow
ModuleNotFoundError: No module named 'tensorflow'
"""


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("text", [ERROR, ERROR.splitlines()[-1], "one\n" + "a" * 5000])
def test_the_text_of_an_error_is_examined_as_text(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["diagnose", text]) in {0, 1}
    assert capsys.readouterr().err.startswith("examined the text that was typed: ")


GONE = [
    ("lock", "demo"),
    ("create", "demo"),
    ("sync",),
    ("verify",),
    ("diagnose",),
    ("diagnose", "a.txt"),
    ("fix",),
    ("fix", "a.txt"),
    ("history",),
    ("docker", "demo"),
    ("export",),
    ("diff", "a", "b"),
    ("bisect", "a", "b"),
    ("matrix", "run", "--dry-run"),
]


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be removed there")
@pytest.mark.parametrize("words", GONE, ids=" ".join)
def test_a_current_folder_that_was_deleted_is_told(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    try:
        code = run(words)
    finally:
        os.chdir(tmp_path)
    assert capsys.readouterr().err == (
        "error: the current folder is no longer there: it was deleted or moved\n  try: cd ANOTHER\n"
    )
    assert code == 4


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode there")
@pytest.mark.parametrize(
    "words",
    [
        ("diagnose", ".venv"),
        ("diagnose", "ok.txt"),
        ("verify", ".venv"),
        ("history", ".venv"),
        ("fix", "ok.txt"),
        ("fix", "--dry-run", ".venv"),
        ("create", "h5py"),
        ("lock", "-r", "ok.txt", "-o", "ok.lock.txt"),
        ("sync", "requirements.txt"),
    ],
    ids=" ".join,
)
def test_a_folder_whose_name_is_not_utf_8(envlock: Program, words: tuple[str, ...]) -> None:
    here = Path(os.fsdecode(os.fsencode(envlock.here) + b"/caf\xe9"))
    here.mkdir()
    for name, text in (
        ("ok.txt", "h5py==3.11.0\n"),
        ("requirements.txt", "h5py==3.11.0 --hash=sha256:" + "0" * 64),
    ):
        Path(here, name).write_text(text)
    python = here / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (python.parent.parent / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")
    if words[0] in {"create", "sync"}:
        shutil.rmtree(python.parent.parent)
    done = subprocess.run(
        envlock.command(*words),
        cwd=here,
        env=envlock.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    if words[0] in {"create", "sync"}:
        assert done.returncode == 2
        assert "uv makes no environment in a folder whose name is not UTF-8" in done.stderr
    else:
        assert done.returncode in {0, 1}


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0 or not shutil.which("setpriv"),
    reason="only root can become somebody who may not",
)
def test_what_may_not_be_read_is_told(tmp_path: Path, program: Program) -> None:
    sealed = tmp_path / "sealed"
    (sealed / "env" / "bin").mkdir(parents=True)
    (sealed / "env" / "bin" / "python").touch()
    half = tmp_path / "half"
    shutil.copytree(sealed / "env", half)
    for folder in (half / "bin", sealed):
        folder.chmod(0o700)
        os.chown(folder, 65534, 65534)
    code = (
        "from envlock.cli import run\n"
        "for words in (['diagnose', 'sealed'], ['diagnose', 'sealed/env'],"
        " ['verify', 'sealed/env'],"
        " ['history', 'half'], ['diagnose', 'half'], ['fix', 'half'], ['lock', '-r', 'sealed/a'],"
        " ['sync', 'sealed/x'], ['create', 'demo', '--env', 'sealed/e'], ['export', 'sealed/x'],"
        " ['rules', 'check', 'sealed'], ['lock', 'demo', '-o', 'sealed/o.txt']):\n"
        "    print(run(words), *words, flush=True)\n"
    )
    # Of a user who may not look into what belongs to others, and to whom Python is not closed.
    without = "-dac_override,-dac_read_search"
    done = subprocess.run(
        [shutil.which("setpriv") or "", f"--bounding-set={without}", sys.executable, "-c", code],
        cwd=tmp_path,
        env=program.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["2"] * 12
    assert done.stderr.count("Permission denied") == 12
