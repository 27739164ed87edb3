"""A terminal obeys nothing of what somebody else wrote, and JSON stays JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.cli import run
from envlock.cli.output import Lines
from envlock.cli.terminal import Terminal
from envlock.words import printable, visible, visible_json

OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
#: A title, a colour, a bell, backspaces, 8-bit CSI and OSC, overrides, isolates, marks, halves.
MARKS = (
    "\x1b]0;PWN\x07",
    "\x1b[31m",
    "\r\x08\x7f",
    "\x9b31m\x9d0;x\x9c",
    "\x85\u2028",
    "\u202e\u202d\u202a\u202b\u202c",
    "\u2066\u2067\u2068\u2069",
    "\u200e\u200f\u061c",
)
ALL = "".join(MARKS)
HASH = f"--hash=sha256:{'0' * 64}"


def test_every_character_that_a_terminal_obeys_is_written_out() -> None:
    for number in range(0x110000):
        character = chr(number)
        shown = visible(character)
        if character in "\n\t":
            assert shown == character
        elif OBEYED.match(character):
            assert shown == character.encode("unicode_escape").decode()
            assert shown == printable(character)
        assert not OBEYED.search(shown)
    assert visible("a\r\nb\rc\x1b[m\u202e\ud800é→") == "a\nb\\rc\\x1b[m\\u202e\\ud800é→"


def test_json_with_them_written_out_says_the_same() -> None:
    for ascii_alone in (True, False):
        text = json.dumps({ALL: [ALL, "é"]}, ensure_ascii=ascii_alone, indent=1)
        assert not OBEYED.search(visible_json(text))
        assert json.loads(visible_json(text)) == {ALL: [ALL, "é"]}


def of_venv(folder: Path) -> list[str]:
    """An environment with a foreign name in each place that a distribution has one."""
    site = folder / ".venv" / "lib" / "python3.11" / "site-packages"
    info = site / f"demo{MARKS[5]}-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.0\n")
    (folder / ".venv" / "bin").mkdir()
    (folder / ".venv" / "bin" / "python").write_text("")
    (info / "METADATA").write_text(f"Name: demo{ALL}\nVersion: 1.0\nRequires-Dist: x{ALL}\n")
    rows = "".join(f"demo/{mark}.py,sha256=AAAA,1\n" for mark in MARKS if "\x85" not in mark)
    (info / "RECORD").write_text(rows, newline="")
    (info / "INSTALLER").write_text(ALL)
    return ["diagnose", ".venv"]


def of_rule(folder: Path) -> list[str]:
    escapes = "".join(f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{ord(c):04x}" for c in ALL)
    (folder / "r.yaml").write_text(f'id: "a{escapes}b"\ntitle: "{escapes}"\nkind: "{escapes}"\n')
    return ["rules", "check", "."]


def of_rule_file(folder: Path) -> list[str]:
    (folder / f"r{ALL}.yaml").write_text("id: [\n")
    return ["rules", "check", "."]


def of_missing(_: Path) -> list[str]:
    return ["diagnose", f"gone{ALL}.txt"]


def of_missing_input(_: Path) -> list[str]:
    return ["lock", "-r", f"gone{ALL}.in"]


def of_missing_lock(_: Path) -> list[str]:
    return ["sync", f"gone{ALL}.txt"]


def of_missing_env(_: Path) -> list[str]:
    return ["verify", f"gone{ALL}"]


def of_missing_model(_: Path) -> list[str]:
    return ["diagnose", "--model", f"gone{ALL}.h5"]


def of_wrong_option(_: Path) -> list[str]:
    return ["lock", f"--fo{ALL}"]


def of_wrong_command(_: Path) -> list[str]:
    return [f"lo{ALL}"]


def of_wrong_value(_: Path) -> list[str]:
    return ["lock", "--python", f"3{ALL}"]


def of_notebook(folder: Path) -> list[str]:
    said = f"{ALL} boo".replace("\x1b]0;PWN\x07", "")
    traceback = ["RuntimeError    Traceback (most recent call last)", f"RuntimeError: {said}"]
    output = {"output_type": "error", "ename": "E", "evalue": said, "traceback": traceback}
    cell = {"cell_type": "code", "source": [f"import x{ALL}"], "outputs": [output]}
    (folder / "n.ipynb").write_text(json.dumps({"cells": [cell], "nbformat": 4}))
    return ["diagnose", "n.ipynb", "-v"]


def of_log(folder: Path) -> list[str]:
    (folder / "log.txt").write_text(
        f'Traceback (most recent call last):\n  File "x{MARKS[5]}.py", line 1, in <module>\n'
        f"RuntimeError: boo {MARKS[3]}{MARKS[5]}{MARKS[6]}{MARKS[7]}\n",
        newline="",
    )
    return ["diagnose", "log.txt", "-v"]


def of_lock(folder: Path) -> list[str]:
    (folder / "a.txt").write_text(
        f"# made by: {ALL}\n# note: {ALL}\ndemo==1.0 {HASH}\n", newline=""
    )
    (folder / "b.txt").write_text(f"demo==2.0 {HASH}\n    # via {ALL}\n", newline="")
    return ["diff", "a.txt", "b.txt"]


def of_project(folder: Path) -> list[str]:
    (folder / "pyproject.toml").write_text('[tool.envlock]\n"a\\u001b[31m\\u202e" = "x"\n')
    return ["lock", "demo"]


def of_evidence(folder: Path) -> list[str]:
    (folder / "e.json").write_text(json.dumps({"schema": 1, "cell": {"python": ALL}, "sets": ALL}))
    return ["matrix", "check", "--evidence", ".", "-o", "x"]


def of_environment_file(folder: Path) -> list[str]:
    (folder / "environment.yml").write_text(
        'name: "\\e[31m"\nchannels: ["\\e[31m", "\\N\\L"]\n'
        'dependencies: ["\\e]0;x\\a", pip: ["\\x9b"]]\n'
    )
    return ["diagnose", "environment.yml"]


PLACES = [each for name, each in globals().items() if name.startswith("of_")]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_what_others_wrote_is_text(
    place: Callable[[Path], list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "cache"))
    words = place(tmp_path)
    for more in ([], ["--json"]) if words[0] != words[-1] else ([],):
        run([*words, *more])
        said = capfd.readouterr()
        assert said.out + said.err
        assert OBEYED.findall(said.out + said.err) == []
        if more and said.out:
            json.loads(said.out)


def test_progress_is_text_too(capfd: pytest.CaptureFixture[str]) -> None:
    for display in (Terminal(), Lines(verbose=True)):
        with display.phase(f"read {ALL}"):
            display.note(f"note {ALL}")
            display.detail(f"detail {ALL}")
    said = capfd.readouterr().err
    assert "note \\x1b]0;PWN\\x07" in said
    assert OBEYED.findall(said) == []
