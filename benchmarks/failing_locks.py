"""Locks that fail, one after the other: whether each ends with the exit code that is documented.

    python benchmarks/failing_locks.py [RUNS] [ENGINE]

Read-ahead threads that outlived the interpreter made 3 of 122 such runs end
with SIGSEGV, and 2 of 20 print a traceback. RUNS is 200, ENGINE pip-tools.
Prints what does not hold, and last how many of how many do.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from collections import Counter
from http.server import BaseHTTPRequestHandler
from itertools import cycle, islice
from pathlib import Path

from support.distributions import build_wheel
from support.odd_server import Answer, OddServer, Sent, drip

JSON = "application/vnd.pypi.simple.v1+json"
FILE = '{"filename": "demo-1.0-py3-none-any.whl", "url": "w.whl", "hashes": {"sha256": "%s"}%s}'


def page(more: str = "", name: str = "demo-1.0-py3-none-any.whl") -> Answer:
    """A page with one file."""
    file = (FILE % ("a" * 64, more)).replace("demo-1.0-py3-none-any.whl", name)
    body = f'{{"meta": {{"api-version": "1.0"}}, "name": "demo", "files": [{file}]}}'
    return Answer(body=body.encode(), kind=JSON)


def of_json(body: bytes) -> Answer:
    """A page that says it is JSON."""
    return Answer(body=body, kind=JSON)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Say nothing and go."""
    handler.connection.close()


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Say nothing and stay."""
    handler.rfile.read(1)


#: What the index has of `demo` → the exit code.
PAGES: dict[str, tuple[Sent, int]] = {
    "nothing": (Answer(status=404), 3),
    "an empty page": (b"<!DOCTYPE html><html><body></body></html>", 3),
    "all yanked": (page(', "yanked": "broken"'), 3),
    "another Python": (page(', "requires-python": ">=99"'), 3),
    "another platform": (page(name="demo-1.0-cp27-cp27m-win32.whl"), 3),
    "a login page": (b"<title>Hotel</title><form></form>", 4),
    "a broken declaration": (b"<![foo bar>", 4),
    "a broken address": (b'<a href="http://[::1">demo-1.0.tar.gz</a>', 4),
    "nested too deeply": (of_json(b"[" * 200_000), 4),
    "cut off": (of_json(b'{"files": [{"filename": "demo'), 4),
    "a surrogate": (of_json(b'{"files": [{"filename": "\\ud800", "url": "u"}]}'), 4),
    "no UTF-8": (of_json(b'{"files": [{"filename": "\xff", "url": "u"}]}'), 4),
    "another version": (of_json(b'{"meta": {"api-version": "2.0"}, "files": []}'), 4),
    "a gzip bomb": (
        Answer(
            body=gzip.compress(b" " * 1_000_000) * 200,
            kind=JSON,
            headers={"Content-Encoding": "gzip"},
        ),
        4,
    ),
    "out of order": (Answer(status=500), 4),
    "who are you": (Answer(status=401), 4),
    "not modified": (Answer(status=304), 4),
    "one byte at a time": (drip, 4),
    "nobody speaks": (silent, 4),
    "hangs up": (hang_up, 4),
    "no such file": (page(), 4),
}
#: What is typed besides → the exit code.
WORDS: dict[str, int] = {
    "--index-url http://127.0.0.1:1/simple": 4,
    "--index-url http://127.0.0.1:99999/simple": 2,
    "--index-url http://[::1/simple": 2,
    "--trusted-host a:b": 2,
}


def lock(folder: Path, url: str, engine: str, words: str) -> subprocess.CompletedProcess[str]:
    """Run one lock."""
    command = [sys.executable, "-m", "envlock", "lock", "demo", "--fresh", "--engine", engine]
    return subprocess.run(
        [*command, "--no-cache", "--index-url", url, *words.split()],
        cwd=folder,
        env={
            **os.environ,
            "PIP_DEFAULT_TIMEOUT": "0.5",
            "PIP_RETRIES": "0",
            "UV_HTTP_RETRIES": "0",
            "PYTHONFAULTHANDLER": "1",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def main(runs: int, engine: str) -> None:
    """Run them, and tell."""
    cases = [(name, sent, "", code) for name, (sent, code) in PAGES.items()]
    cases += [(words, page(), words, code) for words, code in WORDS.items()]
    held: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        build_wheel(Path(folder), "demo", "1.0")
        for name, sent, words, code in islice(cycle(cases), runs):
            with OddServer({"/simple/demo/": sent}) as server:
                done = lock(Path(folder), server.url, engine, words)
            if done.returncode == code and "Traceback" not in done.stderr:
                held[name] += 1
            else:
                print(f"{name}: {done.returncode}, not {code}\n{done.stderr}", flush=True)
    print(f"{sum(held.values())} of {runs} ended as documented ({len(cases)} causes, {engine})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 200, *(sys.argv[2:3] or ["pip-tools"]))
