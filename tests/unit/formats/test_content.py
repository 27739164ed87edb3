"""The digest of what a lock file holds, and where it says that the file was edited."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from envlock.choices import Format
from envlock.formats.content import edits
from envlock.formats.registry import LOCKS, read_lock, texts_of
from envlock.model import Lock
from support.conda_locks import REALISTIC_CONDA
from support.locks import ON_TWO, REALISTIC

EVERY = [
    (lock, name, text)
    for lock in (REALISTIC, REALISTIC_CONDA, ON_TWO)
    for kind, row in LOCKS.items()
    if (row.pypi and not lock.of_conda) or (lock.of_conda and (row.conda or row.beside))
    for name, text in texts_of(lock, kind, together=lock is ON_TWO).items()
]
ids = [f"{name}-{number}" for number, (_, name, _) in enumerate(EVERY)]


def told(name: str, text: str) -> list[str]:
    return [each.what for each in edits(read_lock(name, text))]


@pytest.mark.parametrize(("lock", "name", "text"), EVERY, ids=ids)
def test_what_envlock_wrote_is_not_edited(lock: Lock, name: str, text: str) -> None:
    assert read_lock(name, text).content.startswith("sha256:")
    assert told(name, text) == []
    assert told(name, text.replace("\n", "\r\n")) == []
    assert told(name, re.sub(r"# via .*", "# via somebody", text)) == []
    assert lock.content == ""


@pytest.mark.parametrize(("lock", "name", "text"), EVERY, ids=ids)
def test_another_digit_of_any_hash_is_found(lock: Lock, name: str, text: str) -> None:
    del lock
    holds = r"((?:hash=|: |: ')sha256:|sha256 = \"|sha256: '?|#(?:sha256:|sha256=)?)([0-9a-f]{32,})"
    found = [each for each in re.finditer(holds, text) if not each[1].startswith(": ")]
    for each in found[::3]:
        digit = "1" if text[each.end() - 1] == "0" else "0"
        edited = f"{text[: each.end() - 1]}{digit}{text[each.end() :]}"
        (what,) = told(name, edited)
        assert what.endswith(" is not what envlock wrote here")


def test_what_was_edited_is_told_by_its_name_or_its_neighbours() -> None:
    (text,) = texts_of(REALISTIC, Format.REQUIREMENTS).values()
    names = [each.name for each in REALISTIC.part.pypi]
    assert len(names) > 2
    lines = text.splitlines(keepends=True)

    def without(*gone: str) -> str:
        kept, inside = [], False
        for line in lines:
            if line[0] not in " #":
                inside = line.partition("==")[0] in gone
            kept += [] if inside else [line]
        return "".join(kept)

    first, second, *_, before, last = names
    assert told("r.txt", without(first)) == [f"a pin is gone before {second}"]
    assert told("r.txt", without(last)) == [f"a pin is gone after {before}"]
    middle = names[1]
    (what,) = told("r.txt", without(middle))
    assert what == f"a pin is gone between {first} and {names[2]}"
    assert told("r.txt", f"{text}zzz==1.0\n") == ["zzz 1.0 is not what envlock wrote here"]
    assert told("r.txt", text.replace("# python 3.", "# python 4.")) == [
        "its heading is not what envlock wrote: the Python, the platform or the like"
    ]
    bad = re.sub("# content: .*", "# content: sha256:0", text)
    assert told("r.txt", bad) == ["the digest of its content was edited"]
    swapped = re.sub("# content: sha256:....", "# content: sha256:0000", text)
    assert told("r.txt", swapped) == ["it is not what envlock wrote"]


def test_a_lock_that_answers_no_request_says_nothing_of_its_content() -> None:
    foreign = replace(REALISTIC, request_digest="", content="sha256:9")
    (text,) = texts_of(foreign, Format.REQUIREMENTS).values()
    assert "content" not in text
    assert told("r.txt", text) == []


def test_words_that_look_like_the_place_of_the_digest_are_left() -> None:
    lock = replace(REALISTIC, command="envlock lock '# content: sha256:pending'")
    for kind in (Format.REQUIREMENTS, Format.PYLOCK):
        (text,) = texts_of(lock, kind).values()
        assert lock.command in text
        assert edits(read_lock(LOCKS[kind].filename, text)) == ()
