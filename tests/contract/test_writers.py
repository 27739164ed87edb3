"""What every format must do; a new one is held to it by its row."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from envlock.choices import Format
from envlock.formats import registry as formats
from envlock.formats.registry import LOCKS, format_of, read_lock
from envlock.model import CondaPackage, Lock, LockedPackage, Part, RuleId
from support.conda_locks import REALISTIC_CONDA
from support.locks import ON_TWO, REALISTIC, TO_CHOOSE

_T = TypeVar("_T")

GOLDEN = Path(__file__).parents[1] / "golden"
ALONE = replace(REALISTIC_CONDA, parts=REALISTIC_CONDA.parts[:1])
#: What is asked for in one file, told by its request.
TOGETHER = replace(ON_TWO, request_digest=f"sha256:{'7' * 64}")
#: Every format with the locks that it holds.
CASES = [
    *((kind, REALISTIC) for kind, row in LOCKS.items() if row.pypi),
    *((kind, ON_TWO) for kind, row in LOCKS.items() if row.pypi),
    *((kind, TOGETHER) for kind, row in LOCKS.items() if row.pypi and row.markers),
    *((kind, TO_CHOOSE) for kind, row in LOCKS.items() if row.selections),
    *((kind, ALONE) for kind, row in LOCKS.items() if row.conda or row.beside),
    *((kind, REALISTIC_CONDA) for kind, row in LOCKS.items() if row.conda or row.beside),
]
cases = pytest.mark.parametrize(
    ("kind", "lock"),
    CASES,
    ids=[
        f"{kind}-{'-'.join(each.place for each in lock.parts)}{'-chosen' * bool(lock.selections)}"
        for kind, lock in CASES
    ],
)
rows = pytest.mark.parametrize("kind", Format)

SECRET = "s3cret"  # noqa: S105  (what must not be written)
ADDRESS = f"https://me:{SECRET}@host.example/simple"
HOSTILE = (
    'x\n--index-url https://evil.example\r\n- evil: "y"\u2028evil==1.0\x85[tool]\x0cevil==2 \\',
    "@EXPLICIT\nhttps://evil.example/noarch/evil-1-0.conda",
    "\"\"\"\nevil = 1\n'''",
    "*evil &evil !!evil %evil #evil",
    "",
    "\ud800\x00\x1b[31m\u202e",
)


def texts_of(lock: Lock, kind: Format) -> Mapping[str, str]:
    together = lock.request_digest == TOGETHER.request_digest
    return formats.texts_of(lock, kind, together=together)


def texts(kind: Format, lock: Lock) -> list[str]:
    return list(texts_of(lock, kind).values())


def again(kind: Format, lock: Lock) -> list[Part]:
    """What is read of the files of a lock, platform by platform."""
    return [
        part for name, text in texts_of(lock, kind).items() for part in read_lock(name, text).parts
    ]


def mixed(items: tuple[_T, ...], seed: random.Random) -> tuple[_T, ...]:
    return tuple(seed.sample(items, len(items)))


def shuffled(part: Part, seed: random.Random) -> Part:
    pypi = (
        replace(
            each,
            hashes=mixed(each.hashes, seed),
            via=mixed(each.via, seed),
            because=mixed(each.because, seed),
            files=mixed(each.files, seed),
        )
        for each in part.pypi
    )
    conda = (
        replace(each, via=mixed(each.via, seed), because=mixed(each.because, seed))
        for each in part.conda
    )
    return replace(part, pypi=mixed(tuple(pypi), seed), conda=mixed(tuple(conda), seed))


def with_text(lock: Lock, text: str) -> Lock:
    """The lock with a text in every place where somebody's words stand."""

    def said(package: LockedPackage) -> LockedPackage:
        return replace(package, via=(*package.via, text))

    def told(package: CondaPackage) -> CondaPackage:
        return replace(package, via=(*package.via, text), license=text, features=text)

    parts = tuple(
        replace(
            part,
            pypi=tuple(map(said, part.pypi)),
            conda=tuple(map(told, part.conda)),
            verified=text,
        )
        for part in lock.parts
    )
    return replace(
        lock,
        parts=parts,
        name=text,
        command=f"envlock lock {text}",
        notes=(text,),
        reasons=dict.fromkeys(lock.reasons, text),
    )


def pins(part: Part, kind: Format) -> list[tuple[str, str]]:
    """What a format holds of a part."""
    conda = part.conda if LOCKS[kind].conda else ()
    return [
        *((each.name, each.version) for each in conda),
        *((each.name, str(each.version)) for each in part.pypi),
    ]


@rows
def test_every_format_has_a_row_and_golden_files(kind: Format) -> None:
    assert set(LOCKS) == set(Format)
    row = LOCKS[kind]
    names = {path.name for folder in ("conda", kind) for path in GOLDEN.glob(f"{folder}/*")}
    assert names & ({row.filename} | {row.name_on("linux-64", alone=False)})


@rows
def test_a_default_name_tells_its_own_format(kind: Format) -> None:
    assert format_of(Path(LOCKS[kind].filename)) is kind


@cases
def test_the_files_are_named_so_that_they_are_known_again(kind: Format, lock: Lock) -> None:
    row, places = LOCKS[kind], [each.place for each in lock.parts]
    names = list(texts_of(lock, kind))
    together = lock is TOGETHER
    assert tuple(names) == row.names(places, together=together)
    assert len(names) == (1 if row.several or together else len(places))
    assert {format_of(Path(name)) for name in names} == {kind}


@cases
def test_the_same_lock_gives_the_same_bytes_in_whatever_order_it_comes(
    kind: Format, lock: Lock
) -> None:
    seed = random.Random(7)  # noqa: S311  (the same order each time)
    other = replace(
        lock,
        parts=tuple(shuffled(each, seed) for each in lock.parts),
        reasons=dict(reversed(tuple(lock.reasons.items()))),
    )
    assert texts(kind, other) == texts(kind, lock)


@cases
def test_all_pins_are_there_in_order(kind: Format, lock: Lock) -> None:
    assert [pins(each, kind) for each in again(kind, lock)] == [
        pins(each, kind) for each in lock.parts
    ]


@cases
def test_what_was_read_is_written_the_same(kind: Format, lock: Lock) -> None:
    row = LOCKS[kind]
    for name, text in texts_of(lock, kind).items():
        read = read_lock(name, text)
        if read.of_conda or row.pypi:
            (written,) = texts(kind, replace(read, name=read.name or lock.name))
            # An explicit list is in an order that it does not tell: who needs whom.
            law = sorted if LOCKS[kind].apart else list
            assert law(written.splitlines()) == law(text.splitlines())


@cases
def test_the_command_the_request_the_notes_and_every_reason_are_shown(
    kind: Format, lock: Lock
) -> None:
    text = "".join(texts(kind, lock))
    moved = {rule for part in again(kind, lock) for each in part.pypi for rule in each.because}
    moved |= {rule for part in again(kind, lock) for each in part.conda for rule in each.because}
    shown = (
        lock.command,
        lock.request_digest,
        *lock.notes,
        *moved,
        *(why for rule, why in lock.reasons.items() if rule in moved),
    )
    assert [words for words in shown if words not in text] == []
    assert moved == (set(lock.reasons) if LOCKS[kind].conda or not lock.of_conda else set())


@cases
def test_who_asked_for_a_package_is_shown(kind: Format, lock: Lock) -> None:
    found = [[each.via for each in part.pypi] for part in again(kind, lock)]
    assert found == [[each.via for each in part.pypi] for part in lock.parts]
    if LOCKS[kind].conda:
        said = [[each.via for each in part.conda] for part in again(kind, lock)]
        assert said == [[each.via for each in part.conda] for part in lock.parts]


@cases
def test_what_was_proved_is_shown_platform_by_platform(kind: Format, lock: Lock) -> None:
    parts = tuple(replace(each, verified=f"on {each.place}") for each in lock.parts)
    assert [each.verified for each in again(kind, replace(lock, parts=parts))] == [
        each.verified for each in parts
    ]


@cases
def test_no_credentials_are_written(kind: Format, lock: Lock) -> None:
    lock = with_text(lock, f"--index-url {ADDRESS} {ADDRESS}?token={SECRET}")

    def private(url: str) -> str:
        return url.replace("https://", f"https://me:{SECRET}@")

    parts = []
    for part in lock.parts:
        first, *rest = part.pypi
        files = tuple(replace(file, url=private(file.url)) for file in first.files)
        conda = tuple(replace(each, url=private(each.url)) for each in part.conda)
        parts.append(replace(part, pypi=(replace(first, files=files), *rest), conda=conda))
    lock = replace(
        lock,
        parts=tuple(parts),
        channels=(f"{ADDRESS}/get/t/{SECRET}/main", f"https://host/t/{SECRET}/dev"),
        requested=tuple(replace(each, channel=ADDRESS) for each in lock.requested),
        variables={"INDEX": ADDRESS},
    )
    assert SECRET not in "".join(texts(kind, lock))


@pytest.mark.parametrize("words", HOSTILE)
@cases
def test_no_words_become_anything_but_words(kind: Format, lock: Lock, words: str) -> None:
    told = with_text(lock, words)
    for name, text in texts_of(told, kind).items():
        text.encode()
        read = read_lock(name, text)
        assert len(read.notes) <= 1
        assert set(read.reasons) <= set(lock.reasons)
    assert [pins(each, kind) for each in again(kind, told)] == [
        pins(each, kind) for each in lock.parts
    ]


@cases
def test_texts_end_with_one_newline_and_hold_no_other_line_break(kind: Format, lock: Lock) -> None:
    for text in texts(kind, lock):
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        assert text.splitlines() == text.removesuffix("\n").split("\n")
        assert all(line == line.rstrip() for line in text.splitlines())


@cases
def test_the_reason_of_a_rule_that_moved_nothing_is_left_out(kind: Format, lock: Lock) -> None:
    more = replace(lock, reasons={**lock.reasons, RuleId("unused"): "nobody asks"})
    assert texts(kind, more) == texts(kind, lock)


@cases
def test_a_lock_of_nothing_is_written_and_read(kind: Format, lock: Lock) -> None:
    parts = tuple(replace(each, conda=(), pypi=(), virtual=()) for each in lock.parts)
    found = again(kind, replace(lock, parts=parts))
    assert [(each.conda, each.pypi) for each in found] == [((), ()) for _ in parts]
    assert [each.platform for each in found] == [each.platform for each in parts]
