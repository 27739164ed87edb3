"""`envlock lock` and `create` with conda: an environment.yml becomes a prefix that is proved."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from envlock.conda import rattler
from envlock.index.handover import uv_program
from support.conda_channel import PYTHON, CondaChannel
from support.conda_forge import conda_forge
from support.framework import build_framework, its_python
from support.program import Program, snapshot
from support.simple_index import SimpleIndex, build_wheel

PROVED = (
    "import-h5py, import, fit, save, load, weights, custom-layer,"
    " load-compiled, resume, savedmodel, keras, recurrent, convolution, imports:helper"
)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the channel is for Linux")


def version() -> str:
    """The version of the Python in the channel."""
    return str(its_python().version)


@pytest.fixture
def index(tmp_path: Path) -> SimpleIndex:
    wheels = tmp_path / "wheels"
    build_framework(wheels)
    build_wheel(wheels, "helper", "1.0", requires=["h5py", "numpy"])
    return SimpleIndex(wheels)


@pytest.fixture
def conda(program: Program, channel: CondaChannel, index: SimpleIndex) -> Iterator[Program]:
    """Give the program with an environment.yml in its folder, and pip's index."""
    text = f"""\
name: models
channels:
  - {channel.url}
dependencies:
  - tensorflow=2.15
  - h5py
  - pip:
      - helper
variables:
  HELLO: "1"
"""
    (program.here / "environment.yml").write_text(text)
    with index:
        yield program.with_env(PIP_INDEX_URL=index.url, ENVLOCK_ENGINE="uv")


def test_an_environment_file_becomes_a_prefix_that_is_proved(conda: Program) -> None:
    done = conda("create", "-r", "environment.yml")
    assert done.err == ""
    assert done.out == (
        f"linux-64     python {version()}, tensorflow 2.15.1, h5py 3.11.0, numpy 1.26.4\n"
        "with pip     helper 1.0\n"
        "held         numpy=1.26.4  by numpy2-tf-abi\n"
        "sets         HELLO=1, unless somebody sets it otherwise\n"
        "written      conda-lock.yml\n"
        f"proved       {PROVED}\n"
        "environment  .venv\n"
        "next         .venv/bin/python\n"
    )
    prefix = conda.here / ".venv"
    names = {path.name.rsplit("-", 2)[0] for path in (prefix / "conda-meta").glob("*.json")}
    assert names == {"python", "tensorflow", "h5py", "numpy"}
    assert json.loads((prefix / "conda-meta/state").read_text())["env_vars"] == {"HELLO": "1"}
    assert (prefix / f"lib/python{PYTHON}/site-packages/helper.py").is_file()
    lock = (conda.here / "conda-lock.yml").read_text()
    assert "# made by: envlock lock -r environment.yml --engine uv\n" in lock
    assert lock.count("manager: pip") == 1


def test_what_was_built_can_be_verified_and_diagnosed(conda: Program, index: SimpleIndex) -> None:
    assert conda("create", "-r", "environment.yml").code == 0
    assert conda("verify").code == 0
    assert conda("diagnose", ".venv").code == 0
    plan = conda("fix", ".venv", "--dry-run")
    assert (plan.code, plan.out.splitlines()[0]) == (
        0,
        f"nothing is wrong by what envlock knows: 4 packages in {conda.here / '.venv'}",
    )
    python = conda.here / ".venv/bin/python"
    pip: list[str | Path] = [
        uv_program(),
        "pip",
        "install",
        "--python",
        python,
        "--no-deps",
        "numpy==2.0.2",
    ]
    subprocess.run([*pip, "-q", "--index-url", index.url], check=True, env=conda.environment())
    found = conda("diagnose", ".venv")
    assert found.code == 1
    assert found.out.startswith("1. numpy2-tf-abi: ")
    assert "conda-and-pip-own: conda and pip both own a package" in found.out
    plan = conda("fix", ".venv", "--dry-run")
    assert "numpy    2.0.2  1.26.4  The extension modules of" in plan.out


def test_the_next_run_takes_the_lock_as_it_is(conda: Program) -> None:
    assert conda("lock", "-r", "environment.yml").code == 0
    before = (conda.here / "conda-lock.yml").read_bytes()
    assert "unchanged  conda-lock.yml\n" in conda("lock", "-r", "environment.yml").out
    assert conda("lock", "-r", "environment.yml", "--check").out == "the lock is current\n"
    assert conda("lock", "-r", "environment.yml", "-U").code == 0
    assert (conda.here / "conda-lock.yml").read_bytes() == before


def test_a_lock_that_answers_another_request_is_told(conda: Program) -> None:
    assert conda("lock", "-r", "environment.yml").code == 0
    file = conda.here / "environment.yml"
    file.write_text(file.read_text().replace("- h5py", "- h5py<3.11"))
    done = conda("lock", "-r", "environment.yml", "--check")
    told = re.sub(r":\d+", ":N", done.out)
    assert (done.code, told) == (
        1,
        (
            "conda-lock.yml:N: h5py was asked for when it was made, and is now h5py <3.11"
            " (environment.yml:N)\nnext: envlock lock -r environment.yml --engine uv\n"
        ),
    )
    assert conda("lock", "-r", "environment.yml").code == 0
    assert "h5py-3.10.0" in (conda.here / "conda-lock.yml").read_text()


def test_every_format_is_written_and_none_over_the_input(conda: Program) -> None:
    formats = ["environment", "explicit", "conda-lock", "pixi", "requirements"]
    words = [word for each in formats for word in ("--format", each)]
    before = (conda.here / "environment.yml").read_bytes()
    assert conda("lock", "-r", "environment.yml", *words).code == 0
    assert sorted(path.name for path in conda.here.iterdir()) == [
        "conda-linux-64.lock",
        "conda-lock.yml",
        "environment.lock.yml",
        "environment.yml",
        "pixi.lock",
        "requirements.txt",
    ]
    assert (conda.here / "environment.yml").read_bytes() == before


def test_words_are_conda_packages_with_manager_conda(conda: Program, channel: CondaChannel) -> None:
    (conda.here / "environment.yml").unlink()
    words = ["lock", "h5py>=3", "--manager", "conda", "--channel", channel.url]
    done = conda(*words, "--json")
    assert done.code == 0
    (platform,) = done.data["parts"]
    assert {each["name"] for each in platform["conda"]} == {"python", "h5py"}
    text = (conda.here / "conda-lock.yml").read_text()
    assert (
        f"# made by: envlock lock 'h5py>=3' --engine uv --manager conda --channel {channel.url}\n"
        in text
    )


def test_several_platforms_are_locked_at_once(program: Program, tmp_path: Path) -> None:
    url = conda_forge(tmp_path / "conda-forge")
    done = program(
        "lock", "h5py", "--manager", "conda", "--channel", url,
        "--platform", "linux-aarch64", "--platform", "osx-arm64", "--platform", "linux-x86_64",
    )  # fmt: skip
    assert done.code == 0, done.err
    told = [line.partition(" ")[0] for line in done.out.splitlines()]
    assert told[:3] == ["linux-64", "linux-aarch64", "osx-arm64"]
    lock = (program.here / "conda-lock.yml").read_text()
    assert all(f"platform: {each}\n" in lock for each in told[:3])


def test_a_lock_for_several_platforms_stays_one(program: Program, tmp_path: Path) -> None:
    url = conda_forge(tmp_path / "conda-forge")
    words = ["lock", "numpy", "--manager", "conda", "--channel", url]
    assert program(*words, "--platform", "linux-64", "--platform", "win-64").code == 0
    before = (program.here / "conda-lock.yml").read_bytes()
    done = program(*words)
    assert "unchanged  conda-lock.yml\n" in done.out
    assert program(*words, "--check").out == "the lock is current\n"
    assert program(*words, "-U").code == 0
    assert (program.here / "conda-lock.yml").read_bytes() == before


def test_an_environment_is_this_machines_part_of_a_wider_lock(
    program: Program, channel: CondaChannel, tmp_path: Path
) -> None:
    own, wide = rattler.detect()[0], tmp_path / "wide"
    shutil.copytree(channel.folder, wide)
    shutil.copytree(wide / own, wide / "linux-aarch64")
    records = wide / "linux-aarch64" / "repodata.json"
    records.write_text(records.read_text().replace(own, "linux-aarch64"))
    words = ["h5py", "--manager", "conda", "--channel", wide.as_uri()]
    locked = program("lock", *words, "--platform", own, "--platform", "linux-aarch64")
    assert locked.code == 0, locked.err
    before = (program.here / "conda-lock.yml").read_bytes()
    made = program("create", *words)
    assert (made.code, made.err) == (0, "")
    assert (program.here / "conda-lock.yml").read_bytes() == before


def test_an_environment_that_fails_leaves_everything_as_it_was(
    program: Program, channel: CondaChannel
) -> None:
    (program.here / ".venv").mkdir()
    (program.here / "probe.py").write_text("raise SystemExit('no')\n")
    before = snapshot(program.here)
    words = ["create", "h5py", "--channel", channel.url, "--probe", "probe.py"]
    done = program(*words)
    assert done.code == 1
    assert "the environment was built and does not do what it should" in done.err
    assert snapshot(program.here) == before


def test_a_pip_file_that_is_not_the_locked_one_stops_the_build(
    conda: Program, index: SimpleIndex
) -> None:
    assert conda("lock", "-r", "environment.yml").code == 0
    before = snapshot(conda.here)
    build_wheel(index.folder, "helper", "1.0", files={"helper.py": "evil = True\n"})
    done = conda("create", "-r", "environment.yml")
    assert done.code == 4
    assert "helper==1.0: the file that the index gave is not the one that was locked" in done.err
    assert snapshot(conda.here) == before


def test_a_token_of_a_channel_is_in_no_file_and_no_message(
    program: Program, channel: CondaChannel
) -> None:
    with SimpleIndex(channel.folder) as nowhere:
        url = f"{nowhere.root}/t/s3cret-token/channel"
        done = program("lock", "h5py", "--channel", url)
    assert done.code == 4
    assert " could not be read: " in done.err
    assert "s3cret" not in done.err + done.out


STAND_IN = """\
#!{python}
import asyncio, json, os, sys
json.dump(sys.argv[1:], open({log!r}, "w"))
listed = sys.argv[sys.argv.index("--file") + 1]
prefix = sys.argv[sys.argv.index("--prefix") + 1]
lines = open(listed).read().splitlines()
assert lines[:2] == ["# platform: linux-64", "@EXPLICIT"], lines
if os.environ.get("FAIL"):
    sys.exit("critical libmamba: the disk is on fire")
import rattler
async def main():
    files = [line.partition("#")[0].removeprefix("file://") for line in lines[2:]]
    records = [await rattler.RepoDataRecord.from_package_archive(file) for file in files]
    await rattler.install(records, target_prefix=prefix, show_progress=False)
asyncio.run(main())
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture
def micromamba(conda: Program, tmp_path: Path) -> Program:
    """Give the program with a micromamba on PATH that keeps what it was told."""
    folder = tmp_path / "programs"
    folder.mkdir()
    program = folder / "micromamba"
    program.write_text(STAND_IN.format(python=sys.executable, log=str(tmp_path / "told.json")))
    program.chmod(0o755)
    return conda.with_env(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_conda_program_installs_what_was_locked_and_solves_nothing(
    micromamba: Program, tmp_path: Path
) -> None:
    done = micromamba("create", "-r", "environment.yml", "--manager", "micromamba")
    assert (done.code, done.err) == (0, "")
    assert f"next         micromamba activate {micromamba.here / '.venv'}\n" in done.out
    told = json.loads((tmp_path / "told.json").read_text())
    assert told[:5] == ["install", "--yes", "--prefix", str(micromamba.here / ".venv"), "--file"]
    assert told[6:] == ["--no-rc", "--no-env"]


def test_a_conda_program_that_fails_is_told_and_leaves_nothing(micromamba: Program) -> None:
    before = snapshot(micromamba.here)
    done = micromamba.with_env(FAIL="1")("create", "-r", "environment.yml", "--manager=micromamba")
    assert (done.code, done.err) == (
        4,
        (
            f"error: micromamba could not make {micromamba.here / '.venv'}\n"
            "  critical libmamba: the disk is on fire\n"
        ),
    )
    assert snapshot(micromamba.here) == before


def test_a_conda_program_that_is_not_there_is_told(conda: Program) -> None:
    done = conda.with_env(PATH="/usr/bin")("create", "-r", "environment.yml", "--manager", "mamba")
    assert (done.code, done.err) == (
        4,
        (
            "error: --manager mamba: there is no mamba on PATH\n"
            f"  try: {Path(sys.executable).with_name('envlock')} create -r environment.yml"
            " --manager conda\n"
        ),
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["create", "h5py", "--manager", "conda", "--platform", "osx-arm64"],
            (
                "error: --platform osx-arm64: an environment is built and proved on this machine;"
                " a lock can be for another one\n"
            ),
        ),
        (
            ["lock", "h5py", "--manager", "conda", "--python", "/usr/bin/python3"],
            (
                "error: --python /usr/bin/python3: conda brings its own Python, so a version is"
                " needed\n"
            ),
        ),
        (
            ["lock", "h5py", "--manager", "conda", "--format", "pylock"],
            "error: conda packages have no place in the format pylock\n",
        ),
        (
            ["lock", "-r", "a.yml", "-r", "b.yml"],
            "error: -r b.yml: one environment file is locked at a time\n",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(program: Program, words: list[str], message: str) -> None:
    done = program(*words)
    assert done.code == 2
    assert done.err.startswith(message)


def test_a_file_of_somebody_else_is_left_as_it_is(conda: Program) -> None:
    (conda.here / "conda-lock.yml").write_text("version: 1\npackage: []\n")
    done = conda("lock", "-r", "environment.yml")
    assert done.code == 2
    assert done.err.startswith(
        "error: conda-lock.yml is there, and envlock did not write it; it is left as it is\n"
    )


@pytest.mark.parametrize("kind", ["conda-lock", "explicit", "pixi"])
def test_a_prefix_is_made_equal_to_a_lock(conda: Program, kind: str) -> None:
    (lock,) = conda("lock", "-r", "environment.yml", "--format", kind, "--json").data["files"]
    done = conda("sync", lock)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"linux-64     python {version()}, tensorflow 2.15.1, h5py 3.11.0, numpy 1.26.4\n"
        "with pip     helper 1.0\n"
        f"environment  .venv is now equal to {lock}\n"
        "next         envlock verify .venv\n"
    )
    prefix = conda.here / ".venv"
    records = prefix / "conda-meta"
    names = {path.name.rsplit("-", 2)[0] for path in records.glob("*.json")}
    assert names == {"python", "tensorflow", "h5py", "numpy"}
    assert (prefix / f"lib/python{PYTHON}/site-packages/helper.py").is_file()
    (records / "state").write_text('{"version": 1, "env_vars": {"MINE": "1"}}')
    assert conda("sync", lock, "--json").data["changed"] is False
    next(records.glob("numpy-*.json")).unlink()
    done = conda("sync", lock, "--json")
    (part,) = done.data["parts"]
    assert (done.data["changed"], part["subdir"]) == (True, "linux-64")
    assert json.loads((records / "state").read_text())["env_vars"] == {"HELLO": "1", "MINE": "1"}


def test_a_lock_that_cannot_be_synced_is_refused_with_what_can(conda: Program) -> None:
    words = ("--format", "environment", "-o", "pinned.yml")
    assert conda("lock", "-r", "environment.yml", *words).code == 0
    done = conda("sync", "pinned.yml")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(
        "error: pinned.yml has no hashes for h5py, numpy, python, tensorflow"
    )
    assert done.err.endswith(
        "  try: envlock lock -r environment.yml --engine uv --format conda-lock\n"
    )
    (conda.here / "conda-osx-arm64.lock").write_text("# platform: osx-arm64\n@EXPLICIT\n")
    done = conda("sync", "conda-osx-arm64.lock")
    assert (done.code, done.err) == (
        2,
        "error: conda-osx-arm64.lock is for osx-arm64, and this machine is linux-64\n",
    )


def test_a_lock_that_another_command_made_is_current(conda: Program) -> None:
    assert conda("lock", "-r", "environment.yml").code == 0
    other = ("lock", "-r", "environment.yml", "--engine", "pip-tools", "--check")
    assert conda(*other).out == "the lock is current\n"
