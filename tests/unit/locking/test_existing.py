"""Lock files that are there already: whose they are, whether they hold; whoever installs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from packaging.requirements import Requirement

from envlock.choices import Format
from envlock.errors import UsageError
from envlock.formats.registry import LOCKS, texts_of
from envlock.locking import existing
from envlock.locking.existing import Standard
from envlock.locking.job import Job
from envlock.model import IndexSettings, Lock, Request, Requested
from envlock.request.digest import conda_digest, recorded
from envlock.request.words import parse_upgrades
from envlock.rules.database import load
from support.conda_locks import REALISTIC_CONDA

SUBDIRS = ("linux-64", "osx-arm64")
REQUEST = Request(
    name="deep",
    specs=REALISTIC_CONDA.requested,
    requirements=(Requested(requirement=Requirement("six"), origin="x:1"),),
)
LOCK = replace(
    REALISTIC_CONDA,
    request_digest=conda_digest(REQUEST, SUBDIRS),
    asked=recorded(REQUEST, {}),
)
EVERY = tuple(kind for kind, row in LOCKS.items() if row.conda or row.beside)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job(*formats: Format, subdirs: tuple[str, ...] = SUBDIRS) -> Job:
    return Job(
        request=REQUEST,
        settings=IndexSettings(),
        outputs={Path(n): kind for kind in formats for n in LOCKS[kind].names(subdirs)},
        command=LOCK.command,
        name="deep",
        subdirs=subdirs,
    )


def standard(wanted: Job) -> Standard:
    return Standard.of(wanted, load(()), ())


def write(folder: Path, *formats: Format, lock: Lock = LOCK) -> None:
    for kind in formats:
        for name, text in texts_of(lock, kind).items():
            (folder / name).write_bytes(text.encode())


def problems(wanted: Job) -> tuple[str, ...]:
    return tuple(map(str, existing.problems(existing.read_locks(wanted), standard(wanted))))


def test_every_format_is_current_beside_the_others(folder: Path) -> None:
    write(folder, *EVERY)
    assert problems(job(*EVERY)) == ()


@pytest.mark.parametrize("kind", EVERY)
def test_a_format_alone_tells_what_keeps_it_from_being_current(kind: Format, folder: Path) -> None:
    wanted = job(kind)
    names = list(map(str, wanted.outputs))
    assert problems(wanted) == tuple(f"{name}: there is no such lock" for name in names)
    write(folder, kind)
    assert problems(wanted) == ()
    assert problems(replace(wanted, request=replace(REQUEST, name="other"))) == tuple(
        f"{name}: it answers another request than the one given: another constraint, accelerator,"
        f" date or the like than in {LOCK.command}"
        for name in names
    )


@pytest.mark.parametrize("kind", EVERY)
def test_a_lock_that_another_command_made_is_current_all_the_same(
    kind: Format, folder: Path
) -> None:
    write(folder, kind)
    assert problems(replace(job(kind), command="envlock lock --engine uv")) == ()


def test_a_pin_that_a_rule_refuses_is_told(folder: Path) -> None:
    write(folder, Format.ENVIRONMENT)
    path = folder / "environment.linux-64.yml"
    path.write_text(path.read_text().replace("numpy==1.26.4", "numpy==2.1.0"))
    edited, broken = problems(job(Format.ENVIRONMENT))
    assert edited == "environment.linux-64.yml: numpy 2.1.0 is not what envlock wrote here"
    assert broken.startswith(
        "environment.linux-64.yml: rule numpy2-tf-abi (tensorflow 2.15.0, numpy 2.1.0): "
    )


def test_a_package_without_a_hash_is_told(folder: Path) -> None:
    write(folder, Format.EXPLICIT)
    path = folder / "conda-linux-64.lock"
    lines = path.read_text().splitlines()
    bare = [
        line.partition("#")[0] if "/wrapt-" in line else line
        for line in lines
        if not line.startswith("# sha256: b6f0dc2f12ae3f5")
    ]
    at = next(number for number, line in enumerate(bare) if "/wrapt-" in line)
    del bare[at + 1]
    path.write_text("\n".join(bare) + "\n")
    assert "conda-linux-64.lock: no hash for wrapt" in problems(job(Format.EXPLICIT))


def test_files_that_hold_different_pins_are_told(folder: Path) -> None:
    formats = (Format.EXPLICIT, Format.ENVIRONMENT, Format.REQUIREMENTS)
    write(folder, *formats)
    for name, old, new in [
        ("environment.linux-64.yml", "wrapt==1.14.1", "wrapt==1.14.0"),
        ("requirements.osx-arm64.txt", "six==1.16.0", "six==1.15.0"),
    ]:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))
    assert problems(job(*formats)) == (
        "environment.linux-64.yml: wrapt 1.14.0 is not what envlock wrote here",
        "requirements.osx-arm64.txt: six 1.15.0 is not what envlock wrote here",
        "environment.linux-64.yml: conda-linux-64.lock pins wrapt for linux-64 otherwise",
        "requirements.osx-arm64.txt: conda-osx-arm64.lock pins six for macos-arm64 otherwise",
    )


def test_locks_of_single_platforms_are_one_lock_together(folder: Path) -> None:
    write(folder, Format.ENVIRONMENT, Format.EXPLICIT)
    wanted = job(Format.ENVIRONMENT, Format.EXPLICIT)
    lock = existing.merged(existing.own_locks(wanted).values())
    assert lock is not None
    assert [each.subdir for each in lock.parts] == ["linux-64", "osx-arm64"]
    assert existing.covers(lock, standard(wanted), hashed=True)
    assert lock.reasons == LOCK.reasons


@pytest.mark.parametrize(
    ("kind", "covers", "installable"),
    [
        (Format.PIXI, True, True),
        (Format.CONDA_LOCK, True, True),
        (Format.ENVIRONMENT, True, False),
        (Format.REQUIREMENTS, False, False),
    ],
)
def test_what_a_lock_can_be_used_for_depends_on_its_format(
    kind: Format, folder: Path, *, covers: bool, installable: bool
) -> None:
    write(folder, kind)
    wanted = job(kind)
    lock = existing.merged(existing.own_locks(wanted).values())
    assert lock is not None
    assert existing.covers(lock, standard(wanted), hashed=False) is covers
    assert existing.covers(lock, standard(wanted), hashed=True) is installable
    assert not existing.covers(lock, standard(job(kind, subdirs=("win-64",))), hashed=False)


def test_nothing_is_there_is_no_lock() -> None:
    assert existing.merged(()) is None


def test_a_lock_for_more_platforms_is_kept_where_none_is_named(folder: Path) -> None:
    here = job(Format.CONDA_LOCK, subdirs=("linux-64",))
    assert existing.wider(here) is None
    write(folder, Format.CONDA_LOCK)
    found = existing.wider(here)
    assert found is not None
    assert [each.subdir for each in found.parts] == ["linux-64", "osx-arm64"]
    assert existing.wider(replace(here, here=False)) is None
    assert existing.wider(job(Format.CONDA_LOCK, subdirs=("win-64",))) is None


def test_what_is_kept_is_not_what_is_asked_for_anew(folder: Path) -> None:
    write(folder, Format.CONDA_LOCK)
    wanted = job(Format.CONDA_LOCK)
    before = existing.merged(existing.own_locks(wanted).values())
    anew = replace(wanted, upgrades=parse_upgrades(["numpy", "six"]))
    kept = existing.to_keep(anew, before, ())
    assert sorted(kept) == ["linux-x86_64", "macos-arm64"]
    assert [each.pypi for each in kept.values()] == [(), ()]
    assert all("numpy" not in {p.name for p in each.conda} for each in kept.values())
    assert existing.to_keep(replace(wanted, upgrade=True), before, ()) == {}


@pytest.mark.parametrize("text", ["", "a: [", "dependencies: [numpy==1]\n"])
def test_a_file_of_somebody_else_is_left_as_it_is(folder: Path, text: str) -> None:
    (folder / "environment.linux-64.yml").write_text(text)
    with pytest.raises(UsageError) as caught:
        existing.own_locks(job(Format.ENVIRONMENT))
    assert caught.value.message == (
        "environment.linux-64.yml is there, and envlock did not write it; it is left as it is"
    )
