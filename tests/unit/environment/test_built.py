"""Which NumPy an installed module was built for stands in its bytes; nothing is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.environment import built
from envlock.environment.built import built_for_numpy1
from envlock.environment.records import Distribution, read_site
from envlock.environment.state import examine_environment
from support.prefixes import make_venv, put

HEADER = b"module compiled against ABI version 0x%x but this version of numpy is 0x%x\0"
FOR_1 = b"\x7fELF" + HEADER + b"numpy.core._multiarray_umath\0_ARRAY_API\0"
FOR_2 = FOR_1 + b"numpy._core._multiarray_umath\0"
TYPES_OF_1 = b"\x7fELFnumpy.core.multiarray failed to import\0"
TYPES_OF_2 = b"\x7fELFnumpy._core.multiarray failed to import\0"
NEITHER = b"\x7fELFPyInit__core\0"
TAG = "cpython-311-x86_64-linux-gnu.so"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    found = make_venv(tmp_path / "env")
    put(found, "numpy", "2.0.2")
    return found


def add(
    site: Path, name: str, modules: dict[str, str | bytes], needs: tuple[str, ...] = ("numpy",)
) -> None:
    put(site, name, "1.0", files=modules, requires=needs)


def found(site: Path) -> list[str]:
    packages: dict[object, Distribution] = {e.name: e for e in read_site(site).distributions}
    return [*built_for_numpy1(packages)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "old"),
    [(FOR_1, True), (FOR_2, False), (TYPES_OF_1, True), (TYPES_OF_2, False), (NEITHER, False)],
)
def test_the_words_of_numpys_headers_tell_the_numpy(site: Path, content: bytes, old: bool) -> None:  # noqa: FBT001
    add(site, "acme", {f"acme/_core.{TAG}": content})
    assert found(site) == (["acme"] if old else [])


def test_it_is_said_of_an_environment_with_numpy_2_alone(site: Path) -> None:
    add(site, "acme", {f"acme/_core.{TAG}": FOR_1})
    assert found(site) == ["acme"]
    assert [*examine_environment(site.parents[2]).examined.built] == ["acme"]
    said = site / "numpy-2.0.2.dist-info" / "METADATA"
    said.write_text(said.read_text().replace("2.0.2", "1.26.4"))
    assert found(site) == []


def test_one_module_that_serves_numpy_2_speaks_for_the_others_of_its_distribution(
    site: Path,
) -> None:
    add(site, "acme", {f"acme/a.{TAG}": FOR_2, f"acme/b.{TAG}": FOR_1 + b"\0" * 500})
    assert found(site) == []


def test_what_declares_no_numpy_and_libraries_that_wheels_carry_are_not_read(site: Path) -> None:
    add(site, "quiet", {f"quiet/_core.{TAG}": FOR_1}, needs=())
    add(site, "carried", {"carried.libs/libx.so": FOR_1, "carried/libacme.so": FOR_1})
    add(site, "tensorflow-cpu", {f"tensorflow/_core.{TAG}": FOR_1})
    assert found(site) == []


def test_words_are_found_where_two_pieces_of_a_file_meet(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(built, "_PIECE", len(HEADER) // 2)
    add(site, "acme", {f"acme/_core.{TAG}": FOR_1})
    add(site, "beta", {f"beta/_core.{TAG}": FOR_2})
    assert found(site) == ["acme"]


def test_what_would_take_too_long_is_left_unsaid(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(site, "acme", {f"acme/_core.{TAG}": FOR_1})
    monkeypatch.setattr(built, "_MOST", 10)
    assert found(site) == []
    monkeypatch.undo()
    monkeypatch.setattr(built, "_SECONDS", -1.0)
    assert found(site) == []


def test_a_module_that_is_gone_or_no_file_says_nothing(site: Path) -> None:
    add(site, "acme", {f"acme/_core.{TAG}": FOR_1})
    (site / f"acme/_core.{TAG}").unlink()
    assert found(site) == []
    (site / f"acme/_core.{TAG}").mkdir()
    assert found(site) == []
