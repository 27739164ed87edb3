"""An index page as it was sent."""

from __future__ import annotations

from msgspec import Struct


class RawPage(Struct, frozen=True, kw_only=True):
    """The bytes of a page, their type, and where it was found in the end."""

    content: bytes
    kind: str
    url: str
