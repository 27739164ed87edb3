"""The one module that starts processes and writes files."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from envlock.errors import UsageError, WorkError
from envlock.system import (
    beside,
    cache_folder,
    exclusive,
    make_folder,
    move,
    read_text,
    remembered,
    remove_tree,
    run,
    scratch,
    write_texts,
)
from support.pace import assert_soon, wait_until

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions and signals")


def code(text: str) -> list[str | Path]:
    return [sys.executable, "-c", text]


def test_a_program_is_run_to_its_end_and_its_output_returned() -> None:
    done = run(code("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"))
    assert (done.returncode, done.stdout, done.stderr, done.timed_out) == (
        3,
        "out\n",
        "err\n",
        False,
    )


def test_lines_of_standard_error_are_told_as_they_come() -> None:
    lines: list[str] = []
    run(code("import sys; print('one\\ntwo', file=sys.stderr)"), on_line=lines.append)
    assert lines == ["one", "two"]


def test_output_of_any_size_and_encoding_is_taken() -> None:
    done = run(code("import sys; sys.stdout.buffer.write(b'\\xff' + b'x' * 1_000_000)"))
    assert len(done.stdout) == 1_000_001


def test_a_program_gets_the_environment_and_folder_it_is_given(tmp_path: Path) -> None:
    environment = {**os.environ, "OWN": "value"}
    text = "import os; print(os.environ['OWN'], os.getcwd())"
    done = run(code(text), env=environment, cwd=tmp_path)
    assert done.stdout == f"value {tmp_path}\n"


def test_a_program_reads_nothing_of_the_users_keyboard() -> None:
    assert run(code("import sys; print(repr(sys.stdin.read()))")).stdout == "''\n"


def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(WorkError) as caught:
        run(["/nowhere/program"])
    assert caught.value.message == "cannot start /nowhere/program: No such file or directory"


@posix
def test_the_time_limit_ends_a_program_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "late"
    child = f"import time, pathlib; time.sleep(1); pathlib.Path({str(mark)!r}).touch()"
    done = run(
        code(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"),
        timeout=0.4,
    )
    assert (done.timed_out, done.returncode) == (True, -signal.SIGKILL)
    time.sleep(1)
    assert not mark.exists()


@posix
def test_ctrl_c_ends_the_program_and_is_raised_on() -> None:
    def interrupted() -> None:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            run(code("import time; time.sleep(60)"))

    assert_soon(5, interrupted)


@posix
def test_ctrl_c_at_any_instant_of_a_start_leaves_no_program_behind() -> None:
    """Interrupted at each line of `subprocess` and `system` until it is waited for."""
    followed = (subprocess.__file__, run.__code__.co_filename)
    waited = False
    for at in range(1000):
        reading, writing = os.pipe()
        left = at

        def strike(frame: FrameType, event: str, _: object) -> Any:
            nonlocal left, waited
            if frame.f_code.co_filename not in followed:
                return None
            left -= event == "line"
            waited = frame.f_code.co_name == "wait"
            if left < 0 or waited:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
            return strike

        sys.settrace(strike)
        try:
            with pytest.raises(KeyboardInterrupt):
                run([sys.executable, "-S", "-c", "import time; time.sleep(60)"], inherit=writing)
        finally:
            sys.settrace(None)
            os.close(writing)
        # The end of the pipe: nobody holds its other side any longer.
        assert select.select([reading], [], [], 5)[0], f"a program outlives line {at}"
        os.close(reading)
        if waited:
            break
    assert waited


def test_a_program_beside_a_block_is_gone_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envlock.system.processes._LEAVING", 0.1)
    here, late = tmp_path / "here", tmp_path / "late"
    script = "import pathlib, sys, time; here, late = map(pathlib.Path, sys.argv[1:]);"
    script += "here.touch(); time.sleep(1); late.touch()"
    with beside([*code(script), here, late]):
        wait_until(here.exists)
    time.sleep(1.2)
    assert not late.exists()


def test_a_program_beside_a_block_that_cannot_be_started_is_nothing(tmp_path: Path) -> None:
    with beside([tmp_path / "nothing"]):
        pass


def test_what_is_raised_in_a_block_with_a_program_beside_it_is_raised_on() -> None:
    with pytest.raises(KeyError), beside([sys.executable, "-c", ""]):
        raise KeyError


def test_a_byte_order_mark_is_no_part_of_a_text(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xef\xbb\xbfcaf\xc3\xa9\n")
    assert read_text(file) == "café\n"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"caf\xe9")
    cases = {
        tmp_path / "none.txt": "no such file",
        tmp_path: "is a folder, not a file",
        latin: "not UTF-8 text (byte 3 is 0xe9)",
    }
    for path, said in cases.items():
        with pytest.raises(UsageError) as caught:
            read_text(path)
        assert caught.value.message == f"{path}: {said}"


def test_several_files_are_written_or_none(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "nowhere" / "bad.txt"
    good.write_text("old")
    with pytest.raises(WorkError) as caught:
        write_texts({good: "new", bad: "new"})
    assert caught.value.message == (
        f"cannot write {bad}: No such file or directory; nothing was changed"
    )
    assert good.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["good.txt"]


def test_lines_end_as_they_are_given(tmp_path: Path) -> None:
    write_texts({tmp_path / "a.txt": "one\ntwo\n"})
    assert (tmp_path / "a.txt").read_bytes() == b"one\ntwo\n"


@posix
def test_permissions_stay_and_new_files_have_the_usual_ones(tmp_path: Path) -> None:
    private = tmp_path / "private.txt"
    private.write_text("old")
    private.chmod(0o600)
    usual = tmp_path / "usual.txt"
    usual.touch()
    write_texts({private: "new", tmp_path / "new.txt": "new"})
    assert private.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new.txt").stat().st_mode == usual.stat().st_mode


@posix
def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    write_texts({link: "new"})
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_scratch_folder_is_gone_after_the_block_however_it_ends() -> None:
    folders: list[Path] = []
    for error in (None, ValueError, KeyboardInterrupt):
        try:
            with scratch() as folder:
                folders.append(folder)
                (folder / "file").write_text("x")
                if error is not None:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
    assert len(folders) == 3
    assert not any(folder.exists() for folder in folders)


def test_folders_are_made_moved_and_removed(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    move(tmp_path / "a", tmp_path / "c")
    assert (tmp_path / "c" / "b").is_dir()
    remove_tree(tmp_path / "c")
    remove_tree(tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_made_or_moved_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file, nothing, there = (tmp_path / name for name in ("file", "nothing", "there"))
    with pytest.raises(WorkError) as caught:
        make_folder(file)
    assert caught.value.message == f"cannot make the folder {file}: File exists"
    with pytest.raises(WorkError) as caught:
        move(nothing, there)
    assert caught.value.message == f"cannot move {nothing} to {there}: No such file or directory"


def test_a_variable_moves_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", "")
    assert cache_folder().name == "envlock"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def count(sources: dict[str, bytes], value: object) -> tuple[object, bool]:
    """What is remembered of some sources, and whether it was made anew."""
    made: list[object] = []

    def make() -> object:
        made.append(value)
        return value

    found = remembered("thing", sources, make)
    return found, bool(made)


def test_what_was_made_is_remembered_until_its_sources_change(cache: Path) -> None:
    value = {"a": [1, "é", None, True]}
    assert count({"a": b"1", "b": b"2"}, value) == (value, True)
    assert count({"b": b"2", "a": b"1"}, "not made") == (value, False)
    for other in (
        {"a": b"1"},
        {"a": b"1", "b": b"3"},
        {"a": b"1", "c": b"2"},
        {"a": b"1b", "": b"2"},
    ):
        assert count(other, "new") == ("new", True)
    assert [file.name for file in cache.iterdir()] == ["thing.json"]


@pytest.mark.parametrize("value", [{1: "a number as key"}, (1, 2), date(2026, 11, 25)])
def test_what_json_would_change_is_made_each_time(cache: Path, value: object) -> None:
    assert [count({"a": b"1"}, value) for _ in range(2)] == [(value, True)] * 2
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"of": 1}', "\0\xff"])
def test_a_damaged_memory_is_made_anew(cache: Path, damage: str) -> None:
    count({"a": b"1"}, "old")
    (cache / "thing.json").write_text(damage, encoding="latin-1")
    assert count({"a": b"1"}, "new") == ("new", True)
    assert count({"a": b"1"}, "newer") == ("new", False)


def test_a_cache_that_cannot_be_written_is_no_error(cache: Path) -> None:
    cache.write_text("a file where the folder would be")
    assert count({"a": b"1"}, "value") == ("value", True)


def test_a_lock_that_somebody_else_holds_is_waited_for_and_then_told(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    holder = (
        "import sys, pathlib\n"
        "from envlock.system import exclusive\n"
        "with exclusive(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(WorkError) as caught, exclusive(path, timeout=0.1):
            pass
        assert caught.value.message == f"another envlock holds {path} for more than 0 s"
        other.stdin.close()
    with exclusive(path, timeout=5):
        pass
