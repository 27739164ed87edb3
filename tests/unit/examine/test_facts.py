"""Versions, Python and system as texts tell them."""

import pytest
from packaging.version import Version

from envlock.examine.gathered import Given
from envlock.examine.logs import examine_text
from envlock.model import Platform

VERSIONS = [
    (
        "Successfully installed h5py-2.10.0 tensorflow-cpu-2.4.1 typing-extensions-3.7.4.3",
        {"h5py": "2.10.0", "tensorflow-cpu": "2.4.1", "typing-extensions": "3.7.4.3"},
    ),
    (
        (
            "Requirement already satisfied: numpy<1.20,>=1.19.2 in /v/lib/python3.8/site-packages "
            "(from tensorflow==2.4.1) (1.19.5)"
        ),
        {"numpy": "1.19.5"},
    ),
    (
        (
            "tensorflow 2.15.0.post1 requires keras<2.16,>=2.15.0, but you have keras 3.0.3 "
            "which is incompatible."
        ),
        {"tensorflow": "2.15.0.post1", "keras": "3.0.3"},
    ),
    (
        (
            'tensorflow 2.2.0 requires scipy==1.4.1; python_version >= "3", but you\'ll have '
            "scipy 1.5.0 which is incompatible."
        ),
        {"tensorflow": "2.2.0", "scipy": "1.5.0"},
    ),
    (
        "A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.0.2 as it may crash.",
        {"numpy": "2.0.2"},
    ),
    (
        "Detected incompatible Protobuf Gencode/Runtime versions: gencode 6.31.1 runtime 5.29.5.",
        {"protobuf": "5.29.5"},
    ),
    (
        "- TensorFlow version (use command below): v2.4.0-49-g85c8b2a817f 2.4.1\n",
        {"tensorflow": "2.4.1"},
    ),
    ("### TensorFlow version\n\n2.12.0\n", {"tensorflow": "2.12.0"}),
    ("with tensorflow==2.3.0 and h5py 3.1.0 installed", {"tensorflow": "2.3.0", "h5py": "3.1.0"}),
    ('File "/v/lib/python3.7/site-packages/h5py-2.10.0.dist-info/METADATA"', {"h5py": "2.10.0"}),
    (
        "tensorflow                1.15.0                   py36_0    conda-forge",
        {"tensorflow": "1.15.0"},
    ),
    (
        (
            "ERROR: Could not find a version that satisfies the requirement tensorflow==2.1.0 "
            "(from versions: 2.2.0rc1, 2.2.0)"
        ),
        {"tensorflow": "2.1.0"},
    ),
]


@pytest.mark.parametrize(("text", "packages"), VERSIONS)
def test_versions_that_a_text_tells_are_known(text: str, packages: dict[str, str]) -> None:
    found = examine_text(text).packages
    assert {name: str(version) for name, version in found.items()} == packages


UNTOLD = [
    "The aliases was originally deprecated in NumPy 1.20; see the release note",
    "modules must be compiled with NumPy 2.0. Some module may need to rebuild",
    "tensorflow 2.6.0 depends on h5py~=3.1.0",
    "Collecting tensorflow==2.4.1",
    "  Downloading numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.whl (18.3 MB)",
    "Successfully uninstalled numpy-1.26.4",
    "Please upgrade to tensorflow 2.16.1",
]


@pytest.mark.parametrize("text", UNTOLD)
def test_versions_that_somebody_wants_or_gave_up_are_not(text: str) -> None:
    found = {name: str(version) for name, version in examine_text(text).packages.items()}
    assert found in ({}, {"tensorflow": "2.6.0"})


def test_two_versions_of_one_package_are_none() -> None:
    text = "tensorflow==2.4.1 works and tensorflow==2.5.0 does not"
    assert examine_text(text).packages == {}


def test_what_is_installed_says_more_than_what_is_mentioned() -> None:
    text = "tensorflow==2.4.1\nSuccessfully installed tensorflow-2.5.0"
    assert examine_text(text).packages == {"tensorflow": Version("2.5.0")}


def test_a_series_is_a_range() -> None:
    assert {n: str(s) for n, s in examine_text("using tensorflow 2.10").loose.items()} == {
        "tensorflow": "==2.10.*"
    }


LAYOUTS = [
    (
        "/v/lib/python3.7/site-packages/tensorflow_core/python/keras/x.py",
        "tensorflow",
        "<2.2,>=1.15",
    ),
    ("~\\envs\\r\\lib\\site-packages\\keras\\engine\\topology.py in load", "keras", "<2.2"),
    ("/usr/lib/python3/dist-packages/keras/engine/saving.py", "keras", "<2.4,>=2.2"),
    ("/v/lib/python3.11/site-packages/keras/src/models/model.py", "keras", ">=3"),
]


@pytest.mark.parametrize(("path", "package", "specifier"), LAYOUTS)
def test_files_that_only_some_releases_have_tell_the_release(
    path: str, package: str, specifier: str
) -> None:
    found = examine_text(f'File "{path}", line 1').loose
    assert {name: str(s) for name, s in found.items()} == {package: specifier}


PYTHONS = [
    ("/home/u/env/lib/python3.8/site-packages/h5py/__init__.py", "3.8"),
    ("C:\\Users\\u\\AppData\\Local\\Programs\\Python\\Python310\\lib\\site-packages\\x.py", "3.10"),
    ("/Library/Frameworks/Python.framework/Versions/3.9/lib/x.py", "3.9"),
    ("_errors.cpython-311-x86_64-linux-gnu.so: undefined symbol", "3.11"),
    ("Python 3.8.10 (default, Nov 14 2022, 12:59:47)", "3.8.10"),
    ("- Python version: 3.7.10", "3.7.10"),
    ("Requires-Python >=3.7,<3.11", None),
    ("Python 3.8.10 here and Python 3.9.1 there", None),
]


@pytest.mark.parametrize(("text", "python"), PYTHONS)
def test_the_python_is_told_by_paths_and_banners(text: str, python: str | None) -> None:
    assert examine_text(text).python == (Version(python) if python else None)


PLATFORMS = [
    ('File "C:\\Users\\u\\x.py", line 1', Platform(system="windows", machine="")),
    ('File "/Users/u/x.py", line 1', Platform(system="macos", machine="")),
    ('File "/home/u/x.py", line 1', Platform(system="linux", machine="")),
    ("h5py/_errors.cpython-39-x86_64-linux-gnu.so", Platform(system="linux", machine="x86_64")),
    ("/opt/homebrew/lib/python3.11/x.dylib (arm64)", Platform(system="macos", machine="arm64")),
    ("[MSC v.1916 64 bit (AMD64)] on win32", Platform(system="windows", machine="x86_64")),
    ("import tensorflow", None),
]


@pytest.mark.parametrize(("text", "platform"), PLATFORMS)
def test_the_system_is_told_by_paths_and_banners(text: str, platform: Platform | None) -> None:
    assert examine_text(text).platform == platform


MANAGERS = [
    ("Successfully installed tensorflow-2.4.1", "pip"),
    ('File "/usr/lib/python3/dist-packages/keras/models.py"', "pip"),
    ("PackagesNotFoundError: The following packages are not available", "conda"),
    ("conda install keras\npip install tensorflow", None),
    ('File "/home/u/anaconda3/envs/tf/lib/python3.8/site-packages/h5py/h5.py"', None),
]


@pytest.mark.parametrize(("text", "manager"), MANAGERS)
def test_the_manager_is_told_by_its_words_and_not_by_conda_paths(
    text: str, manager: str | None
) -> None:
    assert examine_text(text).manager == manager


def test_what_is_given_counts_more_than_what_is_told() -> None:
    given = Given(python=Version("3.11"), platform=Platform(system="macos", machine="arm64"))
    found = examine_text("/home/u/env/lib/python3.8/site-packages/x.py", given)
    assert (found.python, found.platform) == (given.python, given.platform)
