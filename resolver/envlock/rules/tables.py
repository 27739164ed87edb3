"""The YAML files of the knowledge that hold a table and no rules.

``tables-schema.json`` beside them describes each. Like that of the rules, it
is applied by ``envlock rules check`` and the tests, and not at a start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from envlock.rules.documents import shipped
from envlock.rules.schema import schema_faults, validator_of

TABLES = frozenset({"conda-names.yaml", "families.yaml", "frameworks.yaml", "pythons.yaml"})


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
