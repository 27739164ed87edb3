"""Files that say in their own words what is wanted: images, build files, scripts, notebooks."""

from pathlib import Path

import pytest

from envlock.formats.declarations import By, declarations
from envlock.formats.notebook import read_notebook
from envlock.formats.registry import FileFormat
from envlock.formats.shell import installs


def said(found: FileFormat, text: str) -> list[str]:
    """Each declaration: whose words, the words, the extra, and ``!`` where something is wrong."""
    return [
        f"{each.by}:{each.text}{f' ({each.optional})' if each.optional else ''}"
        + ("!" if each.fault else "")
        for each in declarations(found, Path("file"), text)
    ]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("pip install a 'b<2' && pip3 install -U c", ["a", "b<2", "c"]),
        ("sudo -H python3.8 -m pip install --no-cache-dir -i https://x/ a", ["a"]),
        (
            "X=1 /opt/bin/pip --quiet install -r reqs.txt -cbounds.txt",
            ["-r reqs.txt", "-c bounds.txt"],
        ),
        ("uv pip install --system a[x]==1; echo pip install b", ["a[x]==1"]),
        ("conda install -y -c conda-forge python=3.7 a=1.2", ["python=3.7", "a=1.2"]),
        ("mamba create -n x --file specs.txt a", ["-r specs.txt", "a"]),
        ("conda env create -f environment.yml", []),
        ("pip install -e . --editable=sub", ["-e .", "-e sub"]),
        ("pip uninstall a; pip list # pip install b", []),
        ("he said 'pip install it", []),
    ],
)
def test_a_line_of_a_shell_is_taken_apart_as_a_shell_does(line: str, wanted: list[str]) -> None:
    assert [each.text for each in installs(line, "here")] == wanted


def test_a_bound_without_quotes_is_where_the_output_goes() -> None:
    plain, fault = installs("pip install pandas>=1.2 -q > log.txt", "here")
    assert (plain.text, fault.text) == ("pandas", "")
    assert fault.fault is not None
    assert '">=1.2"' in fault.fault.message


def test_an_image_is_its_base_and_its_steps_with_what_they_copy() -> None:
    text = """\
# syntax=docker/dockerfile:1
ARG TF=2.4.1
FROM --platform=linux/amd64 registry.example/library/python:3.8-slim AS base
COPY deps/reqs.txt /tmp/requirements.txt
RUN apt-get install -y git \\
    # a remark with Error: in it

    && pip install "tensorflow==${TF}" "numpy==$NP" -r /tmp/requirements.txt
RUN ["pip", "install", "h5py<3"]
RUN <<EOF
pip install scipy
EOF
FROM tensorflow/tensorflow:1.14.0-gpu-py3
FROM tensorflow/tensorflow:latest-gpu
"""
    assert said(FileFormat.DOCKERFILE, text) == [
        "python:==3.8.*",
        "pip:tensorflow==2.4.1",
        "pip:numpy!",
        "pip:-r deps/reqs.txt",
        "pip:h5py<3",
        "pip:scipy",
        "base:tensorflow-gpu==1.14.0",
        "base:tensorflow",
    ]


def test_a_setup_script_is_read_as_far_as_constants_and_names_go() -> None:
    text = """\
import setuptools
TF = "2.1"
BASE: list = ["numpy>=1.20", f"tensorflow=={TF}"]
EXTRAS = {"gpu": ["tensorflow-gpu==" + TF], "all": sum([], [])}
WANTED = BASE + list(["scipy"])
setuptools.setup(install_requires=WANTED, extras_require=EXTRAS, python_requires=">=3.7")
"""
    assert said(FileFormat.SETUP_PY, text) == [
        "pip:numpy>=1.20",
        "pip:tensorflow==2.1",
        "pip:scipy",
        "pip:tensorflow-gpu==2.1 (gpu)",
        "python:>=3.7",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "setup(install_requires=open('requirements.txt').read().splitlines())",
        "def read():\n    return list(open('requirements.txt'))\nsetup(install_requires=read())",
        "WANTED = [each for each in parse('requirements.txt')]\nsetup(install_requires=WANTED)",
    ],
)
def test_a_list_that_a_setup_script_reads_is_that_file(text: str) -> None:
    assert said(FileFormat.SETUP_PY, text) == ["pip:-r requirements.txt"]


def test_what_only_running_a_setup_script_would_tell_is_said() -> None:
    assert said(FileFormat.SETUP_PY, "setup(install_requires=find())") == ["pip:!"]
    old = "print 'x'\nsetup(install_requires=['h5py<3', 'keras'])"
    assert said(FileFormat.SETUP_PY, old) == ["pip:!", "pip:h5py<3", "pip:keras"]


def test_settings_of_setuptools_and_tox() -> None:
    cfg = """\
[options]
install_requires = file: reqs.txt
python_requires = >=3.8
[options.extras_require]
gpu = tensorflow==2.4 # why
"""
    assert said(FileFormat.SETUP_CFG, cfg) == [
        "pip:-r reqs.txt",
        "python:>=3.8",
        "pip:tensorflow==2.4 (gpu)",
    ]
    tox = """\
[testenv]
deps =
    -rreqs.txt
    tf24: tensorflow==2.4
    numpy<2
    {[base]deps}
[testenv:docs]
deps = sphinx
"""
    assert said(FileFormat.TOX, tox) == [
        "pip:-r reqs.txt",
        "pip:tensorflow==2.4 (tf24)",
        "pip:numpy<2",
        "pip:sphinx (docs)",
    ]


def test_pipenvs_and_pixis_tables() -> None:
    pipfile = """\
[packages]
h5py = "*"
keras = {version = "2.3.1", extras = ["x"], markers = "python_version < '3.8'"}
own = {path = ".", editable = true}
far = {git = "https://x/far.git", ref = "main"}
[dev-packages]
pytest = ">=7"
[requires]
python_version = "3.7"
"""
    assert said(FileFormat.PIPFILE, pipfile) == [
        "python:==3.7.*",
        "pip:h5py",
        "pip:keras[x]==2.3.1 ; python_version < '3.8'",
        "pip:-e .",
        "pip:far @ git+https://x/far.git@main",
        "pip:pytest>=7 (dev-packages)",
    ]
    pixi = """\
[dependencies]
python = "3.9.*"
numpy = ">=1.20,<2"
[pypi-dependencies]
tensorflow = "==2.10.1"
[feature.gpu.dependencies]
cudatoolkit = "11.*"
[target.linux-64.dependencies]
mkl = "*"
[package.host-dependencies]
hatchling = "*"
[package.run-dependencies]
scipy = ">=1.9"
[package.run-dependencies."if(linux)"]
cuda-version = "12.*"
"""
    assert said(FileFormat.PIXI_TOML, pixi) == [
        "python:==3.9.*",
        "conda:numpy >=1.20,<2",
        "pip:tensorflow==2.10.1",
        "conda:mkl (linux-64)",
        "conda:cudatoolkit 11.* (gpu)",
        "conda:scipy >=1.9 (package)",
        "conda:cuda-version 12.* (package, if(linux))",
        "conda:hatchling (package, host)",
    ]


def test_the_cells_of_a_notebook_install_and_its_kernel_has_a_python() -> None:
    text = """{"nbformat": 4, "metadata": {"language_info": {"version": "3.8.10"}}, "cells": [
    {"cell_type": "code", "source": [
     "!pip install -q tensorflow==2.4 \\\\\\n", "  numpy==1.24\\n", "x = 1"]},
    {"cell_type": "code", "source": "%%bash\\npip install h5py"},
    {"cell_type": "markdown", "source": "pip install keras"},
    {"cell_type": "code", "source": "%pip install scipy", "outputs": [{"text": ["a\\n", "b"]}]}]}"""
    notebook = read_notebook("a.ipynb", text)
    found = list(notebook.declarations(Path("a.ipynb")))
    assert [(each.by, each.text, each.where) for each in found] == [
        (By.PYTHON, "==3.8.10", "a.ipynb"),
        (By.PIP, "tensorflow==2.4", "a.ipynb:cell 1"),
        (By.PIP, "numpy==1.24", "a.ipynb:cell 1"),
        (By.PIP, "h5py", "a.ipynb:cell 2"),
        (By.PIP, "scipy", "a.ipynb:cell 4"),
    ]
    assert list(notebook.outputs()) == ["a\nb", ""]
