"""Lock files of conda packages that are there already: whose they are, whether they hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from packaging.requirements import Requirement

from envlock.choices import Format
from envlock.conda.values import CondaRequest
from envlock.errors import UsageError
from envlock.model import IndexSettings, Requested
from envlock.rules.database import Database, load
from envlock.workflow.conda import existing
from envlock.workflow.conda.order import CondaOrder
from envlock.write import conda_texts
from support.conda_locks import REALISTIC_CONDA

DIGEST = REALISTIC_CONDA.request_digest
EVERY = (
    Format.CONDA_LOCK,
    Format.PIXI,
    Format.EXPLICIT,
    Format.ENVIRONMENT,
    Format.REQUIREMENTS,
)


@pytest.fixture
def rules() -> Database:
    return load(())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def order(
    *formats: Format, output: Path | None = None, inputs: tuple[Path, ...] = ()
) -> CondaOrder:
    return CondaOrder(
        request=CondaRequest(
            name="deep", pip=(Requested(requirement=Requirement("six"), origin="x:1"),)
        ),
        settings=IndexSettings(),
        subdirs=("linux-64", "osx-arm64"),
        formats=formats,
        command=REALISTIC_CONDA.command,
        name="deep",
        output=output,
        inputs=frozenset(path.resolve() for path in inputs),
    )


def write(folder: Path, *formats: Format) -> None:
    for kind in formats:
        for name, text in conda_texts(REALISTIC_CONDA, kind).items():
            (folder / name).write_bytes(text.encode())


def problems(wanted: CondaOrder, rules: Database, digest: str = DIGEST) -> tuple[str, ...]:
    return existing.problems(wanted, existing.own_locks(wanted), digest, rules)


def test_files_are_named_after_their_platforms_where_there_are_several(folder: Path) -> None:
    del folder
    assert list(map(str, existing.outputs(order(*EVERY)))) == [
        "conda-lock.yml",
        "pixi.lock",
        "conda-linux-64.lock",
        "conda-osx-arm64.lock",
        "environment.linux-64.yml",
        "environment.osx-arm64.yml",
        "requirements.linux-64.txt",
        "requirements.osx-arm64.txt",
    ]


def test_every_format_is_current_beside_the_others(folder: Path, rules: Database) -> None:
    write(folder, *EVERY)
    assert problems(order(*EVERY), rules) == ()


@pytest.mark.parametrize("kind", EVERY)
def test_a_format_alone_tells_what_keeps_it_from_being_current(
    kind: Format, folder: Path, rules: Database
) -> None:
    wanted = order(kind)
    names = list(map(str, existing.outputs(wanted)))
    assert problems(wanted, rules) == tuple(f"{name}: there is no such lock" for name in names)
    write(folder, kind)
    assert problems(wanted, rules) == ()
    assert problems(wanted, rules, "sha256:other") == tuple(
        f"{name}: it answers another request or platform than the one given" for name in names
    )
    assert problems(replace(wanted, command="envlock lock"), rules) == tuple(
        f"{name}: it was made by another command: {REALISTIC_CONDA.command}" for name in names
    )


def test_a_pin_that_a_rule_refuses_is_told(folder: Path, rules: Database) -> None:
    write(folder, Format.ENVIRONMENT)
    path = folder / "environment.linux-64.yml"
    path.write_text(path.read_text().replace("numpy==1.26.4", "numpy==2.1.0"))
    (found,) = problems(order(Format.ENVIRONMENT), rules)
    assert found.startswith(
        "environment.linux-64.yml: rule numpy2-tf-abi (tensorflow 2.15.0, numpy 2.1.0): "
    )


def test_files_that_hold_different_pins_are_told(folder: Path, rules: Database) -> None:
    formats = (Format.EXPLICIT, Format.ENVIRONMENT, Format.REQUIREMENTS)
    write(folder, *formats)
    for name, old, new in [
        ("environment.linux-64.yml", "wrapt==1.14.1", "wrapt==1.14.0"),
        ("requirements.osx-arm64.txt", "six==1.16.0", "six==1.15.0"),
    ]:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))
    assert problems(order(*formats), rules) == (
        "conda-linux-64.lock and environment.linux-64.yml hold different pins for linux-64",
        "conda-osx-arm64.lock and requirements.osx-arm64.txt hold different pins for osx-arm64",
    )


def test_locks_of_single_platforms_are_one_lock_together(folder: Path) -> None:
    write(folder, Format.ENVIRONMENT, Format.EXPLICIT)
    wanted = order(Format.ENVIRONMENT, Format.EXPLICIT)
    lock = existing.merged(existing.own_locks(wanted).values())
    assert lock is not None
    assert [each.subdir for each in lock.platforms] == ["linux-64", "osx-arm64"]
    assert existing.covers(lock, wanted.subdirs, hashed=True)
    assert lock.reasons == REALISTIC_CONDA.reasons


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
    wanted = order(kind)
    lock = existing.merged(existing.own_locks(wanted).values())
    assert lock is not None
    assert existing.covers(lock, wanted.subdirs, hashed=False) is covers
    assert existing.covers(lock, wanted.subdirs, hashed=True) is installable
    assert not existing.covers(lock, ("win-64",), hashed=False)


def test_nothing_is_there_is_no_lock() -> None:
    assert existing.merged(()) is None


def test_an_output_that_is_the_input_goes_beside_it(folder: Path) -> None:
    wanted = replace(
        order(Format.ENVIRONMENT, inputs=(folder / "environment.yml",)), subdirs=("linux-64",)
    )
    assert list(existing.outputs(wanted)) == [Path("environment.lock.yml")]


def test_one_name_for_two_platforms_is_refused(folder: Path) -> None:
    del folder
    with pytest.raises(UsageError) as caught:
        existing.outputs(order(Format.EXPLICIT, output=Path("conda.lock")))
    assert caught.value.message == (
        "-o conda.lock names one file, and there is one for each platform"
    )


def test_the_input_is_not_written_over(folder: Path) -> None:
    del folder
    path = Path("x.yml")
    with pytest.raises(UsageError) as caught:
        existing.outputs(order(Format.CONDA_LOCK, output=path, inputs=(path,)))
    assert caught.value.message == "x.yml is an input; the lock would overwrite it"


@pytest.mark.parametrize("text", ["", "a: [", "dependencies: [numpy==1]\n"])
def test_a_file_of_somebody_else_is_left_as_it_is(folder: Path, text: str) -> None:
    (folder / "environment.linux-64.yml").write_text(text)
    with pytest.raises(UsageError) as caught:
        existing.own_locks(order(Format.ENVIRONMENT))
    assert caught.value.message == (
        "environment.linux-64.yml is there, and envlock did not write it; it is left as it is"
    )
