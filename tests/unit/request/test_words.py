"""Words of the command line become requirements, or a sentence and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.request import parse_names, parse_words

EXAMPLE = 'write it like "numpy>=1.22,<2" or "numpy==1.22.*"'
ENDS_OR_MARKER = "expected semicolon (after name with no version specifier) or end"


def refusal(*words: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse_words(words)
    return caught.value


def test_no_words_mean_tensorflow_and_h5py() -> None:
    found = parse_words(())

    assert [(str(item.requirement), item.origin) for item in found] == [
        ("tensorflow", "command line"),
        ("h5py", "command line"),
    ]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("tensorflow", "tensorflow"),
        ("  tensorflow == 2.10.* ", "tensorflow==2.10.*"),
        ("tensorflow[and-cuda]>=2.14,<2.16", "tensorflow[and-cuda]<2.16,>=2.14"),
        ("h5py (>=3.1)", "h5py>=3.1"),
        ("numpy<2; python_version<'3.12'", 'numpy<2; python_version < "3.12"'),
        ("ruamel.yaml", "ruamel.yaml"),
        ("python-dateutil", "python-dateutil"),
        ("torch==2.0.1+cpu", "torch==2.0.1+cpu"),
        ("tensorflow\t>=2", "tensorflow>=2"),
    ],
)
def test_a_well_formed_word_is_taken_as_it_is(word: str, meant: str) -> None:
    assert [str(item.requirement) for item in parse_words([word])] == [meant]


@pytest.mark.parametrize(
    ("word", "why", "meant"),
    [
        ("tensorflow=2.10", 'pip writes "==" for conda\'s "=" (character 11)', "tensorflow==2.10.*"),
        (
            "tensorflow=2.10.1=py310_0",
            'pip writes "==" for conda\'s "=" (character 11)',
            "tensorflow==2.10.1",
        ),
        (
            "tensorflow[and-cuda]=2.14",
            'pip writes "==" for conda\'s "=" (character 21)',
            "tensorflow[and-cuda]==2.14.*",
        ),
        (
            "tensorflow 2.10",
            "there is no operator before the version (character 12)",
            "tensorflow==2.10.*",
        ),
        ("tensorflow@2.10", '"==" comes before a version (character 11)', "tensorflow==2.10.*"),
        ("tensorflow:2.10.1", '"==" comes before a version (character 11)', "tensorflow==2.10.1"),
        (
            "tensorflow==latest",
            "a name alone takes the newest release (character 11)",
            "tensorflow",
        ),
        ("tensorflow==", "no version follows the operator (character 11)", "tensorflow"),
        (
            "tensorflow=>2.10",
            'the "=" of an operator comes last (character 11)',
            "tensorflow>=2.10",
        ),
        ("tensorflow>==2.10", 'one "=" follows "<" or ">" (character 11)', "tensorflow>=2.10"),
        (
            "tensorflow > = 2.1",
            "an operator is written without a space (character 12)",
            "tensorflow >= 2.1",
        ),
        ("tensorflow≥2.10", 'pip writes ">=" (character 11)', "tensorflow>=2.10"),
        ("tensorflow≤2.10", 'pip writes "<=" (character 11)', "tensorflow<=2.10"),
        (
            "numpy>=1.19<1.24",
            "there is no comma between two bounds (character 12)",
            "numpy>=1.19,<1.24",
        ),
        ("numpy==1.19.x", 'pip writes ".*" for any number (character 12)', "numpy==1.19.*"),
        (
            "numpy>=1.19.*,<1.*",
            '".*" goes with "==" and "!=" only (character 13)',
            "numpy>=1.19,<1",
        ),
        ("tensorflow^2.10", 'pip has no "^" (character 11)', "tensorflow>=2.10,<3"),
        ("h5py^0.9.1", 'pip has no "^" (character 5)', "h5py>=0.9.1,<0.10"),
        ("h5py^0", 'pip has no "^" (character 5)', "h5py>=0,<1"),
        ("numpy~1.19", 'pip has no "~" without "=" (character 6)', "numpy==1.19.*"),
        ("numpy~1.19.2", 'pip has no "~" without "=" (character 6)', "numpy~=1.19.2"),
        ("numpy~=1", '"~=" needs two numbers or more (character 6)', "numpy==1.*"),
        ("'numpy<2'", "the quotes are a part of it (character 1)", "numpy<2"),
        ("numpy,", "it ends in a comma (character 6)", "numpy"),
        ("numpy<2;", 'nothing follows ";" (character 9)', "numpy<2"),
        (
            "numpy=1.19; python_version<3.7",
            'pip writes "==" for conda\'s "="; the value in a marker is in quotes (character 6)',
            "numpy==1.19.*; python_version<'3.7'",
        ),
        (
            "numpy\xa0<2",
            "character 6 is U+00A0 (NO-BREAK SPACE)",
            "numpy <2",
        ),
        (
            "num\u200bpy",
            "character 4 is U+200B (ZERO WIDTH SPACE)",
            "numpy",
        ),
    ],
)
def test_a_habit_of_another_tool_is_told_with_what_pip_writes(
    word: str, why: str, meant: str
) -> None:
    fault = refusal(word)

    quoted = word.replace("\xa0", "\\xa0").replace("\u200b", "\\u200b")
    assert fault.message == f'"{quoted}" is not a requirement: {why}'
    assert fault.remedies == (f'write "{meant}"',)
    assert len(parse_words([meant])) == 1


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("", "it is empty"),
        ("tensorflow[and-cuda", "expected matching RIGHT_BRACKET for LEFT_BRACKET, after extras"),
        ("conda-forge::h5py", ENDS_OR_MARKER),
        ("tensorflow h5py", ENDS_OR_MARKER),
        ("h5py; python_versoin<'3'", "expected a marker variable or quoted string"),
        ("[x]", "expected package name at the start of dependency specifier"),
    ],
)
def test_what_no_habit_explains_is_told_with_the_character(word: str, why: str) -> None:
    fault = refusal(word)

    places = {"tensorflow[and-cuda": 20, "conda-forge::h5py": 12, "tensorflow h5py": 12}
    place = places.get(word, 7 if word.startswith("h5py") else 1)
    at = f" at character {place}" if word else ""
    assert fault.message == f'"{word}" is not a requirement: {why}{at}'
    assert fault.remedies == (EXAMPLE,)


def test_every_wrong_word_is_told_at_once() -> None:
    fault = refusal("tensorflow=2.10", "h5py", "numpy 1.19")

    assert fault.message == (
        '"tensorflow=2.10" is not a requirement: pip writes "==" for conda\'s "=" (character 11)\n'
        '"numpy 1.19" is not a requirement:'
        " there is no operator before the version (character 7)"
    )
    assert fault.remedies == ('write "tensorflow==2.10.*"', 'write "numpy==1.19.*"')


def test_an_option_given_as_one_word_is_told_how_to_type_it() -> None:
    fault = refusal("-r requirements.in")

    assert fault.message == '"-r requirements.in" is an option, not a requirement'
    assert fault.remedies == ("type it as words of its own: -r requirements.in",)


def test_an_option_that_envlock_has_not_is_to_be_left_out() -> None:
    assert refusal("-e .").remedies == ("leave it out",)


@pytest.mark.parametrize(
    ("word", "option"),
    [
        ("numpy --global-option=build", "--global-option=build"),
        ("numpy --config-settings x=y", "--config-settings"),
        ("numpy -i https://example.org", "-i"),
        ("numpy\t--pre", "--pre"),
    ],
)
def test_an_option_smuggled_behind_a_name_is_refused(word: str, option: str) -> None:
    fault = refusal(word)

    quoted = word.replace("\t", "\\t")
    assert fault.message == (
        f'"{quoted}" carries the option "{option}": a requirement passes none to pip'
    )
    assert fault.remedies == ('write "numpy"',)


def test_an_option_smuggled_behind_a_line_break_in_a_marker_is_refused() -> None:
    fault = refusal("h5py; os_name == 'a\n--index-url https://evil.example'")

    assert fault.message == (
        "\"h5py; os_name == 'a\\n--index-url https://evil.example'\" is not a requirement:"
        " character 20 is U+000A (a control character)"
    )


def test_an_environment_variable_is_not_expanded() -> None:
    fault = refusal("numpy==${NUMPY}")

    assert fault.message == (
        '"numpy==${NUMPY}" holds ${NUMPY}:'
        " envlock puts no environment variable in the place of ${…}"
    )
    assert fault.remedies == ("write the value of ${NUMPY} out",)


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


def test_a_word_too_long_for_a_file_name_is_refused_in_words() -> None:
    assert refusal("x" * 5000 + "=.in").message.startswith('"xxx')


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
    fault = refusal(word)

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
            "https://github.com/h5py/h5py/archive/master.zip",
            "https://github.com/h5py/h5py/archive/master.zip",
            ("name a release of the package instead",),
        ),
    ],
)
def test_the_address_of_a_file_is_refused_with_the_release_it_is(
    word: str, shown: str, remedies: tuple[str, ...]
) -> None:
    fault = refusal(word)

    assert fault.message == (
        f'"{shown}" is the address of a file: a lock pins releases that an index lists'
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
    fault = refusal(word)

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
    assert fault.remedies == (
        f"leave it out and choose the interpreter with --python {version}",
    )


def test_a_message_holds_no_character_that_a_terminal_obeys() -> None:
    assert refusal("h5py\x1b[31m").message == (
        '"h5py\\x1b[31m" is not a requirement: character 5 is U+001B (a control character)'
    )


def test_a_long_word_is_cut_in_a_message() -> None:
    assert refusal("x" * 300 + "%").message.startswith(f'"{"x" * 100}…" is not a requirement')


def test_names_to_upgrade_are_normalised() -> None:
    assert parse_names(["Ruamel.YAML", "h5py"]) == {"ruamel-yaml", "h5py"}


def test_a_version_with_a_name_to_upgrade_is_told_where_it_goes() -> None:
    with pytest.raises(UsageError) as caught:
        parse_names(["tensorflow==2.11", "h5py=3"])

    assert caught.value.message == (
        '-P: "tensorflow==2.11" is more than a name\n'
        '-P: "h5py=3" is not a requirement: pip writes "==" for conda\'s "=" (character 5)'
    )
    assert caught.value.remedies == (
        '-P: -P tensorflow "tensorflow==2.11"',
        '-P: write "h5py==3.*"',
    )
