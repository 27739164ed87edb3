"""What every output format must do; a new one is held to it by being registered."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from envlock.choices import OF_CONDA
from envlock.model import Lock, LockedPackage, RuleId
from envlock.write import WRITERS, Format, default_filename, format_of, read_lock
from support.locks import REALISTIC

pytestmark = pytest.mark.parametrize("kind", WRITERS)

_T = TypeVar("_T")

SECRET = "s3cret"  # noqa: S105  (what must not be written)
ADDRESS = f"https://me:{SECRET}@host.example/simple"
HOSTILE = (
    'x\n--index-url https://evil.example\r\n- evil: "y"\u2028evil==1.0\x85[tool]\x0cevil==2 \\',
    "\"\"\"\nevil = 1\n'''",
    "*evil &evil !!evil %evil #evil",
    "",
    "\ud800\x00\x1b[31m\u202e",
)


def text_of(kind: Format, lock: Lock) -> str:
    return "".join(WRITERS[kind].render(lock, name="demo").values())


def shuffled(package: LockedPackage, seed: random.Random) -> LockedPackage:
    def mixed(items: tuple[_T, ...]) -> tuple[_T, ...]:
        return tuple(seed.sample(items, len(items)))

    return replace(
        package,
        hashes=mixed(package.hashes),
        via=mixed(package.via),
        because=mixed(package.because),
        files=mixed(package.files),
    )


def with_text(text: str) -> Lock:
    """The realistic lock with a text in every place where somebody's words stand."""
    packages = tuple(replace(package, via=(*package.via, text)) for package in REALISTIC.packages)
    return replace(
        REALISTIC,
        packages=packages,
        command=f"envlock lock {text}",
        notes=(text,),
        verified=text,
        reasons=dict.fromkeys(REALISTIC.reasons, text),
    )


def test_every_format_has_a_writer_and_golden_files(kind: Format) -> None:
    golden = Path(__file__).parents[1] / "golden" / kind
    assert set(WRITERS) == set(Format) - OF_CONDA
    assert default_filename(kind) in {path.name for path in golden.iterdir()}


def test_the_files_are_named_so_that_they_are_known_again(kind: Format) -> None:
    names = set(WRITERS[kind].render(REALISTIC, name="demo"))
    assert default_filename(kind) in names
    assert {format_of(Path(name)) for name in names} == {kind}


def test_the_same_lock_gives_the_same_bytes_in_whatever_order_it_comes(kind: Format) -> None:
    seed = random.Random(7)  # noqa: S311  (the same order each time)
    packages = [shuffled(package, seed) for package in REALISTIC.packages]
    seed.shuffle(packages)
    reasons = dict(reversed(tuple(REALISTIC.reasons.items())))
    mixed = replace(REALISTIC, packages=tuple(packages), reasons=reasons)
    assert text_of(kind, mixed) == text_of(kind, REALISTIC)


def test_all_pins_are_there_in_order(kind: Format) -> None:
    text = text_of(kind, REALISTIC)
    found = read_lock(default_filename(kind), text).packages
    assert [(each.name, each.version) for each in found] == [
        (each.name, each.version) for each in REALISTIC.packages
    ]
    in_text = re.findall(
        r'^(?: +- |name = ")?([a-z0-9]+)(?:==[0-9.]+|")(?: \\)?$', text, re.MULTILINE
    )
    assert in_text == [each.name for each in found]


def test_the_command_the_request_the_notes_and_every_reason_are_shown(kind: Format) -> None:
    text = text_of(kind, REALISTIC)
    shown = (
        REALISTIC.command,
        REALISTIC.request_digest,
        *REALISTIC.notes,
        *REALISTIC.reasons,
        *REALISTIC.reasons.values(),
    )
    assert [words for words in shown if words not in text] == []


def test_who_asked_for_a_package_is_shown(kind: Format) -> None:
    found = read_lock(default_filename(kind), text_of(kind, REALISTIC)).packages
    assert [each.via for each in found] == [each.via for each in REALISTIC.packages]


def test_no_credentials_are_written(kind: Format) -> None:
    lock = with_text(f"--index-url {ADDRESS} {ADDRESS}?token={SECRET}")
    files = tuple(
        replace(file, url=file.url.replace("https://", f"https://me:{SECRET}@"))
        for file in lock.packages[0].files
    )
    packages = (replace(lock.packages[0], files=files), *lock.packages[1:])
    assert SECRET not in text_of(kind, replace(lock, packages=packages))


@pytest.mark.parametrize("words", HOSTILE)
def test_no_words_become_anything_but_words(kind: Format, words: str) -> None:
    text = text_of(kind, with_text(words))
    text.encode()
    lock = read_lock(default_filename(kind), text)
    assert {each.name: each.version for each in lock.packages} == {
        each.name: each.version for each in REALISTIC.packages
    }
    assert len(lock.notes) <= 1
    assert set(lock.reasons) <= set(REALISTIC.reasons)


def test_texts_end_with_one_newline_and_hold_no_other_line_break(kind: Format) -> None:
    for text in WRITERS[kind].render(REALISTIC, name="demo").values():
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        assert text.splitlines() == text.removesuffix("\n").split("\n")
        assert all(line == line.rstrip() for line in text.splitlines())


def test_the_reason_of_a_rule_that_moved_nothing_is_left_out(kind: Format) -> None:
    lock = replace(REALISTIC, reasons={**REALISTIC.reasons, RuleId("unused"): "nobody asks"})
    assert text_of(kind, lock) == text_of(kind, REALISTIC)
