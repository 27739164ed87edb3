"""environment.yml as a request: what is asked for, what is noted, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.formats.conda_spec import selected
from envlock.model import Request
from envlock.request.environment_yml import read_environment


def read(folder: Path, text: str) -> Request:
    (folder / "environment.yml").write_text(text, encoding="utf-8", newline="")
    return read_environment(folder / "environment.yml")


def refused(folder: Path, text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read(folder, text)
    return caught.value


def specs(request: Request) -> list[str]:
    return [f"{each.origin.partition(':')[2]}: {each}" for each in request.specs]


def pip(request: Request) -> list[str]:
    return [f"{each.origin}: {each.requirement}" for each in request.requirements]


def test_conda_and_pip_are_kept_apart_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("h5py>=3  # models\n", encoding="utf-8")
    found = read(
        tmp_path,
        """\
name: deep
channels:
  - conda-forge
  - nodefaults
  - https://host/t/${CONDA_TOKEN}/stable
dependencies:
  - python=3.10  # your beloved programming language! :)
  - conda-forge::numpy   >=    1.19.5,  < 1.23.0
  - pip
  - pip:
    - tensorflow[and-cuda]==2.12.* ; sys_platform == "linux"
    - -r more.txt
    - --constraint more.txt
variables:
  TF_USE_LEGACY_KERAS: 1
platforms: [linux-64, osx-arm64]
""",
    )
    assert (found.name, found.channels, found.nodefaults) == (
        "deep",
        ("conda-forge", "https://host/t/${CONDA_TOKEN}/stable"),
        True,
    )
    assert specs(found) == ["7: python=3.10", "8: conda-forge::numpy >=1.19.5,<1.23.0", "9: pip"]
    assert pip(found) == [
        'environment.yml:11: tensorflow[and-cuda]==2.12.*; sys_platform == "linux"',
        "more.txt:1: h5py>=3",
    ]
    assert [str(each.requirement) for each in found.pip_constraints] == ["h5py>=3"]
    assert found.variables == {"TF_USE_LEGACY_KERAS": "1"}
    assert found.platforms == ("linux-64", "osx-arm64")
    assert found.notes == ()


def test_entries_for_some_platforms_say_so(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """\
dependencies:
  - sel(osx): tensorflow=2.10.0
  - gcc_linux-64>=6  # [linux64]
  - six  # [py27]
  - h5py  # [linux] and nowhere else
  - numpy  # [1] is a footnote
  - sel(win): [pywin32, vs2019]
  - pip:
    - psutil; python_version < "3"  # [linux]
""",
    )
    assert [(str(each), each.only) for each in found.specs] == [
        ("tensorflow=2.10.0", ("osx-64", "osx-arm64")),
        ("gcc_linux-64 >=6", ("linux-64",)),
        ("six", ()),
        ("h5py", selected("linux")),
        ("numpy", ()),
        ("pywin32", selected("win")),
        ("vs2019", selected("win")),
    ]
    assert pip(found) == [
        'environment.yml:9: psutil; python_version < "3" and sys_platform == "linux"'
    ]
    assert found.notes == (
        'environment.yml:4: "py27" selects no platform of conda\'s: six counts on all of them',
    )


def test_what_does_not_matter_to_a_lock_is_noted(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """\
category: dev
channels: !!python/tuple
- default
pip-repositories: https://u:secret@host/simple
dependencies:
- numpy=1.19=py36_0
-
- pip:
  - -f https://example.org/wheels.html
  - flit === 3.9.0 --hash=sha256:1234123412341234123412341234123412341234123412341234123412341234
extra: 1
prefix: /home/u/env
""",
    )
    assert found.channels == ("defaults",)
    assert found.pip_options == ()
    untaken = (
        "is not followed: an environment file does not choose where pip's packages come from;"
        " the command line does:"
    )
    index = "--extra-index-url https://****@host/simple"
    links = "--find-links https://example.org/wheels.html"
    assert found.notes == (
        'environment.yml:1: "category" is left out: a lock is one environment',
        "environment.yml:2: the tag !!python/tuple is not followed",
        'environment.yml:3: "default" is read as "defaults": no channel has that name',
        f'environment.yml:4: "{index}" {untaken} {index}',
        "environment.yml:7: an empty entry is left out",
        f'environment.yml:9: "{links}" {untaken} {links}',
        'environment.yml:11: "extra" is not read: it is no key of an environment file',
        'environment.yml:12: "prefix" is left out: it is a folder of one machine',
        "environment.yml:10: --hash is ignored: the lock gets the hashes of what it pins",
    )


def test_what_would_be_lost_is_refused_all_at_once(tmp_path: Path) -> None:
    error = refused(
        tmp_path,
        """\
name: {x: y}
channels: ["a b"]
platforms: [linux-65]
dependencies:
- numpy: 1.19
- [a, b]
- {{ pin }}
- foo@1
- ./h5py-3.1-py_0.conda
- !!python/object:os.system foo
- pip:
  - hg+https://u:secret@example.org/x.hg
  - -e nowhere
  - {a: b}
dependencies: []
""",
    )
    assert error.message.splitlines() == [
        "environment.yml:10: the tag !!python/object:os.system is not followed",
        'environment.yml:1: "name" is a map, and is not read',
        'environment.yml:15: "dependencies" is there a second time',
        'environment.yml:2: "a b" is not the name or address of a channel',
        'environment.yml:3: "linux-65" is no platform of conda\'s',
        'environment.yml:5: "numpy" is not an installer',
        "environment.yml:6: a list inside the list is not read",
        'environment.yml:7: "{…}" is not an installer',
        'environment.yml:8: "foo@1" is not a package as conda writes one',
        (
            'environment.yml:9: "./h5py-3.1-py_0.conda" is a file of one machine: a lock pins what'
            " a channel lists"
        ),
        (
            'environment.yml:12: "hg+https://****@example.org/x.hg": of version control envlock'
            " reads git alone, as git+https://… or git+ssh://git@…"
        ),
        (f'environment.yml:13: "nowhere": there is no folder of a project at "{tmp_path}/nowhere"'),
        "environment.yml:14: this entry is not a requirement",
    ]
    assert 'environment.yml:9: write "h5py", and the channel it is in under channels' in (
        error.remedies
    )


REFUSED = [
    (
        "name: [x]\ndependencies: []\n",
        "environment.yml:1: the name of the environment is a list",
    ),
    ("", "environment.yml:1: not an environment file: it has no list of dependencies"),
    ("- numpy\n", "environment.yml:1: not an environment file: it has no list of dependencies"),
    ("dependencies: numpy\n", "environment.yml:1: dependencies is not a list"),
    (
        "dependencies:\n  conda: [a]\n  pip: [b]\n",
        "environment.yml:2: dependencies is a map of lists, which conda does not read",
    ),
    ("dependencies:\n- a\n b\n- x: [\n", "environment.yml:5: not YAML: "),
    ("dependencies:\n{% if x %}\n", "environment.yml:2: not YAML: "),
    ("a: 1\n---\ndependencies: []\n", "environment.yml:2: not YAML: "),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_no_environment_file_is_refused_with_the_line(
    tmp_path: Path, text: str, message: str
) -> None:
    assert refused(tmp_path, text).message.startswith(message)


@pytest.mark.parametrize("text", ["dependencies:\n", "dependencies: []\n", "dependencies: null\n"])
def test_no_dependencies_are_an_empty_request(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Request()


def test_a_file_that_refers_to_itself_ends(tmp_path: Path) -> None:
    error = refused(tmp_path, "dependencies: &d\n- six\n- *d\n")
    assert error.message == "environment.yml:1: a list inside the list is not read"


def test_line_ends_marks_and_quotes_change_nothing(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "\ufeffname: 'tf'\r\ndependencies:\r\n  - \"python==3.8.12\"   \r\n  - pip:\r\n"
        "    - 'absl-py==0.14.1'  \r\n",
    )
    assert (found.name, specs(found), pip(found)) == (
        "tf",
        ["3: python==3.8.12"],
        ["environment.yml:5: absl-py==0.14.1"],
    )


def test_what_conda_lists_as_installed_by_pip_is_a_requirement(tmp_path: Path) -> None:
    found = read(tmp_path, "dependencies: [h5py=2.9.0=py37_0, keras=2.9.0=pypi_0]\n")
    assert specs(found) == ["1: h5py=2.9.0=py37_0"]
    assert pip(found) == ["environment.yml:1: keras==2.9.0"]
    assert found.notes == (
        "environment.yml:1: keras=2.9.0=pypi_0 is read as pip's keras==2.9.0: its build says so",
    )


def test_the_places_of_pips_list_are_from_the_file_as_conda_runs_pip_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyproject.toml").write_text('[project]\nname = "own"\nversion = "1"\n')
    text = "dependencies:\n- python\n- pip:\n  - -e .[dev]\n"
    (tmp_path / "env" / "environment.yml").write_text(text)
    monkeypatch.chdir(tmp_path)

    (found,) = read_environment(Path("env/environment.yml")).requirements

    assert str(found.requirement) == "own[dev] @ ./env#editable=true"
