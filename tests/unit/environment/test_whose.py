"""One definition of what is the environment's: nothing that is called somebody's own is deleted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envlock.environment.place import made_by_envlock
from envlock.environment.replaceable import inventory
from envlock.environment.whose import Owner, is_made, whose
from envlock.progress import Silent
from support.places import fresh_environment

SITE = "lib/python3.11/site-packages"
RECORD = """six.py,,
demo/__init__.py,sha256=x,3
"demo/a,b.py",,
../../../bin/demo,,
../../../etc/demo/demo.conf,,
../../../../outside,,
/somewhere/else.py,,
demo-1.dist-info/RECORD,,
"""


def write(folder: Path, *names: str, text: str = "") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def env(tmp_path: Path) -> Path:
    folder = tmp_path / "env"
    write(folder, f"{SITE}/demo-1.dist-info/RECORD", text=RECORD)
    write(folder, f"{SITE}/six.py", f"{SITE}/demo/__init__.py", f"{SITE}/demo/a,b.py", "bin/demo")
    write(folder, "etc/demo/demo.conf", "bin/python", "pyvenv.cfg")
    return folder


def owners(folder: Path, since: int = 0) -> dict[str, Owner | None]:
    """Whose each file is that is not the environment's."""
    return {
        name: owner
        for entry, name, owner in whose(folder, folder, since).entries()
        if owner is not Owner.ENVIRONMENT and not entry.is_dir(follow_symlinks=False)
    }


def test_what_records_name_is_the_environments(env: Path) -> None:
    assert owners(env) == {}


MADE = [
    *("bin/python3.11", "bin/pip3", "bin/activate.fish", "Scripts/python311.dll", ".gitignore"),
    *("lib64", "CACHEDIR.TAG", ".lock", "envlock.json", ".envlock.json.x1", "conda-meta/history"),
    *("var/cache/fontconfig/x.cache-8", f"{SITE}/_virtualenv.pth", f"{SITE}/pip-24.virtualenv"),
    *(f"{SITE}/demo-1.dist-info/INSTALLER", f"{SITE}/demo/__pycache__/x.cpython-311.pyc"),
    *(f"{SITE}/demo/__pycache__/x.f-1.py311.nbi", f"{SITE}/.DS_Store", "src/__pycache__/a.pyc"),
]


@pytest.mark.parametrize("name", MADE)
def test_what_makers_of_environments_write_is_the_environments(env: Path, name: str) -> None:
    write(env, name)
    assert owners(env) == {}
    assert is_made(name)


EITHER = [
    *(f"{SITE}/demo/mine.txt", f"{SITE}/demo/deep/mine.txt", "etc/demo/mine.conf"),
    *(f"{SITE}/mine.pth", f"{SITE}/other.egg-link", f"{SITE}/~emo/__init__.py"),
    *("share/jupyter/kernels/mine/kernel.json", "conda-meta/pinned", "bin/postactivate"),
    f"{SITE}/demo/model.pyc",
]


@pytest.mark.parametrize("name", EITHER)
def test_of_a_file_in_a_packages_folder_nobody_can_tell_so_it_is_kept_and_refuses_nothing(
    env: Path, name: str
) -> None:
    write(env, name)
    assert owners(env) == {name: Owner.EITHER}
    assert inventory(env, environment=True).own == 0
    assert [*whose(env, env).theirs()] == [env / name]


SOMEBODY = [
    *("notes.txt", "src/a.py", "bin/deploy.sh", f"{SITE}/mine.py", f"{SITE}/mine/__init__.py"),
    *("lib/notes.txt", "share/data/big.bin", "etc/conda/activate.d/mine.sh", "models/net.pyc"),
    *(".envlock-notes", "lib/python3.11/mine.py", f"{SITE}/__pycache__/notes.txt", "bin/tool.dll"),
]


@pytest.mark.parametrize("name", SOMEBODY)
def test_what_is_somebodys_own_is_counted_and_never_deleted(env: Path, name: str) -> None:
    write(env, name, text="mine")
    assert owners(env) == {name: Owner.SOMEBODY}
    found = inventory(env, environment=True)
    assert (found.own, found.named) == (1, [name])
    assert [*whose(env, env).theirs()] == [env / name]


@pytest.mark.parametrize("name", [*EITHER, *SOMEBODY])
def test_when_an_environment_is_replaced_it_is_still_there(tmp_path: Path, name: str) -> None:
    folder = tmp_path / ".venv"
    with fresh_environment(folder, Silent()):
        write(folder, f"{SITE}/demo-1.dist-info/RECORD", text=RECORD)
        write(folder, f"{SITE}/demo/__init__.py", "etc/demo/demo.conf", "bin/python")
    assert made_by_envlock(folder)
    write(folder, name, text="mine")
    with fresh_environment(folder, Silent()):
        write(folder, "bin/python", text="new")
    there = [folder / name, folder / ".envlock" / "kept" / "0001" / name]
    assert [each.read_text() for each in there if each.is_file()] == ["mine"]
    assert not (folder / SITE / "demo" / "__init__.py").exists()


def test_an_environment_of_another_tool_is_told_apart_with_records_of_setuptools(
    tmp_path: Path,
) -> None:
    env = tmp_path / "env"
    write(env, f"{SITE}/old-1-py3.11.egg-info/installed-files.txt", text="../old/a.py\nPKG-INFO\n")
    write(env, f"{SITE}/older-1.egg-info/top_level.txt", text="older\nsingle\n")
    write(env, f"{SITE}/old/a.py", f"{SITE}/older/__init__.py", f"{SITE}/single.py")
    assert owners(env) == {}
    write(env, f"{SITE}/older/b.py", f"{SITE}/other.py")
    assert owners(env) == {
        f"{SITE}/older/b.py": Owner.EITHER,
        f"{SITE}/other.py": Owner.SOMEBODY,
    }


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_out_of_an_environment_is_somebodys_and_one_in_it_is_kept(env: Path) -> None:
    (env / "data").symlink_to("/somewhere/else")
    (env / "bin" / "py").symlink_to("python3.11")
    (env / "lib" / "latest").symlink_to("../bin")
    assert owners(env) == {
        "data": Owner.SOMEBODY,
        "bin/py": Owner.EITHER,
        "lib/latest": Owner.EITHER,
    }


#: As pip and uv write them.
ENTRY = """#!{prefix}/bin/python
# -*- coding: utf-8 -*-
import sys
from demo import main
if __name__ == "__main__":
    if sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="a file's change time is another there")
def test_while_it_is_built_what_an_installer_brings_is_the_environments(
    tmp_path: Path, env: Path
) -> None:
    write(env, "lib/early.so")
    time.sleep(0.02)
    write(tmp_path, "now")
    since = (tmp_path / "now").stat().st_mtime_ns
    time.sleep(0.02)
    write(tmp_path, "cache/new.py", "cache/more.txt")
    os.link(tmp_path / "cache" / "new.py", env / SITE / "new.py")
    write(env, "bin/new", text=ENTRY.format(prefix=env))
    assert owners(env, since) == {}
    # What has both of its names there would be gone with it, and so would a person's own program.
    write(env, "bin/mine", "bin/other", text=f"#!{env}/bin/python\nimport sys\nprint(sys.argv)\n")
    write(env, "lib/mine.txt")
    os.link(env / "lib" / "mine.txt", env / "bin" / "mine.txt")
    names = ["bin/mine", "bin/mine.txt", "bin/other", "lib/mine.txt"]
    assert sorted(owners(env, since)) == names
    # Built, it is known by its records.
    assert sorted(owners(env)) == [*names[:2], "bin/new", "bin/other", "lib/early.so", names[3],
                                   f"{SITE}/new.py"]  # fmt: skip


def test_what_venv_and_pip_make_is_the_environments(tmp_path: Path) -> None:
    env = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", env], check=True)
    subprocess.run([env / "bin" / "python", "-m", "compileall", "-q", env / "lib"], check=True)
    assert owners(env) == {}


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes in folders there")
def test_what_a_file_system_keeps_of_itself_stays_and_a_pipe_is_not_waited_for(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ".venv"
    with fresh_environment(folder, Silent()):
        write(folder, "bin/python")
    write(folder, "lost+found/#1", text="found")
    os.mkfifo(folder / "bin" / "pipe")
    assert owners(folder, since=1) == {"bin/pipe": Owner.SOMEBODY}
    with fresh_environment(folder, Silent()):
        write(folder, "bin/python", text="new")
    assert (folder / "lost+found" / "#1").read_text() == "found"
    assert (folder / ".envlock" / "kept" / "0001" / "bin" / "pipe").is_fifo()


@pytest.mark.parametrize("name", EITHER)
def test_with_force_what_may_be_somebodys_is_kept_of_the_environment_of_another_tool(
    env: Path, name: str
) -> None:
    write(env, name, text="mine")
    with fresh_environment(env, Silent(), force=True):
        write(env, "bin/python", text="new")
    assert (env / ".envlock" / "kept" / "0001" / name).read_text() == "mine"
