"""`envlock matrix run` on a real dask cluster, whose workers are killed and go away."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from packaging.version import Version

from envlock.choices import EngineName
from envlock.errors import WorkError
from envlock.matrix.cluster import Chores, cluster
from envlock.matrix.lanes import Ended, EngineLost, Prover, Queue, Run, Terms
from envlock.model import IndexSettings
from support.dask_cluster import dask_scheduler, dask_workers
from support.evidence import CELL
from support.framework import build_framework
from support.matrix_work import (
    answer,
    call,
    die_always,
    die_once,
    end_the_scheduler,
    idle,
    nothing,
    signed,
    wrong,
)
from support.pace import wait_until
from support.program import Program, make_program
from support.simple_index import SimpleIndex

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
NAMES = ["rules", "plain", "h5py 3.1", "h5py 3.2"]
OTHER = replace(CELL, version=Version("2.9.3"))
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
RUN = ("matrix", "run", "--tensorflow", "2.15.1", "--python", PYTHON, "--accelerator", "auto")
CHORES = Chores(work=call, unfit=nothing, tidy=idle)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def scheduler(place: Path) -> Iterator[str]:
    """Run a scheduler and two workers, with caches of their own."""
    env = {"ENVLOCK_CACHE_DIR": str(place / "cache"), "PIP_CONFIG_FILE": os.devnull}
    with dask_scheduler(place) as (address, _), dask_workers(address, place, 2, env):
        yield address


def queue(folder: Path, *, names: list[str] = NAMES) -> Queue:
    line = Queue(Terms(workspace=folder, settings=IndexSettings(), engine=EngineName.UV))
    for cell in (CELL, OTHER):
        line.add(cell, names, None)
    return line


def drive(address: str, line: Queue, work: Prover, chores: Chores = CHORES) -> list[Ended]:
    ended: list[Ended] = []

    def note(each: Ended) -> None:
        ended.append(each)
        line.finished(each.task, each.proved)

    notes: list[str] = []
    with cluster(address, chores, notes.append) as lanes:
        Run(line, lanes(), work).drive(note)
    return ended


def test_each_set_is_done_once_and_a_cell_by_the_worker_that_has_its_environment(
    scheduler: str, tmp_path: Path
) -> None:
    names = ["rules", "h5py 3.1", "h5py 3.2"]
    done = drive(scheduler, queue(tmp_path, names=names), signed)
    assert sorted((str(each.task.cell), each.task.name) for each in done) == sorted(
        (str(cell), name) for cell in (CELL, OTHER) for name in names
    )
    workers = {(each.task.cell, each.proved and each.proved.outcomes[0].detail) for each in done}
    assert len(workers) == 2
    assert len({worker for _, worker in workers}) == 2


def test_an_error_is_told_as_it_was_raised(scheduler: str, tmp_path: Path) -> None:
    ended = drive(scheduler, queue(tmp_path, names=["rules", "plain"]), answer)
    errors = {each.task.name: each.error and each.error.message for each in ended}
    assert errors == {"rules": None, "plain": "the index is down"}


def test_the_task_of_a_killed_worker_is_done_again(scheduler: str, tmp_path: Path) -> None:
    ended = drive(scheduler, queue(tmp_path), die_once)
    assert sorted(each.task.name for each in ended) == sorted(NAMES * 2)
    assert all(each.proved for each in ended)
    assert (tmp_path / "died").exists()


def test_a_task_that_kills_every_worker_is_given_up_and_the_rest_goes_on(
    scheduler: str, tmp_path: Path
) -> None:
    line = queue(tmp_path)
    line.works.pop()
    ended = drive(scheduler, line, die_always)
    told = {each.task.name: each.error and each.error.message for each in ended}
    assert told == {
        **dict.fromkeys(NAMES, None),
        "h5py 3.1": f"{CELL}, h5py 3.1: the worker died under it 3 times",
    }


def test_workers_that_are_not_fit_are_left_out(scheduler: str, tmp_path: Path) -> None:
    with pytest.raises(WorkError) as raised:
        drive(scheduler, queue(tmp_path), answer, replace(CHORES, unfit=wrong))
    assert str(raised.value) == f"{scheduler}: none of its workers is fit"


def test_a_scheduler_that_dies_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envlock.matrix.cluster._ANSWER", 2.0)
    with dask_scheduler(tmp_path) as (address, pid), dask_workers(address, tmp_path, 1):
        (tmp_path / "pid").write_text(str(pid))
        with pytest.raises(EngineLost) as raised:
            drive(address, queue(tmp_path), end_the_scheduler)
    assert str(raised.value).startswith(f"the dask scheduler at {address} is gone: ")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SimpleIndex]:
    """Serve a release that kills the worker the first time, and one that fails on NumPy 2."""
    mark = tmp_path / "killed"
    first = (
        "import os, pathlib, signal\n"
        f"if not pathlib.Path({str(mark)!r}).exists():\n"
        f"    pathlib.Path({str(mark)!r}).touch()\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n"
        "import numpy as n\n"
        'assert n.__version__ < "2", "numpy failed"'
    )
    needs = ("h5py>=2.9.0", "numpy>=1.23.5")
    build_framework(tmp_path / "wheels", first=first, needs=needs)
    with SimpleIndex(tmp_path / "wheels") as served:
        yield served


def recorded(folder: Path) -> dict[str, Any]:
    """Read the evidence of the one cell, without the seconds that it took."""
    (path,) = folder.iterdir()
    document: dict[str, Any] = json.loads(path.read_text())
    for each in document["sets"].values():
        del each["seconds"]
    return document


@pytest.mark.skipif(PYTHON != "3.11", reason="the release has no wheel for others")
def test_evidence_is_the_same_whoever_made_it_and_whatever_was_killed(
    scheduler: str, place: Path, tmp_path: Path, index: SimpleIndex
) -> None:
    envlock: Program = make_program(tmp_path / "home").with_env(PIP_INDEX_URL=index.url)
    words = (*RUN, "--baseline", "--vary", "h5py")
    there = ("--executor", "dask", "--scheduler", scheduler, "--evidence", "there")
    done = envlock(*words, *there)
    assert (tmp_path / "killed").exists()
    failed = f"tensorflow 2.15.1 on Python {PYTHON}, plain: import: AssertionError numpy failed"
    assert done.out.splitlines()[1:] == ["pass  3", f"fail  {failed}"]
    assert done.code == 0
    assert f"2 workers of {scheduler}\n" in done.err
    assert envlock(*words, "--evidence", "here").code == 0
    assert recorded(envlock.here / "there") == recorded(envlock.here / "here")
    assert list(place.glob("cache/**/lane-*")) == []
    again = envlock(*words, *there)
    assert again.out == "sets  nothing to do: the evidence in there is complete\n"


@pytest.mark.skipif(PYTHON != "3.11", reason="the release has no wheel for others")
def test_ctrl_c_ends_the_run_and_the_workers_tidy_up_by_themselves(
    scheduler: str, place: Path, tmp_path: Path
) -> None:
    reached = tmp_path / "reached"
    first = f"import pathlib, time; pathlib.Path({str(reached)!r}).touch(); time.sleep(2)"
    build_framework(tmp_path / "wheels", first=first)
    with SimpleIndex(tmp_path / "wheels") as index:
        envlock = make_program(tmp_path / "home").with_env(PIP_INDEX_URL=index.url)
        words = (*RUN, "--executor", "dask", "--scheduler", scheduler)
        running = subprocess.Popen(
            envlock.command(*words),
            cwd=envlock.here,
            env=envlock.environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(reached.exists)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
        assert running.returncode == 130
        assert said.endswith("error: interrupted: nothing was changed\n")
        assert "Traceback" not in said
        wait_until(lambda: not [f for f, _, _ in os.walk(place / "cache") if "lane-" in f])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--executor", "dask"), "--executor dask and --scheduler ADDRESS go together"),
        (
            ("--executor", "dask", "--scheduler", "nowhere"),
            "--scheduler nowhere: not an address such as tcp://HOST:8786",
        ),
    ],
)
def test_addresses_that_make_no_sense_are_told(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    done = make_program(tmp_path)("matrix", "run", *words)
    remedy = "envlock matrix run --executor dask --scheduler tcp://HOST:8786"
    assert (done.code, done.err) == (2, f"error: {message}\n  try: {remedy}\n")


def test_a_scheduler_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envlock.matrix.cluster._ANSWER", 0.5)
    with pytest.raises(WorkError) as raised:
        drive("tcp://127.0.0.1:9", queue(tmp_path), answer)
    assert str(raised.value).startswith("no dask scheduler answers at tcp://127.0.0.1:9: ")
    assert raised.value.remedies == ("dask scheduler", "--scheduler tcp://HOST:8786")
