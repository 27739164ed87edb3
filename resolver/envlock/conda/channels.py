"""Where conda packages come from: the words for channels, as addresses. Pure.

As conda has it: a name is a channel of anaconda.org (or of
``CONDA_CHANNEL_ALIAS``), ``defaults`` stands for several, a URL or a path for
itself, and ``$VARIABLE`` in the place of its credentials for a value, and
there alone, since a file of somebody else's could ask for any. Credentials stand in the URL
(``https://user:password@…``, ``/t/TOKEN/``) or in a netrc file; they go into
an `Address` and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from msgspec import Struct
from msgspec.structs import replace

from envlock.errors import UsageError
from envlock.index.hosts import AMBIGUOUS, WHY_AMBIGUOUS
from envlock.index.secrets import learn, learn_url, redact, strip_credentials
from envlock.model import CondaPackage
from envlock.system.looking import expand

_ALIAS = "https://conda.anaconda.org"
_DEFAULTS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
_MSYS = "https://repo.anaconda.com/pkgs/msys2"
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<userinfo>[^/?#@]*)@)?"
    r"(?P<host>[^/?#@$]*)(?:[/?#].*)?",
    re.DOTALL,
)
_TOKEN_PLACE = re.compile(r"(?<=/t/)[^/?#]+")
#: A value may be encoded already; what would end the place that it stands in is encoded here.
_OF_USERINFO = "%!$&'()*+,;=:~"
_TOKEN = re.compile(r"/t/(?:<[^/>]*>|[^/]+)(?=/|$)")
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_HIDDEN_TOKEN = re.compile(r"(?<=/t/)[\w-]+(?=/|$|\s|['\"])")
#: User and password for a host, or None.
Netrc = Callable[[str], tuple[str, str] | None]
_PLAIN_TOKEN = re.compile(r"/t/[\w-]+(?=/|$)")


class OwnHosts(Struct, frozen=True, kw_only=True):
    """The hosts that the user's own configuration names, with their ports where it has them.

    ``plain`` are those that it goes to without encryption.
    """

    named: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()


class Address(Struct, frozen=True, kw_only=True):
    """A channel: its ``url`` ends in a slash and may hold credentials, ``public`` holds none."""

    public: str
    url: str


_NOBODYS = OwnHosts()


def nobody(host: str) -> None:
    """Know no password for any host."""
    del host


def addresses(
    words: Iterable[str],
    environ: Mapping[str, str],
    *,
    subdir: str = "",
    netrc: Netrc = nobody,
    own: OwnHosts = _NOBODYS,
) -> tuple[Address, ...]:
    """Return the channels that words stand for, in their order, each once.

    Words may come from a stranger's file. A variable counts in the place of
    credentials alone, and over https or for a host of the user's ``own``; its
    value is a secret from then on. netrc counts over https, or where the user
    goes without.

    Raises:
        UsageError: a word names a variable that is not set or does not count,
            or is no channel.
    """
    found: dict[str, Address] = {}
    for word in words:
        learn_url(word)
        _refuse_ambiguous(word.strip())
        for url in _urls(_expanded(word.strip(), environ, netrc, own), environ, subdir):
            address = _address(url, netrc, own)
            learn_url(address.url)
            found.setdefault(address.public, address)
    return tuple(found.values())


def _refuse_ambiguous(word: str) -> None:
    """Refuse an address whose host is one for this program and another one for a browser."""
    if "://" in word and AMBIGUOUS.search(word) and not word.startswith("file:"):
        raise UsageError(
            f"{hide(word)!r} is not a channel: {WHY_AMBIGUOUS}", "--channel conda-forge"
        )


def variables_of(word: str) -> tuple[str, ...]:
    """Return the names of the variables in a word for a channel."""
    return tuple(match[1] or match[2] for match in _VARIABLE.finditer(word))


def host_of(word: str) -> str:
    """Return the host of a channel that is an address, with its port; "" for a name."""
    found = _PARTS.fullmatch(word)
    return found["host"] if found else ""


def _expanded(word: str, environ: Mapping[str, str], netrc: Netrc, own: OwnHosts) -> str:
    if not _VARIABLE.search(word):
        return word
    parts = _PARTS.fullmatch(word)
    token = parts and _TOKEN_PLACE.search(word, parts.end("host"))
    places = [parts.span("userinfo"), token.span() if token else (0, 0)] if parts else []
    host = parts["host"] if parts else ""
    named = bool(_spellings(host) & own.named) or netrc(_name(host)) is not None

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if not any(start <= match.start() and match.end() <= end for start, end in places):
            raise UsageError(
                f"the channel {hide(word)} has ${name} where no credentials stand: it would be"
                " told to whoever answers there; a variable counts in user:password@ and in"
                " /t/TOKEN/",
                "write the address out",
            )
        if parts is None or not (parts["scheme"].lower() == "https" or named):
            raise UsageError(
                f"the channel {hide(word)} would send ${name} without encryption: that takes https,"
                " or a host that your own configuration names",
                f"--channel https://… , or PIP_TRUSTED_HOST={host_of(word)}",
            )
        if name not in environ:
            raise UsageError(
                f"the channel {hide(word)} needs the variable {name}, which is not set",
                f"export {name}=…",
            )
        learn(environ[name])
        return quote(environ[name], safe=_OF_USERINFO)

    return _VARIABLE.sub(value, word)


def _name(host: str) -> str:
    """A host without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _spellings(host: str) -> set[str]:
    return {host, _name(host)}


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


def _address(url: str, netrc: Netrc, own: OwnHosts) -> Address:
    url = f"{url.rstrip('/')}/"
    parts = urlsplit(url)
    known = None
    host = parts.hostname or ""
    here = host in _HERE or bool(_spellings(parts.netloc) & own.plain)
    if (parts.scheme == "https" or here) and "@" not in parts.netloc and "/t/" not in parts.path:
        known = netrc(host)
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


def strip_channel(word: str) -> str:
    """Return the name or address of a channel as it may be kept.

    A variable stays in the place of a secret, as in ``/t/${TOKEN}/``: it tells
    nothing, and without it the channel could not be read again.
    """
    if "://" not in word:
        return word
    plain = _PLAIN_TOKEN.sub("", word, count=1)
    return plain if "$" in urlsplit(plain).netloc else strip_credentials(plain)
