"""Safe YAML, quickly. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def parse(text: str) -> Iterator[Any]:
    """The YAML documents of a text, empty ones left out."""
    import yaml  # noqa: PLC0415  (20 ms that --help does not need)

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return (document for document in yaml.load_all(text, Loader=loader) if document is not None)
