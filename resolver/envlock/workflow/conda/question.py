"""What is asked of conda's side for one platform: specs, channels, the system."""

from __future__ import annotations

import netrc
import os
from collections.abc import Iterable
from pathlib import Path

from envlock.choices import Accelerator
from envlock.conda import rattler
from envlock.conda.channels import Address, OwnHosts, addresses, host_of
from envlock.index.settings import load_settings
from envlock.model import CondaSpec, Request
from envlock.resolve import merge
from envlock.resolve.conda.question import CondaQuestion
from envlock.system.looking import home
from envlock.targets.subdirs import Virtual, platform_of, virtual_packages
from envlock.workflow.job import DEFAULT_CHANNEL, Work


def channel_addresses(
    request: Request, subdir: str
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


def question_for(work: Work, subdir: str) -> CondaQuestion:
    """Return what is asked of conda's side for one platform.

    Raises:
        UsageError: a channel is malformed.
        WorkError: py-rattler is missing or failed.
    """
    request = work.job.request
    known, named = channel_addresses(request, subdir)
    specs = [each for each in request.specs if not each.only or subdir in each.only]
    if request.requirements and all(each.name != "python" for each in specs):
        specs.append(CondaSpec(name="python", origin=request.requirements[0].origin))
    before = work.kept.get(str(platform_of(subdir)))
    return CondaQuestion(
        specs=tuple(specs),
        channels=known,
        named=named,
        subdir=subdir,
        virtual=system_of(subdir, request.accelerator, here=work.job.here),
        rules=work.database.rules,
        constraints=merge(request.constraints),
        preferred=before.conda if before else (),
        exclude_newer=request.exclude_newer,
        strict=os.environ.get("CONDA_CHANNEL_PRIORITY") != "disabled",
    )
