"""A real package index on 127.0.0.1, and the small wheels and sdists to put in it.

Make distributions in a folder, serve the folder::

    wheels = tmp_path / "wheels"
    build_wheel(wheels, "demo", "1.0", requires=["other>=2"])
    build_sdist(wheels, "other", "2.1")
    with SimpleIndex(wheels) as index:
        run("pip", "install", "--index-url", index.url, "demo")
        assert set(index.downloads) == {"demo-1.0-py3-none-any.whl", "other-2.1.tar.gz"}

The folder is read at each request, so files may be added while it is served.
Knobs are keyword arguments of `SimpleIndex` and plain attributes, so a test
may turn one between two requests:

``auth``            (user, password) of HTTP basic authentication; 401 without
``certificate``     a PEM file of key and certificate (`support.certificate`): serve https
``json``            False: HTML pages (PEP 503) even to clients that take JSON
``hashes``          False: pages say no hashes
``metadata``        False: no PEP 658 metadata files
``upload_times``    file name → ISO 8601 text; files not named have none
``yanked``          file name → reason
``wrong_hashes``    file names that the pages give a false sha256 for
``ranges``          True: parts of files are given to who asks; "promised": they are not
``etag``            True: pages carry an ETag and answer 304 to one that matches
``max_age``         seconds for Cache-Control, or None for no such header
``status``          answer this HTTP status (500, 403 …) instead
``cut_off``         send half of each body though Content-Length promises all
``cut_off_quietly`` send half of each body and promise nothing
``delay``           seconds before each answer
``where``           path prefix that status, cut-offs and delay apply to
``times``           how many requests they apply to before all is well; None: all

``index.url`` is ``http://127.0.0.1:PORT/simple``, ``index.url_with("u:p")``
the same with credentials in it, ``index.requests`` counts requests by path
(``/simple/NAME/``, ``/files/FILENAME``, ``/files/FILENAME.metadata``),
``index.downloads`` names the distributions that were fetched, in order,
``index.sent`` counts the bytes of bodies.
`write_folder_index` writes the same pages as files, for ``file://`` indexes.
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import unquote, urlsplit

from support.distributions import build_sdist, build_wheel, read_metadata
from support.pages import (
    JSON_TYPE,
    SUFFIXES,
    Said,
    entries,
    html_page,
    json_page,
    names,
    write_folder_index,
)
from support.serving import Server, Serving

__all__ = ["SimpleIndex", "build_sdist", "build_wheel", "read_metadata", "write_folder_index"]


@dataclass(kw_only=True)
class _Knobs(Said):
    auth: tuple[str, str] | None = None
    certificate: Path | None = None
    json: bool = True
    ranges: bool | Literal["promised"] = False
    etag: bool = False
    max_age: int | None = None
    status: int | None = None
    cut_off: bool = False
    cut_off_quietly: bool = False
    delay: float = 0.0
    where: str = "/"
    times: int | None = None


@dataclass
class SimpleIndex(_Knobs, Serving):
    """A threaded HTTP server for a folder of distributions; see the module's docstring."""

    folder: Path
    requests: Counter[str] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        self._tampered = 0
        self.sent = 0
        self._fetched: list[str] = []
        self._lock = threading.Lock()

    def made_of(self) -> tuple[type[Server], type[BaseHTTPRequestHandler]]:
        """Return what listens, and what answers."""
        return Server, _Handler

    @property
    def url(self) -> str:
        """What ``--index-url`` takes."""
        return f"{self.root}/simple"

    def url_with(self, credentials: str) -> str:
        """Return the URL with ``user:password`` or a token in it."""
        return self.url.replace("://", f"://{credentials}@")

    @property
    def downloads(self) -> tuple[str, ...]:
        """The distributions that were fetched (metadata files not counted), in order."""
        return tuple(self._fetched)

    def note(self, path: str) -> bool:
        """Count a request; True when it falls under ``status``, cut-off and delay."""
        with self._lock:
            self.requests[path] += 1
            if path.startswith("/files/") and path.endswith(SUFFIXES):
                self._fetched.append(path.removeprefix("/files/"))
            left = self.times is None or self._tampered < self.times
            hit = path.startswith(self.where) and left
            self._tampered += hit
            return hit

    def content(self, path: str, accept: str) -> tuple[int, str, bytes]:
        """Return what is at ``path``: status, content type, body."""
        if path.startswith("/files/"):
            file = self.folder / path.removeprefix("/files/").removesuffix(".metadata")
            described = path.endswith(".metadata")
            if not file.is_file() or (described and not self.metadata):
                return 404, "text/plain", b"no such file"
            content = read_metadata(file) if described else file.read_bytes()
            return 200, "application/octet-stream", content
        name = path.removeprefix("/simple/").strip("/")
        if name not in names(self.folder):
            return 404, "text/plain", b"no such project"
        files = entries(self.folder, name, f"{self.root}/files/", self)
        if self.json and JSON_TYPE in accept:
            return 200, JSON_TYPE, json_page(name, files).encode()
        return 200, "text/html", html_page(files).encode()


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[SimpleIndex]

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        pass

    def _answer(self, *, body: bool) -> None:
        served = self.served
        path = unquote(urlsplit(self.path).path)
        hit = served.note(path)
        if hit and served.delay:
            time.sleep(served.delay)
        if served.auth is not None and not self._authorised(served.auth):
            self._send(401, "text/plain", b"who are you?", body=body)
        elif hit and served.status is not None:
            self._send(served.status, "text/plain", b"out of order", body=body)
        else:
            status, kind, content = served.content(path, self.headers.get("Accept", ""))
            cut = hit and (served.cut_off or served.cut_off_quietly)
            asked = re.fullmatch(r"bytes=(\d*)-(\d+)", self.headers.get("Range", ""))
            part = None
            if served.ranges == "promised" and asked:
                status, content = 403, b"no parts"
            elif served.ranges and asked and status == 200:
                whole = len(content)
                first = int(asked[1]) if asked[1] else max(0, whole - int(asked[2]))
                last = min(whole - 1, int(asked[2])) if asked[1] else whole - 1
                part = f"bytes {first}-{last}/{whole}"
                status, content = 206, content[first : last + 1]
            self._send(status, kind, content, body=body, cut=cut, part=part)

    def _authorised(self, auth: tuple[str, str]) -> bool:
        expected = base64.b64encode(":".join(auth).encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def _send(
        self,
        status: int,
        kind: str,
        content: bytes,
        *,
        body: bool,
        cut: bool = False,
        part: str | None = None,
    ) -> None:
        served = self.served
        page = status == 200 and self.path.startswith("/simple/")
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if page and served.etag and self.headers.get("If-None-Match") == etag:
            status, content = 304, b""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if served.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if part:
            self.send_header("Content-Range", part)
        if page and served.etag:
            self.send_header("ETag", etag)
        if page and served.max_age is not None:
            self.send_header("Cache-Control", f"max-age={served.max_age}, public")
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
        if not (cut and served.cut_off_quietly):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            served.sent += len(content)
            self.wfile.write(content[: len(content) // 2] if cut else content)
