"""Find the Python that was asked for, and say which ones are here.

Only names and folders are looked at until one may fit; then that program, and
no other, is started once.

A virtual environment whose Python was removed is told by its files alone; what
may be done about it is in `envlock.environment.place`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from packaging.specifiers import SpecifierSet

from envlock.errors import InterpreterMissing, PythonGone, UsageError, WorkError
from envlock.system import contents, run
from envlock.system.looking import exists, expand, home, is_file, is_folder, is_here, on_path, shown
from envlock.system.typed import own_uv, uv_command
from envlock.targets.description import Interpreter, describe
from envlock.versions import minor_of
from envlock.words import printable

_ASKED = 5.0  # seconds for what uv knows by itself
_HOME = re.compile(r"(?m)^\s*home\s*=\s*(.*?)\s*$")
_CONFIG_VERSION = re.compile(r"(?m)^\s*version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)")
_IN_VENV = ("bin/python", "bin/python3", "Scripts/python.exe")
_VERSION = re.compile(r"\d{1,3}(\.\d{1,3}){0,2}", re.ASCII)
#: Words that mean a Python, and are no names of folders: 3.14t, python3, pypy3.10.
_NAMES_A_PYTHON = re.compile(r"\d.*|(?:c?python|pypy)(?:\d.*)?(?:\.exe)?", re.IGNORECASE)
_VERSIONED_NAME = re.compile(r"python(\d+\.\d+)[a-z]*(\.exe)?")
#: Where a program lies in a virtual environment, a conda prefix or an installation.
_PROGRAMS = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")


def has_lost_its_python(folder: Path) -> bool:
    """Tell whether a folder is a virtual environment with a link to a Python that is not there."""
    programs = [folder / each for each in _IN_VENV]
    return is_file(folder / "pyvenv.cfg") and (
        any(map(os.path.lexists, programs)) and not any(map(is_file, programs))
    )


def python_is_gone(folder: Path) -> PythonGone:
    """Return the error for a virtual environment whose Python is no longer where it was."""
    try:
        config = contents(folder / "pyvenv.cfg").decode(errors="replace")
    except OSError:
        config = ""
    home = (_HOME.findall(config) or ["a place that pyvenv.cfg does not name"])[0]
    version = (_CONFIG_VERSION.findall(config) or [""])[0]
    program = next((each for each in _IN_VENV if os.path.lexists(folder / each)), _IN_VENV[0])
    link = folder / program
    leads = (
        f"{program} leads to {shown(str(link.readlink()))}"
        if link.is_symlink() and not is_file(link)
        else ""
    )
    if not is_folder(Path(home)):
        what = f", which is no longer there{f' ({leads})' if leads else ''}"
    else:  # the folder of all programs, more often than not
        what = f", and {leads or program}, which is no longer there"
    return PythonGone(
        folder,
        f"{shown(str(folder))}: the Python of this environment is gone: it was made from"
        f" Python {version or '3'} in {home}{what}",
        f"put Python {version or '3'} back into {home}",
    )


def refuse_gone(folder: Path) -> None:
    """Refuse a virtual environment without its Python.

    Raises:
        PythonGone: it is one.
    """
    if has_lost_its_python(folder):
        raise python_is_gone(folder)


def find_interpreter(
    wanted: str | None, *, allows: Callable[[Interpreter], str] | None = None
) -> Interpreter:
    """Return the CPython for "3.10", "3.10.13", a program or a folder; None: envlock's own.

    ``wanted`` is what the user said: what it names is started. What a file
    says goes to `find_version`. A bare name such as python3.10 is looked up on
    PATH, never in the current folder, which may be a stranger's. A virtual
    environment stands for the Python it was made from. ``allows`` words what
    an interpreter is good for, for the error that lists them.

    Raises:
        InterpreterMissing: it is not here, does not run, or is not CPython
            3.6 or later.
    """
    if wanted is None:
        return _described(Path(sys.executable))
    if not _VERSION.fullmatch(wanted):
        return _described(_program(wanted))
    for path in _unique(_likely(wanted)):
        if (interpreter := _try(path)) is not None and _matches(interpreter, wanted):
            return interpreter
    raise _missing(wanted, allows)


def find_version(said: str, where: str) -> Interpreter:
    """Return the CPython of a version that a file names; ``where`` is that file.

    Raises:
        InterpreterMissing: it is not here.
        UsageError: it is no version: a file chooses no program that is run.
    """
    if not _VERSION.fullmatch(said):
        raise UsageError(
            f"{where} is for the Python {printable(said)}, which is not a version such as 3.11",
            "--python 3.11",
        )
    return find_interpreter(said)


def available() -> tuple[Interpreter, ...]:
    """Return every CPython 3.6 or later that is found here, newest first."""
    found = (_try(path) for path in _unique(_everywhere()))
    cpythons = (each for each in found if each is not None and not each.free_threaded)
    unique = {(each.path.resolve().parent, each.version): each for each in cpythons}
    return tuple(sorted(unique.values(), key=lambda each: each.version, reverse=True))


def python_in(folder: Path) -> Path | None:
    """Return the Python program of an environment or installation folder, or None."""
    return next((folder / name for name in _PROGRAMS if is_file(folder / name)), None)


def base_program(program: Path) -> Path:
    """Return the Python that a virtual environment was made from; any other program itself.

    Read from ``pyvenv.cfg`` (PEP 405); nothing is started.

    Raises:
        InterpreterMissing: that Python is no longer there.
    """
    file = program.parent.parent / "pyvenv.cfg"
    if not is_file(file):
        return program
    try:
        lines = contents(file).decode(errors="replace").splitlines()
    except OSError as error:
        raise InterpreterMissing(f"{file}: cannot be read: {error.strerror}") from None
    config = {
        key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)
    }
    version = config.get("version_info", config.get("version", "")).split(".")
    names = (f"python{'.'.join(version[:2])}", "python3", "python", "python.exe")
    home = Path(config.get("home", ""))
    for name in names:
        if is_file(home / name):
            return home / name
    raise python_is_gone(program.parent.parent)


def _program(wanted: str) -> Path:
    path = expand(wanted)
    bare = path.name == wanted
    if bare and (on_path := _on_path(wanted)) is not None:
        return on_path
    if bare and (_NAMES_A_PYTHON.fullmatch(wanted) or is_file(path)):
        there = f"; the one in this folder is {Path(os.curdir)}{os.sep}{wanted}"
        raise InterpreterMissing(
            f"{wanted}: neither a version such as 3.11 nor a program on PATH"
            f"{there if exists(path) else ''}"
        )
    if is_folder(path):
        inside = python_in(path)
        if inside is None:
            refuse_gone(path)
            raise InterpreterMissing(
                f"{wanted}: no Python in this folder (looked for {', '.join(_PROGRAMS)})"
            )
        return inside
    if is_file(path):
        return path.absolute()
    refuse_gone(path.parent.parent)
    raise InterpreterMissing(
        f"{wanted}: neither a version such as 3.11 nor a program or folder that is there"
    )


def _on_path(name: str, *, shims: bool = True) -> Path | None:
    return on_path(name, admits=None if shims else lambda folder: not _holds_shims(folder))


def _described(program: Path) -> Interpreter:
    interpreter = describe(base_program(program))
    if interpreter.markers["implementation_name"] != "cpython":
        name = interpreter.markers["platform_python_implementation"]
        raise InterpreterMissing(
            f"{program} is {name} {interpreter.version}; TensorFlow has wheels for CPython only"
        )
    return interpreter


def _try(path: Path) -> Interpreter | None:
    """Return the interpreter, or None for what cannot be used: a shim, a stub, a broken one."""
    try:
        return _described(path)
    except WorkError:
        return None


def _matches(interpreter: Interpreter, wanted: str) -> bool:
    return not interpreter.free_threaded and SpecifierSet(f"=={wanted}.*").contains(
        interpreter.version, prereleases=True
    )


def _likely(wanted: str) -> Iterator[Path]:
    """Programs that may be ``wanted``, the cheapest to find first."""
    minor = ".".join(wanted.split(".")[:2])
    named = _on_path(f"python{minor}", shims=False)
    if named is not None:
        yield named
    yield Path(sys.executable)
    for path in _everywhere():
        said = _VERSIONED_NAME.fullmatch(path.resolve().name)
        if said is None or f"{said[1]}.".startswith(f"{minor}."):
            yield path


def _everywhere() -> Iterator[Path]:
    """Every program that looks like a Python: PATH in its order, then managers, newest first."""
    from findpython.providers import ALL_PROVIDERS  # noqa: PLC0415  (45 ms, seldom needed)

    for name, kind in ALL_PROVIDERS.items():
        provider = kind.create()
        found = [] if provider is None else [each.executable for each in provider.find_pythons()]
        if name != "path":
            found = sorted(sorted(found), key=_folder_version, reverse=True)
        yield from (path for path in found if path.is_absolute() and _counts(path.parent))
    known = home() / ".conda" / "environments.txt"
    if is_file(known):
        for line in contents(known).decode(errors="replace").splitlines():
            if (inside := python_in(Path(line.strip()))) is not None:
                yield inside


def _counts(folder: Path) -> bool:
    return not (is_here(folder) or _holds_shims(folder))


def _holds_shims(folder: Path) -> bool:
    """Tell whether a version manager's scripts are there; what they start is found directly."""
    return "shims" in folder.parts


def _folder_version(path: Path) -> tuple[int, ...]:
    numbers = re.findall(r"\d+(?:\.\d+)+", str(path.parent))
    return tuple(map(int, numbers[-1].split("."))) if numbers else ()


def _unique(paths: Iterator[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for path in paths:
        real = path.resolve()
        if real not in seen:
            seen.add(real)
            yield path


def _missing(wanted: str, allows: Callable[[Interpreter], str] | None) -> InterpreterMissing:
    here = available()
    message = f"Python {wanted} was asked for and is not on this machine"
    if not here:
        return InterpreterMissing(f"{message}; neither is any other", *_installable(wanted))
    lines = [f"{message}, which has:"]
    for each in here:
        use = f"  {allows(each)}" if allows is not None else ""
        lines.append(f"  {each.version}{use}  {each.path}")
    newest = here[0].version
    return InterpreterMissing(
        "\n".join(lines),
        f"--python {minor_of(newest)}",
        *_installable(wanted),
    )


def _installable(wanted: str) -> tuple[str, ...]:
    """The command that brings a Python here, where uv has one for this machine."""
    listed = (*own_uv(), "python", "list", "--only-downloads", "--output-format", "json", wanted)
    try:
        known = json.loads(run(listed, timeout=_ASKED).stdout or "[]")
    except (WorkError, ValueError):
        known = []
    found = any(each.get("implementation") == "cpython" for each in known)
    return (uv_command("python", "install", wanted),) if found else ()
