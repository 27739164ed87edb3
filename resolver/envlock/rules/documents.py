"""Safe YAML, quickly. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def parse(text: str) -> Iterator[Any]:
    """The YAML documents of a text, empty ones left out."""
    import yaml  # noqa: PLC0415  (20 ms that --help does not need)

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return (document for document in yaml.load_all(text, Loader=loader) if document is not None)


def render(document: Mapping[str, Any]) -> str:
    """A document as YAML, in the order of its keys."""
    import yaml  # noqa: PLC0415  (as above)

    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{text}"
