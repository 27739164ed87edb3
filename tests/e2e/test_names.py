"""The tables of names against real imports: what they say is there is, what they deny is not."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from envlock import names
from envlock.errors import InterpreterMissing
from envlock.index.handover import uv_program
from envlock.targets.interpreters import find_interpreter, python_in
from tools import update_api

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.nightly]

SCRIPT = Path(update_api.__file__).parent / "scripts" / "try_names.py"
#: How many names of each kind are tried, spread over the table.
SAMPLE = 600
#: What is installed, on which Python, and which tables are held against it.
RELEASES = [
    pytest.param(
        ("tensorflow-cpu==2.10.1", "numpy<2"),
        "3.10",
        {"tensorflow": "2.10.1", "keras": "2.10.0"},
        id="TensorFlow 2.10",
    ),
    pytest.param(
        ("tensorflow-cpu==2.15.1", "numpy<2"),
        "3.11",
        {"tensorflow": "2.15.1", "keras": "2.15.0"},
        id="TensorFlow 2.15",
    ),
    pytest.param(
        ("keras==3.10.0", "tensorflow-cpu==2.19.1"),
        "3.12",
        {"tensorflow": "2.19.1", "keras": "3.10.0"},
        id="Keras 3",
    ),
]


@pytest.mark.parametrize(("requirements", "python", "versions"), RELEASES)
def test_a_table_says_what_an_import_finds(
    requirements: tuple[str, ...],
    python: str,
    versions: dict[str, str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    interpreter = installed(tmp_path / "venv", python, requirements)
    releases = {name: Version(version) for name, version in versions.items()}
    said = {
        name: verdict
        for distribution in releases
        for name, verdict in sampled(distribution, releases).items()
    }
    done = subprocess.run(
        [interpreter, SCRIPT],
        input=json.dumps(list(said)),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, bool] = json.loads(done.stdout.splitlines()[-1])
    wrong = sorted(name for name in said if said[name] is not found[name])
    record_property("agree", f"{len(said) - len(wrong)} of {len(said)}; not: {wrong}")
    assert len(said) > SAMPLE
    assert len(wrong) <= len(said) / 100, wrong


def sampled(distribution: str, releases: dict[str, Version]) -> dict[str, bool]:
    """Names of a table, spread evenly: those that it says are there, and those that are not."""
    table = names.names(distribution)
    assert table is not None
    said: dict[bool, list[str]] = {True: [], False: []}
    for name, _, tokens in table.lines():
        verdict = names.exists(distribution, releases[distribution], name, releases)
        if verdict is not None and is_for_people(table, name, tokens):
            said[verdict].append(name)
    return {
        name: verdict
        for verdict, listed in said.items()
        for name in listed[:: max(1, len(listed) // SAMPLE)]
    }


def is_for_people(table: names.Table, name: str, tokens: str) -> bool:
    """Whether a name is public and can be looked up without an instance of its class."""
    owner = name.rpartition(".")[0]
    in_class = any("c(" in (table.token(owner, at) or "") for at in range(len(table.releases)))
    hidden = any(part.startswith("_") or part in {"src", "python"} for part in name.split("."))
    return not hidden and tokens != "o" and not (in_class and "f(" not in tokens)


def installed(place: Path, python: str, requirements: tuple[str, ...]) -> Path:
    """An environment with the requirements; skipped where there is no such Python."""
    try:
        base = find_interpreter(python)
    except InterpreterMissing:
        pytest.skip(f"no CPython {python} here")
    uv = str(uv_program())
    subprocess.run([uv, "venv", "--quiet", "--python", str(base.path), str(place)], check=True)
    interpreter = python_in(place)
    assert interpreter is not None
    install = [uv, "pip", "install", "--quiet", "--python", str(interpreter), *requirements]
    subprocess.run(install, check=True)
    return interpreter
