"""The script that runs a probe without envlock: what it tells, keeps, and fails for."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from envlock.probes import PROBES

(GATE,) = {probe.path.with_name("gate.py") for probe in PROBES.values()}
PROBE = """
import json, os, sys, time
def say(**fact):
    with open(sys.argv[1], "a") as file:
        file.write(json.dumps(fact) + "\\n")
say(start="one")
say(level="one", outcome="passed", detail="one\\nmore")
say(start="two")
{act}
say(level="two", outcome="failed", error="ValueError", detail="no", traceback="Trace: no")
say(level="three", outcome="skipped", detail="two failed")
"""


def gate(
    folder: Path, levels: str, others: str = "", act: str = "", seconds: str = "60"
) -> subprocess.CompletedProcess[str]:
    (folder / "gate.py").write_bytes(GATE.read_bytes())
    (folder / "probe.py").write_text(PROBE.format(act=act))
    words = ["gate.py", "proof", seconds, "probe.py", levels, *([others] if others else [])]
    command = [sys.executable, "-I", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_it_keeps_to_the_syntax_of_python_3_6_and_the_standard_library() -> None:
    body = ast.parse(GATE.read_text(encoding="utf-8"), feature_version=(3, 6)).body
    names = [a.name for node in body if isinstance(node, ast.Import) for a in node.names]
    assert set(names) <= sys.stdlib_module_names


def test_a_gate_that_is_passed_leaves_a_proof_of_it(tmp_path: Path) -> None:
    done = gate(tmp_path, "one", "two,three")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "passed       one            one\n"
        "failed       two            ValueError: no\n"
        "skipped      three          two failed\n"
        "verified\n"
    )
    assert json.loads((tmp_path / "proof" / "probe.json").read_text()) == {
        "passed": ["one"],
        "not passed": {"two": "ValueError: no", "three": "two failed"},
    }


def test_what_is_left_in_temporary_folders_goes_with_it(tmp_path: Path) -> None:
    told = tmp_path / "told"
    act = f"import tempfile; open({str(told)!r}, 'w').write(tempfile.mkstemp()[1])"
    assert gate(tmp_path, "one", act=act).returncode == 0
    assert told.read_text(encoding="utf-8")
    assert not Path(told.read_text(encoding="utf-8")).exists()


@pytest.mark.parametrize(
    ("act", "told"),
    [
        ("", "failed       two            ValueError: no\n"),
        ("os._exit(3)", "crashed      two            the interpreter left with exit status 3\n"),
        ("time.sleep(60)", "crashed      two            no end within 1 s\n"),
    ],
    ids=["fails", "dies", "hangs"],
)
def test_a_level_that_fails_dies_or_hangs_fails_the_gate(
    tmp_path: Path, act: str, told: str
) -> None:
    done = gate(tmp_path, "one,two", act=act, seconds="1" if "sleep" in act else "60")
    assert (done.returncode, done.stderr) == (1, "NOT verified: two\n")
    assert done.stdout.startswith(f"passed       one            one\n{told}")
    assert ("Trace: no" in done.stdout) is (act == "")
    assert not (tmp_path / "proof").exists()


def test_a_level_that_is_not_there_fails_the_gate(tmp_path: Path) -> None:
    done = gate(tmp_path, "one,four")
    assert (done.returncode, done.stderr) == (1, "NOT verified: four\n")
    assert "not reached  four" in done.stdout
