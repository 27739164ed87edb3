"""What one interpreter is, asked of itself, and the wheels it takes.

The question is one start of the program, without its site packages, in words
that Python 3.6 understands; the answer is remembered for a day, or until the
program or the system changes. The wheel tags are worked out here, from the
answer: for its C library and bits, not for those of envlock's own Python.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.errors import InterpreterMissing, WorkError
from envlock.model import Platform, Target
from envlock.system import remembered, run
from envlock.targets.tags import wheel_tags

_TIME_LIMIT = 20.0  # seconds: a cold start from a network drive
_DAY = 24 * 60 * 60  # seconds

_QUESTION = r"""
import json, os, sys
if os.name == "nt":
    import platform
    system, release = platform.system(), platform.release()
    version, machine = platform.version(), platform.machine()
else:
    system, _, release, version, machine = os.uname()
libc = ""
if sys.platform.startswith("linux"):
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (OSError, ValueError):
        pass
    if not libc:
        import glob, subprocess
        for loader in glob.glob("/lib/ld-musl-*.so.1"):
            asked = subprocess.Popen([loader], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for line in asked.communicate()[1].decode().splitlines():
                if line.startswith("Version "):
                    libc = "musl " + line[8:]
full = sys.version.split()[0].rstrip("+")
name = sys.implementation.name
own = sys.implementation.version
print(json.dumps({
    "libc": libc,
    "bits": 64 if sys.maxsize > 2**32 else 32,
    "free_threaded": "free-threading" in sys.version,
    "markers": {
        "implementation_name": name,
        "implementation_version": full if name == "cpython" else "%d.%d.%d" % own[:3],
        "os_name": os.name,
        "platform_machine": machine,
        "platform_python_implementation": {"cpython": "CPython", "pypy": "PyPy"}.get(name, name),
        "platform_release": release,
        "platform_system": system,
        "platform_version": version,
        "python_full_version": full,
        "python_version": "%d.%d" % sys.version_info[:2],
        "sys_platform": sys.platform,
    },
}))
"""


class Interpreter(Struct, frozen=True, kw_only=True):
    """A Python that runs: its program, version, platform and PEP 508 environment."""

    path: Path
    version: Version
    platform: Platform
    markers: Mapping[str, str]
    free_threaded: bool = False


def describe(path: Path, *, time_limit: float = _TIME_LIMIT) -> Interpreter:
    """Return what the program says of itself; it is started unless that is remembered.

    ``time_limit`` is in seconds.

    Raises:
        InterpreterMissing: it does not start, does not end in time, or is not
            a Python 3.6 or later.
    """
    said = _remembered(path, lambda: _ask(path, time_limit))
    markers = said["markers"]
    return Interpreter(
        path=path,
        version=Version(markers["python_full_version"]),
        platform=_platform(markers, said["bits"], said["libc"]),
        markers=markers,
        free_threaded=said["free_threaded"],
    )


def _ask(path: Path, time_limit: float) -> dict[str, Any]:
    try:
        done = run([path, "-I", "-S", "-c", _QUESTION], timeout=time_limit)
    except WorkError as error:
        raise InterpreterMissing(f"{path} is not a usable Python: {error.message}") from error
    if done.timed_out:
        raise InterpreterMissing(f"{path} is not a usable Python: no answer in {time_limit:g} s")
    with suppress(ValueError, TypeError, KeyError):
        said: dict[str, Any] = json.loads(done.stdout)
        if said["markers"]:
            return said
    first = (done.stderr.strip().splitlines() or ["it said nothing"])[0]
    raise InterpreterMissing(
        f"{path} is not a Python 3.6 or later (exit status {done.returncode}: {first[:200]})"
    )


def _remembered(path: Path, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a program said before, where nothing that it told has changed since.

    A script may start another Python tomorrow, and so may an empty file, which
    is how Windows links to an app; such are asked each time.
    """
    try:
        with path.open("rb") as stream:
            if stream.read(2) in {b"#!", b""}:
                return ask()
            program = os.fstat(stream.fileno())
    except OSError:
        return ask()
    identity = (program.st_dev, program.st_ino, program.st_size, program.st_mtime_ns)
    today = int(time.time()) // _DAY  # a library that it needs may go, and nothing of it changes
    said: dict[str, Any] = remembered(
        f"interpreters/{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}",
        {
            "program": repr((identity, today)).encode(),
            "system": _system(),
            "asked": _QUESTION.encode(),
        },
        ask,
    )
    return said


def _system() -> bytes:
    """What tells one system from another: its release, and the C library where there is one."""
    if sys.platform == "win32":
        return repr(sys.getwindowsversion()).encode()
    system, _, *release = os.uname()
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):
        libc = ""
    return repr((system, release, libc)).encode()


def target(interpreter: Interpreter, accelerator: Accelerator = Accelerator.AUTO) -> Target:
    """Say what a lock for this interpreter is for: its tags and markers."""
    return Target(
        python=interpreter.version,
        platform=interpreter.platform,
        accelerator=accelerator,
        tags=wheel_tags(
            interpreter.version, interpreter.platform, free_threaded=interpreter.free_threaded
        ),
        markers=interpreter.markers,
        interpreter=interpreter.path,
    )


def _platform(markers: Mapping[str, str], bits: int, libc: str) -> Platform:
    systems = {"linux": "linux", "darwin": "macos", "win32": "windows"}
    system = systems.get(markers["sys_platform"], markers["sys_platform"])
    machine = markers["platform_machine"].lower()
    machine = {"amd64": "x86_64", "x64": "x86_64"}.get(machine, machine)
    if bits == 32:  # noqa: PLR2004  (a 32-bit program on a 64-bit machine)
        machine = {"x86_64": "i686", "aarch64": "armv7l"}.get(machine, machine)
    name, _, version = libc.partition(" ")
    short = ".".join(version.split(".")[:2])
    return Platform(system=system, machine=machine, libc=f"{name} {short}".strip())
