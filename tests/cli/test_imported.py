"""What was asked for is imported before it is called proved, and the record says what that was."""

import json
from pathlib import Path

import pytest

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
