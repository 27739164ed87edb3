"""A full disk is told as a disk, whatever was at work on it, and before the work if possible."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.commands.environments import building as space
from envlock.commands.environments.building import refuse_cramped, refuse_cramped_prefix
from envlock.errors import DiskFull, WorkError
from envlock.model import CondaPackage, DistributionFile, IndexSettings, LockedPackage
from envlock.outcomes import Failed
from envlock.probes import PROBES
from envlock.probes.runner import run_probe
from envlock.progress import Silent
from envlock.system import run, says_full, scratch
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter
from support.mounts import fill, small_disk
from support.program import Program, snapshot


@pytest.mark.parametrize(
    "said",
    [
        "OSError: [Errno 28] No space left on device: '/tmp/x'",
        "  cause: failed to write to file `/x/y`: No space left on device (os error 28)",
        "ERROR: Could not install packages due to an OSError: [Errno 122] Disk quota exceeded",
        "error: Failed to write file: Disk quota exceeded (os error 122)",
        "OSError: [Errno 69] Disc quota exceeded",
        "Can't synchronously write data (file write failed: errno = 28, error message = 'x')",
        "There is not enough space on the disk. (os error 112)",
        "tensorflow ResourceExhaustedError: /tmp/m: No space left on device",
        "npm ERR! ENOSPC: no space",
    ],
)
def test_the_ways_to_say_that_a_disk_is_full_are_known(said: str) -> None:
    assert says_full(f"before\n{said}\nafter")


@pytest.mark.parametrize("said", ["", "Conflict", "[Errno 2]", "os error 2", "Errno 281"])
def test_other_words_are_no_full_disk(said: str) -> None:
    assert not says_full(said)


def test_a_program_that_ends_for_want_of_room_is_told_with_the_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "large").write_bytes(b"x" * 50_000)
    with small_disk(disk, 40), pytest.raises(DiskFull) as caught:
        run(["/bin/cp", tmp_path / "large", disk / "large"])
    assert caught.value.message == (
        f"the disk is full: cp could not go on: {disk} has 0 kB of 41 kB free"
    )
    assert caught.value.remedies == (f"make room in {disk}",)


def test_a_quota_that_is_full_is_told_in_the_words_of_the_program() -> None:
    with pytest.raises(DiskFull) as caught:
        run(["/bin/sh", "-c", "echo one >&2; echo x: Disk quota exceeded >&2; exit 1"])
    assert caught.value.message == (
        "a disk or a quota is full: sh could not go on: x: Disk quota exceeded"
    )


def test_a_full_temporary_folder_is_no_fault_of_an_environment(envlock: Program) -> None:
    assert envlock("create").code == 0
    before = snapshot(envlock.here)
    folder = envlock.root / "temporary"
    folder.mkdir()
    with small_disk(folder, 64):
        fill(folder, but=8)
        full = envlock.with_env(TMPDIR=str(folder))
        verified, created = full("verify"), full("create", "-U")
        assert [each.name for each in folder.iterdir()] == ["fill"]
    said = rf": {folder} has \d+ kB of 66 kB free\n  try: make room in {folder}\n"
    assert verified.err.startswith("error: the disk is full: ")
    assert re.search(said, verified.err)
    assert re.search(said, created.err)
    assert "  try: TMPDIR=/a/folder/with/room\n" in verified.err
    assert created.err.startswith("error: the disk is full: uv could not go on: ")
    assert "envlock create" not in created.err + verified.err
    assert (verified.code, created.code, created.out, verified.out) == (4, 4, "", "")
    assert snapshot(envlock.here) == before


def test_a_disk_that_fills_while_a_probe_runs_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed = Failed(level="save", error="OSError", detail="[Errno 28] No space left on device")
    monkeypatch.setattr("envlock.probes.runner._complete", lambda *_: iter([failed]))
    (probe, *_) = PROBES.values()
    with pytest.raises(DiskFull, match="a disk or a quota is full: save could not be tried: "):
        run_probe(probe, find_interpreter(None).path)


def test_no_temporary_folder_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkError) as caught, scratch(inside=tmp_path / "nowhere"):
        pass
    assert caught.value.message == (
        "cannot make a temporary folder, which what is run needs: No such file or directory"
    )


def one_of(size: int) -> LockedPackage:
    """A wheel of so many bytes."""
    file = DistributionFile(
        filename="big-1.0-py3-none-any.whl", url="http://h/b", hashes={"sha256": "0"}, size=size
    )
    return LockedPackage(
        name=canonicalize_name("big"), version=Version("1.0"), hashes=("sha256:0",), files=(file,)
    )


def refuse(size: int, folder: Path) -> None:
    goal = target(find_interpreter(None))
    refuse_cramped((one_of(size),), goal, folder, IndexSettings(), Silent())


def test_an_environment_that_cannot_fit_is_refused_before_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with small_disk(tmp_path, 1000):
        folder = tmp_path / "env"
        refuse(400_000, folder)
        with pytest.raises(DiskFull) as caught:
            refuse(500_000, folder)
    assert caught.value.message == (
        f"the environment does not fit: it wants at least 1.2 MB in {folder}, and {tmp_path} has"
        " 1.0 MB of 1.0 MB free"
    )
    assert caught.value.remedies == ("--env OTHER",)


def test_what_uv_has_already_takes_no_more_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with small_disk(tmp_path, 1000):
        (tmp_path / "uv" / "wheels-v8" / "pypi" / "big" / "1.0-py3-none-any").mkdir(parents=True)
        refuse(500_000, tmp_path / "env")


def test_the_disk_of_uvs_cache_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "uv"
    cache.mkdir()
    monkeypatch.setenv("UV_CACHE_DIR", str(cache))
    with small_disk(cache, 1000), pytest.raises(DiskFull) as caught:
        refuse(500_000, tmp_path / "env")
    assert caught.value.message == (
        f"the environment does not fit: it wants at least 1.2 MB in {cache}, and {cache} has"
        " 1.0 MB of 1.0 MB free"
    )
    assert caught.value.remedies == ("UV_CACHE_DIR=/a/folder/with/room",)


def test_a_prefix_that_cannot_fit_is_refused_before_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "cache"))
    package = CondaPackage(
        name="big",
        version="1.0",
        build="0",
        build_number=0,
        subdir="noarch",
        channel="c",
        url="c/big-1.0-0.conda",
        size=1_100_000,
    )
    with small_disk(tmp_path, 1000):
        with pytest.raises(DiskFull) as caught:
            refuse_cramped_prefix((package,), tmp_path / "env")
        (tmp_path / "cache" / "conda" / "pkgs" / "big-1.0-0").mkdir(parents=True)
        refuse_cramped_prefix((package,), tmp_path / "env")
    assert caught.value.message == (
        f"the environment does not fit: it wants at least 1.1 MB in {tmp_path / 'env'}, and"
        f" {tmp_path} has 1.0 MB of 1.0 MB free"
    )


def test_where_there_is_plenty_no_page_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setattr(space, "room_in", lambda _: (1, 20 * 10**9))
    monkeypatch.setattr(space, "Index", None)
    refuse(10**12, tmp_path / "env")


_READ_ONLY = """
mount --make-rprivate /
for place in $(awk '{print $2}' /proc/mounts | sort -u); do
  case $place in /proc*|/sys*) ;; *) mount -o remount,ro,bind "$place" 2>/dev/null ;; esac
done
if touch "$PWD/x" 2>/dev/null || touch /tmp/x 2>/dev/null; then exit 77; fi
exec "$@"
"""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("diagnose", "requirements.txt"), 1),
        (("history", sys.executable), 0),
        (("verify", sys.executable), 4),
        (("lock", "--check"), 1),
        (("rules", "list"), 0),
    ],
    ids=["diagnose", "history", "verify", "lock --check", "rules list"],
)
def test_what_only_looks_needs_no_writable_folder_and_what_proves_a_temporary_one(
    program: Program, words: tuple[str, ...], code: int
) -> None:
    if shutil.which("unshare") is None or os.geteuid() != 0:
        pytest.skip("only root on Linux may make all its mounts read-only")
    (program.here / "requirements.txt").write_text("tensorflow==2.15.1\nnumpy==2.0.2\n")
    done = program.run(
        ["/usr/bin/unshare", "-m", "/bin/sh", "-c", _READ_ONLY, "sh", *program.command(*words)]
    )
    if done.code == 77 or "unshare failed" in done.err:
        pytest.skip("this machine does not let root make all its mounts read-only")
    assert done.code == code, done.err
    refused = "\nerror: cannot make a temporary folder, which what is run needs: "
    assert (code == 4) == (refused in f"\n{done.err}")
