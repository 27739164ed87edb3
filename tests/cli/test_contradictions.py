"""What contradicts is told with both places: Pythons, locks, builds, what pip and uv are told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envlock.targets.interpreters import available
from envlock.versions import minor_of
from support.program import Program
from support.simple_index import SimpleIndex, build_wheel

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHER = next((m for each in available() if (m := minor_of(each.version)) != HERE), None)
elsewhere = pytest.mark.skipif(OTHER is None, reason="needs another Python")
PROJECT = '[project]\nname = "own"\nversion = "1"\ndependencies = ["small"]\n'


@pytest.fixture(autouse=True)
def small(index: SimpleIndex) -> None:
    """Publish a package that any Python takes."""
    for version in ("1.0", "1.1"):
        build_wheel(index.folder, "small", version, files={"small.py": ""})


def write(program: Program, name: str, text: str) -> Path:
    path = program.here / name
    path.write_text(text)
    return path


def python_of(program: Program, name: str = "requirements.txt") -> str:
    return (program.here / name).read_text().splitlines()[1].split()[2]


@elsewhere
def test_a_python_version_file_is_honoured(envlock: Program) -> None:
    write(envlock, ".python-version", f"# ours\n{OTHER}.1\n")
    done = envlock("lock", "small")
    assert (done.code, done.err) == (0, f"Python {OTHER} from .python-version\n")
    assert python_of(envlock) == OTHER
    assert envlock("lock", "small", "-p", HERE, "-o", "here.txt").err == ""
    assert python_of(envlock, "here.txt") == HERE
    variable = envlock.with_env(ENVLOCK_PYTHON=HERE)
    assert (variable("lock", "small", "-o", "other.txt").err, python_of(envlock, "other.txt")) == (
        "",
        HERE,
    )
    write(envlock, "pyproject.toml", f'[tool.envlock]\npython = "{HERE}"\n')
    assert envlock("lock", "small", "-o", "third.txt").err == ""
    assert python_of(envlock, "third.txt") == HERE


@elsewhere
def test_a_python_that_the_project_is_for_is_taken(envlock: Program) -> None:
    write(envlock, "pyproject.toml", f'{PROJECT}requires-python = "=={OTHER}.*"\n')
    done = envlock("lock")
    assert (done.code, python_of(envlock)) == (0, OTHER)
    assert done.err == (
        f"request from pyproject.toml\nPython {OTHER} from requires-python =={OTHER}.*\n"
    )
    assert envlock("lock", "--check").code == 0


@elsewhere
def test_a_python_that_the_project_is_not_for_is_named_with_both_places(envlock: Program) -> None:
    table = f'[tool.envlock]\npython = "{HERE}"\n'
    write(envlock, "pyproject.toml", f'{PROJECT}requires-python = "=={OTHER}.*"\n{table}')
    done = envlock("lock")
    assert done.code == 2
    assert (
        f"error: the project asks for Python =={OTHER}.* (requires-python), and"
        f" pyproject.toml [tool.envlock.python] says {HERE}\n"
        f"  try: envlock lock --python {OTHER}\n"
    ) in done.err
    assert "and --python says" in envlock("lock", "--python", HERE).err


@elsewhere
def test_create_writes_over_no_lock_of_another_python(envlock: Program) -> None:
    assert envlock("lock", "small").code == 0
    before = (envlock.here / "requirements.txt").read_bytes()
    done = envlock("create", "small", "--python", OTHER or "")
    named = f"py{OTHER}".replace(".", "")
    assert done.err == (
        f"error: requirements.txt is for Python {HERE}, and an environment of Python {OTHER} is"
        " asked for (--python): the lock would be written over\n"
        f"  try: envlock create small --python {HERE}\n"
        f"  try: envlock create small --python {OTHER} -o requirements.{named}.txt\n"
        f"  try: envlock create small --python {OTHER} -U\n"
    )
    assert (done.code, (envlock.here / "requirements.txt").read_bytes()) == (2, before)
    assert not (envlock.here / ".venv").exists()


@elsewhere
def test_the_pins_of_another_python_are_not_kept(envlock: Program) -> None:
    write(envlock, "old.txt", "small==1.0\n")
    assert envlock("lock", "small", "-c", "old.txt").code == 0
    write(envlock, "old.txt", "")
    done = envlock("lock", "small", "--python", OTHER or "")
    assert (done.code, done.err) == (
        0,
        f"requirements.txt was for Python {HERE}: its pins are not kept\n",
    )
    assert "small==1.1" in (envlock.here / "requirements.txt").read_text()
    again = envlock("lock", "--check", "small")
    assert (again.code, again.err) == (0, f"Python {OTHER} from requirements.txt\n")


def test_a_slow_solve_lets_no_pin_go_by_itself(envlock: Program, index: SimpleIndex) -> None:
    write(envlock, "old.txt", "small==1.0\n")
    assert envlock("lock", "small", "-c", "old.txt").code == 0
    before = (envlock.here / "requirements.txt").read_bytes()
    build_wheel(index.folder, "other", "1.0", files={"other.py": ""})
    index.where, index.delay = "/files", 4
    slow = envlock.with_env(ENVLOCK_SOLVE_TIMEOUT="1")("lock", "small", "other")
    assert (slow.code, slow.err) == (
        4,
        (
            "error: no answer after 1 s, the time limit of ENVLOCK_SOLVE_TIMEOUT:"
            " uv was resolving the request\n"
            "  try: envlock lock small other -U\n"
            "  try: export ENVLOCK_SOLVE_TIMEOUT=3\n"
        ),
    )
    assert (envlock.here / "requirements.txt").read_bytes() == before
    index.delay = 0
    assert envlock("lock", "small", "other", "-U").code == 0
    assert "small==1.1" in (envlock.here / "requirements.txt").read_text()


def test_cuda_and_no_cuda_are_told_with_both_places(envlock: Program) -> None:
    more = '[project.optional-dependencies]\ngpu = ["tensorflow[and-cuda]"]\n'
    write(envlock, "pyproject.toml", f'{PROJECT}{more}[tool.envlock]\naccelerator = "cpu"\n')
    done = envlock("lock", "--extra", "gpu")
    assert done.code == 2
    assert (
        "error: pyproject.toml [project.optional-dependencies.gpu] asks for tensorflow[and-cuda],"
        " which brings CUDA, and pyproject.toml [tool.envlock.accelerator] says cpu, the build"
        " without it\n"
        "  try: envlock lock --extra gpu --accelerator cuda\n"
    ) in done.err


@pytest.mark.parametrize("name", ["PIP_CONSTRAINT", "UV_CONSTRAINT"])
def test_constraints_of_pip_and_uv_are_constraints(envlock: Program, name: str) -> None:
    bounds = write(envlock, "bounds.txt", "small<1.1\n")
    done = envlock.with_env(**{name: str(bounds)})("lock", "small")
    assert (done.code, done.err) == (0, "")
    assert "small==1.0" in (envlock.here / "requirements.txt").read_text()
    # Who has no such constraint has a lock that is current, and who has another is told.
    assert envlock("lock", "small", "--check").code == 0
    bounds.write_text("small>1.0\n")
    checked = envlock.with_env(**{name: str(bounds)})("lock", "small", "--check")
    assert checked.code == 1
    assert "small>1.0 (bounds.txt:1)" in checked.out


def test_what_pip_and_uv_are_told_and_is_not_obeyed_is_said(envlock: Program) -> None:
    conf = write(envlock, "pip.conf", "[install]\nno-binary = small\n")
    told = envlock.with_env(PIP_CONFIG_FILE=str(conf), UV_NO_BUILD="1", PIP_ONLY_BINARY=":all:")
    done = told("lock", "small")
    no = "is not obeyed: envlock takes wheels, and sources of what has none"
    places = {f"{conf} [install] no-binary", "PIP_ONLY_BINARY", "UV_NO_BUILD"}
    assert done.code == 0
    assert {f"{each} {no}" for each in places} <= {*done.err.splitlines()}


@elsewhere
def test_a_python_of_the_lock_that_the_project_leaves_out_is_told(envlock: Program) -> None:
    assert envlock("lock", "small", "--python", OTHER or "").code == 0
    write(envlock, "pyproject.toml", f'{PROJECT}requires-python = "=={HERE}.*"\n')
    done = envlock("lock")
    assert done.code == 0
    assert f"requires-python =={HERE}.* leaves Python {OTHER} out\n" in done.err
    assert "the lock is current" in envlock("lock", "--check").out


def test_a_way_out_names_no_constraints_that_hold_without_being_typed(envlock: Program) -> None:
    bounds = write(envlock, "users.txt", "other<1\n")
    write(envlock, "pyproject.toml", f'{PROJECT}[tool.envlock]\nconstraints = ["more<1"]\n')
    write(envlock, "typed.txt", "third<1\n")
    told = envlock.with_env(PIP_CONSTRAINT=str(bounds))
    way = f'envlock lock "small==1.1" --python {HERE}'
    assert told("lock", "small==99").err.endswith(f"  try: {way}\n")
    assert told("lock", "small==99", "-c", "typed.txt").err.endswith(f"  try: {way} -c typed.txt\n")
    assert told("lock", "small==1.1", "--python", HERE, "-c", "typed.txt").code == 0
