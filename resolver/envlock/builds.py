"""What the wheel of a source distribution is made with. Imports nothing of envlock."""

from __future__ import annotations

from msgspec import Struct


class Built(Struct, frozen=True, kw_only=True):
    """What the wheel of a source distribution was built with, which builds it again.

    ``tools`` are ``name==version``, ``mended`` requirements of its metadata that
    no installer reads, each with ``->`` and what stands in its place.
    """

    tools: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
