"""Files that have no end, are no files, or are not what their name says: words, at once."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from envlock.documents import Malformed, json_value, toml_tables, yaml_values
from envlock.errors import UsageError
from envlock.examine.files import examine_path
from envlock.formats.model_file import examine_model
from envlock.system import contents, read_ends, read_text
from envlock.system.reading import _ends, encoded_as
from support.pace import assert_soon
from support.program import Done, Program

TRACE = 'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n'
FINISH = "ImportError: numpy.core.multiarray failed to import\n"


def fed(program: Program, *words: str, stdin: int | None = None, text: str | None = None) -> Done:
    given = {"stdin": stdin} if text is None else {"input": text}
    return program.run(program.command(*words), **given)


def refused(path: Path, *, model: bool = False) -> str:
    def read() -> str:
        with pytest.raises(UsageError) as caught:
            examine_model(path) if model else read_text(path)
        return caught.value.message

    return assert_soon(2, read).replace(f"{path.parent}/", "")


def test_a_device_without_an_end_is_refused_behind_a_link_too(program: Program) -> None:
    (program.here / "zero.txt").symlink_to("/dev/zero")
    for words in (["diagnose", "zero.txt"], ["sync", "zero.txt"], ["lock", "-r", "zero.txt"]):
        done = program(*words)
        assert (done.code, done.err) == (2, "error: zero.txt: is a device, not a file\n")
    done = program("diagnose", "--model", "zero.txt")
    assert (done.code, done.err) == (2, "error: zero.txt: is a device, not a file\n")


def test_standard_input_without_an_end_is_refused(program: Program) -> None:
    with Path("/dev/zero").open("rb") as zero:
        done = fed(program, "diagnose", "-", stdin=zero.fileno())
    assert done.code == 2
    assert done.err.startswith("error: standard input: more than 512 MB, and no end\n")


def test_a_pipe_is_read_at_standard_input(program: Program) -> None:
    done = fed(program, "diagnose", "-", "--json", text="h5py==3.11.0\n")
    assert done.data["examined"]["packages"] == {"h5py": "3.11.0"}


def test_a_model_that_is_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.h5")
    assert refused(tmp_path / "m.h5", model=True) == "m.h5: is a pipe, not a file"


def test_a_pipe_that_nobody_writes_to_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    assert refused(tmp_path / "a.txt") == "a.txt: is a pipe that nobody writes to"


def test_a_pipe_that_somebody_writes_to_later_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    with subprocess.Popen(
        ["/bin/sh", "-c", "exec > a.txt; sleep 0.3; echo numpy; sleep 0.2; echo h5py"], cwd=tmp_path
    ):
        assert read_text(tmp_path / "a.txt") == "numpy\nh5py\n"


def test_a_program_that_waits_for_a_pipe_obeys_a_signal(program: Program) -> None:
    os.mkfifo(program.here / "a.log")
    held = os.open(program.here / "a.log", os.O_RDWR)  # somebody has it open and says nothing
    with subprocess.Popen(
        program.command("diagnose", "a.log"), cwd=program.here, env=program.environment()
    ) as running:
        time.sleep(1)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=5) in {130, 143, -signal.SIGTERM}
    os.close(held)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("folder", "x.txt: is a folder, not a file"),
        ("socket", "x.txt: is a socket, not a file"),
        ("missing", "x.txt: no such file"),
    ],
)
def test_what_is_no_file_is_told_as_what_it_is(tmp_path: Path, kind: str, message: str) -> None:
    path = tmp_path / "x.txt"
    if kind == "folder":
        path.mkdir()
    elif kind == "socket":
        os.mknod(path, 0o600 | stat.S_IFSOCK)
    assert refused(path) == message
    assert refused(path, model=kind != "folder").startswith("x.txt: ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.txt", "a.txt: is larger than the 16 MB that are read of one"),
        ("uv.lock", "uv.lock: is larger than the 16 MB that are read of one"),
        ("a.toml", "a.toml: is larger than the 8 MB that are read of one"),
        ("a.yml", "a.yml: is larger than the 8 MB that are read of one"),
        ("a.json", "a.json: is larger than the 32 MB that are read of one"),
    ],
)
def test_a_file_beyond_the_ceiling_of_its_kind_is_not_read(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / name).touch()
    os.truncate(tmp_path / name, 1 << 40)
    assert refused(tmp_path / name) == message


def test_a_million_lines_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n" * 1_000_000)
    assert refused(tmp_path / "a.txt") == "a.txt: more than the 250,000 lines that are read of one"


def test_a_number_of_thousands_of_digits_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"h5py\nnumpy=={'9' * 5000}\n")
    assert refused(tmp_path / "a.txt") == "a.txt:2: a number of more than 1,000 digits"


@pytest.mark.parametrize("name", ["requirements.txt", "pylock.toml", "environment.yml"])
def test_more_packages_than_any_environment_has_are_refused(name: str) -> None:
    from envlock.formats.registry import read_lock  # noqa: PLC0415  (its reader is imported by name)

    each = {
        "requirements.txt": ("", "a{}==1\n"),
        "pylock.toml": (
            'lock-version = "1.0"\ncreated-by = "x"\n',
            '[[packages]]\nname = "a{}"\nversion = "1"\n',
        ),
        "environment.yml": ("dependencies:\n- pip:\n", "  - a{}==1\n"),
    }
    head, line = each[name]
    text = head + "".join(line.format(number) for number in range(10_001))
    with pytest.raises(UsageError) as caught:
        read_lock(name, text)
    told = f"{name}: more than the 10,000 packages that are read of one file"
    assert caught.value.message == told


def test_a_long_log_is_read_at_both_ends_and_that_is_told(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(TRACE + "epoch 1/5 loss 0.3\n" * 700_000 + FINISH)
    found = examine_path(log)
    assert found.notes == (f"{log}: it has 12 MB; its first 2 MB and its last 8 MB are read",)
    assert found.text.startswith(TRACE)
    assert found.text.rstrip().endswith(FINISH.rstrip())


def test_a_long_log_at_standard_input_is_read_at_both_ends_too() -> None:
    pieces = [b"head\n", *[b"x" * 999 + b"\n"] * 40_000, b"tail"]
    ends = _ends(lambda _: pieces.pop(0) if pieces else b"", "standard input")
    assert ends.size == 40_000_009
    assert (ends.content[:5], ends.content[-5:]) == (b"head\n", b"\ntail")
    assert 9 << 20 < len(ends.content) <= 10 << 20


def test_both_ends_of_a_log_are_whole_lines_and_characters(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("head\n" + "é" * (6 << 20) + "tail", encoding="utf-8")
    ends = read_ends(tmp_path / "a.log")
    text = ends.content.decode()
    assert ends.size == (12 << 20) + 9
    assert (text[:6], text[-5:]) == ("head\né", "étail")


def test_a_list_of_which_only_a_part_fits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "all.txt"
    path.write_text("".join(f"a{number}==1.0.0.0.0.0\n" for number in range(600_000)))
    with pytest.raises(UsageError) as caught:
        examine_path(path)
    told = f"{path}: more than 10 MB, and no log: a part of a list says nothing"
    assert caught.value.message == told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
def test_a_mark_of_an_encoding_is_understood_by_all_and_kept(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding.startswith("utf-8") else "\ufeff"
    path = tmp_path / "requirements.txt"
    path.write_bytes(f"{mark}h5py==3.11.0\n".encode(encoding))
    assert read_text(path) == "h5py==3.11.0\n"
    assert list(map(str, examine_path(path).packages.values())) == ["3.11.0"]
    assert encoded_as(path.read_bytes(), "h5py==3.11.0\n") == path.read_bytes()


def test_files_of_an_environment_are_regular_ones(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "METADATA")
    with pytest.raises(OSError, match="it is a pipe, not a file"):
        contents(tmp_path / "METADATA")


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(8)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "its aliases stand for more than 2,000,000 values"),
        ("&a\nid: *a\n", "an alias stands inside of what it stands for"),
        ("id: 2024-13-01\n", "no value of timestamp"),
        ('id: !!int ""\n', "no value of int"),
        ("id: !!int _\n", "no value of int"),
        ("id: !!float x\n", "no value of float"),
        ("id: !!bool x\n", "no value of bool"),
        ("id: !!timestamp x\n", "no value of timestamp"),
        (f"id: 0x{'f' * 5000}\n", "a number of more than 64 bits"),
        ("1: a\n", "a key that is no text"),
        ("[" * 150 + "]" * 150, "nested more than 100 deep"),
    ],
)
def test_a_yaml_text_that_no_document_is_made_of_is_told(text: str, why: str) -> None:
    with pytest.raises(Malformed) as caught:
        yaml_values(text)
    assert caught.value.why == why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 200_000, "nested more than 100 deep"),
        ("[" * 150 + "]" * 150, "nested more than 100 deep"),
        ("9" * 5000, "a number of 5000 digits"),
        ("{}," * 2_000_000, "more than 2,000,000 values"),
        ('{"a": }', "expecting value (column 7)"),
    ],
)
def test_a_json_text_that_no_document_is_made_of_is_told(text: str, why: str) -> None:
    with pytest.raises(Malformed) as caught:
        json_value(text)
    assert caught.value.why == why


def test_half_a_character_in_json_becomes_a_whole_one() -> None:
    assert json_value('{"\\ud800": ["\\ud83d\\ude00", "\\udc00"]}') == {"?": ["\U0001f600", "?"]}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (".".join("a" * 20_000) + " = 1\n", "a key of more than 30 parts"),
        (f"a = 0x{'f' * 5000}\n", "a number of more than 64 bits"),
        (f"a = {'9' * 5000}\n", "Exceeds the limit (4300 digits) for integer string conversion"),
        ("a = " + "[" * 3000 + "]" * 3000, "nested more than 100 deep"),
    ],
)
def test_a_toml_text_that_no_document_is_made_of_is_told(text: str, why: str) -> None:
    with pytest.raises(Malformed) as caught:
        toml_tables(text)
    assert caught.value.why.startswith(why)
