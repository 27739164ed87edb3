"""Says where packages come from because a file of the folder says so.

A folder that was cloned may name any index. It is used, and named: no lock
comes from a place that nobody saw. It turns no protection off: an address that
is not encrypted is taken from a project only where the user trusts its host.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from envlock.cli.output import talk
from envlock.cli.told import PLACES
from envlock.config import project_places
from envlock.errors import UsageError
from envlock.index.redact import redact
from envlock.index.secrets import learn_url
from envlock.model import IndexSettings


def tell_places(settings: IndexSettings) -> None:
    """Name on standard error the indexes that a project's file chose and these settings use.

    Raises:
        UsageError: one is neither encrypted nor on a host that the user trusts.
    """
    used = {settings.index_url, *settings.extra_index_urls, *settings.find_links}
    chosen = project_places(Path.cwd(), os.environ)
    for where, values in chosen.items():
        for value in values:
            learn_url(value)
            if used.isdisjoint(_forms(value)):
                continue
            _refuse_unencrypted(where, value, settings.trusted_hosts)
            tell_place(where, value)


def tell_place(where: str, value: str) -> None:
    """Say once that packages come from a place that a file names, whatever else is said."""
    place = {"from": where, "place": redact(value)}
    if place not in PLACES:
        PLACES.append(place)
        talk(f"{where}: packages come from {place['place']}")


def _forms(value: str) -> tuple[str, ...]:
    return (value, value.rstrip("/"), Path(value).absolute().as_uri())


def _refuse_unencrypted(where: str, value: str, trusted: Iterable[str]) -> None:
    parts = urlsplit(value)
    if parts.scheme in {"", "file", "https"} or _is_here(parts.hostname or ""):
        return
    host = parts.netloc.rpartition("@")[2]
    if {host, parts.hostname} & set(trusted):
        return
    raise UsageError(
        f"{where}: {redact(value)} is not encrypted (https), and a project's file does not decide"
        " that this does not matter",
        f"--trusted-host {parts.hostname}",
    )


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
