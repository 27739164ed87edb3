"""A server of this machine that runs while a block does, encrypted where it has a certificate."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self


class Server(ThreadingHTTPServer):
    """Answers several clients at once."""

    #: A connection that finds no room is tried again after a second.
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up or refuse the certificate."""


class Serving:
    """What serves while a block runs; a handler finds it as its ``served``."""

    certificate: Path | None = None
    host: str = "127.0.0.1"

    def __enter__(self) -> Self:
        kind, handler = self.made_of()
        served = type("Handler", (handler,), {"served": self})
        self._server = kind((self.host, 0), served)
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

    def made_of(self) -> tuple[type[Server], type[BaseHTTPRequestHandler]]:
        """Return what listens, and what answers."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def root(self) -> str:
        """Its address, without a slash at the end."""
        named = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{named}:{self.port}"


@dataclass
class ServedFolder(Serving):
    """The files of a folder as they are."""

    folder: Path

    def made_of(self) -> tuple[type[Server], type[BaseHTTPRequestHandler]]:
        """Return what listens, and what answers."""
        return Server, _Files


class _Files(SimpleHTTPRequestHandler):
    served: ClassVar[ServedFolder]

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, directory=str(self.served.folder), **more)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        pass
