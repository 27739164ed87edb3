"""An index client with a cache of its own, and what tests ask it."""

import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import NormalizedName, canonicalize_name

from envlock.errors import IndexFailure
from envlock.index.pages import Index
from envlock.model import IndexSettings

DEMO, OTHER = canonicalize_name("demo"), canonicalize_name("other")
CHECK_REMEDY = (
    f"{sys.executable} -m pip config list"
    "  # shows which indexes are configured; --index-url names another"
)


class Notes:
    """A progress that remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.details: list[str] = []

    def phase(self, title: str) -> Any:
        raise NotImplementedError(title)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def detail(self, text: str) -> None:
        self.details.append(text)


def client(folder: Path, url: str, **settings: Any) -> Index:
    return Index(IndexSettings(index_url=url, **settings), cache=folder / "cache")


def names(index: Index, name: NormalizedName = DEMO) -> list[str]:
    return [file.filename for file in index.files(name)]


def failure(index: Index) -> IndexFailure:
    with pytest.raises(IndexFailure) as caught:
        index.files(DEMO)
    return caught.value
