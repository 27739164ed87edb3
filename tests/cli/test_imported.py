"""What was asked for is imported before it is called proved, and the record says what that was."""

import json
import subprocess
from pathlib import Path

import pytest

from envlock.index.handover import uv_program
from support.framework import build_framework
from support.program import Program, snapshot
from support.simple_index import SimpleIndex, build_wheel

OLD = "raise ValueError('numpy.dtype size changed')\n"


def demo(index: SimpleIndex, source: str = "", name: str = "demo", *needs: str) -> None:
    build_wheel(index.folder, name, "1.0", files={f"{name}.py": source}, requires=needs)


def site(folder: Path) -> Path:
    (found,) = [*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages")]
    return found


def test_what_cannot_be_imported_is_not_proved(envlock: Program, index: SimpleIndex) -> None:
    demo(index, OLD)
    done = envlock("create", "tensorflow", "demo")
    assert done.code == 1
    assert "passed   load " in done.err
    lines = done.err.splitlines()
    assert "FAILED   imports:demo" in done.err
    assert "ValueError: numpy.dtype size changed" in done.err
    assert any(each.startswith("NOT verified: imports:demo (") for each in lines)
    assert any("--no-imports demo" in each for each in lines if each.startswith("  try: "))
    assert snapshot(envlock.here) == {}


def test_what_only_another_package_asks_for_is_not_imported(
    envlock: Program, index: SimpleIndex
) -> None:
    demo(index, "", "demo", "hidden")
    demo(index, OLD, "hidden")
    done = envlock("create", "demo")
    assert (done.code, "proved       imports:demo\n" in done.out) == (0, True)


def test_one_can_be_left_out_and_the_lock_says_so(envlock: Program, index: SimpleIndex) -> None:
    demo(index, OLD)
    done = envlock("create", "tensorflow", "demo", "--no-imports", "demo")
    assert done.code == 0
    assert "imports:demo" not in done.out
    assert "note         a proof does not import demo, as was asked for\n" in done.out
    lock = (envlock.here / "requirements.txt").read_text(encoding="utf-8")
    assert "\n# with no-imports: demo\n" in lock
    again = envlock("create")
    assert (again.code, "unchanged since it was proved" in again.out) == (0, True)
    assert envlock("lock", "--check").code == 0
    assert envlock("verify").code == 0
    assert "imports:demo" in envlock("verify", "--imports", "demo").out


def test_a_key_of_the_project_leaves_one_out(envlock: Program, index: SimpleIndex) -> None:
    demo(index, OLD)
    said = '[tool.envlock]\nrequirements = ["tensorflow", "demo"]\nno-imports = ["demo"]\n'
    (envlock.here / "pyproject.toml").write_text(said)
    assert envlock("create").code == 0
    assert envlock("sync", "--env", "other").code == 0
    assert envlock("verify", "other").code == 0


def test_a_proof_without_the_import_is_none_with_it(envlock: Program, index: SimpleIndex) -> None:
    demo(index)
    assert envlock("create", "tensorflow", "demo", "--no-imports", "demo").code == 0
    done = envlock("create", "tensorflow", "demo")
    assert "unchanged since" not in done.out
    assert "imports:demo" in done.out


def test_verify_imports_what_was_asked_for_by_the_record(
    envlock: Program, index: SimpleIndex
) -> None:
    demo(index)
    assert envlock("create", "tensorflow", "demo").code == 0
    marker = json.loads((envlock.here / ".venv" / "envlock.json").read_text())
    assert marker["imports"] == ["demo", "tensorflow"]
    assert "passed   imports:demo" in envlock("verify").out
    (site(envlock.here / ".venv") / "demo.py").write_text(OLD)
    done = envlock("verify")
    assert (done.code, "FAILED   imports:demo" in done.out) == (1, True)
    assert envlock("verify", "--no-imports", "demo").code == 0


def test_verify_takes_the_word_of_pip_where_envlock_left_none(
    envlock: Program, index: SimpleIndex
) -> None:
    demo(index, OLD)
    assert envlock("create", "tensorflow", "demo", "--no-imports", "demo").code == 0
    folder = envlock.here / ".venv"
    (folder / "envlock.json").unlink()
    assert envlock("verify").code == 0  # uv leaves a REQUESTED in what others need too
    info = site(folder) / "demo-1.0.dist-info"
    (info / "INSTALLER").write_text("pip\n")
    (info / "REQUESTED").touch()
    assert "FAILED   imports:demo" in envlock("verify").out


def test_verify_refuses_a_name_that_is_not_there(envlock: Program) -> None:
    assert envlock("create", "tensorflow").code == 0
    done = envlock("verify", "--imports", "never")
    assert done.code == 2
    assert done.err.startswith("error: --imports never: ")


@pytest.mark.parametrize(
    ("first", "code", "status"),
    [("", 0, "passed"), ('KERAS = "tensorflow.python.keras"', 1, "failed")],
    ids=["it is behind tf.keras", "TensorFlow has its own"],
)
def test_a_keras_that_stands_by_itself_is_proved_by_itself(
    envlock: Program, index: SimpleIndex, first: str, code: int, status: str
) -> None:
    build_framework(index.folder, first=first)
    build_wheel(index.folder, "keras", "2.15.0", files={"keras.py": OLD})
    done = envlock("create", "tensorflow", "keras", "--json")
    outcomes = json.loads(done.out)
    found = {each["level"]: each["status"] for each in _outcomes(outcomes)}
    assert done.code == code
    assert found["keras:import"] == status
    assert found["fit"] == "passed"
    assert ("keras:fit" in found) is (status == "failed")


def _outcomes(said: dict[str, object]) -> list[dict[str, str]]:
    """The outcomes in what was printed, wherever they are."""
    stack: list[object] = [said]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            if isinstance(each.get("outcomes"), list):
                found: list[dict[str, str]] = each["outcomes"]
                return found
            stack += each.values()
    return []


def test_an_equal_environment_is_told_what_is_not_imported_of_it(
    envlock: Program, index: SimpleIndex
) -> None:
    demo(index)
    assert envlock("create", "tensorflow", "demo").code == 0
    first = envlock("sync", "--no-imports", "demo")
    assert "a proof of .venv imports tensorflow from now on\n" in first.err
    assert "was already equal" in first.out
    demo_again = envlock("sync", "--no-imports", "demo")
    assert (demo_again.code, "from now on" in demo_again.err) == (0, False)
    assert "imports:demo" not in envlock("verify").out
    marker = json.loads((envlock.here / ".venv" / "envlock.json").read_text())
    assert marker["imports"] == ["tensorflow"]
    told = envlock("sync")
    assert "a proof of .venv imports demo, tensorflow from now on\n" in told.err
    assert envlock("verify").code == 0


def test_a_fix_is_held_to_what_was_asked_for(envlock: Program, index: SimpleIndex) -> None:
    source = "import numpy\nif numpy.__version__ == '1.26.4':\n    raise OSError('unheard of')\n"
    demo(index, source)
    known = ("--no-imports", "demo")
    assert envlock("create", "tensorflow", "demo", "numpy", *known).code == 0
    folder = envlock.here / ".venv"
    marker = folder / "envlock.json"
    said = {**json.loads(marker.read_text()), "imports": ["demo", "tensorflow"]}
    marker.write_text(json.dumps(said))
    words = ["pip", "install", "--python", str(folder), "--index-url", index.url, "numpy==2.0.2"]
    subprocess.run([uv_program(), *words], check=True, env=envlock.environment())
    done = envlock("fix", "--yes")
    assert (done.code, "it does not pass imports:demo" in done.err) == (1, True)
    assert envlock("fix", "--yes", *known).code == 0


def test_the_first_line_says_which_keras_the_levels_are_of(
    envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "keras", "2.15.0", files={"keras.py": ""})
    done = envlock("create", "tensorflow", "keras")
    assert done.code == 0, done.err
    assert "keras 2.15.0 (tf.keras is Keras 2.15.1)" in done.out.splitlines()[0]
