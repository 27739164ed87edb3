"""A base that the user named: refused where its name tells that the lock cannot be there."""

from __future__ import annotations

import pytest

from envlock.docker.bases import BaseWish, choose, parse_label
from envlock.errors import UsageError

REFUSED = [
    ("alpine:3.20", "musl"),
    ("python:3.11-alpine3.20", "musl"),
    ("docker.io/library/ubuntu:24.04", "no Python"),
    ("nvidia/cuda:12.2.0-base-ubuntu22.04", "no Python"),
    ("python:3.12-slim", "Python 3.12"),
    ("python:3.12.1", "Python 3.12"),
]


def wish(word: str) -> BaseWish:
    return BaseWish(python="3.11", machines=("amd64",), word=word)


@pytest.mark.parametrize(("word", "why"), REFUSED)
def test_what_cannot_hold_the_lock_is_refused_with_a_base_that_can(word: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        choose(wish(word))
    assert refused.value.remedies[0] == "--base python:3.11-slim-bookworm"


@pytest.mark.parametrize(
    "word", ["python:3.11-slim", "python:3.11.9-bookworm", "ghcr.io/a/python:3.12", "me/alpine:1"]
)
def test_any_other_is_taken_and_the_build_looks_at_its_python(word: str) -> None:
    assert str(choose(wish(word)).image) == word


def test_what_envlock_says_of_an_image_nobody_else_says() -> None:
    with pytest.raises(UsageError, match=r"--label envlock\.lock"):
        parse_label("envlock.lock=mine")
