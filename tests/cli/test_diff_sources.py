"""Where `envlock diff` reads its locks: pipes, standard input, revisions of a stranger's git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from envlock.system import WINDOWS
from support.program import Program

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
OLD, NEW = "h5py==3.10.0\n", "h5py==3.11.0\n"
HEADING = "# made by: envlock lock h5py\n# request: sha256:0\n"
UP = "up  h5py  3.10.0 → 3.11.0\n"


def git(folder: Path, *words: str) -> str:
    own = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        [str(shutil.which("git")), *own, *words],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout


@pytest.fixture
def project(program: Program) -> Program:
    """Two commits of a lock in a folder of a repository, and a third state on disk."""
    git(program.here, "init", "--quiet", "--initial-branch=main")
    (program.here / "sub").mkdir()
    for text in (OLD, NEW):
        (program.here / "requirements.txt").write_text(f"{HEADING}{text}")
        (program.here / "sub" / "old.txt").write_text(OLD)
        git(program.here, "add", "--all")
        git(program.here, "commit", "--quiet", "--allow-empty", "--message=all")
    (program.here / "requirements.txt").write_text(f"{HEADING}{NEW}six==1.16.0\n")
    return program


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (("HEAD",), "added  six  1.16.0\n"),
        (("HEAD~1", "HEAD"), UP),
        (("main:requirements.txt",), "added  six  1.16.0\n"),
        (("HEAD~1", "requirements.txt"), f"added  six   1.16.0\nup     {UP[4:]}"),
        (("HEAD:sub/old.txt", "HEAD:requirements.txt"), UP),
        (("HEAD", "sub/old.txt"), "no difference\n"),
        (("HEAD", "HEAD"), "no difference\n"),
    ],
)
def test_a_revision_is_compared(project: Program, words: tuple[str, ...], out: str) -> None:
    done = project("diff", *words)
    assert (done.out, done.code) == (out, int(out != "no difference\n"))
    assert done.err.endswith({1: "the lock in this folder\n", 2: ""}[len(words)])


def test_standard_input_and_a_pipe_without_a_name_are_read(project: Program) -> None:
    def out(word: str, **how: Any) -> str:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            project.command("diff", word, "HEAD"),
            cwd=project.here,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=False,
            **how,
        )
        return done.stdout

    assert out("-", input=OLD) == UP
    assert project("diff", "-", "-").code == 2
    if not WINDOWS:
        read, write = os.pipe()
        os.write(write, OLD.encode())
        os.close(write)
        assert out(f"/dev/fd/{read}", pass_fds=(read,)) == UP


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "nowhere",
            "nowhere is no file here, and as a revision: nowhere:./requirements.txt: git has",
        ),
        (
            "HEAD:nowhere.txt",
            "HEAD:nowhere.txt is no file here, and as a revision: HEAD:nowhere.txt",
        ),
        ("HEAD:sub", "HEAD:sub is no file here, and as a revision: HEAD:sub: it is no file"),
    ],
)
def test_what_git_does_not_have_is_told(project: Program, word: str, said: str) -> None:
    done = project("diff", word, "requirements.txt")
    assert done.err.startswith(f"error: {said}")
    assert done.code == 2


def test_a_lock_alone_is_compared_with_nothing(project: Program) -> None:
    done = project("diff", "requirements.txt")
    assert done.err == (
        "error: requirements.txt: with what? two locks are compared\n"
        "  try: envlock diff HEAD requirements.txt\n"
    )
    other = project("diff", "HEAD:requirements.txt", "--", "--output=x")
    assert (other.code, (project.here / "x").exists()) == (2, False)


@pytest.mark.skipif(WINDOWS, reason="the commands of the configuration are for a shell")
def test_nothing_that_a_repository_configures_is_run(project: Program) -> None:
    mark = project.root / "ran"
    command = f"touch {mark}; false"
    for key in (
        "core.fsmonitor",
        "core.pager",
        "pager.cat-file",
        "core.sshCommand",
        "diff.evil.textconv",
        "filter.evil.smudge",
        "filter.evil.clean",
        "filter.evil.process",
        "core.alternateRefsCommand",
        "credential.helper",
        "remote.origin.uploadpack",
        "alias.rev-parse",
        "alias.cat-file",
    ):
        git(project.here, "config", key, f"!{command}" if key.startswith("alias") else command)
    git(project.here, "config", "extensions.partialClone", "origin")
    git(project.here, "config", "remote.origin.promisor", "true")
    git(project.here, "config", "remote.origin.url", f"ext::sh -c {command}")
    (project.here / ".gitattributes").write_text("*.txt filter=evil diff=evil\n")
    hooks = project.here / ".git" / "hooks"
    for name in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\n{command}\n")
        (hooks / name).chmod(0o755)
    assert project("diff", "HEAD~1", "HEAD").out == UP
    assert not mark.exists()
    lost = git(project.here, "rev-parse", "HEAD~1:requirements.txt").strip()
    mark.unlink(missing_ok=True)  # what the tests' own git ran
    (project.here / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    done = project("diff", "HEAD~1", "HEAD")  # nothing is fetched for it
    assert (done.code, mark.exists()) == (2, False)


def test_a_lock_with_both_sides_of_a_merge_is_told(project: Program) -> None:
    conflict = "<<<<<<< HEAD\nh5py==3.11.0\n=======\nh5py==3.10.0\n>>>>>>> mate\n"
    (project.here / "requirements.txt").write_text(f"{HEADING}{conflict}")
    assert "a merge left both versions here" in project("diff", "HEAD").err


def test_no_lock_is_here(project: Program) -> None:
    (project.here / "requirements.txt").unlink()
    assert project("diff", "HEAD").err == (
        "error: no lock of envlock's is in this folder to compare with\n  try: envlock lock\n"
    )
