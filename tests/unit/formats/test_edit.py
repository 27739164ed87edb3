"""Pins are changed line by line, and nothing else of a file."""

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.changes import Step
from envlock.errors import UsageError
from envlock.formats.edit import diff, edited


def step(text: str, *rules: str) -> Step:
    """Make the step of ``name 1.0 2.0``; ``-`` for where it is not there."""
    name, before, after = text.split()
    return Step(
        package=canonicalize_name(name),
        before=None if before == "-" else Version(before),
        after=None if after == "-" else Version(after),
        because="",
        rules=rules,
    )


NUMPY = step("numpy 2.0.2 1.26.4", "numpy2-tf-abi")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("numpy==2.0.2\n", "numpy==1.26.4\n"),
        ("numpy==2.0.2", "numpy==1.26.4"),
        ("  NumPy == 2.0.2   # why\n", "  NumPy == 1.26.4   # why\n"),
        ("numpy===2.0.2\r\nh5py\r\n", "numpy===1.26.4\r\nh5py\r\n"),
        (
            'numpy==2.0.2; python_version >= "3.9"  # a\n',
            'numpy==1.26.4; python_version >= "3.9"  # a\n',
        ),
        ("numpy[dev]==2.0.2\n", "numpy[dev]==1.26.4\n"),
        ("numpy\n", "numpy==1.26.4\n"),
        ("numpy>=1.20  # a\n", "numpy>=1.20,==1.26.4  # a\n"),
        ("# numpy==2.0.2\nnumpy==2.0.2\n", "# numpy==2.0.2\nnumpy==1.26.4\n"),
        ("numpy-stl==2.0.2\nnumpy==2.0.2\n", "numpy-stl==2.0.2\nnumpy==1.26.4\n"),
        ("h5py==3.11.0\n", "h5py==3.11.0\nnumpy==1.26.4  # numpy2-tf-abi\n"),
        ("h5py==3.11.0", "h5py==3.11.0\nnumpy==1.26.4  # numpy2-tf-abi\n"),
        ("h5py==3.11.0\r\n", "h5py==3.11.0\r\nnumpy==1.26.4  # numpy2-tf-abi\r\n"),
        ("h5py==3.11.0\r", "h5py==3.11.0\rnumpy==1.26.4  # numpy2-tf-abi\r"),
        ("h5py\fkeras", "h5py\fkeras\nnumpy==1.26.4  # numpy2-tf-abi\n"),
    ],
)
def test_a_pin_of_a_requirements_file_is_changed_where_it_stands(old: str, new: str) -> None:
    assert edited(old, [NUMPY], conda=False).text == new


@pytest.mark.parametrize(
    "end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
)
def test_a_line_ends_where_pip_sees_its_end(end: str) -> None:
    old, new = (f"h5py==3.11.0{end}numpy=={version}{end}keras" for version in ("2.0.2", "1.26.4"))
    assert old.splitlines()[1] == "numpy==2.0.2"
    assert edited(old, [NUMPY], conda=False).text == new


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029"])
def test_a_line_of_an_environment_file_ends_where_yaml_sees_its_end(end: str) -> None:
    old, new = (end.join(("dependencies:", f"- numpy={v}", "")) for v in ("2.0.2", "1.26.4"))
    assert edited(old, [NUMPY], conda=True).text == new


def test_a_removed_package_loses_its_line() -> None:
    steps = [step("tensorflow-cpu 2.15.0 -")]
    assert edited("a==1\ntensorflow_cpu==2.15.0\nb\n", steps, conda=False).text == "a==1\nb\n"


def test_lines_with_hashes_are_left_and_told() -> None:
    text = "numpy==2.0.2 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nh5py==3.11.0\n"
    done = edited(text, [NUMPY], conda=False)
    assert (done.text, done.hashed) == (text, ("numpy",))


ENVIRONMENT = """\
name: test  # a name
channels: [conda-forge]
dependencies:
  - python=3.10
  - numpy=2.0.2=py310h1  # from conda
  - "h5py==3.10"
  - conda-forge::protobuf = 4.21.1
  - scipy
  - pip:
      # the rest
      - tensorflow==2.15.0
      - 'keras==3.0.3'
  - pandas=2
variables:
  A: b
"""


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        (NUMPY, "  - numpy=2.0.2=py310h1  # from", "  - numpy=1.26.4  # from"),
        (step("h5py 3.10 3.9"), '"h5py==3.10"', '"h5py==3.9"'),
        (step("protobuf 4.21.1 3.20.3"), "protobuf = 4.21.1", "protobuf = 3.20.3"),
        (step("scipy 1.14 1.13"), "- scipy\n", "- scipy=1.13\n"),
        (step("tensorflow 2.15.0 2.15.1"), "tensorflow==2.15.0", "tensorflow==2.15.1"),
        (step("keras 3.0.3 2.15.0"), "'keras==3.0.3'", "'keras==2.15.0'"),
        (
            step("setuptools - 75.0", "distutils-removed"),
            "'keras==3.0.3'\n",
            "'keras==3.0.3'\n      - setuptools==75.0  # distutils-removed\n",
        ),
        (step("pandas 2 -"), "  - pandas=2\n", ""),
    ],
    ids=lambda value: value.package if isinstance(value, Step) else "",
)
def test_an_environment_file_keeps_everything_else(change: Step, old: str, new: str) -> None:
    assert ENVIRONMENT.count(old) == 1
    assert edited(ENVIRONMENT, [change], conda=True).text == ENVIRONMENT.replace(old, new)


def test_without_a_pip_list_a_package_is_added_for_conda() -> None:
    text = "dependencies:\r\n  - python=3.12\r\n"
    done = edited(text, [step("setuptools - 75.0", "distutils-removed")], conda=True)
    assert done.text == text + "  - setuptools=75.0  # distutils-removed\r\n"


def test_the_difference_is_a_unified_diff() -> None:
    assert diff("r.txt", "a\nb\n", "a\nc\n") == (
        "--- r.txt\n+++ r.txt\n@@ -1,2 +1,2 @@\n a\n-b\n+c"
    )


FLOWING = """\
name: größe
channels: [conda-forge]
dependencies: [python=3.10, "numpy=2.0.2", {pip: [keras==3.0.3]}]
prefix: /x
"""


def test_dependencies_between_brackets_are_written_one_on_a_line() -> None:
    done = edited(FLOWING, [NUMPY, step("keras 3.0.3 2.15.0")], conda=True)
    assert done.text == (
        "name: größe\nchannels: [conda-forge]\ndependencies:\n  - python=3.10\n"
        '  - "numpy=1.26.4"\n  - pip:\n      - keras==2.15.0\nprefix: /x\n'
    )


def test_what_between_brackets_would_be_lost_is_left() -> None:
    text = "dependencies: [numpy=2.0.2,  # the newest\n  h5py]\n"
    with pytest.raises(UsageError, match="stand between brackets"):
        edited(text, [NUMPY], conda=True)
