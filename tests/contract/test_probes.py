"""What every probe must do: name its levels, survive any death, and put it where it belongs."""

from __future__ import annotations

import ast
import os
import sys
import tempfile
from pathlib import Path

import pytest

from envlock.environment.create import create_venv
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped
from envlock.probes import DEFAULT_GATE, PROBES
from envlock.probes.interface import Probe, capabilities, gate_passed
from envlock.probes.runner import run_probe, run_user_script
from envlock.progress import Silent
from envlock.targets.interpreters import find_interpreter
from support.pace import assert_soon

each_probe = pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES.keys())
signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")

H5PY = """
__version__ = "3.11.0"
class version: hdf5_version = "1.14.2"
"""
#: Enough of TensorFlow to import it; `keras` is reached for in the level "fit".
TENSORFLOW = """
__version__ = "2.15.1"
def __getattr__(name):
    {act}
    raise AttributeError(name)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return create_venv(find_interpreter(None), tmp_path_factory.mktemp("env") / "env", Silent())


@pytest.fixture
def packages(environment: Path) -> Path:
    """Give the folder of the environment's packages, emptied of the last test's."""
    prefix = environment.parent.parent
    (site,) = [*prefix.glob("lib/python*/site-packages"), *prefix.glob("Lib/site-packages")]
    for name in ("tensorflow.py", "h5py.py", "numpy.py"):
        (site / name).unlink(missing_ok=True)
    return site


def by_level(outcomes: tuple[Outcome, ...]) -> dict[str, Outcome]:
    return {outcome.level: outcome for outcome in outcomes}


@each_probe
def test_a_script_keeps_to_the_syntax_of_python_3_6(probe: Probe) -> None:
    ast.parse(probe.path.read_text(encoding="utf-8"), feature_version=(3, 6))


@each_probe
def test_a_script_imports_nothing_but_the_standard_library_at_its_start(probe: Probe) -> None:
    body = ast.parse(probe.path.read_text(encoding="utf-8")).body
    names = [a.name for node in body if isinstance(node, ast.Import) for a in node.names]
    assert set(names) <= sys.stdlib_module_names
    assert not any(isinstance(node, ast.ImportFrom) for node in body)


@each_probe
def test_an_environment_without_the_packages_has_an_outcome_for_every_level_in_order(
    probe: Probe, environment: Path, packages: Path
) -> None:
    del packages
    outcomes = run_probe(probe, environment)
    assert [outcome.level for outcome in outcomes] == [level.name for level in probe.levels]
    assert not capabilities(outcomes)


@each_probe
@signals
def test_a_death_in_the_first_level_is_told_for_it_and_the_rest_is_skipped(
    probe: Probe, environment: Path, packages: Path
) -> None:
    for name in ("h5py.py", "tensorflow.py"):
        (packages / name).write_text("import os; os.abort()\n")
    first, *rest = run_probe(probe, environment)
    assert isinstance(first, Crashed)
    assert first.detail == "SIGABRT"
    assert "Fatal Python error: Aborted" in first.output
    assert {type(outcome) for outcome in rest} == {Skipped}


@each_probe
def test_a_hang_ends_at_the_time_limit(probe: Probe, environment: Path, packages: Path) -> None:
    for name in ("h5py.py", "tensorflow.py"):
        (packages / name).write_text("import time; time.sleep(60)\n")

    def end() -> None:
        first, *rest = run_probe(probe, environment, timeout=3)
        assert isinstance(first, Crashed)
        assert first.detail == "no end within 3 s"
        assert "Timeout" in first.output
        assert {type(outcome) for outcome in rest} == {Skipped}

    assert_soon(10, end)


@each_probe
def test_the_environment_and_the_current_folder_are_left_as_they_were(
    probe: Probe, environment: Path, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (packages / "h5py.py").write_text(H5PY)
    monkeypatch.chdir(tmp_path)
    prefix = environment.parent.parent
    before = sorted(prefix.rglob("*"))
    run_probe(probe, environment)
    assert sorted(prefix.rglob("*")) == before
    assert not list(tmp_path.iterdir())


@each_probe
@pytest.mark.parametrize(
    "end", ["", "time.sleep(60)", "os.kill(os.getpid(), 9)"], ids=["ends", "hangs", "is killed"]
)
def test_what_is_left_in_temporary_folders_goes_with_the_probe(
    probe: Probe,
    environment: Path,
    packages: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
) -> None:
    leave = "import os, tempfile, time\nhandle, name = tempfile.mkstemp()\n"
    body = f"{leave}open({str(tmp_path / 'told')!r}, 'a').write(name + chr(10))\n{end}\n"
    for name in ("h5py.py", "tensorflow.py"):
        (packages / name).write_text(body)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    run_probe(probe, environment, timeout=3)
    if end != "time.sleep(60)":
        (tmp_path / "own.py").write_text(body)
        run_user_script(environment, tmp_path / "own.py")
    left = (tmp_path / "told").read_text(encoding="utf-8").splitlines()
    assert left
    assert all(temporary in Path(each).parents for each in left)
    assert list(temporary.iterdir()) == []


@each_probe
def test_bytecode_is_written_where_envlock_owns_the_environment(
    probe: Probe, environment: Path, packages: Path
) -> None:
    (packages / "h5py.py").write_text(H5PY)
    run_probe(probe, environment, write_bytecode=True)
    written = list((packages / "__pycache__").glob("h5py.*.pyc"))
    assert written
    for file in written:
        file.unlink()


KERAS_H5 = PROBES["keras-h5"]


def test_the_default_gate_is_a_model_saved_and_loaded() -> None:
    assert DEFAULT_GATE == ("import-h5py", "import", "fit", "save", "load", "custom-layer")


def test_what_is_missing_is_named_and_what_needs_it_is_skipped(
    environment: Path, packages: Path
) -> None:
    (packages / "h5py.py").write_text(H5PY)
    first, second, *rest = run_probe(KERAS_H5, environment)
    assert isinstance(first, Passed)
    assert first.detail == "h5py 3.11.0 with HDF5 1.14.2"
    assert isinstance(second, Failed)
    assert (second.error, second.detail) == ("ModuleNotFoundError", "tensorflow is not installed")
    assert second.traceback == ""
    assert rest == [
        Skipped(level=level.name, detail="tensorflow is not installed")
        for level in KERAS_H5.levels[2:]
    ]
    assert not gate_passed((first, second, *rest), DEFAULT_GATE)


def test_a_package_that_tensorflow_misses_is_not_taken_for_tensorflow(
    environment: Path, packages: Path
) -> None:
    (packages / "tensorflow.py").write_text("import no_such_thing\n")
    outcome = by_level(run_probe(KERAS_H5, environment))["import"]
    assert isinstance(outcome, Failed)
    assert outcome.error == "ModuleNotFoundError"
    assert outcome.detail == "No module named 'no_such_thing'"
    assert "import no_such_thing" in outcome.traceback


@pytest.mark.parametrize(
    ("act", "error", "detail"),
    [
        ("raise RuntimeError('no \\u00e9clair')", "RuntimeError", "no \u00e9clair"),
        ("import sys; sys.exit('refused')", "SystemExit", "refused"),
    ],
)
def test_an_import_that_raises_is_a_failure_with_its_traceback(
    environment: Path, packages: Path, act: str, error: str, detail: str
) -> None:
    (packages / "tensorflow.py").write_text(f"{act}\n")
    outcomes = by_level(run_probe(KERAS_H5, environment))
    outcome = outcomes["import"]
    assert isinstance(outcome, Failed)
    assert (outcome.error, outcome.detail) == (error, detail)
    assert 'File "' in outcome.traceback
    assert outcomes["fit"] == Skipped(level="fit", detail="import failed")


@signals
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGILL", "SIGKILL"])
def test_a_signal_belongs_to_the_level_that_was_tried(
    environment: Path, packages: Path, name: str
) -> None:
    (packages / "h5py.py").write_text(H5PY)
    (packages / "numpy.py").touch()
    act = f"import os, signal; os.kill(os.getpid(), signal.{name})"
    (packages / "tensorflow.py").write_text(TENSORFLOW.format(act=act))
    outcomes = run_probe(KERAS_H5, environment)
    assert capabilities(outcomes) == ("import-h5py", "import")
    crashed = by_level(outcomes)["fit"]
    assert isinstance(crashed, Crashed)
    assert (crashed.detail, crashed.stopped) == (name, name == "SIGKILL")
    assert by_level(outcomes)["save"] == Skipped(
        level="save", detail=f"fit ended the interpreter: {name}"
    )


@signals
def test_a_probe_that_is_killed_is_tried_once_more(
    environment: Path, packages: Path, tmp_path: Path
) -> None:
    (packages / "h5py.py").write_text(
        "import os, pathlib, signal\n"
        f"mark = pathlib.Path({str(tmp_path / 'mark')!r})\n"
        "if not mark.exists():\n    mark.touch()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"{H5PY}"
    )
    assert capabilities(run_probe(KERAS_H5, environment)) == ("import-h5py",)


def test_an_early_exit_is_a_crash_though_its_status_is_0(environment: Path, packages: Path) -> None:
    (packages / "tensorflow.py").write_text("import os; print('bye', flush=True); os._exit(0)\n")
    crashed = by_level(run_probe(KERAS_H5, environment))["import"]
    assert crashed == Crashed(
        level="import", detail="the interpreter left with exit status 0", output="bye\n"
    )


def test_what_libraries_print_does_not_disturb_the_results(
    environment: Path, packages: Path
) -> None:
    noise = 'print(\'{"level": "save", "outcome": "passed", "detail": ""}\', flush=True)\n'
    (packages / "h5py.py").write_text(noise + H5PY)
    assert capabilities(run_probe(KERAS_H5, environment)) == ("import-h5py",)


def test_what_the_user_set_for_python_does_not_count(
    environment: Path, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del packages
    (tmp_path / "h5py.py").write_text(H5PY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert not capabilities(run_probe(KERAS_H5, environment))


def test_more_variables_reach_the_interpreter(environment: Path, packages: Path) -> None:
    (packages / "h5py.py").write_text(f"{H5PY}import os\n__version__ = os.environ['SAID']\n")
    outcome = run_probe(KERAS_H5, environment, extra_env={"SAID": "9.9"})[0]
    assert isinstance(outcome, Passed)
    assert outcome.detail == "h5py 9.9 with HDF5 1.14.2"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("import helper\n", Passed(level="probe:mine.py")),
        (
            "import sys\nsys.exit(3)\n",
            Failed(level="probe:mine.py", error="exit status 3", detail=""),
        ),
        (
            "import sys\nsys.exit('too slow')\n",
            Failed(
                level="probe:mine.py",
                error="exit status 1",
                detail="too slow",
                traceback="too slow\n",
            ),
        ),
        (
            "import time\ntime.sleep(60)\n",
            Crashed(level="probe:mine.py", detail="no end within 1 s", stopped=True),
        ),
    ],
)
def test_a_users_script_is_one_more_level(
    environment: Path, tmp_path: Path, body: str, expected: Outcome
) -> None:
    (tmp_path / "helper.py").touch()
    (tmp_path / "mine.py").write_text(body)
    assert run_user_script(environment, tmp_path / "mine.py", timeout=1) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "helper.py",
        "mine.py",
    ]


@signals
def test_a_users_script_that_dies_of_a_signal_is_a_crash(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import os\nos.abort()\n")
    assert run_user_script(environment, tmp_path / "mine.py") == Crashed(
        level="probe:mine.py", detail="SIGABRT"
    )
