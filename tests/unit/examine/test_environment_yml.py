"""environment.yml in the dialects that people use."""

from pathlib import Path

import pytest
from packaging.version import Version

from envlock.errors import UsageError
from envlock.examine.files import examine_path
from envlock.examine.gathered import Given
from envlock.findings import Examined
from envlock.model import Platform
from envlock.targets.platforms import this_platform


def examine(tmp_path: Path, text: str, given: Given | None = None) -> Examined:
    (tmp_path / "environment.yml").write_text(text, encoding="utf-8", newline="")
    return examine_path(tmp_path / "environment.yml", given)


def pins(examined: Examined) -> dict[str, str]:
    return {name: str(version) for name, version in examined.packages.items()}


def ranges(examined: Examined) -> dict[str, str]:
    return {name: str(specifier) for name, specifier in examined.loose.items()}


def told(examined: Examined, folder: Path) -> list[str]:
    return [note.replace(f"{folder.as_posix()}/", "") for note in examined.notes]


def test_an_export_is_read_with_its_builds(tmp_path: Path) -> None:
    found = examine(
        tmp_path,
        "name: tf\r\nchannels:\r\n  - defaults\r\ndependencies:\r\n"
        "  - _libgcc_mutex=0.1=main\r\n  - python=3.8.12=h12debd9_0\r\n"
        "  - tensorflow-base=2.4.1=mkl_py38h43e0292_0\r\n  - openssl=1.1.1k=h27cfd23_0\r\n"
        "  - pip:\r\n    - absl-py==0.14.1\r\nprefix: C:\\Users\\u\\anaconda3\\envs\\tf\r\n",
    )
    assert pins(found) == {"libgcc-mutex": "0.1", "tensorflow": "2.4.1", "absl-py": "0.14.1"}
    assert ranges(found) == {"openssl": ""}
    assert (found.python, found.manager) == (Version("3.8.12"), "conda")
    assert found.platform == Platform(system="windows", machine="")
    assert found.notes == ()


def test_wishes_by_hand_keep_channels_blanks_and_comments_apart(tmp_path: Path) -> None:
    found = examine(
        tmp_path,
        """\
dependencies:
  - python=3.10  # your beloved programming language! :)
  - conda-forge::h5py <=3.7.0
  - numpy   >=    1.19.5,  < 1.23.0
  - cudnn=8.0.*
  - pip
  - pip:
    - -f https://example.org/wheels.html
    - tensorflow==2.12.*
    - torch==2.2.1+cpu
    - git+https://example.org/dqclibs.git
    - "--editable=.[dev]"
    - flit-core === 3.9.0 --hash=sha256:1234
variables:
  TF_USE_LEGACY_KERAS: 1
""",
    )
    assert found.python == Version("3.10")
    assert pins(found) == {"torch": "2.2.1+cpu", "flit-core": "3.9.0"}
    assert ranges(found) == {
        "h5py": "<=3.7.0",
        "numpy": "<1.23.0,>=1.19.5",
        "cudnn": "==8.0.*",
        "pip": "",
        "tensorflow": "==2.12.*",
    }
    assert found.variables == {"TF_USE_LEGACY_KERAS": "1"}
    assert told(found, tmp_path) == [
        (
            "environment.yml:8: --find-links is not followed here: what is judged comes from"
            " where pip is configured to look"
        ),
        (
            'environment.yml:11: "git+https://example.org/dqclibs.git" does not tell which package '
            "it holds"
        ),
        'environment.yml:12: ".[dev]" does not tell which package it holds',
    ]


MANAGERS = [
    ("[tensorflow, {pip: [six]}]", "conda"),
    ("[python, {pip: [tensorflow]}]", "pip"),
    ("[h5py, {pip: [tensorflow]}]", None),
    ("[numpy, {pip: [six]}]", "conda"),
    ("[{pip: [six]}]", "pip"),
]


@pytest.mark.parametrize(("dependencies", "manager"), MANAGERS)
def test_who_brings_the_framework_is_the_manager(
    tmp_path: Path, dependencies: str, manager: str | None
) -> None:
    assert examine(tmp_path, f"dependencies: {dependencies}\n").manager == manager


SELECTED = """\
dependencies:
  - sel(win): tensorflow-intel=2.10.0
  - sel(unix): tensorflow=2.10.0
  - gcc_linux-64>=6  # [linux64]
  - clang_osx-arm64  # [osx-arm64]
  - pip:
    - psutil  # [win]
"""


def test_entries_for_other_systems_are_left_out_with_a_note(tmp_path: Path) -> None:
    given = Given(platform=Platform(system="linux", machine="x86_64"))
    found = examine(tmp_path, SELECTED, given)
    assert (pins(found), ranges(found)) == ({"tensorflow": "2.10.0"}, {"gcc-linux-64": ">=6"})
    assert told(found, tmp_path) == [
        'environment.yml:2: "tensorflow-intel=2.10.0" is left out: it is for win only',
        'environment.yml:5: "clang_osx-arm64" is left out: it is for osx-arm64 only',
        'environment.yml:7: "psutil" is left out: it is for win only',
    ]


def test_entries_for_single_systems_are_judged_for_this_one_where_none_is_told(
    tmp_path: Path,
) -> None:
    assert examine(tmp_path, SELECTED).packages == (
        examine(tmp_path, SELECTED, Given(platform=this_platform())).packages
    )
    everywhere = examine(tmp_path, "dependencies:\n  - numpy=1.26.4  # [linux or osx or win]\n")
    assert pins(everywhere) == {"numpy": "1.26.4"}


def test_lines_that_exclude_each_other_are_told_with_their_places(tmp_path: Path) -> None:
    found = examine(tmp_path, "dependencies:\n  - numpy=1.26\n  - scipy\n  - numpy<1.25\n")
    (clash,) = found.clashes
    assert clash.package == "numpy"
    assert clash.one.startswith("numpy==1.26.* (")
    assert clash.one.endswith("environment.yml:2)")
    assert clash.other.startswith("numpy<1.25 (")
    fit = "  - numpy=1.26\n  - numpy<2\n  - flatbuffers=23\n  - python-flatbuffers=24\n"
    assert examine(tmp_path, f"dependencies:\n{fit}").clashes == ()


def test_a_map_of_lists_is_read_like_a_list(tmp_path: Path) -> None:
    found = examine(
        tmp_path,
        "dependencies:\n  conda:\n    - bioconda::pysam\n  pip:\n    - keras==2.1.6\n  r: [x]\n",
    )
    assert (pins(found), ranges(found)) == ({"keras": "2.1.6"}, {"pysam": ""})
    assert told(found, tmp_path) == ['environment.yml:6: "r" is not read: no installer']


def test_odd_entries_are_notes_with_their_lines(tmp_path: Path) -> None:
    found = examine(
        tmp_path,
        "channels: !!python/tuple\n- defaults\ndependencies:\n- numpy=1.19\n-\n- [a, b]\n"
        "- {brew: [x]}\n- foo@1\n- pip:\n  - {a: b}\n",
    )
    assert ranges(found) == {"numpy": "==1.19.*"}
    assert told(found, tmp_path) == [
        "environment.yml:1: the tag !!python/tuple is not followed",
        "environment.yml:5: an empty entry is left out",
        "environment.yml:6: a list inside the list is not read",
        'environment.yml:7: "brew" is not an installer',
        'environment.yml:8: "foo@1" is not a package as conda writes one',
        "environment.yml:10: this entry is not a requirement",
    ]


def test_pip_installs_last_so_its_version_counts(tmp_path: Path) -> None:
    found = examine(tmp_path, "dependencies:\n- keras=2.3.1\n- pip:\n  - keras==2.4.3\n")
    assert pins(found) == {"keras": "2.4.3"}
    assert told(found, tmp_path) == [
        "environment.yml:4: keras is asked for in several versions: 2.3.1 and 2.4.3"
    ]


PYTHONS = [
    ("python=3.8", "3.8"),
    ("python==3.5.2", "3.5.2"),
    ("python >=3.8,<3.9", "3.8"),
    ("python ~=3.7", None),
    ("python=3", None),
]


@pytest.mark.parametrize(("entry", "python"), PYTHONS)
def test_the_python_is_known_where_one_minor_is_meant(
    tmp_path: Path, entry: str, python: str | None
) -> None:
    found = examine(tmp_path, f"dependencies:\n- {entry}\n")
    assert found.python == (Version(python) if python else None)


@pytest.mark.parametrize("text", ["dependencies:\n", "dependencies: []\n", "dependencies: null\n"])
def test_no_dependencies_are_nothing(tmp_path: Path, text: str) -> None:
    found = examine(tmp_path, text)
    assert (found.packages, found.loose, found.notes) == ({}, {}, ())


REFUSED = [
    ("name: x\n", "environment.yml:1: not an environment file: it has no list of dependencies"),
    ("- numpy\n", "environment.yml:1: not an environment file: it has no list of dependencies"),
    ("", "environment.yml:1: not an environment file: it has no list of dependencies"),
    ("dependencies: numpy\n", "environment.yml:1: dependencies is not a list"),
    ("dependencies:\n- a\n b\n- {{ x\n", "environment.yml:5: not YAML: "),
    ("a: &a [*a]\ndependencies: *b\n", "environment.yml:2: not YAML: "),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_no_environment_file_is_refused_with_the_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        examine(tmp_path, text)
    assert caught.value.message.replace(f"{tmp_path.as_posix()}/", "").startswith(message)


def test_a_file_that_refers_to_itself_ends(tmp_path: Path) -> None:
    found = examine(tmp_path, "a: &a [*a]\ndependencies: &d {conda: *d, pip: [six]}\n")
    assert ranges(found) == {"six": ""}
