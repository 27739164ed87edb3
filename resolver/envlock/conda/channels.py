"""Where conda packages come from: the words for channels, as addresses. Pure.

As conda has it: a name is a channel of anaconda.org (or of
``CONDA_CHANNEL_ALIAS``), ``defaults`` stands for several, a URL or a path for
itself, and ``$VARIABLE`` in it for its value. Credentials stand in the URL
(``https://user:password@…``, ``/t/TOKEN/``) or in a netrc file; they go into
an `Address` and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from msgspec import Struct
from msgspec.structs import replace

from envlock.conda.values import CondaPackage
from envlock.errors import UsageError
from envlock.index.redact import redact, strip_credentials
from envlock.system.looking import expand

_ALIAS = "https://conda.anaconda.org"
_DEFAULTS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
_MSYS = "https://repo.anaconda.com/pkgs/msys2"
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_TOKEN = re.compile(r"/t/(?:<[^/>]*>|[^/]+)(?=/|$)")
_HIDDEN_TOKEN = re.compile(r"(?<=/t/)[\w-]+(?=/|$|\s|['\"])")

#: User and password for a host, or None.
Netrc = Callable[[str], tuple[str, str] | None]


class Address(Struct, frozen=True, kw_only=True):
    """A channel: its ``url`` ends in a slash and may hold credentials, ``public`` holds none."""

    public: str
    url: str


def nobody(host: str) -> None:
    """Know no password for any host."""
    del host


def addresses(
    words: Iterable[str],
    environ: Mapping[str, str],
    *,
    subdir: str = "",
    netrc: Netrc = nobody,
) -> tuple[Address, ...]:
    """Return the channels that words stand for, in their order, each once.

    Raises:
        UsageError: a word names a variable that is not set, or is no channel.
    """
    found: dict[str, Address] = {}
    for word in words:
        for url in _urls(_expanded(word, environ), environ, subdir):
            address = _address(url, netrc)
            found.setdefault(address.public, address)
    return tuple(found.values())


def _expanded(word: str, environ: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in environ:
            raise UsageError(
                f"the channel {hide(word)} needs the variable {name}, which is not set",
                f"export {name}=…",
            )
        return environ[name]

    return _VARIABLE.sub(value, word.strip())


def _urls(word: str, environ: Mapping[str, str], subdir: str) -> Iterator[str]:
    if word == "defaults":
        yield from _DEFAULTS
        if subdir.startswith("win-"):
            yield _MSYS
    elif "://" in word:
        yield word
    elif word.startswith(("/", "./", "../", "~", "\\")) or re.match(r"[A-Za-z]:[\\/]", word):
        yield expand(word).absolute().as_uri()
    elif re.fullmatch(r"[\w.-]+(/[\w.-]+)*", word):
        yield f"{environ.get('CONDA_CHANNEL_ALIAS', _ALIAS).rstrip('/')}/{word}"
    else:
        raise UsageError(f"{hide(word)!r} is not a channel", "--channel conda-forge")


def _address(url: str, netrc: Netrc) -> Address:
    url = f"{url.rstrip('/')}/"
    parts = urlsplit(url)
    known = None
    if parts.scheme in {"http", "https"} and "@" not in parts.netloc and "/t/" not in parts.path:
        known = netrc(parts.hostname or "")
    if known is not None:
        user, password = (quote(each, safe="") for each in known)
        url = urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc}"))
    return Address(public=public(url), url=url)


def public(url: str) -> str:
    """Return a URL of a channel or package without its credentials."""
    return _TOKEN.sub("", strip_credentials(url), count=1)


def hide(text: str) -> str:
    """Return any text with the credentials of the channels in it replaced by ``****``."""
    return _HIDDEN_TOKEN.sub("****", redact(text))


def without_credentials(package: CondaPackage, channels: Iterable[Address]) -> CondaPackage:
    """Return a package with the public addresses of its channel and file."""
    for each in channels:
        if package.url.startswith(each.url):
            rest = package.url.removeprefix(each.url)
            return replace(package, url=f"{each.public}{rest}", channel=each.public)
    return replace(package, url=public(package.url), channel=public(package.channel))


def with_credentials(package: CondaPackage, channels: Iterable[Address]) -> CondaPackage:
    """Return a package with the addresses that can be fetched from."""
    for each in channels:
        if package.url.startswith(each.public):
            rest = package.url.removeprefix(each.public)
            return replace(package, url=f"{each.url}{rest}", channel=each.url)
    return package
