"""`envlock matrix run`: cells of a local index, really built and probed; stopped, and gone on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from envlock.evidence.documents import read
from envlock.evidence.values import CellEvidence
from support.framework import build_framework
from support.pace import wait_until
from support.program import Program
from support.simple_index import SimpleIndex, build_wheel

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
RUN = ("matrix", "run", "--tensorflow", "2.15.1", "--python", PYTHON, "--accelerator", "auto")


@pytest.fixture(autouse=True)
def a_release_for_this_python() -> None:
    if PYTHON != "3.11":
        pytest.skip(f"TensorFlow 2.15.1 has no wheel for Python {PYTHON}")


def evidence(program: Program) -> CellEvidence:
    (path,) = (program.here / "evidence").iterdir()
    return read(path.name, path.read_text(encoding="utf-8"))


def failing_on_numpy_2(index: SimpleIndex) -> None:
    """Make the release one that dies under NumPy 2 and does not say so."""
    build_framework(
        index.folder,
        first='import numpy as n\nassert n.__version__ < "2", "numpy failed"',
        needs=("h5py>=2.9.0", "numpy>=1.23.5"),
    )


def test_the_rules_and_a_plain_resolve_and_every_minor_of_a_package_are_run(
    envlock: Program, index: SimpleIndex
) -> None:
    failing_on_numpy_2(index)
    done = envlock(*RUN, "--baseline", "--vary", "h5py")
    found = evidence(envlock)
    assert [each.name for each in found.sets] == ["rules", "plain", "h5py 3.10", "h5py 3.11"]
    pins = {each.name: {str(n): str(v) for n, v in each.pins.items()} for each in found.sets}
    assert pins["rules"] == {"h5py": "3.11.0", "numpy": "1.26.4", "tensorflow": "2.15.1"}
    assert pins["plain"]["numpy"] == "2.0.2"
    assert pins["h5py 3.10"]["h5py"] == "3.10.0"
    passed = {each.name: "load" in each.capabilities for each in found.sets}
    assert passed == {"rules": True, "plain": False, "h5py 3.10": True, "h5py 3.11": True}
    assert done.out.splitlines()[1:] == [
        "disk  at most 0.0 GB",
        "pass  3",
        f"fail  tensorflow 2.15.1 on Python {PYTHON}, plain: import: AssertionError numpy failed",
    ]
    assert done.code == 0


def test_a_pair_that_the_rules_refuse_is_run_all_the_same_with_what_it_needs(
    envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "helper", "1.0", files={"helper.py": ""})
    old = 'import helper\n__version__ = "2.10.0"\nclass version: hdf5_version = "1.10.4"\n'
    build_wheel(index.folder, "h5py", "2.10.0", requires=["helper"], files={"h5py.py": old})
    assert envlock(*RUN, "--vary", "h5py").code == 0
    refused = evidence(envlock).find("h5py 2.10")
    assert refused is not None
    assert refused.against
    pins = {str(name): str(version) for name, version in refused.pins.items()}
    assert pins == {
        "h5py": "2.10.0",
        "helper": "1.0",
        "numpy": "1.26.4",
        "tensorflow": "2.15.1",
    }
    assert "import-h5py" in refused.capabilities


def test_what_has_evidence_is_not_run_again_unless_told(
    envlock: Program, index: SimpleIndex
) -> None:
    assert envlock(*RUN).code == 0
    index.requests.clear()
    assert envlock(*RUN).out == "sets  nothing to do: the evidence in evidence is complete\n"
    assert not [each for each in index.requests if each.endswith(".whl")]
    assert "sets  1 in" in envlock(*RUN, "--again").out


def test_a_run_that_is_killed_goes_on_and_loses_no_set(envlock: Program) -> None:
    words = (*RUN, "--baseline", "--vary", "h5py", "--vary", "numpy", "--workers", "1")
    running = subprocess.Popen(
        envlock.command(*words), cwd=envlock.here, env=envlock.environment(), stderr=subprocess.PIPE
    )
    folder = envlock.here / "evidence"
    wait_until(lambda: [*folder.glob("*.json")])
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    kept = evidence(envlock)
    assert 1 <= len(kept.sets) < 6
    done = envlock(*words)
    assert done.out.startswith(f"sets  {6 - len(kept.sets)} in ")
    finished = evidence(envlock)
    assert len(finished.sets) == 6
    assert finished.find("rules") == kept.find("rules")


def test_what_would_be_run_is_listed(envlock: Program) -> None:
    done = envlock(*RUN, "--baseline", "--dry-run", "--json")
    assert done.data["cells"] == {f"tensorflow 2.15.1 on Python {PYTHON}": ["rules", "plain"]}
    assert not (envlock.here / "evidence").exists()


def test_nothing_of_the_workspace_is_left_but_the_cache(envlock: Program) -> None:
    assert envlock(*RUN).code == 0
    left = {path.name for path in (envlock.cache / "matrix").iterdir()}
    assert left == {"run.lock", "uv"}


def test_caches_are_dropped_above_the_bound_and_it_is_told(envlock: Program) -> None:
    done = envlock(*RUN, "--max-disk", "1", "--json")
    assert done.data["caches_dropped"] == 1
    assert done.data["disk"] > 1
    assert not list((envlock.cache / "matrix" / "uv").glob("archive*/*"))


def test_an_index_that_is_down_is_no_evidence(envlock: Program) -> None:
    done = envlock(*RUN, "--index-url", "http://127.0.0.1:9/simple")
    assert done.code == 4
    assert not (envlock.here / "evidence").exists() or not list(
        (envlock.here / "evidence").iterdir()
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tensorflow", "new"), "'new' is neither a version nor a specifier such as >=2.4"),
        (("--python", "3"), "'3' is not a Python such as 3.10"),
        (("--workers", "0"), "--workers 0: not a number of workers"),
        (("--max-disk", "much"), "--max-disk much: not a size"),
        (("--plan", "none.yaml"), "none.yaml: no such file"),
    ],
)
def test_options_that_make_no_sense_are_told(
    envlock: Program, words: tuple[str, str], message: str
) -> None:
    done = envlock("matrix", "run", *words)
    assert (done.code, done.err.splitlines()[0]) == (2, f"error: {message}")


def test_a_cluster_without_dask_is_told(envlock: Program) -> None:
    (envlock.root / "distributed.py").write_text("raise ImportError\n")
    path = os.pathsep.join((str(envlock.root), envlock.environment()["PYTHONPATH"]))
    words = (*RUN, "--executor", "dask", "--scheduler", "tcp://127.0.0.1:9")
    done = envlock.with_env(PYTHONPATH=path)(*words)
    assert done.code == 2
    assert done.err.startswith(
        "error: --executor dask needs dask.distributed, which is not installed beside envlock\n"
    )


def test_a_release_without_a_python_here_is_told(envlock: Program) -> None:
    done = envlock("matrix", "run", "--tensorflow", "1.13.2", "--python", "3.13")
    assert done.code == 4
    assert done.err.startswith("error: no release ==1.13.2 runs on a Python of this machine (")


def test_the_evidence_of_one_set_is_json_that_a_person_can_read(envlock: Program) -> None:
    assert envlock(*RUN).code == 0
    (path,) = (envlock.here / "evidence").iterdir()
    document = json.loads(Path(path).read_text(encoding="utf-8"))
    assert document["sets"]["rules"]["levels"]["load"] == {
        "passed": "predictions equal within 1e-05"
    }
