"""Image references and labels: what is taken, and what is refused in words."""

import re

import pytest

from envlock.docker.bases import ImageName, comment, parse_image, parse_label, quoted
from envlock.errors import UsageError
from support.dockerfiles import instructions

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("text", "image", "canonical"),
    [
        (
            "python:3.11-slim",
            ImageName(name="python", tag="3.11-slim"),
            "docker.io/library/python:3.11-slim",
        ),
        ("nvidia/cuda:1", ImageName(name="nvidia/cuda", tag="1"), "docker.io/nvidia/cuda:1"),
        ("localhost:5000/a/b_c:v1.0_x", ImageName(name="localhost:5000/a/b_c", tag="v1.0_x"), None),
        ("ghcr.io/a/b:1", ImageName(name="ghcr.io/a/b", tag="1"), None),
        (f"a:1@{DIGEST}", ImageName(name="a", tag="1", digest=DIGEST), "docker.io/library/a:1"),
    ],
)
def test_a_reference_with_a_tag_is_read(text: str, image: ImageName, canonical: str | None) -> None:
    assert parse_image(text) == image
    assert str(image) == text
    assert image.canonical == (canonical or text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a:1 AS b",
        "a:1\nRUN id",
        "a:1\\",
        "a:$TAG",
        "${A}:1",
        "--platform=linux/amd64",
        "a:1`id`",
        'a:"1"',
        "A:1",
        "https://a/b:1",
        "a/../b:1",
        "a:1@sha256:12",
        "a" * 300 + ":1",
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--base .*: not an image"):
        parse_image(text)


@pytest.mark.parametrize("text", ["python", "python:latest", f"python@{DIGEST}"])
def test_a_base_that_moves_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_image(text)
    assert raised.value.message == (
        f"--base {text}: it names no version: what a build takes would change with time"
    )
    assert raised.value.remedies == ("--base python:TAG",)


def test_the_digest_goes_behind_the_tag() -> None:
    assert str(parse_image("a:1", DIGEST)) == f"a:1@{DIGEST}"
    assert str(parse_image(f"a:1@{DIGEST}", DIGEST)) == f"a:1@{DIGEST}"


@pytest.mark.parametrize("digest", ["", "sha256:12", "md5:00", f"{DIGEST} AS x", f"{DIGEST}\n"])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(UsageError, match=r"--base-digest .*: not a digest"):
        parse_image("a:1", digest)


def test_two_digests_are_refused() -> None:
    with pytest.raises(UsageError, match="two digests"):
        parse_image(f"a:1@{DIGEST}", f"sha256:{'1' * 64}")


@pytest.mark.parametrize(
    "text",
    ["", "a", "=a", "A=b", "a b=c", "a..b=c", "a-=c", "com.docker.x=1", "a\n=b", "a=b\nRUN id"],
)
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--label"):
        parse_label(text)


@pytest.mark.parametrize(
    "value", ["", "a b", 'say "hi"', "$HOME ${X:-y}", "a\\b", "`id`", "it's", "# no", "--flag", "ö"]
)
def test_a_label_is_one_word_whatever_its_value_holds(value: str) -> None:
    key, kept = parse_label(f"com.example.a-b={value}")
    (label,) = instructions(f"LABEL {key}={quoted(kept)}\n")
    assert label.words == ("com.example.a-b", quoted(value))
    assert re.sub(r'\\(["\\$])', r"\1", label.words[1][1:-1]) == value


@pytest.mark.parametrize(
    "text", ["a\nRUN id", "escape=`", "syntax=evil", "ends \\", "\u2028RUN id"]
)
def test_a_comment_is_one_line_and_no_directive(text: str) -> None:
    lines = f"{comment(f'made by: {text}')}\nFROM a:1 \\\n  AS b\n"
    assert [each.name for each in instructions(lines)] == ["FROM"]
