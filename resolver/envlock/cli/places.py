"""Says where packages come from because a file of the folder says so.

A folder that was cloned may name any index. It is used, and named: no lock
comes from a place that nobody saw. It turns no protection off: an address that
is not encrypted is taken from a project only where the user trusts its host.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from envlock.cli.output import talk
from envlock.cli.told import PLACES
from envlock.config import project_places, project_sources
from envlock.errors import UsageError
from envlock.index.hosts import as_netloc, is_secure, split, trusted_host
from envlock.index.origin import source_of
from envlock.index.secrets import learn_url, redact
from envlock.index.settings import placed
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
    _tell_sources(settings)


def _tell_sources(settings: IndexSettings) -> None:
    """Name the packages that a project's file holds to an index, also to one of the user's."""
    where, held = project_sources(Path.cwd())
    written: dict[str, list[str]] = {}
    for name, place in held:
        # As the settings have it, unless a variable or the user's file says something else of it.
        url = source_of(settings, name)
        if url is not None and (name, url) in placed(((name, place),), settings):
            written.setdefault(place if "://" in place else url, []).append(name)
    for url, names in written.items():
        _refuse_unencrypted(where, url, settings.trusted_hosts)
        verb = "comes" if len(names) == 1 else "come"
        tell_place(where, url, f"{', '.join(names)} {verb}")


def tell_place(where: str, value: str, what: str = "packages come") -> None:
    """Say once that packages come from a place that a file names, whatever else is said."""
    place = {"from": where, "place": redact(value, certain=True)}
    if place not in PLACES:
        PLACES.append(place)
        talk(f"{where}: {what} from {place['place']}")


def _forms(value: str) -> tuple[str, ...]:
    return (value, value.rstrip("/"), Path(value).absolute().as_uri())


def _refuse_unencrypted(where: str, value: str, trusted: Iterable[str]) -> None:
    if "://" not in value:
        return
    parts = split(value)
    if parts.scheme == "file" or is_secure(parts, map(trusted_host, trusted)):
        return
    host = as_netloc(parts.hostname or "", parts.port)
    raise UsageError(
        f"{where}: {redact(value)} is not encrypted (https), and a project's file does not decide"
        " that this does not matter",
        f"--trusted-host {host}",
    )
