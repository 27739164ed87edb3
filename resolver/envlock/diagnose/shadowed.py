"""A file of the user's own that is taken for a package, as a traceback shows it. Pure."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator

from msgspec.structs import replace

from envlock.causes import Cause
from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity, Stage
from envlock.rules.traces import Raised, distribution_of, is_own, last_raised, raised, top_of

SHADOWED = "shadowed-module"

#: The module that could not be used, in what Python says of an import and of a missing name.
_NAMED = re.compile(
    r"(?:from|module|named) (?:partially initialized module )?['\"](?P<name>[\w.]+)['\"]"
)
#: Where Python found it, at the end of what it says.
_FOUND = re.compile(
    r"\((?:most likely due to a circular import\) \()?(?P<path>[^()\n]{1,400}\.pyw?)\)"
)
#: What Python says itself from 3.13 on.
_RENAME = re.compile(r"consider renaming ['\"](?P<path>[^'\"\n]{1,400})['\"]")


def shadowed(text: str, packages: Collection[str]) -> Finding | None:
    """Return the finding that a file of one's own hides a module; None where nothing shows it.

    Of a module that is neither Python's nor in one of ``packages`` nobody can
    tell whether the user's own is meant.
    """
    last = last_raised(raised(text))
    if last is None:
        return None
    renamed = (match["path"] for match in _RENAME.finditer(last.message))
    known = (each for each in _paths(last) if _is_known(_module_of(each), packages))
    path = next((each for each in (*renamed, *known) if is_own(each)), None)
    return None if path is None else replace(own_file(_module_of(path), path), evidence=last.line)


def _is_known(module: str, packages: Collection[str]) -> bool:
    return module in sys.stdlib_module_names or distribution_of(module) in packages


def _paths(last: Raised) -> Iterator[str]:
    """The files that were taken for a module, as far as the text shows them."""
    named = {top_of(each["name"]) for each in _NAMED.finditer(last.message)}
    beside = {_folder(frame.path) for frame in last.frames}
    found = [match["path"] for match in _FOUND.finditer(last.message)]
    shown = [
        frame.path
        for frame in last.frames
        if _module_of(frame.path) in {top_of(each) for each in _imports(frame.source)}
    ]
    for path in (*(each for each in found if _module_of(each) in named), *shown):
        # A folder that no script stands beside may be where somebody keeps packages.
        if not path.endswith("__init__.py") or _folder(_folder(path)) in beside:
            yield path


def _imports(source: str) -> Iterator[str]:
    yield from re.findall(r"\b(?:from|import)\s+([A-Za-z_][\w.]*)", source)


def _folder(path: str) -> str:
    return re.sub(r"[/\\]?[^/\\]*$", "", path)


def _module_of(path: str) -> str:
    """The module that a file is imported as from the folder that it, or its own folder, is in."""
    *folders, file = re.split(r"[/\\]", path)
    stem = file.removesuffix(".pyw").removesuffix(".py")
    return folders[-1] if stem == "__init__" and folders else stem


def own_file(name: str, path: str = "") -> Finding:
    """Return the finding that a file of one's own is imported in place of a module."""
    file = path.removesuffix("__init__.py").rstrip("/\\")
    what = f"finds {file}" if file else "finds a file of yours"
    return Finding(
        id=SHADOWED,
        title=f"A file of your own is called {name}",
        severity=Severity.BREAKS,
        because=f"Python looks beside the program first, and {what} there, which is called like"
        f" the module {name}; so that is imported in its place.",
        packages={},
        cause=Cause.CODE,
        stage=Stage.IMPORT,
        confidence=0.95 if file else 0.9,
        remedies=(
            Remedy(
                kind=RemedyKind.ADVICE,
                text=f"Rename {file or f'the file {name}.py or the folder {name}'}, and remove"
                " __pycache__ beside it.",
            ),
            Remedy(
                kind=RemedyKind.COMMAND, text=f'python -c "import {name}; print({name}.__file__)"'
            ),
        ),
    )
