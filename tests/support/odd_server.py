"""A server of 127.0.0.1 (or ::1) whose answers are made by the test, however odd.

``answers`` maps a path to what is sent there: bytes, an `Answer`, or a
function that gets the handler and writes by itself. Other paths are 404.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Self


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer."""

    body: bytes = b""
    kind: str = "text/html"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Sent = bytes | Answer | Callable[[BaseHTTPRequestHandler], None]


@dataclass
class OddServer:
    """Serves ``answers`` while a block runs."""

    answers: dict[str, Sent] = field(default_factory=dict)
    host: str = "127.0.0.1"
    certificate: Path | None = None
    requests: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"served": self})
        kind = _Server6 if ":" in self.host else _Server
        self._server = kind((self.host, 0), handler)
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def root(self) -> str:
        """Its address."""
        named = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{named}:{self.port}"

    @property
    def url(self) -> str:
        """What ``--index-url`` takes."""
        return f"{self.root}/simple"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[OddServer]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.served.requests[path] += 1
        sent = self.served.answers.get(path, Answer(status=404, body=b"nothing"))
        if isinstance(sent, bytes):
            sent = Answer(body=sent)
        if not isinstance(sent, Answer):
            sent(self)
            return
        self.send_response(sent.status)
        headers = {"Content-Type": sent.kind, "Content-Length": str(len(sent.body))}
        for name, value in {**headers, **sent.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent.body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        pass


def has_ipv6() -> bool:
    """Tell whether this machine listens on ::1."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False
