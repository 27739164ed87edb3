"""What is solved for conda, platform by platform: the request, its channels, its systems."""

from __future__ import annotations

import netrc
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct, field

from envlock.choices import Accelerator, EngineName
from envlock.conda import rattler
from envlock.conda.channels import Address, OwnHosts, addresses, host_of
from envlock.conda.values import CondaPlatformLock, CondaRequest, CondaSpec
from envlock.index.settings import load_settings
from envlock.model import IndexSettings, Requested, RuleId
from envlock.resolve import merge
from envlock.resolve.conda.question import CondaQuestion
from envlock.rules.database import Database
from envlock.system.looking import home
from envlock.targets.subdirs import Virtual, virtual_packages

#: Where packages come from when nobody says.
DEFAULT_CHANNEL = "conda-forge"


class CondaWork(Struct, frozen=True, kw_only=True):
    """What is solved for each platform; ``typed`` is the command up to what it asks for.

    ``here`` says that it is for this machine, whose system then counts, and
    not for any of its platform. ``constraints`` bound both sides;
    ``preferred`` are pins of a lock that is there.
    """

    request: CondaRequest
    settings: IndexSettings
    database: Database
    typed: str
    verb: str
    here: bool = True
    constraints: tuple[Requested, ...] = ()
    accelerator: Accelerator = Accelerator.AUTO
    engine: EngineName = EngineName.PIPTOOLS
    exclude_newer: datetime | None = None
    preferred: Mapping[str, CondaPlatformLock] = field(default_factory=dict)


class PlatformAnswer(Struct, frozen=True, kw_only=True):
    """The lock of one platform, and what the reader should know of it."""

    lock: CondaPlatformLock
    notes: tuple[str, ...]
    reasons: Mapping[RuleId, str]


def channel_addresses(
    request: CondaRequest, subdir: str
) -> tuple[tuple[Address, ...], dict[str, Address]]:
    """Return the channels to read, best first, and those that single specs name."""
    words = request.channels or (DEFAULT_CHANNEL,)
    own = _own_hosts(request.typed)
    named = {
        spec.channel: addresses([spec.channel], os.environ, subdir=subdir, netrc=_netrc, own=own)[0]
        for spec in request.specs
        if spec.channel
    }
    known = addresses(words, os.environ, subdir=subdir, netrc=_netrc, own=own)
    public = {each.public for each in known}
    more = [each for each in named.values() if each.public not in public]
    return (*known, *more), named


def _own_hosts(typed: Iterable[str]) -> OwnHosts:
    """The hosts of the user's own words, variables and pip configuration; no project's file."""
    settings = load_settings(os.environ)
    urls = (settings.index_url, *settings.extra_index_urls, *settings.find_links)
    said = (*urls, *typed, os.environ.get("CONDA_CHANNEL_ALIAS", ""))
    trusted = frozenset(settings.trusted_hosts)
    return OwnHosts(
        named=trusted | {host_of(each) for each in said} - {""},
        plain=trusted | {host_of(each) for each in said if each.startswith("http:")},
    )


def _netrc(host: str) -> tuple[str, str] | None:
    file = Path(os.environ.get("NETRC") or home() / ".netrc")
    try:
        found = netrc.netrc(str(file)).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2] or "") if found else None


def system_of(subdir: str, accelerator: Accelerator, *, here: bool) -> tuple[Virtual, ...]:
    """Return the virtual packages of a platform: seen where it is this machine's."""
    own, seen = rattler.detect()
    there = seen if here and own == subdir else ()
    return virtual_packages(subdir, there, os.environ, accelerator)


def question_for(work: CondaWork, subdir: str) -> CondaQuestion:
    """Return what is asked of conda's side for one platform.

    Raises:
        UsageError: a channel is malformed.
        WorkError: py-rattler is missing or failed.
    """
    known, named = channel_addresses(work.request, subdir)
    specs = [each for each in work.request.specs if not each.only or subdir in each.only]
    if work.request.pip and all(each.name != "python" for each in specs):
        specs.append(CondaSpec(name="python", origin=work.request.pip[0].origin))
    before = work.preferred.get(subdir)
    return CondaQuestion(
        specs=tuple(specs),
        channels=known,
        named=named,
        subdir=subdir,
        virtual=system_of(subdir, work.accelerator, here=work.here),
        rules=work.database.rules,
        constraints=merge(work.constraints),
        preferred=before.packages if before else (),
        exclude_newer=work.exclude_newer,
        strict=os.environ.get("CONDA_CHANNEL_PRIORITY") != "disabled",
    )
