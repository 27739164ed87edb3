"""An index on this machine, for as long as a program needs it."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Protocol

HTML = "text/html; charset=utf-8"
_PATIENCE = 2.0  # seconds
#: Ports that it may have: uv keeps what it read by its index's address.
_PORTS = range(20_000, 30_000)

#: A page is kept for a uv without network. One with a password in it is on no disk.
KEPT, NOT_KEPT = "max-age=0", "no-store"

#: The type of a page, how long it is kept, and its content; None where nothing may pass.
Answer = tuple[str, str, bytes] | None


class Gate(Protocol):
    """What is served. Each path begins with ``digest``, which nobody else here can guess."""

    digest: str

    @abstractmethod
    def answer(self, path: str, accept: str) -> Answer:
        """Return what is at a path, of a type that ``accept`` names."""
        ...


@contextmanager
def served(gate: Gate) -> Iterator[int]:
    """Serve during a block, on the port that is given; every thread has ended with it."""
    server = _listen(gate)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        server.finish()


class _Server(ThreadingHTTPServer):
    """A thread for each connection, all of which are over once their program is."""

    allow_reuse_address = False
    # uv opens fifty connections at once, and one that finds no room is tried again after a second.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._running: list[threading.Thread] = []

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  (the base's)
        """Answer in a thread that an interrupt does not wait for."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        self._running.append(thread)
        thread.start()

    def finish(self) -> None:
        """Wait a little for what is still being read."""
        limit = time.monotonic() + _PATIENCE
        for thread in self._running:
            thread.join(max(0, limit - time.monotonic()))

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of programs that hang up."""


class _Handler(BaseHTTPRequestHandler):
    gate: ClassVar[Gate]
    protocol_version = "HTTP/1.1"
    # Sent in two parts, each answer would wait for the other side to confirm the first: 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        found = self.gate.answer(self.path, self.headers.get("Accept") or "text/html")
        status = HTTPStatus.NOT_FOUND if found is None else HTTPStatus.OK
        kind, kept, content = found or ("text/plain", NOT_KEPT, b"")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", kept)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        """Say nothing."""


def _listen(gate: Gate) -> _Server:
    handler = type("Handler", (_Handler,), {"gate": gate})
    usual = _PORTS[int(gate.digest, 16) % len(_PORTS)]
    try:
        return _Server(("127.0.0.1", usual), handler)
    except OSError:  # another gate has it, or another program
        return _Server(("127.0.0.1", 0), handler)
