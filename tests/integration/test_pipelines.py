"""The pre-commit hooks and the GitHub Action that the project offers, run as they are run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from envlock.system import WINDOWS

ROOT = Path(__file__).parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SHIPPED = ("resolver", "constraints", "pyproject.toml", "README.md", "LICENSE")
#: How GitHub starts a step with ``shell: bash``.
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
LOCK = "# made by: envlock lock tensorflow\n# python 3.11 on nowhere\n# request: sha256:0\n"


def run(*words: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def git(*words: str, cwd: Path) -> str:
    own = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    done = run("git", *own, *words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def repository(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """Make a repository of some files, or of the project as it is now."""
    folder.mkdir()
    for name in SHIPPED if files is None else ():
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
            )
        else:
            shutil.copy(source, folder / name)
    if files is None:
        shutil.copy(ROOT / ".pre-commit-hooks.yaml", folder)
    for name, text in (files or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message=all", cwd=folder)
    return folder


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_a_command_that_there_is(hook: dict[str, Any]) -> None:
    program, command, *options = hook["entry"].split()
    told = run(sys.executable, "-m", "envlock", command, "--help", cwd=ROOT)
    assert (program, told.returncode) == ("envlock", 0)
    assert all(re.search(rf"{option}\b", told.stdout) for option in options)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("requirements.in", {"envlock-check", "envlock-lock"}),
        ("envs/requirements-gpu.in", {"envlock-check", "envlock-lock"}),
        ("pyproject.toml", {"envlock-check", "envlock-lock"}),
        ("requirements.linux-aarch64.txt", {"envlock-check"}),
        ("pylock.linux-aarch64.toml", {"envlock-check"}),
        ("environment.yml", {"envlock-check"}),
        ("src/train.py", set()),
        ("my-requirements.in", set()),
    ],
)
def test_a_hook_runs_when_its_files_change(name: str, ids: set[str]) -> None:
    assert {hook["id"] for hook in HOOKS if re.search(hook["files"], name)} == ids


@pytest.mark.network
def test_pre_commit_runs_the_hooks_from_a_clone(tmp_path: Path) -> None:
    offered = repository(tmp_path / "offered")
    project = repository(tmp_path / "project", {"requirements.in": "", "requirements.txt": LOCK})
    (project / ".pre-commit-config.yaml").write_text(
        yaml.safe_dump(
            {
                "repos": [
                    {
                        "repo": offered.as_posix(),
                        "rev": git("rev-parse", "HEAD", cwd=offered),
                        "hooks": [{"id": hook["id"], "args": ["tensorflow"]} for hook in HOOKS],
                    }
                ]
            }
        ),
        encoding="utf-8",
    )
    git("add", "--all", cwd=project)
    done = run(
        *(sys.executable, "-m", "pre_commit", "run", "envlock-check", "--all-files"),
        cwd=project,
        PRE_COMMIT_HOME=str(tmp_path / "home"),
    )
    assert "the lock of TensorFlow is current" in done.stdout
    assert "requirements.txt: tensorflow (command line) is asked for, and not in it" in done.stdout
    assert done.returncode == 1, done.stderr


def test_the_action_is_composite_and_hides_nothing_in_its_scripts() -> None:
    """A value that is pasted into a script could become a part of it."""
    steps = ACTION["runs"]["steps"]
    assert ACTION["runs"]["using"] == "composite"
    assert [step["shell"] for step in steps if "run" in step] == ["bash", "bash"]
    assert not any("${{" in step.get("run", "") for step in steps)
    used = set(re.findall(r"inputs\.([a-z-]+)", str(steps)))
    assert used == set(ACTION["inputs"])
    assert all("default" in each and each["description"] for each in ACTION["inputs"].values())


@pytest.mark.skipif(WINDOWS, reason="Windows itself has no bash; GitHub's machines do")
def test_the_scripts_of_the_action_are_bash() -> None:
    for step in ACTION["runs"]["steps"]:
        if "run" in step:
            done = run(*BASH, "-n", "-c", step["run"], cwd=ROOT)
            assert (done.returncode, done.stderr) == (0, "")


def _check_as_it_is_offered(
    step: Callable[..., subprocess.CompletedProcess[str]], work: dict[str, Any], project: Path
) -> None:
    """By default the project's own request is checked: annotated, and summarized."""
    summary = project.parent / "summary.md"
    more = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_WORKSPACE": str(project)}
    asks = '[project]\nname = "x"\nversion = "1"\ndependencies = ["h5py>=3"]\n'
    (project / "pyproject.toml").write_text(asks, encoding="utf-8")
    done = step(work, ARGS=ACTION["inputs"]["args"]["default"], **more)
    annotations = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert done.returncode == 1, done.stderr
    assert any(
        line.startswith("::error file=requirements.txt,title=envlock lock::h5py>=3 (")
        for line in annotations
    ), done.stdout
    assert "### envlock: the lock is not current" in summary.read_text(encoding="utf-8")
    (project / "pyproject.toml").unlink()


@pytest.mark.network
@pytest.mark.skipif(WINDOWS, reason="Windows itself has no bash; GitHub's machines do")
def test_the_action_installs_envlock_and_runs_it(tmp_path: Path) -> None:
    project = repository(tmp_path / "a project", {"requirements.txt": LOCK})
    source = repository(tmp_path / "action")
    install, work = (step for step in ACTION["runs"]["steps"] if "run" in step)

    def step(which: dict[str, Any], **values: str) -> subprocess.CompletedProcess[str]:
        return run(
            *(*BASH, "-c", which["run"]),
            cwd=project,
            RUNNER_TEMP=str(tmp_path),
            GITHUB_ACTION_PATH=str(source),
            **values,
        )

    caches = {"ENVLOCK_CACHE_DIR", "PIP_CACHE_DIR", "UV_CACHE_DIR"}
    assert {*install["env"], *work["env"]} == {"PYTHON", "ARGS", *caches}
    steps = ACTION["runs"]["steps"]
    cached = next(each["with"]["path"] for each in steps if "cache@" in each.get("uses", ""))
    folders = {**install["env"], **work["env"]}
    assert all(folders[name].startswith(f"{cached}/") for name in caches)
    installed = step(install, PYTHON=sys.executable)
    assert installed.returncode == 0, installed.stderr
    _check_as_it_is_offered(step, work, project)
    done = step(work, ARGS="diff requirements.txt requirements.txt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "no difference\n", "")
    refused = step(work, ARGS="lock tensorflow<2.16 * --check")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith('error: "*" is not a requirement')
    assert (project / "requirements.txt").read_text(encoding="utf-8") == LOCK
