"""What pip and conda print of an environment."""

import json
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.examine.files import examine_content
from envlock.findings import Examined, Kind
from envlock.model import Platform

PIP_LIST = """\
WARNING: You are using pip version 20.1
Package                  Version    Editable project location
------------------------ ---------- -------------------------
h5py                     2.10.0
my-models                0.1.0      /home/u/my-models
tensorflow-cpu           2.4.1
typing_extensions        3.7.4.3
"""
PIP_JSON = json.dumps(
    [{"name": "h5py", "version": "2.10.0"}, {"name": "tensorflow-cpu", "version": "2.4.1"}]
)
CONDA_LIST = """\
# packages in environment at /home/u/.conda/envs/gpu:
#
# Name                    Version                   Build  Channel
_libgcc_mutex             0.1                        main    defaults
h5py                      2.9.0            py36h7918eee_0    defaults
ca-certificates           2019.5.15                     0    defaults
openssl                   1.1.1c               h7b6447c_1    defaults
python                    3.6.8                h0371630_0    defaults
tensorflow-base           1.13.1          gpu_py36h8d69cac_0    defaults
decorator                 4.4.0                     <pip>
"""
EXPLICIT = """\
# This file may be used to create an environment using:
# platform: win-64
@EXPLICIT
https://repo.anaconda.com/pkgs/main/win-64/python-3.9.7-h6244533_1.tar.bz2
https://repo.anaconda.com/pkgs/main/win-64/h5py-3.6.0-py39h3de5c98_0.conda#abc
not an address
"""


def freeze(*lines: str) -> str:
    names = [f"package-{letter}=={n}.0" for n, letter in enumerate("abcdefghijklmno")]
    return "\n".join((*names, *lines)) + "\n"


def pins(examined: Examined) -> dict[str, str]:
    return {name: str(version) for name, version in examined.packages.items()}


def test_the_columns_of_pip_list() -> None:
    found = examine_content(PIP_LIST, "list.txt")
    assert pins(found) == {
        "h5py": "2.10.0",
        "my-models": "0.1.0",
        "tensorflow-cpu": "2.4.1",
        "typing-extensions": "3.7.4.3",
    }
    assert (found.kind, found.complete, found.manager) == (Kind.FILE, True, "pip")


def test_the_json_of_pip_list() -> None:
    found = examine_content(PIP_JSON, "list.json")
    assert pins(found) == {"h5py": "2.10.0", "tensorflow-cpu": "2.4.1"}
    assert found.complete


def test_the_columns_of_conda_list() -> None:
    found = examine_content(CONDA_LIST, "conda.txt")
    assert pins(found) == {
        "ca-certificates": "2019.5.15",
        "decorator": "4.4.0",
        "h5py": "2.9.0",
        "libgcc-mutex": "0.1",
        "openssl": "1.1.1rc0",
        "tensorflow": "1.13.1",
    }
    assert (found.python, found.manager) == (Version("3.6.8"), "conda")
    assert (found.complete, found.platform) == (True, Platform(system="linux", machine=""))


def test_a_framework_of_pip_in_a_conda_list_makes_it_pips() -> None:
    text = f"{CONDA_LIST}tensorflow                1.15.0                    pypi_0    pypi\n"
    assert examine_content(text, "conda.txt").manager == "pip"


def test_an_explicit_list_of_conda() -> None:
    found = examine_content(EXPLICIT, "spec.txt")
    assert pins(found) == {"h5py": "3.6.0"}
    assert found.python == Version("3.9.7")
    assert found.platform == Platform(system="windows", machine="x86_64")
    assert found.notes == ('spec.txt:6: "not an address" is no address of a conda package',)


def test_a_freeze_is_complete_but_for_what_it_never_names() -> None:
    found = examine_content(
        freeze("tensorflow==2.4.1", "zipp @ file:///home/conda/zipp_1/work"), "freeze.txt"
    )
    assert found.packages["tensorflow"] == Version("2.4.1")  # type: ignore[index]
    assert {n: str(s) for n, s in found.loose.items()} == {
        "zipp": "",
        "distribute": "",
        "pip": "",
        "setuptools": "",
        "wheel": "",
    }
    assert found.complete


@pytest.mark.parametrize(
    "text",
    [
        "tensorflow==2.4.1\nh5py==2.10.0\n",
        freeze("a-name-out-of-order==1.0"),
        freeze("zipp>=1"),
    ],
    ids=["short", "unsorted", "with a range"],
)
def test_a_list_of_wishes_is_no_freeze(text: str) -> None:
    assert not examine_content(text, "requirements.txt").complete


def test_a_listing_inside_a_log_is_a_log() -> None:
    text = f"{PIP_LIST}\nTraceback (most recent call last):\nImportError: no\n"
    found = examine_content(text, "log.txt")
    assert found.kind is Kind.TEXT
    assert found.packages["tensorflow-cpu"] == Version("2.4.1")  # type: ignore[index]


def test_a_json_that_is_no_listing_is_a_log() -> None:
    assert examine_content('[{"a": 1}]', "x.json").kind is Kind.TEXT
    assert examine_content(str(Path("x")), "x").kind is Kind.FILE
