from __future__ import annotations

import pytest
import yaml
from msgspec.structs import replace

from envlock.formats.environment_yml import render
from support.locks import REALISTIC, with_packages


@pytest.mark.parametrize(
    "name",
    [
        "envlock",
        "My_Project-2.0",
        "true",
        "No",
        "null",
        "1.5",
        "0x10",
        "~",
        "",
        "-",
        "a: b",
        "a #b",
        "&anchor",
        "*alias",
        "!!python/object:os.system",
        "{a: b}",
        "[a",
        '"quoted"',
        "it's",
        "back\\slash",
        "%directive",
        "naïve-日本-😀",
        "a=b",
        "<<",
    ],
)
def test_any_name_is_read_back_as_itself(name: str) -> None:
    text = render(replace(REALISTIC, name=name))[0]
    assert yaml.safe_load(text)["name"] == name


def test_a_name_cannot_add_a_line() -> None:
    name = "demo\nchannels:\r\n  - evil\u2028\x85x\x00\x1b[31m"
    text = render(replace(REALISTIC, name=name))[0]
    assert yaml.safe_load(text)["name"] == "demo channels: - evil x [31m"
    assert yaml.safe_load(text)["channels"] == ["conda-forge"]


def test_python_is_asked_for_by_minor_and_everything_else_comes_from_pip() -> None:
    text = render(replace(REALISTIC, name="demo"))[0]
    pins = [f"{each.name}=={each.version}" for each in REALISTIC.part.pypi]
    assert yaml.safe_load(text) == {
        "name": "demo",
        "channels": ["conda-forge"],
        "dependencies": ["python=3.10", "pip", {"pip": pins}],
    }


def test_a_lock_of_nothing_has_no_pip_section() -> None:
    text = render(with_packages(REALISTIC, []))[0]
    assert yaml.safe_load(text)["dependencies"] == ["python=3.10", "pip"]
