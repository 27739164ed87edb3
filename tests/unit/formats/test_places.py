"""Words that name a place instead of a release."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.formats.pep508 import parse_requirement
from envlock.request.words import parse_words


def refusal(*words: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse_words(words)
    return caught.value


def refused_release(word: str) -> UsageError:
    """Why a word is no requirement on a release, as ``-P`` needs one."""
    with pytest.raises(UsageError) as caught:
        parse_requirement(word)
    return caught.value


@pytest.mark.parametrize("name", ["deps.in", "deps.txt", "project.toml", "environment.yml"])
def test_an_existing_file_given_as_a_word_is_told_to_take_r(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_text("numpy\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    fault = refusal(name)

    assert fault.message == f'"{name}" is a file, not a requirement'
    assert fault.remedies == (f"did you mean -r {name}",)


@pytest.mark.parametrize(
    "name", ["requirements.txt", "./deps/base.txt", "requirements-dev.in", "sub/pyproject.toml"]
)
def test_the_name_of_a_file_is_never_looked_for_on_an_index(name: str) -> None:
    fault = refusal(name)

    assert fault.message == f'"{name}" is the name of a file, not of a package'
    assert fault.remedies == (f"did you mean -r {name}",)


@pytest.mark.parametrize(
    ("word", "shown", "remedies"),
    [
        (
            "h5py @ git+https://me:secret@github.com/h5py/h5py",
            "h5py @ git+https://****@github.com/h5py/h5py",
            ('write "h5py"',),
        ),
        (
            "git+https://github.com/h5py/h5py@master#egg=h5py",
            "git+https://github.com/h5py/h5py@master#egg=h5py",
            ('write "h5py"',),
        ),
        (
            "git+ssh://git@github.com/h5py/h5py",
            "git+ssh://****@github.com/h5py/h5py",
            ("name a release of the package instead",),
        ),
    ],
)
def test_a_version_control_address_is_refused_without_its_credentials(
    word: str, shown: str, remedies: tuple[str, ...]
) -> None:
    fault = refused_release(word)

    assert fault.message == (
        f'"{shown}" is a version control address: no hash can pin what it will hold'
    )
    assert fault.remedies == remedies


@pytest.mark.parametrize(
    ("word", "shown", "remedies"),
    [
        (
            "https://me:secret@example.org/whl/tensorflow-1.12.0-py3-none-any.whl",
            "https://****@example.org/whl/tensorflow-1.12.0-py3-none-any.whl",
            (
                'write "tensorflow==1.12.0"',
                'add the folder it is in: --find-links "https://****@example.org/whl"',
            ),
        ),
        (
            "h5py @ file:///wheels/h5py-3.1.0.tar.gz#sha256=ab",
            "h5py @ file:///wheels/h5py-3.1.0.tar.gz#sha256=ab",
            ('write "h5py==3.1.0"', 'add the folder it is in: --find-links "file:///wheels"'),
        ),
        (
            "./h5py-3.1.0.zip",
            "./h5py-3.1.0.zip",
            ('write "h5py==3.1.0"', 'add the folder it is in: --find-links "."'),
        ),
        (
            "h5py @ file:///croot/h5py_1665/work",
            "h5py @ file:///croot/h5py_1665/work",
            (
                'write "h5py"',
                (
                    "pip list --format=freeze gives versions"
                    " where pip freeze gives conda's build folders"
                ),
            ),
        ),
        (
            "https://github.com/h5py/h5py/archive/master.zip",
            "https://github.com/h5py/h5py/archive/master.zip",
            ("name a release of the package instead",),
        ),
    ],
)
def test_the_address_of_a_file_is_refused_with_the_release_it_is(
    word: str, shown: str, remedies: tuple[str, ...]
) -> None:
    fault = refused_release(word)

    assert fault.message == (
        f'"{shown}" is a place, not a release: a lock pins what an index lists'
    )
    assert fault.remedies == remedies


@pytest.mark.parametrize(
    ("word", "folder"),
    [
        (".", "."),
        ("./model[gpu]", "./model"),
        ("model/", "model"),
        ("/srv/model", "/srv/model"),
        ("~/model", "~/model"),
        (r"C:\work\model", "C:/work/model"),
    ],
)
def test_a_folder_is_refused_with_how_to_lock_what_it_needs(word: str, folder: str) -> None:
    fault = refused_release(word)

    assert fault.message == f'"{word}" is a folder: no hash can pin what it will hold'
    assert fault.remedies == (
        f'lock what it needs with -r "{folder}/pyproject.toml"',
        f'install it after the lock: pip install --no-deps "{folder}"',
    )


@pytest.mark.parametrize(
    ("word", "version"),
    [("python=3.10", "3.10"), ("python>=3.8,<3.11", "3.8"), ("Python", "3.11")],
)
def test_python_is_told_to_be_the_interpreter(word: str, version: str) -> None:
    fault = refusal(word)

    assert fault.message == f'"{word}" asks for the interpreter, which is not a package'
    assert fault.remedies == (f"leave it out and choose the interpreter with --python {version}",)
