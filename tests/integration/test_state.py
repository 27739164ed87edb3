"""Real environments, broken in every way, examined, and cured by the remedy that is told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.environment.create import create_venv, install
from envlock.environment.inspect import prefix_of, site_folders
from envlock.environment.state import examine_environment
from envlock.findings import Finding
from envlock.index.handover import uv_program
from envlock.model import IndexSettings, RemedyKind
from envlock.progress import Silent
from envlock.system import WINDOWS, run
from envlock.targets.interpreters import find_interpreter
from support.distributions import build_wheel

Harm = Callable[[Path], None]
QUIET = Silent()
DEMO = {
    "demo/__init__.py": "from demo import core\n",
    "demo/core.py": "value = 1\n",
    "demo/data.json": "{}\n",
}
TENSORFLOW = {"tensorflow/__init__.py": "", "tensorflow/layers/norm.py": "value = 250\n"}


@pytest.fixture(autouse=True)
def _private(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, wheels: Path
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("UV_CACHE_DIR", str(cache / "uv"))
    monkeypatch.setenv("PIP_CACHE_DIR", str(cache / "pip"))
    # Where the commands that are told find their packages, and uv itself.
    for tool in ("UV", "PIP"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PATH", f"{uv_program().parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONUSERBASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Give a folder of wheels: demo, what it needs, and two that share a file with others."""
    folder = tmp_path / "wheels"
    build_wheel(folder, "demo", "1.0", files=DEMO, requires=["other>=1"])
    build_wheel(folder, "demo", "2.0", files={**DEMO, "demo/core.py": "value = 22\n"})
    build_wheel(folder, "other", "1.0")
    build_wheel(folder, "other", "0.5")
    build_wheel(folder, "twin", "1.0", files={"demo/core.py": "value = 'twin'\n"})
    build_wheel(folder, "tensorflow", "2.5.0", files=TENSORFLOW)
    build_wheel(folder, "tensorflow-cpu", "2.4.0", files={**TENSORFLOW, "tensorflow/x.py": ""})
    build_wheel(
        folder, "tensorflow-gpu", "2.6.0", files={"tensorflow/layers/norm.py": "value = 26\n"}
    )
    return folder


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Give an environment without a pip, with demo 1.0 and other 1.0."""
    python = create_venv(find_interpreter(None), tmp_path / "env", QUIET)
    add(python, "demo==1.0")
    return python


@pytest.fixture
def with_pip(tmp_path: Path, wheels: Path) -> Path:
    """Give an environment with a pip, and demo 1.0 and other 1.0 by that pip."""
    bundled = Path(pytest.importorskip("ensurepip").__file__).parent / "_bundled"
    shutil.copy(next(bundled.glob("pip-*.whl")), wheels)
    python = create_venv(find_interpreter(None), tmp_path / "env", QUIET)
    add(python, "pip")
    add(python, "demo==1.0")
    return python


def add(python: Path, *requirements: str) -> None:
    """Install with the installer of the environment, from the folder of wheels."""
    if has_pip(python):
        done = run([python, "-m", "pip", "install", *requirements])
        assert done.returncode == 0, done.stderr
    else:
        links = (os.environ["UV_FIND_LINKS"],)
        install(python, requirements, IndexSettings(no_index=True, find_links=links), QUIET)


def has_pip(python: Path) -> bool:
    return (site_of(python) / "pip").is_dir()


def site_of(python: Path) -> Path:
    (site,) = site_folders(prefix_of(python))
    return site


def findings(python: Path) -> tuple[Finding, ...]:
    return examine_environment(prefix_of(python)).findings


def type_in(command: str) -> None:
    done = run(["cmd", "/c", command] if WINDOWS else ["sh", "-c", command])
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def delete_a_file(python: Path) -> None:
    (site_of(python) / "demo/core.py").unlink()


def edit_a_file(python: Path) -> None:
    # In place, so that uv's cache, which it may be linked to, changes as well.
    with (site_of(python) / "demo/core.py").open("a") as file:
        file.write("value = 2\n")


def empty_a_file(python: Path) -> None:
    with (site_of(python) / "demo/core.py").open("r+") as file:
        file.truncate()


def install_another_owner(python: Path) -> None:
    add(python, "twin")


def install_two_tensorflows(python: Path) -> None:
    add(python, "tensorflow")
    add(python, "tensorflow-gpu")


def leave_a_hiding_folder(python: Path) -> None:
    add(python, "tensorflow")
    old = site_of(python) / "tensorflow/layers/norm"
    old.mkdir()
    (old / "__init__.py").touch()


def leave_a_module(python: Path) -> None:
    (site_of(python) / "demo/old.py").touch()


def keep_an_old_record(python: Path) -> None:
    site = site_of(python)
    (site / "demo-1.0.dist-info").rename(site / "kept")
    add(python, "demo==2.0")
    (site / "kept").rename(site / "demo-1.0.dist-info")


def stop_a_removal(python: Path) -> None:
    site = site_of(python)
    (site / "~emo").mkdir()
    (site / "~emo-0.9.dist-info").mkdir()


def take_an_old_version(python: Path) -> None:
    add(python, "other==0.5")


def remove_a_requirement(python: Path) -> None:
    site = site_of(python)
    for file in (site / "other-1.0.dist-info").iterdir():
        file.unlink()
    (site / "other-1.0.dist-info").rmdir()


WAYS: dict[Harm, str] = {
    delete_a_file: "missing-files",
    edit_a_file: "overwritten-files",
    empty_a_file: "overwritten-files",
    install_another_owner: "two-owners",
    install_two_tensorflows: "tf-two-owners",
    leave_a_hiding_folder: "tf-stale-files-after-upgrade",
    leave_a_module: "leftover-files",
    keep_an_old_record: "two-versions",
    stop_a_removal: "half-removed",
    take_an_old_version: "declared-conflict",
    remove_a_requirement: "missing-requirement",
}
#: In which pip's commands are each used once.
BY_PIP = (delete_a_file, install_another_owner, keep_an_old_record, take_an_old_version)


def test_a_healthy_environment_has_no_finding(bare: Path) -> None:
    found = examine_environment(bare)
    assert found.findings == ()
    assert found.examined.notes == ()
    assert found.examined.complete
    assert found.examined.manager == "pip"
    assert found.examined.python == find_interpreter(None).version
    assert found.examined.platform == find_interpreter(None).platform
    assert found.examined.packages == {"demo": Version("1.0"), "other": Version("1.0")}


def test_an_environment_that_only_pip_made_is_healthy_too(tmp_path: Path) -> None:
    base = find_interpreter(None).path
    assert run([base, "-I", "-m", "venv", tmp_path / "env"]).returncode == 0
    found = examine_environment(tmp_path / "env")
    assert (found.findings, found.examined.notes) == ((), ())
    assert found.examined.python == find_interpreter(None).version


@pytest.mark.parametrize("harm", [pytest.param(each, id=each.__name__) for each in WAYS])
def test_each_harm_is_one_finding_and_its_remedy_cures_it(bare: Path, harm: Harm) -> None:
    check_cure(bare, harm)


@pytest.mark.parametrize("harm", [pytest.param(each, id=each.__name__) for each in BY_PIP])
def test_the_remedies_for_a_pip_cure_as_well(with_pip: Path, harm: Harm) -> None:
    check_cure(with_pip, harm)


def check_cure(python: Path, harm: Harm) -> None:
    harm(python)
    (found,) = findings(python)
    assert found.id == WAYS[harm]
    assert found.remedies[0].kind == RemedyKind.COMMAND
    type_in(found.remedies[0].text)
    assert findings(python) == ()


def test_examining_runs_nothing_of_the_environment(bare: Path) -> None:
    python = bare
    site, sign = site_of(python), prefix_of(python) / "sign"
    line = f"open({str(sign)!r}, 'w').close()"
    (site / "sitecustomize.py").write_text(f"{line}\n")
    (site / "usercustomize.py").write_text(f"{line}\n")
    (site / "sign.pth").write_text(f"import sys; {line}\n")
    (site / "demo/__init__.py").write_text(f"{line}\n")
    examine_environment(python)
    examine_environment(prefix_of(python))
    assert not sign.exists()
    run([python, "-c", "pass"])
    assert sign.exists(), "the trap itself does not work"


def test_an_environment_of_another_python_is_judged_as_that_python(
    tmp_path: Path, wheels: Path
) -> None:
    other = next((each for each in ("3.8", "3.9", "3.10", "3.12") if _is_here(each)), None)
    if other is None:
        pytest.skip("only one Python is here")
    build_wheel(
        wheels, "old", "1.0", requires=[f'missing; python_version != "{other}"', "other>=1"]
    )
    python = create_venv(find_interpreter(other), tmp_path / "env", QUIET)
    add(python, "old")
    found = examine_environment(tmp_path / "env")
    assert found.findings == ()
    assert found.examined.python == find_interpreter(other).version
    assert found.examined.packages == {"old": Version("1.0"), "other": Version("1.0")}


def _is_here(python: str) -> bool:
    try:
        find_interpreter(python)
    except Exception:  # noqa: BLE001  (whatever keeps it from being used)
        return False
    return True
