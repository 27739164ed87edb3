"""The links of an HTML page (PEP 503)."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser


class Links(HTMLParser):
    """Collects the attributes of each link of a page that is fed to it, and the page's base URL."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.found: list[Mapping[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a link, or the first base."""
        if tag == "a":
            self.found.append(dict(attrs))
        elif tag == "base" and not self.base:
            self.base = dict(attrs).get("href") or ""
