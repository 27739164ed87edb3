"""What a shell's variables add to an environment is told, and proved with and without."""

from pathlib import Path

import pytest

from support.distributions import build_wheel
from support.program import Program
from support.unpacked import unpacked


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """Give a folder as a module system puts it on PYTHONPATH: another numpy, which breaks."""
    wheel = build_wheel(
        tmp_path / "modules",
        "numpy",
        "2.3.0",
        files={"numpy/__init__.py": "raise ImportError('numpy.core.umath failed to import')\n"},
    )
    return unpacked(wheel, tmp_path / "modpy")


def test_a_numpy_of_a_module_system(envlock: Program, module: Path) -> None:
    loaded = envlock.with_env(PYTHONPATH=f"{envlock.environment()['PYTHONPATH']}:{module}")
    made = loaded("create", "tensorflow")
    assert made.code == 0
    hides = f"numpy 2.3.0 of {module} hides 1.26.4"
    assert "in this shell  works without PYTHONPATH=" in made.out
    assert hides in made.out
    checked = loaded("verify")
    assert checked.code == 1
    assert "fails with it" in checked.out
    assert "numpy.core.umath failed to import" in checked.out
    assert hides in checked.out
    assert "in this shell: try: unset PYTHONPATH" in checked.out
    said = loaded("verify", "--json")
    assert (said.code, said.data["verified"]) == (1, True)
    assert said.data["shell"]["additions"][0]["variable"] == "PYTHONPATH"
    looked = loaded("diagnose")
    assert looked.code == 1
    assert "pythonpath-leak" in looked.out
    assert hides in looked.out
    assert envlock("verify").code == 0
    assert "in this shell" not in envlock("verify").out


def test_what_chooses_keras_is_told(envlock: Program) -> None:
    chosen = envlock.with_env(TF_USE_LEGACY_KERAS="1")
    assert chosen("create", "tensorflow").code == 0
    done = chosen("verify")
    assert done.code == 0
    assert "in this shell: works with TF_USE_LEGACY_KERAS=1 too" in done.out
    looked = chosen("diagnose")
    assert "TF_USE_LEGACY_KERAS=1 is set in this shell: chooses what Keras is" in looked.err
    assert looked.code == 0


def test_sitecustomize_is_told_and_not_run_by_diagnose(envlock: Program, tmp_path: Path) -> None:
    assert envlock("create", "tensorflow").code == 0
    folder = tmp_path / "custom"
    folder.mkdir()
    ran = tmp_path / "ran"
    text = f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n"
    (folder / "usercustomize.py").write_text(text)
    path = f"{envlock.environment()['PYTHONPATH']}:{folder}"
    looked = envlock.run(
        [*envlock.command("diagnose")], env={**envlock.environment(), "PYTHONPATH": path}
    )
    assert f"usercustomize.py of {folder} runs at each start" in looked.err


@pytest.mark.parametrize("given", [False, True])
def test_a_traceback_that_shows_a_package_from_outside(envlock: Program, *, given: bool) -> None:
    assert envlock("create", "tensorflow").code == 0
    site = next(envlock.here.glob(".venv/lib/python3*/site-packages"))
    text = (
        "Traceback (most recent call last):\n"
        '  File "train.py", line 1, in <module>\n'
        "    import tensorflow\n"
        f'  File "{site}/tensorflow/__init__.py", line 1, in <module>\n'
        "    import numpy\n"
        '  File "/opt/modpy/numpy/core/_multiarray_umath.py", line 46, in __getattr__\n'
        "    raise ImportError(msg)\n"
        "ImportError: numpy.core.umath failed to import\n"
    )
    (envlock.here / "error.txt").write_text(text)
    done = envlock("diagnose", "error.txt", *([".venv"] if given else []))
    assert done.code == 1
    assert "1. outside-package: " in done.out
    assert "/opt/modpy" in done.out
    assert "PYTHONPATH" in done.out
    assert "unexplained" not in done.out
