"""What is asked for, package by package."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from envlock.model import Requested
from envlock.resolve.candidate import PackageRequirement, file_of, merge
from support.rules import requirement


def test_all_lines_about_one_package_are_one_wish() -> None:
    said = [
        ("NumPy>=1", "base.in:1"),
        ("numpy[tests]<2", "command line"),
        ("numpy>=1", "base.in:1"),
    ]
    merged = merge(Requested(requirement=Requirement(text), origin=o) for text, o in said)
    assert merged == {
        "numpy": PackageRequirement(
            name=requirement("numpy").name,
            specifier=SpecifierSet(">=1,<2"),
            extras=("tests",),
            origins=("base.in:1", "command line"),
        )
    }
    (numpy,) = merged.values()
    assert str(numpy) == "numpy[tests]<2,>=1"
    assert numpy.places == ("base.in:1",)


def test_wishes_are_sorted_by_name() -> None:
    said = [Requested(requirement=Requirement(n), origin="command line") for n in ("b", "c", "a")]
    assert list(merge(said)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("origin", "file", "table"),
    [
        ("requirements.in:3", "requirements.in", ""),
        ("C:/work/requirements.in:3", "C:/work/requirements.in", ""),
        (
            "deep/pyproject.toml [dependency-groups.test]",
            "deep/pyproject.toml",
            "dependency-groups.test",
        ),
        ("environment.yml", "environment.yml", ""),
    ],
)
def test_an_origin_is_a_file_a_line_and_perhaps_a_table(origin: str, file: str, table: str) -> None:
    assert file_of(origin) == (file, table)
