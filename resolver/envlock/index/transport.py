"""Connections that keep to a ceiling and can be broken off. Import it late.

Under the HTTP client, where every byte passes: bodies of redirects and
refusals, headers and handshakes are held to the same ceiling as pages.

The clients are made for the settings of pip: certificates, proxies,
credentials. netrc and keyring are asked by unearth, which follows pip.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import httpcore2
import httpx2
from unearth import auth
from unearth.utils import get_netrc_auth

from envlock.errors import IndexFailure, UsageError
from envlock.index.ceiling import Allowance, Ceiling, Reached
from envlock.index.credentials import Credentials
from envlock.index.handover import PROXIES
from envlock.index.hosts import is_secure, is_trusted, split, trusted_host
from envlock.index.netrc import netrc_fault
from envlock.index.secrets import learn, redact
from envlock.index.trouble import PROXY
from envlock.model import IndexSettings
from envlock.system.looking import is_folder
from envlock.system.typed import own_pip

_CHUNK = 1 << 18  # bytes that are unpacked at a time
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_UNPACKED = {"gzip": _GZIP_OR_ZLIB, "x-gzip": _GZIP_OR_ZLIB, "deflate": _GZIP_OR_ZLIB}
#: What is understood here: an unpacker that cannot be stopped is no use.
ENCODINGS = "gzip, deflate"
ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
)
# unearth warns of what is an IndexFailure here.
logging.getLogger("unearth").addHandler(logging.NullHandler())


class Watch(httpcore2.NetworkBackend):
    """Opens connections; each thread reads within its own allowance."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._backend = httpcore2.SyncBackend()
        self._open: set[socket.socket] = set()
        self._aborted = False

    @contextmanager
    def within(self, ceiling: Ceiling) -> Iterator[None]:
        """Hold what this thread reads in a block to a ceiling."""
        self._own.allowance = Allowance(ceiling)
        try:
            yield
        finally:
            self._own.allowance = None

    @property
    def allowance(self) -> Allowance | None:
        """What is left to this thread."""
        return getattr(self._own, "allowance", None)

    @property
    def peer(self) -> tuple[str, int]:
        """Where this thread last opened a connection to: the server, or what stands before it."""
        return getattr(self._own, "peer", ("", 0))

    def abort(self) -> None:
        """Break every connection off, in whichever thread it waits, and open no more."""
        self._aborted = True
        for handle in tuple(self._open):
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def wait(self, timeout: float | None) -> float | None:
        """Return how long a wait may be.

        Raises:
            Reached: not at all.
            httpcore2.ReadError: the reads were broken off.
        """
        if self._aborted:
            raise httpcore2.ReadError("broken off")
        return timeout if self.allowance is None else self.allowance.wait(timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Open a connection that is watched."""
        self._own.peer = (host, port)
        stream = self._backend.connect_tcp(
            host, port, self.wait(timeout), local_address, socket_options
        )
        # A second handle of the same connection: a handshake takes the first one away.
        handle = stream.get_extra_info("socket").dup()
        self._open.add(handle)
        return _Stream(stream, handle, self)

    def close(self) -> None:
        """Close what is still open."""
        for handle in tuple(self._open):
            self.forget(handle)

    def forget(self, handle: socket.socket) -> None:
        """Close a handle, and the connection with it."""
        self._open.discard(handle)
        with suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)
        handle.close()


class _Stream(httpcore2.NetworkStream):
    """A connection whose waits are short enough, and whose bytes are counted."""

    def __init__(
        self, stream: httpcore2.NetworkStream, handle: socket.socket, watch: Watch
    ) -> None:
        self._stream = stream
        self._handle = handle
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        wait = self._watch.wait(timeout)
        try:
            content = self._stream.read(max_bytes, wait)
        except httpcore2.ReadTimeout:
            self._watch.wait(timeout)  # which limit was it
            raise
        if self._watch.allowance is not None:
            self._watch.allowance.receive(len(content))
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._watch.wait(timeout))

    def close(self) -> None:
        self._stream.close()
        self._watch.forget(self._handle)

    def start_tls(
        self,
        ssl_context: Any,  # noqa: ANN401  (as the base has it)
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        wait = self._watch.wait(timeout)
        try:
            if isinstance(ssl_context, _Unread):
                ssl_context = ssl_context.read()
            stream = self._stream.start_tls(ssl_context, server_hostname, wait)
        except BaseException:
            self.close()
            raise
        return _Stream(stream, self._handle, self._watch)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  (as the base has it)
        return self._stream.get_extra_info(info)


class Held(httpx2.BaseTransport):
    """A transport whose answers are unpacked here, up to the ceiling of the thread."""

    def __init__(self, transport: Any, watch: Watch) -> None:  # noqa: ANN401  (as next)
        # The client has no public way to say how connections are opened.
        transport._pool._network_backend = watch  # noqa: SLF001
        self._transport = transport
        self._watch = watch

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request."""
        answer: httpx2.Response = self._transport.handle_request(request)
        if self._watch.allowance is not None and not self._watch.allowance.unpacks:
            answer.stream = _Body(answer.stream, self._watch, packed=False)
            return answer
        kinds = answer.headers.get("Content-Encoding", "").lower().replace(" ", "")
        encodings = [kind for kind in kinds.split(",") if kind not in {"", "identity"}]
        unknown = [kind for kind in encodings if kind not in _UNPACKED]
        if unknown or len(encodings) > 1:
            answer.close()
            raise Reached(f"it is packed as {', '.join(encodings)[:80]}, which was not asked for")
        headers = [(k, v) for k, v in answer.headers.raw if k.lower() != b"content-encoding"]
        return httpx2.Response(
            status_code=answer.status_code,
            headers=headers,
            stream=_Body(answer.stream, self._watch, packed=bool(encodings)),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, stream: Any, watch: Watch, *, packed: bool) -> None:  # noqa: ANN401  (as next)
        self._stream = stream
        self._watch = watch
        self._packed = packed

    def __iter__(self) -> Iterator[bytes]:
        chunks = _unpacked(self._stream) if self._packed else iter(self._stream)
        for chunk in chunks:
            if self._watch.allowance is not None:
                self._watch.allowance.unpack(len(chunk))
            yield chunk

    def close(self) -> None:
        self._stream.close()


def _unpacked(packed: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack gzip or deflate in small parts.

    Raises:
        httpx2.DecodingError: it is neither.
    """
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    begun = False
    try:
        for chunk in packed:
            rest = chunk
            while rest:
                if unpacker.eof:  # gzip files may follow each other
                    unpacker, begun = zlib.decompressobj(_GZIP_OR_ZLIB), False
                try:
                    part = unpacker.decompress(rest, _CHUNK)
                except zlib.error:
                    if begun:
                        raise
                    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without a frame
                    part = unpacker.decompress(rest, _CHUNK)
                begun = True
                yield part
                rest = unpacker.unused_data or unpacker.unconsumed_tail
    except zlib.error as error:
        raise httpx2.DecodingError(str(error)) from error
    if begun and not unpacker.eof:
        raise httpx2.RemoteProtocolError("the packed content ends early")


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


class _Unread(ssl.SSLContext):
    """Stands for certificates until a connection needs them; by itself it trusts nobody."""

    cert: str | None = None
    client_cert: str | None = None

    def read(self) -> ssl.SSLContext:
        """Return what it stands for; see `certificates`."""
        usual = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
        return certificates(self.cert, self.client_cert, *(usual if self.cert is None else ()))


def _certificates(settings: IndexSettings) -> ssl.SSLContext:
    """What is trusted: read at once only as far as that tells a fault."""
    unread = _Unread(ssl.PROTOCOL_TLS_CLIENT)
    unread.cert, unread.client_cert = settings.cert, settings.client_cert
    if settings.client_cert is not None:
        return unread.read()
    if settings.cert is not None and not is_folder(Path(settings.cert)):
        with _read_with(settings.cert), Path(settings.cert).open("rb"):
            pass
    return unread


@cache
def certificates(cert: str | None, client_cert: str | None, *usual: str) -> ssl.SSLContext:
    """Return what to trust, by a file, a folder or what is ``usual`` here: read once, in 30 ms.

    Raises:
        IndexFailure: it cannot be read.
    """
    with _read_with(cert or "".join(usual[:1])):
        if cert is None:
            context = httpx2.create_ssl_context()
        elif is_folder(Path(cert)):
            context = ssl.create_default_context(capath=cert)
        else:
            context = ssl.create_default_context(cafile=cert)
    if client_cert is not None:
        with _read_with(client_cert):
            context.load_cert_chain(client_cert)
    context.set_alpn_protocols(["http/1.1"])
    return context


@contextmanager
def _read_with(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise IndexFailure(
            f"{path}: the certificate cannot be read: {why or error}",
            own_pip("config", "list"),
        ) from None


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
