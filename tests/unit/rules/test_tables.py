"""The tables beside the rules: held by their schema, and told where they are not."""

import json
from importlib.resources import files
from typing import Any

import pytest

from envlock.rules import tables
from envlock.rules.building import build_tools
from envlock.rules.frameworks import families, framework, framework_of, frameworks
from envlock.rules.tables import TABLES, pythons, shipped, table_faults


def test_the_tables_that_ship_are_sound() -> None:
    assert table_faults() == ()


def test_every_table_has_a_schema_and_every_schema_a_table() -> None:
    text = files("envlock_constraints").joinpath("tables-schema.json").read_text(encoding="utf-8")
    assert json.loads(text)["tables"].keys() == TABLES
    assert shipped().keys() > TABLES


@pytest.mark.parametrize(
    ("name", "document", "fault"),
    [
        (
            "pythons.yaml",
            {"minors": ["3.9", "3"], "oldest": "3.9", "stands-for": {}, "last": {}},
            r"pythons.yaml: [0].minors[1]: '3' does not match '^3\\.[0-9]{1,2}$'",
        ),
        (
            "pythons.yaml",
            {"minors": ["3.9"], "oldest": "3.9", "stands-for": {"3.9": "new"}, "last": {}},
            "pythons.yaml: [0].stands-for.3.9: 'new' is not a 'version'",
        ),
        (
            "families.yaml",
            {"families": {"a": ["A"]}, "stubs": [], "wheels-only": ["a"], "one-system": {}},
            "families.yaml: [0]: 'not-imported' is a required property",
        ),
    ],
)
def test_what_is_wrong_with_a_table_is_told_with_its_place(
    monkeypatch: pytest.MonkeyPatch, name: str, document: dict[str, Any], fault: str
) -> None:
    monkeypatch.setattr(tables, "shipped", lambda: {**shipped(), name: [document]})
    assert fault in table_faults()


def test_a_framework_is_the_head_of_its_family() -> None:
    for each in frameworks():
        assert each.members[0] == each.name
        assert set(each.members) >= {each.cpu, each.gpu, *each.recorded, *each.large} - {None}
        assert framework_of(each.members[-1]) is each
    assert framework_of("numpy") is None
    assert framework() is frameworks()[0]


def test_a_path_is_a_framework_s_when_it_is_in_one_of_its_folders() -> None:
    assert framework().owns("tensorflow/python/__init__.py")
    assert not framework().owns("tensorflow_hub/__init__.py")
    assert not framework().owns("tensorflow")


def test_the_minors_are_in_order_and_the_oldest_is_among_them() -> None:
    said = pythons()
    assert list(said.minors) == sorted(said.minors, key=lambda each: int(each.split(".")[1]))
    assert said.oldest in said.minors
    assert said.full("3.6") == "3.6.1"
    assert said.full("3.14") == "3.14.0"
    assert set(families().one_system.values()) <= {"linux", "macos", "windows"}


@pytest.mark.parametrize(
    ("log", "brings"),
    [
        ("error: command 'swig' failed: No such file or directory", {"swig"}),
        ("error: command '/usr/bin/cmake' failed: No such file or directory", {"cmake"}),
        ("ModuleNotFoundError: No module named 'Cython'", {"cython"}),
        ("error: command 'gcc' failed: No such file or directory", set()),
    ],
)
def test_what_a_build_lacks_is_put_beside_it(log: str, brings: set[str]) -> None:
    assert build_tools().lacking(log) == brings
