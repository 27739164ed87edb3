"""Safe YAML, quickly."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from envlock.documents import yaml_library, yaml_values
from envlock.system import remembered


@cache
def shipped() -> Mapping[str, Sequence[Any]]:
    """The documents of every YAML file beside the rules, by the name of the file.

    Reading YAML is the slow part of a start, so what was read is remembered.
    """
    items = (item for item in files("envlock_constraints").iterdir() if item.is_file())
    sources = {item.name: item.read_bytes() for item in items if item.name.endswith(".yaml")}

    def read() -> dict[str, list[Any]]:
        return {name: parse(content.decode()) for name, content in sources.items()}

    found: dict[str, list[Any]] = remembered("knowledge-1", sources, read)
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
