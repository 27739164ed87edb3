"""Requirements as people really write them: read as far as they go, with a note for the rest."""

from pathlib import Path

import pytest
from packaging.version import Version

from envlock.examine.files import examine_path
from envlock.examine.gathered import Given
from envlock.findings import Examined
from envlock.model import Platform


def examine(tmp_path: Path, text: str, given: Given | None = None) -> Examined:
    (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
    return examine_path(tmp_path / "requirements.txt", given)


def told(examined: Examined, folder: Path) -> list[str]:
    return [note.replace(f"{folder.as_posix()}/", "") for note in examined.notes]


READ = [
    # line, exact versions, ranges
    ("tensorflow==2.4.1", {"tensorflow": "2.4.1"}, {}),
    ("Scikit_Learn>=1,<2  # a comment", {}, {"scikit-learn": "<2,>=1"}),
    ("numpy", {}, {"numpy": ""}),
    ("tensorflow==2.4.*", {}, {"tensorflow": "==2.4.*"}),
    ("torch==2.2.1+cpu", {"torch": "2.2.1+cpu"}, {}),
    ("numpy==1.19.5 --hash=sha256:ab", {"numpy": "1.19.5"}, {}),
    (
        "https://example.org/tensorflow_gpu-1.3.0-cp35-cp35m-linux_x86_64.whl",
        {"tensorflow-gpu": "1.3.0"},
        {},
    ),
    ("numpy @ file:///tmp/build/80754af9/numpy_1626271900803/work", {}, {"numpy": ""}),
    ("-e git+https://example.org/a.git@main#egg=acme-models", {}, {"acme-models": ""}),
]


@pytest.mark.parametrize(("line", "packages", "ranges"), READ)
def test_a_line_is_read_without_a_note(
    tmp_path: Path, line: str, packages: dict[str, str], ranges: dict[str, str]
) -> None:
    found = examine(tmp_path, line)
    assert {name: str(version) for name, version in found.packages.items()} == packages
    assert {name: str(specifier) for name, specifier in found.loose.items()} == ranges
    assert (found.notes, found.manager, found.complete) == ((), "pip", False)


_INDEX = "is not followed here: what is judged comes from where pip is configured to look"
NOTED = [
    (
        "torch==2.2.1+cpu -f https://example.org/wheels",
        {"torch": "2.2.1+cpu"},
        {},
        f"--find-links {_INDEX}",
    ),
    ("-i https://me:secret@example.org/simple", {}, {}, f"--index-url {_INDEX}"),
    (
        "tensorflow=2.3.0",
        {"tensorflow": "2.3.0"},
        {},
        '"tensorflow=2.3.0" is read as "tensorflow==2.3.0": pip writes "==" for conda\'s "="',
    ),
    (
        "keras<2.2 (keras/engine/topology.py)",
        {},
        {"keras": "<2.2"},
        '"keras<2.2 (keras/engine/topology.py)" is read as "keras<2.2"',
    ),
    (
        "tensorflow-text 2.18.x",
        {},
        {"tensorflow-text": "==2.18.*"},
        (
            '"tensorflow-text 2.18.x" is read as "tensorflow-text==2.18.*": there is no operator '
            'before the version; pip writes ".*" for any number'
        ),
    ),
    ("-e .", {}, {}, '"." does not tell which package it holds'),
    (
        "git+https://example.org/a.git",
        {},
        {},
        '"git+https://example.org/a.git" does not tell which package it holds',
    ),
    ("-r missing.txt", {}, {}, '"missing.txt" cannot be included: missing.txt: no such file'),
    (
        "-r ../outside.txt",
        {},
        {},
        '"../outside.txt" is outside the project {folder}: it is not included',
    ),
    (
        "h5py==2.10.0 --nonsense",
        {"h5py": "2.10.0"},
        {},
        '"--nonsense" is not an option of a requirements file',
    ),
    ("numpy>=", {}, {"numpy": ""}, '"numpy>=" is read as "numpy": no version follows the operator'),
    (
        "some words of prose",
        {},
        {},
        (
            '"some words of prose" is not a requirement: expected semicolon (after name with no '
            "version specifier) or end at character 6"
        ),
    ),
]


@pytest.mark.parametrize(("line", "packages", "ranges", "note"), NOTED)
def test_a_line_that_is_not_understood_is_a_note_with_its_place(
    tmp_path: Path, line: str, packages: dict[str, str], ranges: dict[str, str], note: str
) -> None:
    found = examine(tmp_path, f"six==1.16.0\nwheel==0.38.0\n{line}\n")
    assert {n: str(v) for n, v in found.packages.items()} == {
        "six": "1.16.0",
        "wheel": "0.38.0",
        **packages,
    }
    assert {n: str(s) for n, s in found.loose.items()} == ranges
    note = note.replace("{folder}", str(tmp_path))
    assert told(found, tmp_path) == [f"requirements.txt:3: {note}"]


def test_included_files_count(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("h5py==2.10.0\n-r requirements.txt\n", encoding="utf-8")
    found = examine(tmp_path, "tensorflow==2.4.1\n-r base.txt\n-c base.txt\n")
    assert {n: str(v) for n, v in found.packages.items()} == {
        "tensorflow": "2.4.1",
        "h5py": "2.10.0",
    }
    assert told(found, tmp_path) == [
        "base.txt:2: an include cycle: requirements.txt -> base.txt -> requirements.txt"
    ]


def test_a_package_that_is_named_twice_has_both_bounds(tmp_path: Path) -> None:
    found = examine(tmp_path, "numpy>=1.19\nnumpy<1.24\n")
    assert str(found.loose["numpy"]) == "<1.24,>=1.19"  # type: ignore[index]


def test_of_two_pins_the_last_one_counts_and_both_are_told(tmp_path: Path) -> None:
    found = examine(tmp_path, "numpy==1.19.5\nnumpy==1.24.3\n")
    assert {n: str(v) for n, v in found.packages.items()} == {"numpy": "1.24.3"}
    assert told(found, tmp_path) == [
        "requirements.txt:2: numpy is asked for in several versions: 1.19.5 and 1.24.3"
    ]


MARKERS = """\
tensorflow-macos==2.9.2; sys_platform == "darwin" and platform_machine == "arm64"
tensorflow==2.9.2; sys_platform != "darwin"
numpy==1.19.5; python_version < "3.9"
numpy==1.23.5; python_version >= "3.9"
"""


def test_markers_are_judged_for_what_is_given(tmp_path: Path) -> None:
    given = Given(python=Version("3.10"), platform=Platform(system="macos", machine="arm64"))
    found = examine(tmp_path, MARKERS, given)
    assert {n: str(v) for n, v in found.packages.items()} == {
        "tensorflow-macos": "2.9.2",
        "numpy": "1.23.5",
    }
    assert found.notes == ()


def test_markers_that_nothing_decides_leave_linux_and_no_version(tmp_path: Path) -> None:
    found = examine(tmp_path, MARKERS)
    assert {n: str(v) for n, v in found.packages.items()} == {"tensorflow": "2.9.2"}
    assert {n: str(s) for n, s in found.loose.items()} == {"numpy": ""}
    assert told(found, tmp_path) == [
        "requirements.txt: markers are judged for Linux; --platform names another",
        "requirements.txt:3: which numpy is meant depends on the Python or system",
    ]
