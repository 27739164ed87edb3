"""A release that a lock fell back to, and what holds newer ones. Values alone."""

from __future__ import annotations

from datetime import date

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version


class Holdback(Struct, frozen=True, kw_only=True):
    """What keeps a newer release of a package away, and what would free it, "" if nobody knows."""

    why: str
    frees: str = ""


class Behind(Struct, frozen=True, kw_only=True):
    """What was asked for and is years older than the framework, though there are newer releases.

    ``uploaded`` is the day of the release that was taken, ``newest`` the one that it might be.
    """

    name: NormalizedName
    version: Version
    uploaded: date
    newest: Version
    newest_uploaded: date
    holding: tuple[Holdback, ...] = ()
