"""Find the Python that was asked for, and say which ones are here.

Only names and folders are looked at until one may fit; then that program, and
no other, is started once.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from packaging.specifiers import SpecifierSet

from envlock.environment.description import Interpreter, describe
from envlock.errors import InterpreterMissing, WorkError
from envlock.system import contents

_VERSION = re.compile(r"\d{1,3}(\.\d{1,3}){0,2}", re.ASCII)
_VERSIONED_NAME = re.compile(r"python(\d+\.\d+)[a-z]*(\.exe)?")
#: Where a program lies in a virtual environment, a conda prefix or an installation.
_PROGRAMS = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")


def find_interpreter(
    wanted: str | None, *, allows: Callable[[Interpreter], str] | None = None
) -> Interpreter:
    """Return the CPython for "3.10", "3.10.13", a program or a folder; None: envlock's own.

    A virtual environment stands for the Python it was made from. ``allows``
    words what an interpreter is good for, for the error that lists them.

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


def available() -> tuple[Interpreter, ...]:
    """Return every CPython 3.6 or later that is found here, newest first."""
    found = (_try(path) for path in _unique(_everywhere()))
    cpythons = (each for each in found if each is not None and not each.free_threaded)
    unique = {(each.path.resolve().parent, each.version): each for each in cpythons}
    return tuple(sorted(unique.values(), key=lambda each: each.version, reverse=True))


def python_in(folder: Path) -> Path | None:
    """Return the Python program of an environment or installation folder, or None."""
    return next((folder / name for name in _PROGRAMS if (folder / name).is_file()), None)


def base_program(program: Path) -> Path:
    """Return the Python that a virtual environment was made from; any other program itself.

    Read from ``pyvenv.cfg`` (PEP 405); nothing is started.

    Raises:
        InterpreterMissing: that Python is no longer there.
    """
    file = program.parent.parent / "pyvenv.cfg"
    if not file.is_file():
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
        if os.path.isfile(home / name):  # noqa: PTH113  (Path's raises for a name that is too long)
            return home / name
    raise InterpreterMissing(
        f"{program}: the Python it was made from is no longer in {home}",
        "envlock create --force",
    )


def _program(wanted: str) -> Path:
    path = Path(wanted).expanduser()
    if path.is_dir():
        inside = python_in(path)
        if inside is None:
            raise InterpreterMissing(
                f"{wanted}: no Python in this folder (looked for {', '.join(_PROGRAMS)})"
            )
        return inside
    if path.is_file():
        return path.absolute()
    if path.name == wanted and (on_path := shutil.which(wanted)):
        return Path(on_path)
    raise InterpreterMissing(
        f"{wanted}: neither a version such as 3.11 nor a program or folder that is there"
    )


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
    folders = (each for each in os.get_exec_path() if not _holds_shims(Path(each)))
    if named := shutil.which(f"python{minor}", path=os.pathsep.join(folders)):
        yield Path(named)
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
        yield from (path for path in found if not _holds_shims(path.parent))
    known = Path.home() / ".conda" / "environments.txt"
    if known.is_file():
        for line in contents(known).decode(errors="replace").splitlines():
            if (inside := python_in(Path(line.strip()))) is not None:
                yield inside


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
        return InterpreterMissing(f"{message}; neither is any other", f"uv python install {wanted}")
    lines = [f"{message}, which has:"]
    for each in here:
        use = f"  {allows(each)}" if allows is not None else ""
        lines.append(f"  {each.version}{use}  {each.path}")
    newest = here[0].version
    return InterpreterMissing(
        "\n".join(lines),
        f"--python {newest.major}.{newest.minor}",
        f"uv python install {wanted}",
    )
