"""A server of 127.0.0.1 (or ::1) whose answers are made by the test, however odd.

``answers`` maps a path to what is sent there: bytes, an `Answer`, or a
function that gets the handler and writes by itself. Other paths are 404.
"""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

from support.serving import Server, Serving


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer."""

    body: bytes = b""
    kind: str = "text/html"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Sent = bytes | Answer | Callable[[BaseHTTPRequestHandler], None]


@dataclass
class OddServer(Serving):
    """Serves ``answers`` while a block runs."""

    answers: dict[str, Sent] = field(default_factory=dict)
    host: str = "127.0.0.1"
    certificate: Path | None = None
    requests: Counter[str] = field(default_factory=Counter)

    def made_of(self) -> tuple[type[Server], type[BaseHTTPRequestHandler]]:
        """Return what listens, and what answers."""
        return (_Server6 if ":" in self.host else _Server), _Handler

    @property
    def url(self) -> str:
        """What ``--index-url`` takes."""
        return f"{self.root}/simple"


class _Server(Server):
    daemon_threads = True
    block_on_close = False


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


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Send a page, a byte at a time."""
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        for _ in range(300):
            handler.wfile.write(b" ")
            time.sleep(0.1)
    except OSError:
        return
