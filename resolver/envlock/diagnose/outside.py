"""A traceback that goes through a package from outside of its environment. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct
from packaging.utils import canonicalize_name

from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity, Stage
from envlock.rules.traces import raised

OUTSIDE = "outside-package"

_SITES = ("site-packages", "dist-packages")
#: The folder of a user's own packages, as ``site`` places it.
_USER = re.compile(
    r"[/\\]\.local[/\\]lib[/\\]python3|[/\\]Roaming[/\\]Python[/\\]|[/\\]Library[/\\]Python[/\\]"
)


class _Place(Struct, frozen=True, kw_only=True):
    """Where a frame is: the folder that was searched, and the package in it."""

    root: str
    package: str
    path: str


def outside(
    text: str, names: Collection[str], prefix: str = "", variables: Mapping[str, str] | None = None
) -> Finding | None:
    """Return the finding that packages come from two places, None where they do not.

    ``names`` are packages that are known by name where a folder is not called
    as one of packages is. The environment is the one at ``prefix``, else where
    most frames are; ``variables`` are those of the shell it was seen in, if known.
    """
    places = list(_places(text, names))
    inside = _inside(places, prefix)
    strange = [each for each in places if each.root not in inside]
    if not strange or not (inside or prefix):
        return None
    first = strange[0]
    home = prefix or next(iter(inside))
    why, confidence, remedy = _reason(first.root, variables or {})
    name = canonicalize_name(first.package)
    return Finding(
        id=OUTSIDE,
        title=f"{first.package} is not the environment's own",
        severity=Severity.BREAKS,
        because=f"{first.package} is imported from {first.root}, which is not in {home}: {why}. It"
        " was not chosen for what else is there.",
        packages={name: None},
        stage=Stage.IMPORT,
        confidence=confidence,
        remedies=(remedy,),
        evidence=first.path,
    )


def _places(text: str, names: Collection[str]) -> Iterator[_Place]:
    for path in (frame.path for one in raised(text) for frame in one.frames):
        parts = re.split(r"[/\\]", path)
        site = next((i for i, part in enumerate(parts[:-1]) if part in _SITES), None)
        at = next((i for i, p in enumerate(parts[1:-1], 1) if canonicalize_name(p) in names), None)
        if site is None and at is None:
            continue
        end = site + 1 if site is not None else at or 0
        root = re.match(rf"(?:[^/\\]*[/\\]){{{end}}}", path)
        if root is not None and parts[end : end + 1]:
            package = parts[end].removesuffix(".py")
            yield _Place(root=root[0][:-1], package=package, path=path)


def _inside(places: list[_Place], prefix: str) -> set[str]:
    roots = Counter(each.root for each in places)
    if prefix:
        start = prefix.rstrip("/\\")
        return {root for root in roots if root.startswith((f"{start}/", f"{start}\\"))}
    packages = [r for r in roots if r.endswith(_SITES) and not _USER.search(r)]
    return {max(packages, key=roots.__getitem__)} if packages else set()


def _reason(root: str, variables: Mapping[str, str]) -> tuple[str, float, Remedy]:
    """Who puts a folder before the environment's own, how sure that is, and what ends it."""
    if _USER.search(root):
        away = Remedy(kind=RemedyKind.SETTING, text="PYTHONNOUSERSITE=1")
        return "the user's own packages (the user site) come first", 0.9, away
    away = Remedy(kind=RemedyKind.COMMAND, text="unset PYTHONPATH")
    said = variables.get("PYTHONPATH", "")
    if root in re.split(r"[:;]", said):
        return f"PYTHONPATH={said} in this shell puts it first", 1.0, away
    if root.endswith(_SITES):
        return (
            "PYTHONPATH, or system packages that the environment lets in, put it there",
            0.8,
            away,
        )
    return "PYTHONPATH, as module systems set it, puts it first", 0.85, away
