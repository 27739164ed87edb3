"""Laws of locks of conda packages: they read back equal, and no text breaks the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from envlock.choices import Format
from envlock.errors import UsageError
from envlock.formats.archives import build_number, noarch_of
from envlock.formats.comments import sayable
from envlock.formats.content import edits
from envlock.formats.registry import LOCKS, read_lock, texts_of
from envlock.model import CondaPackage, Lock, LockedPackage, Part, RuleId
from support.any_conda_lock import conda_locks
from support.night import examples

few = examples(12)

KINDS = [kind for kind, row in LOCKS.items() if row.conda]


def carried(kind: Format, lock: Lock) -> Lock:
    """The lock without what a format has no place for."""
    if kind is not Format.ENVIRONMENT:  # a comment holds what is one line
        lock = replace(lock, variables=sayable(lock.variables))
    named = {each.name: each.channel for each in lock.requested if each.channel}
    parts = tuple(
        replace(
            each,
            conda=tuple(_package(kind, package, named) for package in each.conda),
            pypi=tuple(_pypi(kind, package) for package in each.pypi),
        )
        for each in lock.parts
    )
    return replace(lock, parts=parts)


def _package(kind: Format, package: CondaPackage, named: dict[str, str]) -> CondaPackage:
    if kind is Format.PIXI:
        return package
    kept = CondaPackage(
        name=package.name,
        version=package.version,
        build=package.build,
        build_number=build_number(package.build) or 0,
        subdir=package.subdir,
        channel=package.channel,
        url=package.url,
        md5=package.md5,
        sha256=package.sha256,
        noarch=noarch_of(package.subdir, package.build),
        via=package.via,
        because=package.because,
    )
    if kind is Format.CONDA_LOCK:
        return replace(kept, depends=collapsed(package))
    if kind is Format.EXPLICIT:
        return kept
    return replace(
        kept,
        build="",
        build_number=0,
        subdir="",
        channel=named.get(package.name, ""),
        url="",
        md5=None,
        sha256=None,
        noarch="",
    )


def collapsed(package: CondaPackage) -> tuple[str, ...]:
    """What conda-lock's map of dependencies keeps."""
    needs = dict(each.strip().partition(" ")[::2] for each in package.depends)
    return tuple(f"{name} {bound}".strip() for name, bound in needs.items())


def _pypi(kind: Format, package: LockedPackage) -> LockedPackage:
    """The one file of a package, the wheel before the sdist."""
    if not LOCKS[kind].addresses:
        return replace(package, files=(), hashes=())
    first = package.files[0]
    return replace(package, files=(first,), hashes=(f"sha256:{first.hashes['sha256']}",))


def one_platform(kind: Format, lock: Lock) -> list[Lock]:
    """The locks that a format makes of one: those for one platform are several."""
    if LOCKS[kind].several:
        return [lock]
    return [
        replace(
            lock,
            parts=(each,),
            reasons={rule: why for rule, why in lock.reasons.items() if rule in rules_of(each)},
        )
        for each in lock.parts
    ]


def rules_of(part: Part) -> set[RuleId]:
    pins: list[CondaPackage | LockedPackage] = [*part.conda, *part.pypi]
    return {rule for each in pins for rule in each.because}


@pytest.mark.parametrize("kind", KINDS)
@few
@given(lock=conda_locks())
def test_a_conda_lock_reads_back_equal_and_is_written_the_same(kind: Format, lock: Lock) -> None:
    texts = texts_of(lock, kind)
    read = [read_lock(name, text) for name, text in texts.items()]
    assert [edits(each) for each in read] == [()] * len(read)
    told = [replace(each, content="") for each in read]
    assert told == [carried(kind, each) for each in one_platform(kind, lock)]
    again = [text for each in read for text in texts_of(each, kind).values()]
    # What an explicit list does not tell, who needs whom, is what its order comes from.
    law = sorted if kind is Format.EXPLICIT else list
    assert [law(text.splitlines()) for text in again] == [
        law(text.splitlines()) for text in texts.values()
    ]


@few
@given(lock=conda_locks())
def test_the_pip_part_as_requirements_has_every_hash(lock: Lock) -> None:
    texts = texts_of(lock, Format.REQUIREMENTS)
    assert [read_lock("requirements.txt", text).part.pypi for text in texts.values()] == [
        tuple(replace(package, files=()) for package in part.pypi) for part in lock.parts
    ]


LINES = st.sampled_from(
    [
        "version: 1",
        "version: 7",
        "metadata: {platforms: [linux-64], channels: [{url: x}]}",
        "package:",
        "packages: [{conda: x}]",
        "environments: {default: {packages: {linux-64: [{conda: x}]}}}",
        "- name: a",
        "  version: '1'",
        "  manager: conda",
        "  platform: linux-64",
        "  url: https://h/linux-64/a-1-0.conda",
        "  hash: {md5: x}",
        "@EXPLICIT",
        "https://h/linux-64/a-1-0.conda#0123",
        "# pip a @ https://h/a-1.tar.gz --hash=sha256:0",
        "# platform: linux-64",
        "# asked for: =>  # x",
        "# virtual x: y",
        "dependencies:",
        "- a==1",
        "- pip: [a==1]",
    ]
)


@pytest.mark.parametrize("kind", KINDS)
@examples(100)
@given(text=st.text() | st.lists(LINES | st.text(max_size=8), max_size=12).map("\n".join))
def test_any_text_is_a_conda_lock_or_refused_in_words(kind: Format, text: str) -> None:
    name = LOCKS[kind].filename
    refusal = f"{name}:"
    try:
        read_lock(name, text)
    except UsageError as error:
        refusal = error.message
    assert refusal.startswith(f"{name}:")
    assert refusal.isprintable()
