"""An environment is replaced by an environment; nothing else of the user's is, not with --force."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.environment.replaceable import inventory, made_by, occupant
from envlock.errors import UsageError
from envlock.progress import Silent
from support.mounts import small_disk
from support.places import fresh_environment
from support.program import Program, snapshot

SITE = "lib/python3.11/site-packages"


def write(folder: Path, *names: str, text: str = "") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def venv(folder: Path, said: str = "home = /usr/bin\n") -> Path:
    write(folder, "pyvenv.cfg", text=said)
    write(folder, "bin/python", "bin/activate", f"{SITE}/_virtualenv.py", "CACHEDIR.TAG")
    write(folder, f"{SITE}/six.py", f"{SITE}/demo/__init__.py", f"{SITE}/demo/data/kept.bin")
    write(folder, "share/man/man1/demo.1", "bin/demo", "etc/demo/demo.conf")
    write(
        folder,
        f"{SITE}/demo-1.dist-info/RECORD",
        text="six.py,,\ndemo/__init__.py,,\n../../../bin/demo,,\n../../../share/man/man1/demo.1,,\n"
        "../../../etc/demo/demo.conf,,\ndemo-1.dist-info/RECORD,,\n",
    )
    return folder


def prefix(folder: Path) -> Path:
    write(
        folder, "conda-meta/history", "bin/python3.11", "x86_64-linux/lib/libc.so", "ssl/cert.pem"
    )
    write(
        folder,
        "conda-meta/python-3.11-0.json",
        text='{"files": ["bin/python3.11", "x86_64-linux/lib/libc.so", "ssl/cert.pem"]}',
    )
    return folder


def refusal(folder: Path, *, ours: bool = False, force: bool = True) -> UsageError:
    before = snapshot(folder)
    with pytest.raises(UsageError) as caught:
        occupant(folder, ours=ours, force=force)
    assert snapshot(folder) == before
    return caught.value


@pytest.mark.parametrize(
    ("make", "maker"),
    [
        (venv, "python -m venv"),
        (lambda folder: venv(folder, "home = /usr/bin\nuv = 0.9.1\n"), "uv"),
        (lambda folder: venv(folder, "virtualenv = 20.1\n"), "virtualenv"),
        (prefix, "conda"),
    ],
)
def test_an_environment_is_known_by_its_maker_and_replaced_when_told_to(
    tmp_path: Path, make: Callable[[Path], Path], maker: str
) -> None:
    folder = make(tmp_path / "env")
    found = occupant(folder, ours=False, force=True)
    assert str(found) == f"an environment that {maker} made"
    error = refusal(folder, force=False)
    assert error.message == (
        f"{folder} is an environment that envlock did not make; it is left as it is"
    )
    files = inventory(folder, environment=True).files
    assert error.remedies == ("--env OTHER", f"--force  # deletes {folder}: {files} files")


OWN = [
    "thesis.tex",
    "src/a.py",
    "bin/deploy.sh",
    "bin/pipeline",
    f"{SITE}/mine.py",
    f"{SITE}/mine/__init__.py",
    "lib/notes.txt",
    "share/data/big.bin",
    "etc/conda/activate.d/mine.sh",
    "data/2024/results.csv",
    ".env",
]


@pytest.mark.parametrize("make", [venv, prefix])
@pytest.mark.parametrize("own", OWN)
def test_a_file_of_the_users_own_keeps_the_environment_of_another_tool(
    tmp_path: Path, own: str, make: Callable[[Path], Path]
) -> None:
    folder = make(tmp_path / "env")
    write(folder, own)
    error = refusal(folder)
    assert error.message == (
        f"{folder} is an environment with 1 file that no environment has: {own};"
        " it is left as it is"
    )
    assert error.remedies == ("--env OTHER", f"move what is yours out of {folder}")


@pytest.mark.parametrize(
    "name", [".git", ".hg", ".svn", ".bzr", "_darcs", ".fossil", ".fslckout", ".jj", "CVS", "RCS"]
)
@pytest.mark.parametrize("where", ["", "src/x/", f"{SITE}/demo/"])
def test_a_repository_anywhere_below_keeps_an_environment(
    tmp_path: Path, name: str, where: str
) -> None:
    folder = venv(tmp_path / "env")
    write(folder, f"{where}{name}/HEAD")
    assert refusal(folder).message == (
        f"{folder} is an environment with a repository in it: {where}{name}; it is left as it is"
    )


def test_a_worktree_of_a_repository_keeps_it_too(tmp_path: Path) -> None:
    folder = venv(tmp_path / "env")
    write(folder, "src/x/.git", text="gitdir: /elsewhere\n")
    assert refusal(folder).message == (
        f"{folder} is an environment with a repository in it: src/x/.git; it is left as it is"
    )


def test_many_files_are_counted_and_the_first_named(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write(folder, "src/a.py", "thesis.tex", *(f"src/b{number}" for number in range(2339)))
    error = refusal(folder)
    assert error.message == (
        f"{folder} is a folder with 2,341 files that no environment has: thesis.tex, src/a.py,"
        " src/b0, ...; it is left as it is"
    )
    assert error.remedies == ("--env OTHER",)


def test_a_configuration_without_a_python_is_no_environment(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write(folder, "pyvenv.cfg")
    assert refusal(folder).message == (
        f"{folder} is a folder with 1 file that no environment has: pyvenv.cfg; it is left as it is"
    )
    assert made_by(folder) is None


@pytest.mark.parametrize("inside", ["envs/other/bin/python", "pkgs/x/info"])
def test_the_base_of_conda_is_never_replaced(tmp_path: Path, inside: str) -> None:
    folder = prefix(tmp_path / "miniforge3")
    write(folder, inside)
    error = refusal(folder)
    assert error.message == (
        f"{folder} is the base of conda, with its other environments or its packages;"
        " it is left as it is"
    )
    assert error.remedies == ("--env OTHER",)


def test_the_current_folder_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = venv(tmp_path / "env")
    (folder / "work").mkdir()
    monkeypatch.chdir(folder / "work")
    assert refusal(folder).message == (
        f"{folder} contains the current folder; an environment would replace it"
    )
    assert refusal(folder / "work").message == (
        f"{folder / 'work'} is the current folder; an environment would replace it"
    )


def test_the_home_and_what_contains_it_are_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = venv(tmp_path / "home" / "me")
    monkeypatch.setenv("HOME", str(home))
    assert refusal(home).message == f"{home} is your home; an environment would replace it"
    assert refusal(home.parent).message == (
        f"{home.parent} contains your home; an environment would replace it"
    )


def test_what_envlock_runs_from_is_never_replaced() -> None:
    with pytest.raises(UsageError) as caught:
        occupant(Path(sys.prefix), ours=False, force=True)
    assert caught.value.message == (
        f"{Path(sys.prefix).resolve()} is what envlock itself runs from;"
        " an environment would replace it"
    )


def test_links_are_followed_before_it_is_judged(tmp_path: Path) -> None:
    write(tmp_path / "project", "a.py")
    link = tmp_path / ".venv"
    link.symlink_to(tmp_path / "project", target_is_directory=True)
    with pytest.raises(UsageError) as caught:
        occupant(link, ours=False, force=True)
    assert caught.value.message == (
        f"{tmp_path / 'project'} is a folder with 1 file that no environment has: a.py;"
        " it is left as it is"
    )


def test_a_mount_point_is_replaced_when_it_is_an_environment_or_empty(tmp_path: Path) -> None:
    folder = tmp_path / "env"
    folder.mkdir()
    with small_disk(folder, 100):
        (folder / "lost+found").mkdir()
        assert occupant(folder, ours=False, force=False) is None
        write(folder, "a.csv")
        assert refusal(folder).message == (
            f"{folder} is a mount point with 1 file that no environment has: a.csv;"
            " it is left as it is"
        )
        (folder / "a.csv").unlink()
        venv(folder)
        assert str(occupant(folder, ours=False, force=True)) == (
            "an environment that python -m venv made"
        )


def test_what_is_mounted_in_an_environment_keeps_it(tmp_path: Path) -> None:
    folder = venv(tmp_path / "env")
    (folder / "share" / "data").mkdir()
    with small_disk(folder / "share" / "data", 100):
        assert refusal(folder).message == (
            f"{folder} is an environment with another file system mounted in share/data;"
            " it is left as it is"
        )


def test_files_that_a_command_reads_or_writes_are_not_in_what_it_replaces(
    tmp_path: Path,
) -> None:
    folder = venv(tmp_path / "env")
    for name in ("requirements.txt", "share/requirements.in"):
        with pytest.raises(UsageError) as caught:
            occupant(folder, ours=True, force=True, needed=[folder / name])
        assert caught.value.message == (
            f"{folder / name} is read or written by this command and lies in {folder},"
            " where the environment is to be"
        )


def test_the_transaction_itself_judges_too(tmp_path: Path) -> None:
    write(tmp_path / "data", "thesis.tex")
    with (
        pytest.raises(UsageError, match=r"thesis\.tex"),
        fresh_environment(tmp_path / "data", Silent(), force=True),
    ):
        raise AssertionError("it was replaced")


def test_what_the_makers_of_environments_write_is_theirs(tmp_path: Path) -> None:
    folder = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    write(folder, ".lock", ".gitignore", "envlock.json", f"{SITE}/__pycache__/x.pyc")
    write(folder, "share/jupyter/kernels/python3/kernel.json", f"{SITE}/__editable__.x.pth")
    assert inventory(folder, environment=True).own == 0


ATTACKS = {
    ".": "{here} is the current folder; an environment would replace it",
    "..": "{root} contains the current folder; an environment would replace it",
    "/": "/ is the root of the file system, not a place for one",
    "{home}": "{home} is your home; an environment would replace it",
    "requirements.in": "{here}/requirements.in is a file, not a folder",
    "src": "{here}/src is a folder with 1 file that no environment has: src/a.py",
}


@pytest.mark.parametrize("command", ["create", "sync"])
@pytest.mark.parametrize("env", ATTACKS)
def test_force_deletes_no_project(program: Program, env: str, command: str) -> None:
    known = {"here": program.here, "root": program.root, "home": program.root / "home"}
    write(program.here, "requirements.in", "src/a.py", ".git/HEAD", "requirements.txt")
    write(program.root / "home", "Documents/letter.odt")
    write(program.here, "requirements.txt", text="h5py==3.11.0 --hash=sha256:" + "0" * 64 + "\n")
    before = snapshot(program.root)
    words = ["-r", "requirements.in"] if command == "create" else []
    done = program(command, *words, "--env", env.format(**known), "--force")
    assert done.code == 2
    first, *remedies = done.err.splitlines()
    said = ATTACKS[env].format(**known).replace("src/a.py", "a.py")
    assert first.startswith(f"error: {said}")
    assert [each for each in remedies if each.endswith("--force")] == []
    after = snapshot(program.root)
    assert {name: after.get(name) for name in before if not name.startswith("cache")} == {
        name: what for name, what in before.items() if not name.startswith("cache")
    }


def test_the_output_says_what_was_replaced(envlock: Program) -> None:
    folder = envlock.here / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    refused = envlock("create", "h5py")
    line = refused.err.splitlines()[-1]
    assert line.startswith(f"  try: envlock create h5py --force  # deletes {folder}: ")
    done = envlock("create", "h5py", "--force")
    assert "replaced     .venv: an environment that python -m venv made\n" in done.out
    again = envlock("create", "h5py", "--prove", "--json").data
    assert again["replaced"] == "an environment that envlock made"


def test_own_files_in_an_environment_of_envlocks_are_kept(envlock: Program) -> None:
    folder = envlock.here / ".venv"
    assert envlock("create", "h5py").code == 0
    (folder / "notes.txt").write_text("mine\n")
    (folder / "bin" / "deploy.sh").write_text("mine too\n")
    done = envlock("create", "h5py", "--prove")
    kept = folder / ".envlock" / "kept" / "0001"
    assert done.code == 0
    assert done.err == (
        f"{folder}: bin/deploy.sh: envlock did not make this, and keeps it in {kept}\n"
    )
    assert (folder / "notes.txt").read_text() == "mine\n"
    assert (kept / "bin" / "deploy.sh").read_text() == "mine too\n"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("command", ["diagnose", "fix", "verify", "history"])
def test_an_environment_whose_python_was_removed_is_told(program: Program, command: str) -> None:
    folder = venv(program.here / ".venv", "home = /opt/gone/bin\nversion = 3.11.7\n")
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to("/opt/gone/bin/python3.11")
    done = program(command, ".venv")
    assert done.code == 4
    assert done.err.startswith(
        "error: .venv: the Python of this environment is gone: it was made from Python 3.11.7 in"
        " /opt/gone/bin, which is no longer there (bin/python leads to /opt/gone/bin/python3.11)\n"
        "  try: envlock create --env .venv --force  # deletes .venv: "
    )


def test_an_environment_whose_python_was_removed_can_be_made_again(envlock: Program) -> None:
    assert envlock("create", "h5py").code == 0
    (program,) = (envlock.here / ".venv" / "bin").glob("python")
    program.unlink()
    program.symlink_to("/opt/gone/bin/python3.11")
    told = envlock("verify").err
    assert "  try: envlock create --env .venv  # deletes .venv: " in told.replace(
        str(envlock.here) + "/", ""
    )
    assert envlock("sync").code == 0
    assert program.exists()
