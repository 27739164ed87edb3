"""HTTP clients for the settings of pip: certificates, proxies, credentials. Import it late.

netrc and keyring are asked by unearth, which follows pip.
"""

from __future__ import annotations

import logging
import os
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import httpx2
from unearth import auth
from unearth.utils import get_netrc_auth

from envlock.errors import IndexFailure, UsageError
from envlock.index.credentials import Credentials
from envlock.index.handover import PROXIES
from envlock.index.hosts import is_secure, is_trusted, split, trusted_host
from envlock.index.netrc import netrc_fault
from envlock.index.redact import redact
from envlock.index.secrets import learn
from envlock.index.transport import ENCODINGS, Held, Watch
from envlock.index.trouble import PROXY
from envlock.model import IndexSettings
from envlock.system.looking import is_folder

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
)

# unearth warns of what is an IndexFailure here.
logging.getLogger("unearth").addHandler(logging.NullHandler())


class Connections:
    """The clients for trusted hosts and for all others; threads may share them."""

    def __init__(self, settings: IndexSettings) -> None:
        """Read the certificates and credentials.

        Raises:
            IndexFailure: a certificate cannot be read.
            UsageError: the proxy is not a URL, or a trusted host is none.
        """
        self.watch = Watch()
        self._trusted = tuple(map(trusted_host, settings.trusted_hosts))
        auth.KEYRING_DISABLED = settings.keyring_provider == "disabled"
        held = (url for _, url in settings.sources)
        indexes = (settings.index_url, *settings.extra_index_urls, *settings.find_links, *held)
        credentials = Credentials(
            prompting=False, index_urls=[_with_password(url) for url in dict.fromkeys(indexes)]
        )
        self._careful = _client(settings, credentials, _certificates(settings), self.watch)
        self._careless = (
            _client(settings, credentials, _no_certificates(settings), self.watch)
            if self._trusted
            else self._careful
        )

    def to(self, url: str) -> httpx2.Client:
        """Return the client for an address."""
        return self._careless if is_trusted(split(url), self._trusted) else self._careful

    def secure(self, url: str) -> bool:
        """Tell whether an address is read at all."""
        return is_secure(split(url), self._trusted)

    def close(self) -> None:
        """Close all connections."""
        self._careful.close()
        self._careless.close()
        self.watch.close()


class _Client(httpx2.Client):
    def __init__(self, watch: Watch, **options: Any) -> None:  # noqa: ANN401  (as the base has it)
        self._watch = watch
        super().__init__(**options)

    def _init_transport(self, *args: Any, **options: Any) -> httpx2.BaseTransport:  # noqa: ANN401
        return Held(super()._init_transport(*args, **options), self._watch)

    def _init_proxy_transport(self, *args: Any, **options: Any) -> httpx2.BaseTransport:  # noqa: ANN401
        return Held(super()._init_proxy_transport(*args, **options), self._watch)


def _client(
    settings: IndexSettings,
    credentials: auth.MultiDomainBasicAuth,
    verify: ssl.SSLContext,
    watch: Watch,
) -> httpx2.Client:
    proxy = settings.proxy
    try:
        _check_proxies(proxy)
        return _Client(
            watch,
            verify=verify,
            auth=credentials,
            follow_redirects=True,
            headers={"User-Agent": "envlock", "Accept": ACCEPT, "Accept-Encoding": ENCODINGS},
            proxy=proxy if proxy is None or "://" in proxy else f"http://{proxy}",
            timeout=settings.timeout,
        )
    except (ValueError, httpx2.InvalidURL) as error:
        raise UsageError(
            f"the proxy cannot be used: {redact(str(error))}",
            PROXY,
        ) from None


def _check_proxies(chosen: str | None) -> None:
    """Refuse a port that no proxy can have: the client would call its host missing.

    Raises:
        ValueError: as the standard library words it.
    """
    said = (chosen,) if chosen else map(os.environ.get, (*PROXIES, *map(str.lower, PROXIES)))
    for proxy in filter(None, said):
        urlsplit(proxy if "://" in proxy else f"http://{proxy}").port  # noqa: B018  (it raises)


def _certificates(settings: IndexSettings) -> ssl.SSLContext:
    path = settings.cert
    try:
        if path is None:
            context = httpx2.create_ssl_context()
        elif is_folder(Path(path)):
            context = ssl.create_default_context(capath=path)
        else:
            context = ssl.create_default_context(cafile=path)
        path = settings.client_cert
        if path is not None:
            context.load_cert_chain(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise IndexFailure(
            f"{path}: the certificate cannot be read: {why or error}",
            "pip config list",
        ) from None
    return context


def _no_certificates(settings: IndexSettings) -> ssl.SSLContext:
    """What trusted hosts are read with; a client has its own certificate there too."""
    context = httpx2.create_ssl_context(verify=False)
    if settings.client_cert is not None:
        context.load_cert_chain(settings.client_cert)
    return context


def _with_password(url: str) -> str:
    """Return ``url`` with a password, where it names only a user or a token.

    As pip: netrc and keyring are asked for the password, which is else empty.
    """
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at or ":" in userinfo:
        return url
    found = (None if netrc_fault() else get_netrc_auth(url)) or auth.get_keyring_auth(url, userinfo)
    learn(found[1] if found else None)
    user, password = (
        (quote(found[0], safe=""), quote(found[1], safe="")) if found else (userinfo, "")
    )
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{host}"))
