"""Where pip-tools runs: beside envlock, or in a helper environment for another interpreter."""

from __future__ import annotations

import hashlib
import os
import site
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from msgspec.structs import replace

from envlock.choices import IndexStrategy
from envlock.errors import InterpreterMissing, WorkError
from envlock.index.handover import socks_proxy, uv_environment, uv_options, uv_program
from envlock.index.redact import redact
from envlock.index.settings import load_settings
from envlock.model import IndexSettings, Target
from envlock.progress import Progress
from envlock.system import (
    WINDOWS,
    cache_folder,
    exclusive,
    remove_tree,
    run,
    write_texts,
)

#: The newest pip-tools for each Python, and a pip that it works with.
PINS = {
    "3.6": ("pip-tools==6.4.0", "pip==21.3.1", "setuptools==59.6.0", "wheel==0.37.1"),
    "3.7": ("pip-tools==6.14.0", "pip==23.0.1"),
    "3.8": ("pip-tools==7.5.2", "pip==25.0.1"),
    "3.9": ("pip-tools==7.6.2", "pip==26.0.1"),
}
NEWEST = ("pip-tools==7.6.2", "pip==26.3")
#: What pip needs to read through a SOCKS proxy.
_SOCKS = "PySocks==1.7.1"
_READY = "envlock-helper-ready"


def helper_python(target: Target, asked: IndexSettings, progress: Progress) -> Path:
    """The interpreter that has pip-tools for ``target``: envlock's own, or that of a helper.

    A helper environment is made when it is missing. Several envlocks at once
    make it once; one whose base interpreter has gone is made anew. Its
    pip-tools comes from where pip is configured to look, not from the index of
    the request (``asked``), which may not have it.

    Raises:
        InterpreterMissing: the target has no interpreter here; pip-tools
            resolves for the Python it runs under.
        WorkError: the helper cannot be made.
    """
    if target.interpreter is None:
        raise InterpreterMissing(
            f"pip-tools needs a Python {target.minor} to resolve for it, and none is here",
            "--engine uv",
        )
    socks = socks_proxy(asked)
    if _is_own(target.interpreter) and _has("piptools") and (_has("socks") or not socks):
        return Path(sys.executable)
    pins = PINS.get(target.minor, NEWEST)
    if socks:
        pins = (*pins, _SOCKS)
    key = hashlib.sha256(os.fsencode("\0".join((str(target.interpreter.resolve()), *pins))))
    name = f"pip-tools-{target.minor}-{key.hexdigest()[:12]}"
    folder = cache_folder("helpers", name, programs=True)
    python = folder / ("Scripts/python.exe" if WINDOWS else "bin/python")
    if (folder / _READY).exists() and python.exists():
        return python
    with exclusive(folder.parent / f"{folder.name}.lock", tell=progress.note):
        if not ((folder / _READY).exists() and python.exists()):
            with progress.phase(f"prepare pip-tools for Python {target.minor} (once)"):
                _make(folder, target.interpreter, python, pins)
    return python


def _is_own(interpreter: Path) -> bool:
    """Whether an interpreter is the one that runs envlock, or that envlock's venv was made from."""
    base: str = getattr(sys, "_base_executable", "") or ""
    own = {Path(each).resolve() for each in (sys.executable, base) if each}
    return interpreter.resolve() in own


def _has(module: str) -> bool:
    """Whether a Python that starts without any variable of the user's can import a module."""
    found = find_spec(module)
    places = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *_user_site())
    where = Path(found.origin) if found and found.origin else None
    return where is not None and any(where.is_relative_to(place) for place in places)


def _user_site() -> tuple[str, ...]:
    return (site.getusersitepackages(),) if site.ENABLE_USER_SITE else ()


def _make(folder: Path, interpreter: Path, python: Path, pins: tuple[str, ...]) -> None:
    # The pins are exact, and the machine's first index may lack one, as an index of few packages.
    settings = replace(load_settings(os.environ), index_strategy=IndexStrategy.BEST)
    env = uv_environment(settings)
    uv = uv_program()
    commands: tuple[list[str | Path], ...] = (
        [uv, "venv", "--quiet", "--clear", "--python", interpreter, folder],
        [uv, "pip", "install", "--quiet", "--python", python, *uv_options(settings), *pins],
    )
    for command in commands:
        done = run(command, env=env, stall=12 * settings.timeout)
        if done.returncode != 0:
            remove_tree(folder)
            raise WorkError(
                f"cannot prepare pip-tools for {interpreter}:\n{redact(done.stderr).strip()}",
                "--engine uv",
            )
    write_texts({folder / _READY: "\n".join(pins) + "\n"})
