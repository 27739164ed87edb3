"""Files that a requirements file includes, and files of constraints."""

from __future__ import annotations

import errno
import os
import textwrap
from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.formats.requirements import find_root
from envlock.request.files import ParsedFile, read_constraints_file, read_request_file


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


def bounds(parsed: ParsedFile) -> list[tuple[str, str]]:
    return [(str(item.requirement), item.origin) for item in parsed.constraints]


def test_every_fault_of_a_file_and_its_includes_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "base.in", "h5py\nnumpy 1.19\n")
    path = write(tmp_path, "requirements.in", "tensorflow=2.10\n-r base.in\n-e nowhere\n")

    fault = refusal(path)

    assert fault.message.splitlines() == [
        (
            'requirements.in:1: "tensorflow=2.10" is not a requirement:'
            ' pip writes "==" for conda\'s "=" (character 11)'
        ),
        (
            'base.in:2: "numpy 1.19" is not a requirement:'
            " there is no operator before the version (character 7)"
        ),
        ('requirements.in:3: "nowhere": there is no folder of a project at "nowhere"'),
    ]
    assert fault.remedies == (
        'requirements.in:1: write "tensorflow==2.10.*"',
        'base.in:2: write "numpy==1.19.*"',
        (
            "requirements.in:3: name it from the current folder, or write the release of an index:"
            " NAME==VERSION"
        ),
    )


def test_includes_are_followed_inside_the_project(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", "")
    write(tmp_path, "common/base.in", "h5py\n-c ../bounds.txt\n")
    write(tmp_path, "bounds.txt", "numpy<2\n")
    path = write(tmp_path, "deps/gpu.in", "--requirement=../common/base.in\ntensorflow\n")

    parsed = read_request_file(path)

    assert names(parsed) == [("h5py", "common/base.in:1"), ("tensorflow", "deps/gpu.in:2")]
    assert bounds(parsed) == [("numpy<2", "bounds.txt:1")]


def test_a_file_that_is_included_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "base.in", "h5py\n")
    write(tmp_path, "a.in", "-r base.in\n")
    path = write(tmp_path, "requirements.in", "-r a.in -r base.in\n")

    assert names(read_request_file(path)) == [("h5py", "base.in:1")]


def test_what_a_constraints_file_includes_only_bounds(tmp_path: Path) -> None:
    write(tmp_path, "more.txt", "h5py==3.1.0\n")
    write(tmp_path, "bounds.txt", "numpy<2\n-r more.txt\n")
    path = write(tmp_path, "requirements.in", "tensorflow\n-c bounds.txt\n")

    parsed = read_request_file(path)

    assert names(parsed) == [("tensorflow", "requirements.in:1")]
    assert bounds(parsed) == [("numpy<2", "bounds.txt:1"), ("h5py==3.1.0", "more.txt:1")]


def test_a_lock_serves_as_constraints_without_its_extras(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "bounds.txt",
        f"fastapi[all]==0.73.0 --hash=sha256:{'ab' * 32}\nray[tune]>=2.7; os_name=='posix'\n",
    )

    parsed = read_constraints_file(path)

    assert parsed.requirements == ()
    assert bounds(parsed) == [
        ("fastapi==0.73.0", "bounds.txt:1"),
        ('ray>=2.7; os_name == "posix"', "bounds.txt:2"),
    ]
    assert parsed.notes == (
        "bounds.txt:1: --hash is ignored: the lock gets the hashes of what it pins",
        "bounds.txt:1: extras are ignored: a constraint only bounds versions",
    )


@pytest.mark.parametrize("first", ["-r b.in", "-c b.in"])
def test_an_include_cycle_is_told_with_its_chain(first: str, tmp_path: Path) -> None:
    write(tmp_path, "b.in", "-r sub/c.in\n")
    write(tmp_path, "sub/c.in", "h5py\n-r ../a.in\n")
    path = write(tmp_path, "a.in", f"{first}\n")

    fault = refusal(path)

    assert fault.message == "sub/c.in:2: an include cycle: a.in -> b.in -> sub/c.in -> a.in"
    assert fault.remedies == ("remove this line",)


def test_a_file_that_includes_itself_is_a_cycle(tmp_path: Path) -> None:
    fault = refusal(write(tmp_path, "a.in", "-r ./a.in\n"))

    assert fault.message == "a.in:1: an include cycle: a.in -> a.in"


@pytest.mark.parametrize("name", ["../outside.txt", "sub/../../outside.txt", "{absolute}"])
def test_an_include_outside_the_project_is_refused(name: str, tmp_path: Path) -> None:
    outside = write(tmp_path, "outside.txt", "evil\n")
    name = name.format(absolute=outside.as_posix())
    path = write(tmp_path, "project/requirements.in", f"-r {name}\n")
    project = path.parent.resolve()

    fault = refusal(path)

    assert fault.message == (
        f'requirements.in:1: "{name}" is outside the project {project}: it is not included'
    )
    assert fault.remedies == (f"copy it into {project} and include that file",)


def test_an_include_through_a_link_that_leaves_the_project_is_refused(tmp_path: Path) -> None:
    outside = write(tmp_path, "outside/base.txt", "evil\n")
    path = write(tmp_path, "project/requirements.in", "-r linked/base.txt\n")
    try:
        (path.parent / "linked").symlink_to(outside.parent, target_is_directory=True)
    except OSError:
        pytest.skip("this account may not make symbolic links")

    assert refusal(path).message == (
        'requirements.in:1: "linked/base.txt" is outside the project'
        f" {path.parent.resolve()}: it is not included"
    )


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_link_that_points_to_itself_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    path = write(tmp_path, "requirements.in", "-r loop.txt\n")

    assert refusal(path).message == (
        f'requirements.in:1: "loop.txt" cannot be included: {tmp_path / "loop.txt"}:'
        f" cannot be read: {os.strerror(errno.ELOOP)}"
    )


def test_an_absolute_include_inside_the_project_is_followed(tmp_path: Path) -> None:
    base = write(tmp_path, "base.txt", "h5py\n")
    path = write(tmp_path, "requirements.in", f"-r {base.as_posix()}\n")

    assert names(read_request_file(path)) == [("h5py", "base.txt:1")]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:pw@example.org/base.txt", "https://****@example.org/base.txt"),
        ("HTTP://example.org/base.txt", "HTTP://example.org/base.txt"),
        ("file:///etc/base.txt", "file:///etc/base.txt"),
    ],
)
def test_an_include_by_address_is_refused(address: str, shown: str, tmp_path: Path) -> None:
    fault = refusal(write(tmp_path, "requirements.txt", f"-r {address}\n"))

    assert fault.message == (
        f'requirements.txt:1: "{shown}" is an address:'
        " files are included from inside the project only"
    )
    assert fault.remedies == ("download it into the project and include that file",)


def test_an_include_named_by_a_variable_is_refused(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, "requirements.txt", "-r ${DEPS}/base.txt\n")).message == (
        'requirements.txt:1: "${DEPS}/base.txt" is not the plain name of a file:'
        " envlock puts no environment variable in the place of ${…}"
    )


def test_a_missing_include_is_told_with_the_line_that_names_it(tmp_path: Path) -> None:
    fault = refusal(write(tmp_path, "requirements.txt", "-r _base.txt\n"))

    assert fault.message == (
        'requirements.txt:1: "_base.txt" cannot be included:'
        f" {tmp_path / '_base.txt'}: no such file"
    )
    assert fault.remedies == ("put the file there or remove this line",)


@pytest.mark.parametrize("name", ["x" * 5000, "a\x00b"])
def test_an_include_that_no_file_can_be_named_is_refused_in_words(
    name: str, tmp_path: Path
) -> None:
    assert refusal(write(tmp_path, "r.txt", f"-r {name}\n")).message.startswith('r.txt:1: "')


def test_the_root_is_the_nearest_folder_with_a_project_or_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, "service/pyproject.toml", "")

    assert find_root(tmp_path / "service" / "deps" / "a.in") == tmp_path / "service"
    assert find_root(tmp_path / "tools" / "a.in") == tmp_path


def test_a_root_that_is_given_bounds_the_includes(tmp_path: Path) -> None:
    write(tmp_path, "base.txt", "h5py\n")
    path = write(tmp_path, "deps/requirements.in", "-r ../base.txt\n")

    assert names(read_request_file(path, tmp_path)) == [("h5py", "base.txt:1")]


def test_a_project_is_no_constraints_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(UsageError) as caught:
        read_constraints_file(tmp_path / "pyproject.toml")

    assert caught.value.message == (
        f'"{tmp_path / "pyproject.toml"}" is not understood here: it is a pyproject.toml, and'
        " envlock reads constraints files (*.txt, *.in)"
    )
