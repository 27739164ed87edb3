"""The README's first command: a fresh home, a user who is not root, a folder with a project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envlock.index.handover import uv_program
from envlock.targets.interpreters import base_program
from support.users import nobodys

ROOT = Path(__file__).parents[2]
SHIPPED = ("resolver", "constraints", "pyproject.toml", "README.md", "LICENSE")
#: What is this machine's own, and not of its network.
FOREIGN = ("XDG_", "ENVLOCK_", "UV_CACHE", "VIRTUAL_ENV", "PYTHON", "CONDA")
PROJECT = """\
[project]
name = "keras-h5"
version = "1"
dependencies = ["tensorflow", "h5py", "pandas"]
"""
pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform == "win32", reason="the command is for a shell"),
]
EXPORT = 'export PATH="$HOME/.local/bin:$PATH"'
Shell = Callable[[str], str]


def command(name: str) -> str:
    script = [sys.executable, ".ci/readme_command.py", name]
    return subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def shell() -> Iterator[Shell]:
    """A shell of a user with an empty home, in a clone of the project."""
    root = Path(tempfile.mkdtemp(prefix="envlock-user-"))
    clone, home, path = root / "clone", root / "home", root / "path"
    for folder in (clone, home / "keras-h5", path):
        folder.mkdir(parents=True)
    for name in SHIPPED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, clone / name)
    (path / "python3").symlink_to(base_program(Path(sys.executable)))
    (home / "keras-h5" / "pyproject.toml").write_text(PROJECT)
    user = nobodys(root) if os.geteuid() == 0 and shutil.which("setpriv") else ()
    kept = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
    env = {**kept, "HOME": str(home), "PATH": f"{path}:{os.defpath}"}

    def typed(line: str) -> str:
        done = subprocess.run(
            [*user, "bash", "-c", line],
            cwd=clone,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, f"$ {line}\n{done.stdout}"
        return done.stdout

    yield typed
    shutil.rmtree(root, ignore_errors=True)


@pytest.mark.e2e
@pytest.mark.nightly
def test_the_main_command_works_in_the_folder_of_a_project(shell: Shell) -> None:
    said = shell(command("main"))
    assert "request from pyproject.toml" in said
    assert "proved       import-h5py, import, fit, save, load" in said
    assert "source .venv/bin/activate" in said
    assert "has no pip" not in said, said
    assert f"`{EXPORT}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    own = f"{EXPORT} && cd ~/keras-h5 && source .venv/bin/activate &&"
    shell(f'{own} pip install --quiet seaborn && python -c "import seaborn, tensorflow, pandas"')
    assert "(added by hand, with " in shell(f"{own} envlock diagnose")
    assert "the lock is current" in shell(f"{own} envlock lock --check")
    again = shell(f"{own} envlock sync && envlock create --accelerator cpu && envlock create")
    assert re.search(r"remove .*added by hand", again)
    assert "unchanged since it was proved" in again
    assert sorted(shell("ls").split()) == sorted(SHIPPED)  # the clone is as it was


def test_a_tool_is_installed_by_uv_just_as_well(shell: Shell) -> None:
    uv = uv_program()
    said = shell(
        f"{uv} tool install --quiet . && {EXPORT}"
        " && cd ~/keras-h5 && envlock lock --engine uv && envlock lock --check"
    )
    assert "the lock is current" in said
