"""Words of the command line become requirements, or a sentence and a way out."""

from __future__ import annotations

import pytest

from envlock.errors import UsageError
from envlock.request.words import parse_names, parse_upgrades, parse_words

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


def test_a_word_that_is_too_long_is_refused_in_words() -> None:
    assert refusal("x" * 5000 + "=.in").message == (
        f'"{"x" * 160}…" is not a requirement: it has 5004 characters'
    )


def test_a_marker_that_is_nested_too_deeply_is_refused_in_words() -> None:
    marker = "(" * 900 + "os_name == 'nt'" + ")" * 900

    assert refusal(f"h5py; {marker}").message == (
        f'"h5py; {"(" * 154}…" is not a requirement: its parentheses are nested too deeply'
    )


def test_a_message_holds_no_character_that_a_terminal_obeys() -> None:
    assert refusal("h5py\x1b[31m").message == (
        '"h5py\\x1b[31m" is not a requirement: character 5 is U+001B (a control character)'
    )


def test_a_long_word_is_cut_in_a_message() -> None:
    assert refusal("x" * 300 + "%").message.startswith(f'"{"x" * 160}…" is not a requirement')


def test_names_are_normalised() -> None:
    assert parse_names(["Ruamel.YAML", "h5py"], "--keep") == {"ruamel-yaml", "h5py"}


def test_a_version_with_a_name_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        parse_names(["tensorflow==2.11", "h5py=3"], "--keep")

    assert caught.value.message == (
        '--keep: "tensorflow==2.11" is more than a name\n'
        '--keep: "h5py=3" is not a requirement: pip writes "==" for conda\'s "=" (character 5)'
    )
    assert caught.value.remedies == (
        "--keep: --keep tensorflow",
        '--keep: write "h5py==3.*"',
    )


def test_what_is_upgraded_may_say_to_which_versions() -> None:
    found = parse_upgrades(["H5Py", "tensorflow<2.16,>=2.15"])
    assert [(str(each.requirement), each.origin) for each in found] == [
        ("H5Py", "-P H5Py"),
        ("tensorflow<2.16,>=2.15", "-P tensorflow<2.16,>=2.15"),
    ]
    with pytest.raises(UsageError) as caught:
        parse_upgrades(["h5py[x]>3"])
    assert caught.value.remedies == ("-P 'h5py>3'",)


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("", "it is empty"),
        (
            "tensorflow[and-cuda",
            "expected matching RIGHT_BRACKET for LEFT_BRACKET, after extras at character 20",
        ),
        ("conda-forge::h5py", f"{ENDS_OR_MARKER} at character 12"),
        ("tensorflow h5py", f"{ENDS_OR_MARKER} at character 12"),
        (
            "h5py; python_versoin<'3'",
            "expected a marker variable or quoted string at character 7",
        ),
        ("[x]", "expected package name at the start of dependency specifier at character 1"),
    ],
)
def test_what_no_habit_explains_is_told_with_the_character(word: str, why: str) -> None:
    fault = refusal(word)

    assert fault.message == f'"{word}" is not a requirement: {why}'
    assert fault.remedies == (EXAMPLE,)
