"""Files are written all or none, keep all that they are, and are tried before the work."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from envlock.changes import Plan
from envlock.commands.fix.file import FixedFile, write_file
from envlock.errors import DiskFull, UsageError, WorkError
from envlock.system import refuse_unwritable, replacing, write_files, write_texts
from envlock.system.replacing import FileReplacement
from support.mounts import fill, read_only, small_disk
from support.program import Program, snapshot
from support.simple_index import SimpleIndex
from support.users import need_root

NOTHING = re.escape("; nothing was changed") + "$"
linux = pytest.mark.skipif(sys.platform != "linux", reason="attributes, mounts and owners of Linux")
#: "user::rw-,user:1234:r--,group::r--,mask::r--,other::---" as Linux keeps it.
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, bits, who)
    for tag, bits, who in (
        (1, 6, 2**32 - 1),
        (2, 4, 1234),
        (4, 4, 2**32 - 1),
        (16, 4, 2**32 - 1),
        (32, 0, 2**32 - 1),
    )
)


@contextmanager
def immutable(file: Path) -> Iterator[None]:
    """Nobody, not even root, may change or replace the file."""
    need_root()
    if (
        subprocess.run(["/usr/bin/chattr", "+i", file], capture_output=True, check=False).returncode
        != 0
    ):
        pytest.skip("this file system has no immutable files")
    try:
        yield
    finally:
        subprocess.run(["/usr/bin/chattr", "-i", file], check=True)


@contextmanager
def mounted(file: Path) -> Iterator[Path]:
    """Another file is mounted over the file, as containers do; give that one."""
    need_root()
    other = file.with_name("mounted")
    other.write_text("old\n")
    done = subprocess.run(["/bin/mount", "--bind", other, file], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("this machine does not let root mount a file")
    try:
        yield other
    finally:
        subprocess.run(["/bin/umount", file], check=True)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    folder = tmp_path / "files"
    folder.mkdir()
    first, second = folder / "first.txt", folder / "second.txt"
    for file in (first, second):
        file.write_text("old\n")
    return first, second


def test_a_later_file_that_cannot_be_replaced_leaves_the_earlier_as_they_were(
    pair: tuple[Path, Path],
) -> None:
    first, second = pair
    new, before = first.with_name("new.txt"), first.stat()
    with immutable(second), pytest.raises(WorkError) as caught:
        write_texts({first: "new\n", new: "new\n", second: "new\n"})
    assert caught.value.message == (
        f"cannot write {second}: Operation not permitted; nothing was changed"
    )
    assert snapshot(first.parent) == {"first.txt": b"old\n", "second.txt": b"old\n"}
    assert first.stat().st_ino == before.st_ino


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_whichever_file_fails_all_are_as_they_were(
    pair: tuple[Path, Path], broken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.link(pair[0], pair[0].with_name("link.txt"))  # is written in place
    before = snapshot(pair[0].parent)
    files = {**dict.fromkeys(pair, "new\n"), pair[0].with_name("new.txt"): "new\n"}
    apply = FileReplacement.apply

    def fails(self: FileReplacement) -> None:
        apply(self)
        if self.path == list(files)[broken]:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileReplacement, "apply", fails)
    with pytest.raises(DiskFull, match=NOTHING):
        write_texts(files)
    assert snapshot(pair[0].parent) == before


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_what_interrupts_leaves_all_as_they_were(
    pair: tuple[Path, Path], ending: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(pair[0].parent)
    apply = FileReplacement.apply

    def stops(self: FileReplacement) -> None:
        apply(self)
        if self.path == pair[1]:
            raise ending

    monkeypatch.setattr(FileReplacement, "apply", stops)
    with pytest.raises(ending):
        write_texts(dict.fromkeys(pair, "new\n"))
    assert snapshot(pair[0].parent) == before


@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_interrupt_between_two_system_calls_leaves_all_as_they_were(
    pair: tuple[Path, Path], at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, calls, replace = snapshot(pair[0].parent), [0], Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        calls[0] += 1
        done = replace(self, target)
        if calls[0] == at:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(Path, "replace", interrupted)
    files = dict.fromkeys((*pair, pair[0].with_name("new.txt")), "new\n")
    with pytest.raises(KeyboardInterrupt):
        write_texts(files)
    assert snapshot(pair[0].parent) == before


def test_what_cannot_be_taken_back_is_told_file_by_file(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def apply(self: FileReplacement) -> None:
        if self.path == pair[1]:
            raise OSError(5, "Input/output error")
        applied(self)

    def undo(self: FileReplacement) -> None:
        if self.path == pair[0]:
            raise OSError(5, "Input/output error")

    applied = FileReplacement.apply
    monkeypatch.setattr(FileReplacement, "apply", apply)
    monkeypatch.setattr(FileReplacement, "undo", undo)
    with pytest.raises(WorkError) as caught:
        write_texts(dict.fromkeys(pair, "new\n"))
    (copy,) = (each for each in pair[0].parent.iterdir() if each not in pair)
    assert copy.read_text() == "old\n"
    assert caught.value.message == (
        f"cannot write {pair[1]}: Input/output error; and not all that was written could be taken"
        f" back:\n  {pair[0]} is written anew, wholly or in part; what it was is in {copy}\n"
        "  every other file is as it was"
    )


@linux
def test_a_file_that_is_a_mount_point_is_written_in_place(pair: tuple[Path, Path]) -> None:
    with mounted(pair[0]) as other:
        assert refuse_unwritable(pair) == ()
        write_texts(dict.fromkeys(pair, "new and longer\n"))
        write_texts(dict.fromkeys(pair, "new\n"))
        assert (pair[0].read_text(), other.read_text(), pair[1].read_text()) == ("new\n",) * 3
    assert sorted(each.name for each in pair[0].parent.iterdir()) == [
        "first.txt",
        "mounted",
        "second.txt",
    ]


@linux
def test_a_mount_point_gets_its_bytes_back_when_a_later_file_fails(pair: tuple[Path, Path]) -> None:
    with mounted(pair[0]) as other, immutable(pair[1]):
        with pytest.raises(WorkError, match=NOTHING):
            write_texts(dict.fromkeys(pair, "new\n"))
        assert other.read_text() == "old\n"


@linux
def test_a_mount_point_in_a_read_only_folder_is_written(tmp_path: Path) -> None:
    need_root()
    folder = tmp_path / "small"
    folder.mkdir()
    with small_disk(folder, 100):
        file = folder / "lock.txt"
        file.touch()
        outside = tmp_path / "outside"
        outside.write_text("old\n")
        subprocess.run(["/bin/mount", "--bind", outside, file], check=True)
        try:
            with read_only(folder):
                assert refuse_unwritable((file,)) == ()
                write_texts({file: "new\n"})
        finally:
            subprocess.run(["/bin/umount", file], check=True)
    assert outside.read_text() == "new\n"


def test_a_complete_copy_lies_beside_while_a_file_is_written_in_place(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.link(pair[0], pair[0].with_name("link.txt"))
    seen: list[str] = []

    def looks(path: Path, content: bytes) -> None:
        beside = [each for each in path.parent.iterdir() if each.name.startswith(".")]
        seen.extend(each.read_text() for each in beside)
        overwrite(path, content)

    overwrite = replacing.overwrite
    monkeypatch.setattr(replacing, "overwrite", looks)
    write_texts({pair[0]: "new\n"})
    assert seen == ["old\n"]
    assert [each.name for each in pair[0].parent.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize("way", ["hard link", "owner", "mode", "attribute", "acl", "link"])
@linux
def test_a_file_stays_what_it_is(pair: tuple[Path, Path], way: str) -> None:
    need_root()
    file, other = pair[0], pair[0].with_name("other.txt")
    file.chmod(0o640)
    if way == "hard link":
        os.link(file, other)
    elif way == "owner":
        os.chown(file, 1234, 4321)
    elif way == "mode":
        file.chmod(0o2755)
    elif way == "link":
        other.symlink_to(file)
    else:
        name, value = (
            ("user.mine", b"1") if way == "attribute" else ("system.posix_acl_access", ACL)
        )
        try:
            os.setxattr(file, name, value)
        except OSError:
            pytest.skip("this file system has no such attributes")
    before = {name: os.getxattr(file, name) for name in os.listxattr(file)}
    was = file.stat()
    write_texts({other if way == "link" else file: "new\n"})
    now = file.stat()
    assert file.read_text() == "new\n"
    assert [now.st_mode, now.st_uid, now.st_gid, now.st_nlink] == [
        was.st_mode,
        was.st_uid,
        was.st_gid,
        was.st_nlink,
    ]
    assert {name: os.getxattr(file, name) for name in os.listxattr(file)} == before
    assert other.is_symlink() == (way == "link")
    assert not other.exists() or other.read_text() == "new\n"


@linux
def test_what_a_user_cannot_keep_is_told_before(program: Program) -> None:
    need_root()
    folder = program.here
    file = folder / "of-root.txt"
    file.write_text("old\n")
    for each in (program.root, *program.root.parents):
        if "pytest" in str(each):  # a worker of xdist has one folder more
            each.chmod(0o755)
    os.chown(folder, 65534, 65534)
    code = (
        "import os, sys, pathlib; os.setgroups([]); os.setregid(65534, 65534)\n"
        "from envlock.system import refuse_unwritable, write_texts\n"
        "import envlock.system.writing, envlock.system.replacing, fcntl, pwd, tempfile\n"
        "os.setreuid(65534, 65534); path = pathlib.Path(sys.argv[1])\n"
        "print(*refuse_unwritable((path,))); write_texts({path: 'new'})"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, file], capture_output=True, text=True, check=True
    ).stdout
    assert said == (
        f"{file} will be replaced, and lose its owner root, who lets nobody else write to it\n"
    )
    assert (file.read_text(), file.stat().st_uid) == ("new", 65534)


OUTPUTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "is a named pipe, and a file is to be written there"),
    "folder": (Path.mkdir, "is a folder, and a file is to be written there"),
    "device": (
        lambda path: path.symlink_to("/dev/zero"),
        "is a device, and a file is to be written there",
    ),
    "loop": (
        lambda path: path.symlink_to(path),
        "these links lead round in a circle",
    ),
}


@pytest.mark.parametrize("kind", OUTPUTS)
@linux
def test_an_output_that_is_no_file_is_refused(envlock: Program, kind: str) -> None:
    make, words = OUTPUTS[kind]
    make(envlock.here / "lock.txt")
    done = envlock("lock", "tensorflow", "-o", "lock.txt")
    shown = "--output lock.txt" if kind == "loop" else "lock.txt"
    assert (done.code, done.out, done.err) == (2, "", f"error: {shown}: {words}\n")


@linux
def test_a_file_that_cannot_be_written_is_told_before_the_index_is_asked(
    envlock: Program, index: SimpleIndex
) -> None:
    words = ("lock", "tensorflow", "--format", "requirements", "--format", "pylock")
    lock = envlock.here / "pylock.toml"
    lock.write_text(envlock("lock", "h5py", "--format", "pylock", "-o", "-").out)
    before = snapshot(envlock.here)
    index.requests.clear()
    with immutable(lock):
        done = envlock(*words)
    assert done.err == (
        "error: cannot write pylock.toml: Operation not permitted; nothing was changed\n"
        "  try: chattr -ia pylock.toml\n"
    )
    assert (done.code, snapshot(envlock.here), sum(index.requests.values())) == (4, before, 0)


@linux
def test_a_printed_lock_is_that_of_the_file_and_a_mounted_file_takes_it(envlock: Program) -> None:
    printed = envlock("lock", "tensorflow", "-o", "-")
    assert (printed.code, printed.err, snapshot(envlock.here)) == (0, "", {})
    lock = envlock.here / "requirements.txt"
    lock.touch()
    with mounted(lock) as other:
        other.write_text(printed.out.replace("sha256:", "sha256:0", 1))  # answers another request
        assert envlock("lock", "tensorflow").code == 0
        assert other.read_text() == printed.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lock", "a", "-o", "-", "--check"), "-o - prints a lock, and --check looks at one"),
        (
            ("lock", "a", "-o", "-", "--format", "pylock", "--format", "requirements"),
            "-o - prints one lock, and several are asked for",
        ),
        (
            ("create", "a", "-o", "-"),
            "-o -: the lock of an environment is a file; only envlock lock prints one",
        ),
    ],
    ids=["check", "several", "create"],
)
def test_what_is_no_one_lock_is_not_printed(
    envlock: Program, words: tuple[str, ...], said: str
) -> None:
    done = envlock(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: {said}\n  try: leave -o out\n"


def test_a_byte_order_mark_and_bare_carriage_returns_stay(envlock: Program) -> None:
    file = envlock.here / "requirements.txt"
    file.write_bytes(b"\xef\xbb\xbfnumpy==2.0.2\rtensorflow==2.15.1\r")
    done = envlock("fix", "requirements.txt", "--write")
    assert (done.code, file.read_bytes()) == (
        0,
        b"\xef\xbb\xbfnumpy==1.26.4\rtensorflow==2.15.1\r",
    )


def test_a_file_that_was_changed_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("mine\n")
    fixed = FixedFile(path=file, plan=Plan(steps=()), before=b"old\n", text="new\n")
    with pytest.raises(WorkError) as caught:
        write_file(fixed)
    assert caught.value.message == (
        f"{file} was changed while its cure was looked for; it is left as it is"
    )
    assert file.read_text() == "mine\n"


def test_a_full_disk_is_found_before_the_work(tmp_path: Path) -> None:
    with small_disk(tmp_path, 40):
        fill(tmp_path, but=0)
        with pytest.raises(DiskFull) as caught:
            refuse_unwritable((tmp_path / "lock.txt",))
        assert [each.name for each in tmp_path.iterdir()] == ["fill"]
    assert caught.value.message == (
        f"cannot write {tmp_path / 'lock.txt'}: No space left on device (5 kB wanted, and"
        f" {tmp_path} has 0 kB of 41 kB free); nothing was changed"
    )
    assert caught.value.remedies == (f"make room in {tmp_path}",)


def test_a_trial_changes_nothing_and_leaves_nothing(pair: tuple[Path, Path]) -> None:
    before, times = snapshot(pair[0].parent), [each.stat().st_mtime_ns for each in pair]
    assert refuse_unwritable((*pair, pair[0].with_name("new.txt"))) == ()
    assert snapshot(pair[0].parent) == before
    assert [each.stat().st_mtime_ns for each in pair] == times


def test_a_link_into_a_folder_that_is_not_there_is_told_before(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "nowhere" / "file")
    for ask in (refuse_unwritable, lambda paths: write_texts(dict.fromkeys(paths, "new"))):
        with pytest.raises(WorkError) as caught:
            ask((link,))
        assert caught.value.message == (
            f"cannot write {link}: No such file or directory; nothing was changed"
        )


def test_a_name_that_no_file_can_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="File name too long"):
        refuse_unwritable((tmp_path / ("x" * 300),))
    with pytest.raises(WorkError, match=NOTHING):
        write_files({tmp_path / ("x" * 300): b""})


@linux
def test_an_export_that_cannot_be_written_is_told(program: Program) -> None:
    (program.here / "requirements.txt").write_text("numpy==1.26.4\n")
    os.mkfifo(program.here / "pylock.toml")
    done = program("export", "-o", "pylock.toml", "--no-index")
    assert (done.code, done.out) == (2, "")
    assert done.err == ("error: pylock.toml: is a named pipe, and a file is to be written there\n")
