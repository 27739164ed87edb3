"""The YAML files of the knowledge that hold a table and no rules, and their safe, quick reader.

``tables-schema.json`` beside them describes each. Like that of the rules, it
is applied by ``envlock rules check`` and the tests, and not at a start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from msgspec import Struct

from envlock.documents import yaml_library, yaml_values
from envlock.rules.schema import schema_faults, validator_of
from envlock.system import remembered

TABLES = frozenset(
    {
        *("beside.yaml", "build-tools.yaml", "conda-names.yaml", "families.yaml"),
        *("frameworks.yaml", "pythons.yaml", "traps.yaml", "uses.yaml"),
    }
)


#: The folder of the documents that tell what an error means, and judge no versions.
EXPLAINS = "explains"


@cache
def shipped(folder: str = "") -> Mapping[str, Sequence[Any]]:
    """The documents of every YAML file beside the rules or in a folder there, by the file's name.

    Reading YAML is the slow part of a start, so what was read is remembered.
    """
    items = (item for item in files("envlock_constraints").joinpath(folder).iterdir())
    sources = {item.name: item.read_bytes() for item in items if item.name.endswith(".yaml")}

    def read() -> dict[str, list[Any]]:
        return {name: parse(content.decode()) for name, content in sources.items()}

    name = f"knowledge-{folder}-1" if folder else "knowledge-1"
    found: dict[str, list[Any]] = remembered(name, sources, read)
    return found


def parse(text: str) -> list[Any]:
    """The YAML documents of a text, empty ones left out.

    Raises:
        Malformed: it is not YAML, or a value is none of its type.
    """
    return yaml_values(text)


def render(document: Mapping[str, Any]) -> str:
    """A document as YAML, in the order of its keys."""
    # PyYAML writes these three raw in a plain scalar, and folds them as it reads them.
    foldable = not set("\x85\u2028\u2029").isdisjoint(json.dumps(document, ensure_ascii=False))
    text: str = yaml_library().safe_dump(
        document, sort_keys=False, allow_unicode=not foldable, width=100
    )
    return f"---\n{text}"


def table(name: str) -> Mapping[str, Any]:
    """Return the document of one of `TABLES` that ships."""
    (document,) = shipped()[name]
    found: Mapping[str, Any] = document
    return found


def table_faults() -> tuple[str, ...]:
    """Return what is wrong with the tables that ship, each with its file and key path."""
    return tuple(
        f"{name}: {fault}"
        for name in sorted(TABLES)
        for fault in schema_faults(_validators()[name], shipped()[name])
    )


@cache
def _validators() -> Mapping[str, Any]:
    text = files("envlock_constraints").joinpath("tables-schema.json").read_text(encoding="utf-8")
    described = json.loads(text)
    return {
        name: validator_of({"$defs": described["$defs"], "type": "array", "maxItems": 1, **one})
        for name, one in ((n, {"items": each}) for n, each in described["tables"].items())
    }


class Pythons(Struct, frozen=True, kw_only=True):
    """What ``pythons.yaml`` says.

    ``minors`` are all there are, oldest first, ``oldest`` the first that is
    locked for. ``stands_for`` is the full version that a minor stands for
    where that is not its first patch, ``last`` maps a package and a minor to
    the last release that this Python has, ``last_on`` a system and a package to the
    last one with a wheel for it.
    """

    minors: tuple[str, ...]
    oldest: str
    stands_for: Mapping[str, str]
    last: Mapping[str, Mapping[str, str]]
    last_on: Mapping[str, Mapping[str, str]]

    def full(self, minor: str) -> str:
        """Return the full version that a minor stands for."""
        return self.stands_for.get(minor, f"{minor}.0")


@cache
def pythons() -> Pythons:
    """Return the Pythons that envlock knows."""
    said = table("pythons.yaml")
    return Pythons(
        minors=tuple(said["minors"]),
        oldest=said["oldest"],
        stands_for=said["stands-for"],
        last=said["last"],
        last_on=said["last-on"],
    )
