"""Requirements files are read as pip reads them, or refused with file and line."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.request.files import ParsedFile, read_request_file


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8", newline="")
    return path


def refusal(path: Path) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_request_file(path)
    return caught.value


def names(parsed: ParsedFile) -> list[tuple[str, str]]:
    return [(str(item.requirement), item.origin) for item in parsed.requirements]


def test_comments_blank_lines_and_continuations_are_read_as_pip_reads_them(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "requirements.in",
        r"""
        # the framework
        tensorflow >=2.10, \
            <2.12  # two minors
        h5py # a comment
        """
        "\n   numpy\\\n# ends the joined line\npandas\\",
    )

    assert names(read_request_file(path)) == [
        ("tensorflow<2.12,>=2.10", "requirements.in:3"),
        ("h5py", "requirements.in:5"),
        ("numpy", "requirements.in:7"),
        ("pandas", "requirements.in:9"),
    ]


def test_a_comment_that_ends_in_a_backslash_hides_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "requirements.in", "# see C:\\\nnumpy\n")

    assert names(read_request_file(path)) == [("numpy", "requirements.in:2")]


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbfnumpy\r\nh5py\r\n",
        b"numpy\nh5py",
        b"numpy\rh5py\r",
        b"\xef\xbb\xbfnumpy\n\th5py",
    ],
)
def test_every_line_end_and_a_byte_order_mark_are_fine(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(raw)

    assert names(read_request_file(path)) == [
        ("numpy", "requirements.txt:1"),
        ("h5py", "requirements.txt:2"),
    ]


def test_an_empty_file_asks_for_nothing(tmp_path: Path) -> None:
    assert read_request_file(write(tmp_path, "requirements.txt", "")) == ParsedFile(requirements=())


def test_a_file_in_another_encoding_is_refused_with_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes("numpy  # caf\u00e9\n".encode("latin-1"))

    assert refusal(path).message == f"{path}: not UTF-8 text (byte 12 is 0xe9)"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes("numpy<2\n".encode(encoding))

    assert [str(each.requirement) for each in read_request_file(path).requirements] == ["numpy<2"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "x.txt").message == f"{tmp_path / 'x.txt'}: no such file"


def test_markers_extras_and_repeated_names_are_kept(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "requirements.in",
        """\
        tensorflow==2.8.1; python_version<'3.11' and (platform_machine!='arm64')
        tensorflow==2.13.0; python_version>='3.11'
        gym[atari,Box2D]==0.18.0
        """,
    )

    assert [text for text, _ in names(read_request_file(path))] == [
        'tensorflow==2.8.1; python_version < "3.11" and platform_machine != "arm64"',
        'tensorflow==2.13.0; python_version >= "3.11"',
        "gym[Box2D,atari]==0.18.0",
    ]


@pytest.mark.parametrize(
    ("line", "message", "first"),
    [
        (
            "-e .",
            ('"." is not the folder of a project: it has no pyproject.toml, setup.cfg or setup.py'),
            "name the folder of a project",
        ),
        (
            "--editable=./model[gpu]",
            '"./model[gpu]": there is no folder of a project at "model"',
            "name it from the current folder, or write the release of an index: NAME==VERSION",
        ),
        (
            "hg+https://me:pw@example.org/h5py#egg=h5py",
            (
                '"hg+https://****@example.org/h5py#egg=h5py": of version control envlock reads git'
                " alone, as git+https://… or git+ssh://git@…"
            ),
            "write the release of an index: h5py",
        ),
        (
            "./wheels/h5py-3.1.0-cp38-cp38-win_amd64.whl",
            (
                '"./wheels/h5py-3.1.0-cp38-cp38-win_amd64.whl": there is no wheel, source archive'
                ' or folder at "wheels/h5py-3.1.0-cp38-cp38-win_amd64.whl"'
            ),
            "name it from the current folder, or write the release of an index: h5py==3.1.0",
        ),
        (
            "base.txt",
            '"base.txt" is the name of a file, not of a package',
            "did you mean -r base.txt",
        ),
        (
            "numpy==${NUMPY}",
            (
                '"numpy==${NUMPY}" holds ${NUMPY}:'
                " envlock puts no environment variable in the place of ${…}"
            ),
            "write the value of ${NUMPY} out",
        ),
    ],
)
def test_what_no_lock_can_hold_is_refused_with_what_to_do(
    line: str, message: str, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fault = refusal(write(tmp_path, "requirements.txt", f"\n{line}\n"))

    assert fault.message == f"requirements.txt:2: {message}"
    assert fault.remedies[0] == first


@pytest.mark.parametrize("break_", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_a_line_break_that_only_pip_sees_is_refused(break_: str, tmp_path: Path) -> None:
    fault = refusal(write(tmp_path, "requirements.txt", f"numpy; os_name=='a{break_}evil'\n"))

    assert f"character 19 is U+{ord(break_):04X}" in fault.message


def test_a_file_full_of_faults_is_told_in_twenty_lines_and_a_count(tmp_path: Path) -> None:
    path = write(tmp_path, "requirements.txt", "".join(f"p{n}=1.0\n" for n in range(200)))

    lines = refusal(path).message.splitlines()

    assert lines[19].startswith('requirements.txt:20: "p19=1.0"')
    assert lines[20:] == ["and 180 more faults like these"]


def test_a_comment_names_the_encoding_as_for_pip(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes("# -*- coding: latin-1 -*-\nnumpy # schön\n".encode("latin-1"))

    assert names(read_request_file(path)) == [("numpy", "requirements.txt:2")]

    path.write_bytes(b"# coding: no-such\nnumpy\n")
    assert "name the encoding 'no-such', which there is not" in refusal(path).message


OTHERS = {
    "environment.yml": ("dependencies: [numpy]\n", " it is an environment.yml, and"),
    "conda.txt": ("name: x\ndependencies:\n  - numpy\n", " it is an environment.yml, and"),
    "list.txt": (
        "Package Version\n------- -------\nh5py 3.11.0\n",
        " it is what pip list or conda list prints, and",
    ),
    "Dockerfile": ("FROM python:3.11\n", " it is a Dockerfile, and"),
    "uv.lock": ("version = 1\n", " it is uv's lock, and"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_kind_is_refused_with_the_kinds_there_are(
    name: str, tmp_path: Path
) -> None:
    text, said = OTHERS[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError) as caught:
        read_request_file(tmp_path / name)

    assert caught.value.message == (
        f'"{tmp_path / name}" is not understood here:{said}'
        " envlock reads requirements files (*.txt, *.in), pyproject.toml, Pipfile, setup.cfg and"
        " setup.py"
    )
