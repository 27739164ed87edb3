"""What is asked for is imported: each distribution by itself, and how it fails is told apart."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from envlock.environment.create import create_venv
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped
from envlock.probes.imports import SCRIPT, cause_of, importing, lacking
from envlock.progress import Silent
from envlock.targets.interpreters import find_interpreter
from support.pace import assert_soon

signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
LIBRARY = "libGL.so.1: cannot open shared object file: No such file or directory"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return create_venv(find_interpreter(None), tmp_path_factory.mktemp("env") / "env", Silent())


@pytest.fixture
def site(python: Path) -> Path:
    prefix = python.parent.parent
    (found,) = [*prefix.glob("lib/python*/site-packages"), *prefix.glob("Lib/site-packages")]
    for each in found.glob("mine*"):
        if each.is_file():
            each.unlink()
    return found


def install(site: Path, name: str, *lines: str) -> None:
    """Put a distribution with one module there."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
    (info / "INSTALLER").write_text("uv\n")
    (info / "RECORD").write_text(f"{name}.py,,\n")
    (site / f"{name}.py").write_text("\n".join(lines))


def imported(python: Path, *names: str, timeout: float = 60) -> tuple[Outcome, ...]:
    with importing(python, map(canonicalize_name, names), timeout=timeout) as work:
        pass
    return work.outcomes


def test_the_script_keeps_to_the_syntax_of_python_3_6_and_the_standard_library() -> None:
    body = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6)).body
    names = [a.name for node in body if isinstance(node, ast.Import) for a in node.names]
    assert set(names) <= sys.stdlib_module_names


def test_each_is_told_by_its_name(python: Path, site: Path) -> None:
    install(site, "mine", "x = 1")
    install(site, "mine_too", "raise ValueError('too old')")
    first, second = imported(python, "mine", "mine-too")
    assert isinstance(first, Passed)
    assert (first.level, first.detail) == ("imports:mine", "imported")
    assert isinstance(second, Failed)
    assert (second.level, second.error, second.detail) == (
        "imports:mine-too",
        "ValueError",
        "too old",
    )
    assert "raise ValueError('too old')" in second.traceback
    assert lacking(second) == "mine-too is not imported: ValueError: too old"


def test_one_that_is_used_and_fails_at_that_fails(python: Path, site: Path) -> None:
    install(site, "numpy", "class linalg: solve = None")
    try:
        (found,) = imported(python, "numpy")
    finally:
        (site / "numpy.py").unlink()
        for file in (site / "numpy-1.0.dist-info").iterdir():
            file.unlink()
        (site / "numpy-1.0.dist-info").rmdir()
    assert isinstance(found, Failed)
    assert "<one use of it>" in found.traceback


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"raise ImportError({LIBRARY!r})", "the system library libGL.so.1 is missing"),
        ("import os; os.environ['DISPLAY']", "it needs a display, and there is none here"),
        (
            f"raise ImportError({LIBRARY.replace('libGL', 'libcuda')!r})",
            "it needs a GPU with its driver, and there is none here",
        ),
    ],
    ids=["library", "display", "GPU"],
)
def test_what_the_machine_lacks_is_told_apart(
    python: Path, site: Path, line: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    install(site, "mine", line)
    (found,) = imported(python, "mine")
    assert isinstance(found, Failed)
    assert lacking(found) == f"mine is not imported: {words}"
    assert cause_of(found)[1]


@signals
def test_a_crash_names_its_signal_and_takes_nothing_with_it(python: Path, site: Path) -> None:
    install(site, "mine", "import os", "os.abort()")
    install(site, "mine_too", "")
    first, second = imported(python, "mine", "mine-too")
    assert isinstance(first, Crashed)
    assert (first.detail, first.stopped) == ("SIGABRT", False)
    assert "Fatal Python error: Aborted" in first.output
    assert lacking(first) == "mine ends Python when it is imported (SIGABRT)"
    assert isinstance(second, Passed)


def test_a_hang_ends_at_the_limit_with_the_place(python: Path, site: Path) -> None:
    install(site, "mine", "import time", "time.sleep(60)")

    def end() -> None:
        (found,) = imported(python, "mine", timeout=4)
        assert isinstance(found, Crashed)
        assert (found.detail, found.stopped) == ("no end within 4 s", True)
        assert "mine.py" in found.output

    assert_soon(10, end)


@signals
def test_one_that_somebody_kills_is_tried_once_more(
    python: Path, site: Path, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    lines = (
        "import os",
        f"first = not os.path.exists({str(told)!r})",
        f"open({str(told)!r}, 'w').close()",
        "if first: os.kill(os.getpid(), 9)",
    )
    install(site, "mine", *lines)
    (found,) = imported(python, "mine")
    assert isinstance(found, Passed)


def test_what_leaves_the_interpreter_has_failed(python: Path, site: Path) -> None:
    install(site, "mine", "import os", "os._exit(0)")
    (found,) = imported(python, "mine")
    assert isinstance(found, Crashed)
    assert found.detail == "the interpreter left with exit status 0"


def test_what_has_no_module_is_said_and_has_not_failed(python: Path, site: Path) -> None:
    install(site, "mine", "")
    (site / "mine-1.0.dist-info" / "RECORD").write_text("../../../bin/mine,,\n")
    assert imported(python, "mine", "never-installed") == (
        Skipped(level="imports:mine", detail="it has programs alone"),
        Skipped(level="imports:never-installed", detail="it is not installed"),
    )


def test_nothing_is_left_in_the_home_the_environment_or_the_folder(
    python: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    write = "open(os.path.join(os.path.expanduser('~'), 'written'), 'w').close()"
    install(
        site, "mine", "import os, tempfile", write, "tempfile.mkstemp()", "open('x', 'w').close()"
    )
    before = sorted(python.parent.parent.rglob("*"))
    (found,) = imported(python, "mine")
    assert isinstance(found, Passed)
    assert sorted(python.parent.parent.rglob("*")) == before
    assert list(tmp_path.iterdir()) == []
