"""A process that has loaded envlock and run nothing of it: each run of the program is its child.

A start of Python and the imports take longer than most commands. A child of
the zygote is given what a start takes from outside (folder, variables,
streams, arguments), does what ``python -m envlock`` does, and ends as that
does, so a test sees the same bytes and the same status.

What is decided once, when an interpreter starts, cannot be given later: the
variables of `AT_START`, and the umask, which is read by an import. `run`
answers None where one of them is another, where a run is going on already, and
where a process cannot safely be copied; then the caller starts the program.
All children have the seed of hashes in common.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any

#: How variables begin that an interpreter reads when it starts, or a module when it is loaded.
AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "OPENSSL", "GLIBC_", "_TYPER", "TYPER")
_INT = struct.Struct("!q")
#: What commands load when they are at work.
_LATER = (
    "filelock",
    "findpython",
    "httpx2",
    "jsonschema",
    "platformdirs",
    "rich.console",
    "rich.markup",
    "tomli_w",
    "unearth",
    "yaml",
)
#: Loads what is not always installed, or is a program.
_LEFT = ("scripts", "__main__", "cluster")

_lock = threading.Lock()
_running: list[tuple[socket.socket, subprocess.Popen[bytes], dict[str, str], str]] = []


def run(
    words: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str] | None:
    """Run ``envlock WORDS`` to its end in a copy of the zygote, or None: start it yourself.

    Raises:
        subprocess.TimeoutExpired: it has not ended after ``timeout`` seconds, and was killed.
    """
    if sys.platform != "linux" or not _lock.acquire(blocking=False):
        return None
    try:
        if not _running:
            _running.append(_start(env))
        connection, _, early, umask = _running[0]
        if _early(env) != early or _umask() != umask:
            return None
        return _Run(connection, words, cwd, env).end(timeout)
    finally:
        _lock.release()


def child() -> int:
    """Return the process that is the program just now; 0 between two runs."""
    number = _running[0][1].pid
    said = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii").split()
    return int(said[0]) if said else 0


def _start(
    env: Mapping[str, str],
) -> tuple[socket.socket, subprocess.Popen[bytes], dict[str, str], str]:
    ours, its = socket.socketpair()
    with its:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", __file__, str(its.fileno())],
            cwd="/",
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=(its.fileno(),),
        )
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said == b"ready\n", said
    process.stdout.close()
    atexit.register(_stop)
    return ours, process, _early(env), _umask()


def _stop() -> None:
    connection, process, *_ = _running.pop()
    connection.close()
    process.wait()


def _early(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(AT_START)}


def _umask() -> str:
    """The umask, read without setting it, which other threads would see."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(line for line in lines if line.startswith("Umask:"))


class _Run:
    """One run, as its caller sees it."""

    def __init__(
        self, connection: socket.socket, words: Sequence[str], cwd: Path, env: Mapping[str, str]
    ) -> None:
        self._connection = connection
        self._words = words
        (out, its_out), (err, its_err) = os.pipe(), os.pipe()
        self._said = {out: bytearray(), err: bytearray()}
        body = json.dumps({"words": [*words], "cwd": str(cwd), "env": {**env}}).encode()
        try:
            socket.send_fds(connection, [_INT.pack(len(body))], [0, its_out, its_err])
        finally:
            os.close(its_out)
            os.close(its_err)
        connection.sendall(body)
        self._child = _INT.unpack(_exactly(connection, _INT.size))[0]

    def end(self, timeout: float) -> subprocess.CompletedProcess[str]:
        """Take what it says until it and all that it left behind say no more."""
        try:
            self._listen(time.monotonic() + timeout)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
            self._status()
            if isinstance(error, TimeoutError):
                raise subprocess.TimeoutExpired([*self._words], timeout) from None
            raise
        finally:
            for stream in self._said:
                os.close(stream)
        code = os.waitstatus_to_exitcode(self._status())
        out, err = (_text(said) for said in self._said.values())
        return subprocess.CompletedProcess([*self._words], code, out, err)

    def _listen(self, end: float) -> None:
        with DefaultSelector() as selector:
            for stream in self._said:
                selector.register(stream, EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0, end - time.monotonic()))
                if not ready:
                    raise TimeoutError
                for key, _ in ready:
                    said = os.read(key.fd, 1 << 16)
                    self._said[key.fd] += said
                    if not said:
                        selector.unregister(key.fd)

    def _status(self) -> int:
        status: int = _INT.unpack(_exactly(self._connection, _INT.size))[0]
        return status


def _text(said: bytearray) -> str:
    """What was said, with ends of lines as `subprocess.run` gives them."""
    return said.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def _exactly(connection: socket.socket, size: int) -> bytes:
    got = bytearray()
    while len(got) < size:
        part = connection.recv(size - len(got))
        if not part:
            raise EOFError("the zygote has gone")
        got += part
    return bytes(got)


def _load() -> None:
    """Import what the program may import, and do nothing with it."""
    import envlock  # noqa: PLC0415  (in the zygote alone)

    for name in _LATER:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(envlock.__path__, "envlock."):
        if not set(module.name.split(".")) & {*_LEFT}:
            importlib.import_module(module.name)


def _serve(connection: socket.socket) -> bool:
    """Start a child for each request; True in a child, which is to be the program."""
    while True:
        try:
            head, streams, _, _ = socket.recv_fds(connection, _INT.size, 3)
        except KeyboardInterrupt:
            return False
        if not head:
            return False
        request = json.loads(_exactly(connection, _INT.unpack(head)[0]))
        child = os.fork()
        if child == 0:
            connection.close()
            _become(request, streams)
            return True
        for stream in streams:
            os.close(stream)
        connection.sendall(_INT.pack(child))
        connection.sendall(_INT.pack(os.waitpid(child, 0)[1]))


def _become(request: dict[str, Any], streams: Sequence[int]) -> None:
    """Take over what a program is given when it is started."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.path[0] = request["cwd"]  # as -m has it
    sys.argv[1:] = request["words"]


def _main() -> None:
    sys.path[0] = "/"  # not this folder, whose modules have names of their own
    _load()
    assert len(os.listdir("/proc/self/task")) == 1, "threads are not copied"  # noqa: PTH208
    gc.collect()
    gc.freeze()  # a child that looks for garbage would copy what it looks at
    os.write(1, b"ready\n")
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        is_child = _serve(connection)
    if is_child:
        try:
            runpy.run_module("envlock", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            _leave(end.code)
            raise


def _leave(code: object) -> None:
    """End as the interpreter does, without taking a thousand modules apart for it."""
    if isinstance(code, int):
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  (as Python calls it)
        atexit._run_exitfuncs()  # noqa: SLF001  (as above)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _main()
