"""The platform of a Python program, by the first bytes of its file."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from envlock.model import Platform

_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
_MACHINES = {"amd64": "x86_64", "x64": "x86_64"}
#: ``e_machine`` of ELF, ``Machine`` of PE, ``cputype`` of Mach-O.
_ELF = {0x03: "i686", 0x28: "armv7l", 0x3E: "x86_64", 0xB7: "aarch64"}
_PE = {0x014C: "i686", 0x8664: "x86_64", 0xAA64: "arm64"}
_MACHO = {0x01000007: "x86_64", 0x0100000C: "arm64"}


def built_for(program: Path) -> Platform:
    """Return what a program was built for; this machine's platform where its file does not tell.

    The C library is this machine's.
    """
    here = _here()
    try:
        with program.open("rb") as stream:
            start = stream.read(4096)
    except OSError:
        return here
    system, machine = _read(start)
    if not machine:
        return here
    return Platform(system=system, machine=machine, libc=here.libc if system == "linux" else "")


def _read(start: bytes) -> tuple[str, str]:
    """Return system and machine, "" where the bytes do not tell them."""
    if start.startswith(b"\x7fELF"):
        return "linux", _ELF.get(_number(start, 18, 2), "")
    if start.startswith(b"\xcf\xfa\xed\xfe"):
        return "macos", _MACHO.get(_number(start, 4, 4), "")
    if start.startswith(b"MZ"):
        return "windows", _PE.get(_number(start, _number(start, 0x3C, 4) + 4, 2), "")
    return "", ""


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _here() -> Platform:
    system = _SYSTEMS.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    libc = _libc() if system == "linux" else ""
    return Platform(system=system, machine=_MACHINES.get(machine, machine), libc=libc)


def _libc() -> str:
    try:
        said = os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):
        said = None
    if said is not None:
        return " ".join((said.split(" ")[0], ".".join(said.split(" ")[-1].split(".")[:2])))
    return "musl" if next(Path("/lib").glob("ld-musl-*.so.1"), None) is not None else ""
