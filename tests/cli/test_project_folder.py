"""A folder that is no environment: what its files want, and what its code uses, as one."""

from pathlib import Path

import pytest

from envlock.cli import run
from envlock.request.folder import asking_file


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = run([*words])
    out = capsys.readouterr()
    return code, out.out + out.err


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text("tensorflow==2.4.0\nnumpy==1.19.5\n")
    (tmp_path / "Dockerfile").write_text("FROM python:3.8\nRUN pip install tensorflow==2.5.0\n")
    (tmp_path / ".python-version").write_text("3.8.1\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("import tensorflow as tf\ntf.Session()\n")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.py").write_text("import tensorflow as tf\ntf.contrib\n")
    return tmp_path


@pytest.mark.usefixtures("project")
def test_its_files_are_read_as_one_and_contradictions_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, text = said(capsys, "diagnose", ".", "--offline")
    assert code == 1
    assert ".: read 3 files, 1 of them code" in text
    assert ".python-version: Python 3.8.1" in text
    told = "tensorflow is asked for in several versions: 2.4.0 in requirements.txt; 2.5.0 in Docke"
    assert told in text
    assert "needs TensorFlow 1.13 to 1.15: tf.Session (src/train.py:2)" in text
    assert "tf.contrib" not in text
    assert "tensorflow.Session is in TensorFlow up to 1.15; TensorFlow 2.4.0 is here." in text


def test_code_that_runs_here_is_no_finding(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "Dockerfile").unlink()
    (project / "requirements.txt").write_text("h5py==3.11.0\nnumpy==1.24.4\n")
    (project / "src" / "train.py").write_text("import h5py\nh5py.File('x')\n")
    code, text = said(capsys, "diagnose", str(project), "--offline")
    assert (code, "nothing is wrong by what envlock knows" in text) == (0, True), text


def test_a_folder_without_a_file_to_read_is_told_to_be_no_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = said(capsys, "diagnose", str(tmp_path))
    assert code == 2
    assert "a folder without a Python, so not an environment" in text


@pytest.mark.parametrize(
    ("name", "text", "asks"),
    [
        ("Pipfile", '[packages]\nh5py = "*"\n', True),
        ("setup.py", "from setuptools import setup\nsetup(install_requires=['h5py'])\n", True),
        ("setup.py", "from setuptools import setup\nsetup(name='x')\n", False),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.9"\nh5py = "^3"\n', True),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.9"\n', False),
    ],
)
def test_older_files_of_a_project_ask_for_packages_too(
    name: str, text: str, *, asks: bool, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    assert asking_file(tmp_path, conda=None, more=False) == (tmp_path / name if asks else None)


def test_a_file_that_cannot_be_read_is_told_and_hides_no_other(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "broken.py").write_text("{% if x %}\n" * 300)
    (project / "pixi.toml").write_text("[dependencies\n")
    code, text = said(capsys, "diagnose", ".")
    assert code == 1
    assert ".: read 3 files, 1 of them code" in text
    assert "broken.py is no Python that envlock can read" in text
    assert "pixi.toml:1: not TOML" in text
    assert "tensorflow.Session is in TensorFlow up to 1.15" in text
