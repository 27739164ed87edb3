"""The links of an HTML page (PEP 503), and whether an index may have made it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from html.parser import HTMLParser

from packaging.utils import canonicalize_name

_PART = 1 << 16  # characters that are read between two looks at the clock
_SECONDS = 20.0  # some malformed pages take the parser a time that grows with its square
_LONGEST = 1 << 16  # characters of one tag

#: What pages of indexes and of web servers call themselves, whatever is on them.
_HEADING = re.compile(
    r"simple index|package index|links for|index of|directory (?:listing|index)"
    r"|\bno (?:files|packages|projects|releases|distributions)\b|\bempty\b",
    re.IGNORECASE,
)
#: What asks a person for something; no index page does.
_FOR_PEOPLE = frozenset({"form", "input", "button", "script", "iframe", "frame", "object"})
#: What the emptiest page that an index makes has: tools write no more for a project without files.
_DOCUMENT = frozenset({"html", "head", "title", "body"})
_UNSEEN = frozenset({"script", "style"})
_WORD = re.compile(r"[\w.-]+")


class Links(HTMLParser):
    """Collects the attributes of each link of a page that is fed to it, and the page's base URL.

    ``version`` is what the page says of itself (PEP 629).
    """

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.version = "1.0"
        self.found: list[Mapping[str, str | None]] = []
        self._of_index = False
        self._is_document = False
        self._asks = ""
        self._words: list[str] = []
        self._within = ""

    @property
    def cut_off(self) -> bool:
        """Whether the page ends inside a tag."""
        return "<" in self.rawdata

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a link, the first base, or what the page says of itself."""
        self._within = tag
        self._is_document = self._is_document or tag in _DOCUMENT
        if tag == "a":
            self.found.append(dict(attrs))
        elif tag == "base" and not self.base:
            self.base = dict(attrs).get("href") or ""
        elif tag == "meta":
            self._take_meta(dict(attrs))
        elif tag in _FOR_PEOPLE:
            self._asks = self._asks or tag

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  (the base's)
        """Leave an element."""
        self._within = ""

    def handle_data(self, data: str) -> None:
        """Keep the first words that a person sees."""
        if len(self._words) < _SHOWN and self._within not in _UNSEEN:
            self._words += _WORD.findall(data[:_PART])[:_SHOWN]

    def doubt(self, project: str) -> str:
        """Return why no index can have made this page of a project without files, or ""."""
        if self._of_index:
            return ""
        if self._asks:
            return f"it has <{self._asks}>"
        if not self._words and not self._is_document:
            return "it is empty"
        seen = " ".join(self._words)
        names = {canonicalize_name(word) for word in self._words}
        if not seen or _HEADING.search(seen) or canonicalize_name(project) in names:
            return ""
        return f"it says “{seen[:60]}”"

    def _take_meta(self, said: Mapping[str, str | None]) -> None:
        name = (said.get("name") or "").lower()
        if name in {"pypi:repository-version", "api-version"}:
            self._of_index = True
        if name == "pypi:repository-version":
            self.version = said.get("content") or self.version
        if (said.get("http-equiv") or "").lower() == "refresh":
            self._asks = self._asks or "meta refresh"


_SHOWN = 60  # words


def read_links(text: str, *, most: int) -> Links:
    """Return what a page has, up to the part where it has more than ``most`` links.

    Raises:
        ValueError, AssertionError: it is malformed, as the standard library has it, or
            takes too long to read.
    """
    links = Links()
    limit = time.monotonic() + _SECONDS
    for start in range(0, len(text), _PART):
        links.feed(text[start : start + _PART])
        if len(links.found) > most:
            break
        if len(links.rawdata) > _PART + _LONGEST and "<" in links.rawdata:
            raise ValueError(f"it has a tag of more than {_LONGEST} characters")
        if time.monotonic() > limit:
            raise ValueError(f"it took more than {_SECONDS:.0f} s to read")
    return links
