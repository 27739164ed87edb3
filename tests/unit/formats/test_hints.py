"""What other tools write, told in pip's way."""

from __future__ import annotations

import pytest

from envlock.errors import UsageError
from envlock.request.words import parse_words


def refusal(*words: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse_words(words)
    return caught.value


@pytest.mark.parametrize(
    ("word", "why", "meant"),
    [
        (
            "tensorflow=2.10",
            'pip writes "==" for conda\'s "=" (character 11)',
            "tensorflow==2.10.*",
        ),
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
