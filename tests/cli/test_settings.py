"""What a rule wants set in the environment is in every lock, and holds for each start of Python."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.program import Program
from support.simple_index import SimpleIndex, build_wheel

RULE = """
---
id: demo-needs-its-mode
title: demo works in one mode alone
when: {demo: ""}
set: {DEMO_MODE: quick}
stage: import
severity: breaks
because: demo 1 looks at DEMO_MODE when it is imported, and knows no other mode.
metadata: "no"
remedy:
  - advice: Set it before demo is imported.
evidence:
  - how: ran
    what: demo 1.0 raises without it.
    checked: "2026-11-30"
examples:
  refuses:
    - packages: {demo: "1.0"}
    - packages: {demo: "1.0"}
      variables: {DEMO_MODE: slow}
  admits:
    - packages: {demo: "1.0"}
      variables: {DEMO_MODE: quick}
    - packages: {other: "1.0"}
"""
DEMO = "import os\nassert os.environ['DEMO_MODE'] == 'quick'\n"


@pytest.fixture
def project(envlock: Program, index: SimpleIndex) -> Program:
    """A project with the rule, and an index with the package that it is about."""
    build_wheel(index.folder, "demo", "1.0", files={"demo.py": DEMO})
    (envlock.here / "rules").mkdir()
    (envlock.here / "rules" / "demo.yaml").write_text(RULE)
    said = '[tool.envlock]\nrequirements = ["demo"]\nrules = ["rules"]\n'
    (envlock.here / "pyproject.toml").write_text(said)
    return envlock


def python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def mode_in(folder: Path, **variables: str) -> str:
    """What a Python of the environment sees that nobody has activated."""
    code = "import os; print(os.environ.get('DEMO_MODE'))"
    env = {name: value for name, value in os.environ.items() if name != "DEMO_MODE"}
    done = subprocess.run(
        [python_of(folder), "-c", code],
        env=env | variables,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("requirements.txt", "# sets: DEMO_MODE=quick\n"),
        ("pylock.toml", '[tool.envlock.sets]\nDEMO_MODE = "quick"\n'),
        ("environment.yml", "# sets: DEMO_MODE=quick\n"),
    ],
)
def test_every_lock_says_what_is_set_and_why(project: Program, name: str, line: str) -> None:
    done = project("lock", "-o", name, "--json")
    assert done.code == 0
    assert done.data["variables"] == {"DEMO_MODE": "quick"}
    assert line in (project.here / name).read_text(encoding="utf-8")
    why = "demo 1 looks at DEMO_MODE when it is imported, and knows no other mode."
    assert done.data["notes"] == [f"DEMO_MODE=quick is set in the environment: {why}"]
    assert project("lock", "-o", name, "--check").code == 0


def test_an_environment_sets_it_by_itself_and_never_over_a_value(project: Program) -> None:
    done = project("create")
    assert done.code == 0
    assert "sets         DEMO_MODE=quick, unless somebody sets it otherwise\n" in done.out
    assert "proved       imports:demo\n" in done.out
    folder = project.here / ".venv"
    assert mode_in(folder) == "quick"
    assert mode_in(folder, DEMO_MODE="slow") == "slow"
    assert project("sync", "--check").code == 0


def test_sync_sees_that_it_is_gone_and_puts_it_back(project: Program) -> None:
    assert project("create").code == 0
    folder = project.here / ".venv"
    (file,) = folder.rglob("envlock_settings.pth")
    file.unlink()
    looked = project("sync", "--check")
    assert (looked.code, "set          DEMO_MODE=quick\n" in looked.out) == (1, True)
    found = project("diagnose", ".venv", "--rules", "rules", "--json")
    assert (found.code, found.data["findings"][0]["rule"]) == (1, "demo-needs-its-mode")
    assert found.data["findings"][0]["remedy"] == "export DEMO_MODE=quick"
    assert project("sync").code == 0
    assert mode_in(folder) == "quick"
    assert project("diagnose", ".venv", "--rules", "rules").code == 0


def test_what_a_lock_no_longer_sets_is_taken_away(project: Program, index: SimpleIndex) -> None:
    assert project("create").code == 0
    build_wheel(index.folder, "other", "1.0", files={"other.py": ""})
    said = '[tool.envlock]\nrequirements = ["other"]\nrules = ["rules"]\n'
    (project.here / "pyproject.toml").write_text(said)
    assert project("create").code == 0
    assert mode_in(project.here / ".venv") == "None"


def test_a_lock_of_before_the_rule_is_out_of_date(project: Program) -> None:
    (project.here / "rules" / "demo.yaml").rename(project.here / "kept")
    assert project("lock").code == 0
    (project.here / "kept").rename(project.here / "rules" / "demo.yaml")
    done = project("lock", "--check")
    assert done.code == 1
    assert "new rule demo-needs-its-mode (demo 1.0)" in done.out + done.err


def test_an_image_sets_it(project: Program) -> None:
    done = project("docker", "-o", "image", "--no-verify", "--platform", "linux/amd64")
    assert done.code == 0
    text = (project.here / "image" / "Dockerfile").read_text(encoding="utf-8")
    assert '\nENV DEMO_MODE="quick"\n' in text


def test_a_lock_of_a_stranger_sets_nothing_that_starts_programs(project: Program) -> None:
    assert project("lock").code == 0
    lock = project.here / "requirements.txt"
    text = lock.read_text(encoding="utf-8")
    more = "# sets: DEMO_MODE=quick\n# sets: LD_PRELOAD=/tmp/x\n# sets: PYTHONPATH=/tmp\n"
    lock.write_text(text.replace("# sets: DEMO_MODE=quick\n", more))
    assert project("sync").code == 0
    (file,) = (project.here / ".venv").rglob("envlock_settings.pth")
    assert [line for line in file.read_text().splitlines() if "setdefault" in line] == [
        'import os; os.environ.setdefault("DEMO_MODE", "quick")'
    ]
