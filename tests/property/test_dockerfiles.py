"""Laws of written Dockerfiles: whatever a user types, the instructions stay the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from envlock.docker.bases import BaseWish, choose, parse_image, parse_label
from envlock.docker.recipe import LockFile, Recipe, is_edited, texts
from envlock.errors import UsageError
from support.dockerfiles import Instruction, instructions

#: What could end a word, a line or an instruction, and what begins another.
HOSTILE = st.one_of(
    st.sampled_from(["\n", "\r", "\\", '"', "'", "$", "`", "--", "#", "=", " ", "\u2028", "\x00"]),
    st.sampled_from(["<<EOF\n", "\nRUN id\n", "\nFROM evil:1\n", "${PATH}", "$(id)", " AS x"]),
    st.sampled_from(["escape=`\n", "\\\n", "; id", "&& id"]),
)
TEXT = st.lists(st.one_of(HOSTILE, st.text(max_size=8)), max_size=6).map("".join)
RECIPE = Recipe(
    base=choose(BaseWish(python="3.11", machines=("amd64",))),
    python="3.11",
    locks=(LockFile(name="requirements.lock", machine="amd64", digest="sha256:1"),),
    labels={},
    command="envlock docker tensorflow",
)


def parsed(recipe: Recipe) -> list[Instruction]:
    text = texts(recipe, {})["Dockerfile"]
    assert not is_edited(text)
    return instructions(text)


def shape(commands: list[Instruction]) -> list[tuple[object, ...]]:
    """The instructions without the words of labels and the image of the base."""
    return [
        (each.name, each.flags, each.heredocs, () if each.name == "LABEL" else each.words[1:])
        for each in commands
    ]


@given(TEXT)
def test_a_command_in_the_header_adds_no_instruction(text: str) -> None:
    commands = parsed(replace(RECIPE, command=f"envlock docker {text}"))
    assert [each.text for each in commands] == [each.text for each in parsed(RECIPE)]


@given(TEXT, TEXT)
def test_a_label_is_refused_or_is_one_label(key: str, value: str) -> None:
    for name in (key, "com.example.x"):
        try:
            own, kept = parse_label(f"{name}={value}")
        except UsageError:
            continue
        commands = parsed(replace(RECIPE, labels={own: kept}))
        assert shape(commands) == shape(parsed(RECIPE))
        words = commands[-1].words
        assert words[-2] == own
        assert re.sub(r'\\(["\\$])', r"\1", words[-1][1:-1]) == kept
        assert not re.search(r"(?<!\\)(\\\\)*\$", words[-1])


@given(st.one_of(TEXT, TEXT.map("a:1{}".format), TEXT.map("{}a:1".format)))
def test_a_base_is_refused_or_is_the_image_of_the_first_instruction(text: str) -> None:
    try:
        image = parse_image(text)
    except UsageError:
        return
    base = replace(RECIPE.base, image=image)
    commands = parsed(replace(RECIPE, base=base))
    assert shape(commands) == shape(parsed(RECIPE))
    assert commands[0].words == (text, "AS", "base")


@pytest.mark.parametrize("first", ["# escape=`", "# syntax=evil/frontend"])
def test_the_first_line_is_never_a_directive(first: str) -> None:
    text = texts(replace(RECIPE, command=f"\n{first}"), {})["Dockerfile"]
    assert text.splitlines()[0] == f"# made by: {first}"
