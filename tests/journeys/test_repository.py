"""A day with a repository of 2019: a notebook, requirements.txt, errors that somebody kept."""

from __future__ import annotations

import json
import re

import pytest

from support.framework import build_framework
from support.patients import REFUSES_NUMPY_2
from support.simple_index import SimpleIndex, build_wheel
from support.terminal import Terminal

DECODED = """\
Traceback (most recent call last):
  File "/x/site-packages/keras/engine/saving.py", line 273, in _deserialize_model
    model_config = json.loads(model_config.decode('utf-8'))
AttributeError: 'str' object has no attribute 'decode'"""
NO_WHEEL = (
    "ERROR: Could not find a version that satisfies the requirement tensorflow==1.15.0"
    " (from versions: 2.12.0rc0, 2.12.0)\n"
    "ERROR: No matching distribution found for tensorflow==1.15.0\n"
)


def notebook(*errors: str) -> str:
    outputs = [
        {"output_type": "error", "ename": "", "evalue": "", "traceback": each.splitlines()}
        for each in errors
    ]
    cell = {"cell_type": "code", "source": ["load_model('m.h5')\n"], "outputs": outputs}
    book = {"cells": [{**cell, "metadata": {}, "execution_count": 1}], "metadata": {}}
    return json.dumps({**book, "nbformat": 4, "nbformat_minor": 5})


@pytest.mark.parametrize(
    ("name", "text", "rule", "way"),
    [
        ("explore.ipynb", notebook(DECODED), "1. h5py3-str-decode-keras", "h5py>=2.10,<3"),
        ("error.txt", NO_WHEEL, "1. tf-no-wheel", "The newest Python is 3.7 for TensorFlow 1.13"),
    ],
)
def test_what_went_wrong_years_ago_is_explained(
    terminal: Terminal, name: str, text: str, rule: str, way: str
) -> None:
    (terminal.program.here / name).write_text(text)
    said = terminal.types(f"envlock diagnose {name}", code=1)
    assert rule in said
    assert way in said


def test_old_requirements_are_locked_for_the_python_that_takes_them(
    terminal: Terminal, index: SimpleIndex
) -> None:
    build_framework(index.folder, "1.15.0", tag="cp37-cp37m-manylinux2010_x86_64", needs=())
    build_wheel(index.folder, "numpy", "1.18.5")
    build_wheel(index.folder, "h5py", "2.10.0")
    (terminal.program.here / "requirements.txt").write_text("tensorflow==1.15.0\nh5py\nnumpy\n")
    said = terminal.types("envlock create", code=3)
    assert "request from requirements.txt" in said
    assert "tensorflow 1.15.0 has no wheel for Python 3.11" in said
    assert "--python 3.7" in said


def test_a_first_environment_takes_what_pip_installs_into_it(
    terminal: Terminal, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "seaborn", "0.9", requires=["numpy"])
    (terminal.program.here / "requirements.txt").write_text("tensorflow\nh5py\n")
    said = terminal.types("envlock create")
    assert "written      requirements.lock" in said
    assert "proved       import-h5py, import, fit, save, load" in said
    assert "next         source .venv/bin/activate" in said
    terminal.types(
        'source .venv/bin/activate && pip install seaborn && python -c "import seaborn, tensorflow"'
    )
    assert "seaborn" in terminal.types("envlock diagnose")
    assert re.search(
        r"remove +seaborn +0\.9 +added by hand", terminal.types("envlock sync --check", code=1)
    )
    assert "already equal" in terminal.types("envlock sync --inexact")
    assert re.search(r"remove +seaborn", terminal.types("envlock sync"))
    assert "proved" in terminal.types("envlock create")
    assert "unchanged since it was proved" in terminal.types("envlock create")


def test_an_environment_that_broke_is_cured_and_the_cure_taken_back(
    terminal: Terminal, index: SimpleIndex
) -> None:
    build_framework(index.folder, first=REFUSES_NUMPY_2)
    terminal.types("envlock create tensorflow")
    terminal.types("source .venv/bin/activate && PIP_CONFIG_FILE=/dev/null pip install 'numpy>=2'")
    said = terminal.types("envlock diagnose", code=1)
    assert "1. numpy2-tf-abi: TensorFlow before 2.18 was built for NumPy 1" in said
    assert "numpy    2.0.2  1.26.4" in terminal.types("envlock fix --dry-run", code=1)
    terminal.types("envlock fix --yes")
    assert "nothing is wrong" in terminal.types("envlock diagnose")
    assert "verified" in terminal.types("envlock verify")
    terminal.types("envlock history")
    terminal.types("envlock fix --undo")
    assert "numpy2-tf-abi" in terminal.types("envlock diagnose", code=1)
