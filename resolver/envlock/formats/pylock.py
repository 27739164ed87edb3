"""pylock.toml (PEP 751): the files of every pin, each with the hash that is locked.

Only what an installer may use is listed: wheels, and one sdist a package, as
the standard asks; the ``.tar.gz`` where an old release has a ``.zip`` too.
``[tool.envlock]`` holds what the comments of the other formats say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC
from itertools import chain
from operator import attrgetter
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urldefrag, urlsplit

import tomli_w
from packaging.markers import Marker
from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Pylock,
    PylockValidationError,
)
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    InvalidName,
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from envlock import standards
from envlock.builds import UNTOLD, Built, Direct, DirectKind
from envlock.choices import Format
from envlock.documents import Malformed, toml_tables
from envlock.errors import UsageError, WorkError
from envlock.formats.comments import Heading, one_line, read_built, read_requested, sayable
from envlock.formats.direct import without_login
from envlock.formats.lockfile import STRONG_HASH, LockEntries, Pin
from envlock.formats.together import environment, gather
from envlock.index.origin import public
from envlock.index.secrets import strip_credentials
from envlock.model import (
    DistributionFile,
    Lock,
    LockedPackage,
    Part,
    Recorded,
    Requested,
    RuleId,
    Selection,
    SelectionKind,
)

_DEFAULT = "default"
_PATH = "/:~+!"
_BEFORE_DRIVE = re.compile(r"/(?=[A-Za-z]:)")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_Source = TypeVar("_Source", PackageSdist, PackageWheel)
_Kind = TypeVar("_Kind", str, list[Any], dict[str, Any])


def render(lock: Lock) -> list[str]:
    """Write the lock as PEP 751 has it, checked against the standard, as one text.

    Raises:
        UsageError: the parts are not each for a platform, or not for one Python.
        WorkError: the files of a package are not known, as in a lock that was
            read from a requirements file.
    """
    pins = gather(lock)
    _refuse_without_files([package for package, _ in pins])
    document = Pylock(
        lock_version=Version("1.0"),
        environments=_environments([part.platform for part in lock.parts]),
        requires_python=SpecifierSet(f"=={lock.parts[0].python}.*"),
        extras=_names(lock, SelectionKind.EXTRA) or None,
        dependency_groups=[*_default(lock), *_names(lock, SelectionKind.GROUP)] or None,
        default_groups=_default(lock) or None,
        created_by="envlock",
        packages=[_package(package, marker, lock.reasons) for package, marker in pins],
        tool={"envlock": _about(lock)},
    )
    document.validate()
    tables = dict(document.to_dict())
    ordered = {"tool": tables.pop("tool")} | tables
    return [tomli_w.dumps(ordered)]


def _names(lock: Lock, kind: SelectionKind) -> list[NormalizedName]:
    """The extras or groups that can be chosen from a lock."""
    return [each.name for each in lock.selections if each.kind is kind]


def _default(lock: Lock) -> list[str]:
    """The group that stands for what is always installed, where something can be chosen.

    No marker needs it, but pdm takes nothing of a lock with groups that lacks it.
    """
    names = {each.name for each in lock.selections}
    return [_DEFAULT] if names and _DEFAULT not in names else []


def _refuse_without_files(packages: Iterable[LockedPackage]) -> None:
    lacking = [
        f"{each.name} {each.version}" for each in packages if not (each.direct or usable(each))
    ]
    if lacking:
        raise WorkError(
            f"pylock.toml names the files of every package, and no wheel "
            f"or sdist with a hash is known for {', '.join(lacking)}",
            f"write another format: --format {Format.REQUIREMENTS}",
        )


def _about(lock: Lock) -> dict[str, object]:
    parts = [_about_part(part) for part in lock.parts]
    where = parts[0] if len(parts) == 1 else {"parts": parts}
    verified = {key: where.pop(key) for key in tuple(where) if key == "verified"}
    asked = {"indexes": list(lock.indexes), "index-strategy": lock.index_strategy}
    return {
        "command": one_line(lock.command),
        **where,
        "request": lock.request_digest,
        **_recorded(lock.asked),
        **({"content": lock.content} if lock.content else {}),
        **verified,
        **(asked if lock.indexes else {}),
        **({"sets": sayable(lock.variables)} if sayable(lock.variables) else {}),
        "notes": [one_line(note) for note in lock.notes],
    }


def _recorded(asked: Recorded) -> dict[str, object]:
    """What was asked for, as the headings of the other formats have it."""
    found: dict[str, object] = {
        kind: [one_line(f"{each.requirement} # {each.origin}") for each in wishes]
        for kind, wishes in (
            ("requirements", asked.requirements),
            ("constraints", asked.constraints),
        )
        if wishes
    }
    options = {key: [one_line(each) for each in texts] for key, texts in asked.options.items()}
    return found | ({"with": options} if options else {})


def _about_part(part: Part) -> dict[str, object]:
    verified = {"verified": one_line(part.verified)} if part.verified else {}
    return {"python": part.python, "platform": part.platform, **verified}


def _environments(platforms: Sequence[str]) -> list[Marker] | None:
    """Mark the platforms that the lock is for, so that no other installs it."""
    return [marker for each in platforms if (marker := environment(each)) is not None] or None


def _package(
    package: LockedPackage, marker: Marker | None, reasons: Mapping[RuleId, str]
) -> Package:
    if package.direct is not None:
        return _direct_package(package, package.direct, marker, reasons)
    files = usable(package)
    wheels = [_source(PackageWheel, *each) for each in files if each[0].filename.endswith(".whl")]
    sdists = [
        _source(PackageSdist, *each) for each in files if not each[0].filename.endswith(".whl")
    ]
    return Package(
        name=package.name,
        version=package.version,
        marker=marker,
        index=package.index or None,
        sdist=next(iter(sdists), None),
        wheels=wheels or None,
        tool=_tool(package, reasons),
    )


def _tool(package: LockedPackage, reasons: Mapping[RuleId, str]) -> dict[str, Any]:
    about = {
        "via": sorted(map(one_line, package.via)),
        "because": {rule: one_line(reasons.get(rule, "")) for rule in sorted(package.because)},
        "built": package.direct is not None and package.built is not None,
        "built-with": [*package.built.tools] if package.built else [],
        "mended": [*map(one_line, package.built.mended)] if package.built else [],
    }
    return {"envlock": {key: value for key, value in about.items() if value}}


def _direct_package(
    package: LockedPackage, direct: Direct, marker: Marker | None, reasons: Mapping[RuleId, str]
) -> Package:
    """What is from a place, as the standard has it; paths are from the lock."""
    url = None if direct.is_local else strip_credentials(direct.url)
    path = unquote(direct.url) if direct.is_local else None
    below = direct.subdirectory or None
    vcs = archive = directory = None
    match direct.kind:
        case DirectKind.GIT:
            vcs = PackageVcs(
                type="git",
                url=direct.url,
                requested_revision=direct.revision or None,
                commit_id=direct.commit,
                subdirectory=below,
            )
        case DirectKind.ARCHIVE:
            hashes = dict(each.split(":") for each in package.hashes)
            archive = PackageArchive(url=url, path=path, hashes=hashes, subdirectory=below)
        case DirectKind.DIRECTORY:
            directory = PackageDirectory(
                path=path or ".", editable=direct.editable or None, subdirectory=below
            )
    return Package(
        name=package.name,
        version=None if package.version == UNTOLD else package.version,
        marker=marker,
        vcs=vcs,
        archive=archive,
        directory=directory,
        tool=_tool(package, reasons),
    )


def usable(package: LockedPackage) -> list[tuple[DistributionFile, dict[str, str]]]:
    """List the wheels and sdists of exactly this release with their locked hashes, by name.

    An index lists more: eggs, installers, names that no installer reads.
    """
    usable = []
    for file in sorted(package.files, key=attrgetter("filename")):
        hashes = {
            kind: digest
            for kind, digest in sorted(file.hashes.items())
            if f"{kind}:{digest}" in package.hashes
        }
        if hashes and release_of(file.filename) == (package.name, package.version):
            usable.append((file, hashes))
    return usable


def release_of(filename: str) -> tuple[NormalizedName, Version] | None:
    """Return the name and version that a file's name tells, or None."""
    with suppress(InvalidWheelFilename):
        return parse_wheel_filename(filename)[:2]
    with suppress(InvalidSdistFilename):
        return parse_sdist_filename(filename)
    return None


def _source(kind: type[_Source], file: DistributionFile, hashes: dict[str, str]) -> _Source:
    path = _local_path(file.url)
    return kind(
        name=file.filename,
        upload_time=file.upload_time and file.upload_time.astimezone(UTC),
        url=None if path else strip_credentials(urldefrag(file.url).url),
        path=path,
        size=file.size,
        hashes=hashes,
    )


def _local_path(url: str) -> str | None:
    """Return the path in a ``file:`` URL of any system, with forward slashes; else None."""
    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    path = _BEFORE_DRIVE.sub("", unquote(parts.path), count=1)
    return path if parts.netloc in {"", "localhost"} else f"//{parts.netloc}{path}"


def read(name: str, text: str, gathered: LockEntries) -> None:
    """Read the pins of a pylock.toml, and what it says of itself.

    Raises:
        UsageError: it is none; says the key.
    """
    try:
        tables = toml_tables(text)
        listed = tables.get("packages")
        standards.refuse_crowd(name, len(listed) if isinstance(listed, list) else 0)
        document = Pylock.from_dict(tables)
    except Malformed as error:
        raise error.named(name, "TOML") from None
    except (PylockValidationError, ValueError, RecursionError) as error:
        raise UsageError(f"{name}: not a lock as PEP 751 has it: {one_line(str(error))}") from None
    where = f"{name}: tool.envlock"
    gathered.heading = _heading(_get(document.tool or {}, "envlock", dict, f"{name}: tool"), where)
    gathered.selections = tuple(_selections(name, document))
    gathered.default_groups = tuple(document.default_groups or ())
    pins = [
        _locked(f"{name}: packages[{index}]", package)
        for index, package in enumerate(document.packages)
    ]
    for pin in pins:
        gathered.pin(pin)


def _selections(path_name: str, document: Pylock) -> Iterator[Selection]:
    """What can be chosen from a lock of any tool; a synthetic group that is always there cannot."""
    usual = set(map(canonicalize_name, document.default_groups or ()))
    names = {
        SelectionKind.EXTRA: document.extras,
        SelectionKind.GROUP: document.dependency_groups,
    }
    for kind, found in names.items():
        for name in sorted({_choosable(path_name, each) for each in found or ()} - usual):
            yield Selection(kind=kind, name=name)


def _choosable(path_name: str, name: str) -> NormalizedName:
    """The name of an extra or group as markers have it, which may be written with it again."""
    try:
        return canonicalize_name(name, validate=True)
    except InvalidName:
        raise UsageError(
            f"{path_name}: {one_line(name)!r} is no name of an extra or a group"
        ) from None


def _heading(about: Mapping[str, Any], where: str) -> Heading:
    listed = _get(about, "parts", list, where)
    parts = [_part(f"{where}.parts[{n}]", each) for n, each in enumerate(listed)]
    parts = parts or [_part(where, about)]
    several = len(parts) > 1
    return Heading(
        command=_get(about, "command", str, where),
        targets=[(python, platform) for python, platform, _ in parts],
        request_digest=_get(about, "request", str, where),
        requirements=list(_requested(about, "requirements", where)),
        constraints=list(_requested(about, "constraints", where)),
        options={
            key: tuple(one_line(str(each)) for each in _get(options, key, list, f"{where}.with"))
            for options in [_get(about, "with", dict, where)]
            for key in options
        },
        content=_get(about, "content", str, where),
        verified={place if several else "": words for _, place, words in parts if words},
        notes=[str(each) for each in _get(about, "notes", list, where)],
        variables=sayable({n: str(v) for n, v in _get(about, "sets", dict, where).items()}),
        indexes=tuple(one_line(str(each)) for each in _get(about, "indexes", list, where)),
        index_strategy=one_line(_get(about, "index-strategy", str, where)),
    )


def _requested(about: Mapping[str, Any], key: str, where: str) -> Iterator[Requested]:
    for each in _get(about, key, list, where):
        yield from read_requested(str(each))


def _part(where: str, about: object) -> tuple[str, str, str]:
    """The Python, the platform and what is verified of one part."""
    if not isinstance(about, dict):
        raise UsageError(f"{where}: expected dict, found {type(about).__name__}")
    python, platform, verified = (
        _get(about, key, str, where) for key in ("python", "platform", "verified")
    )
    return python, platform, verified


def _locked(where: str, package: Package) -> Pin:
    direct, digests = _direct(package)
    if direct is None and package.version is None:
        raise UsageError(f"{where}: {package.name} is a release without a version")
    about = _get(package.tool or {}, "envlock", dict, f"{where}.tool")
    because = _get(about, "because", dict, f"{where}.tool.envlock")
    via = _get(about, "via", list, f"{where}.tool.envlock")
    reasons = {RuleId(rule): str(why) for rule, why in because.items()}
    tools = _get(about, "built-with", list, f"{where}.tool.envlock")
    mended = _get(about, "mended", list, f"{where}.tool.envlock")
    said = ([f"built with {' '.join(map(str, tools))}"], [f"mended {each}" for each in mended])
    sources = [*(package.wheels or ()), *((package.sdist,) if package.sdist else ())]
    files = tuple(sorted(map(_file, sources), key=attrgetter("filename")))
    hashes = {f"{kind}:{hexes}" for file in files for kind, hexes in file.hashes.items()}
    hashes |= digests
    locked = LockedPackage(
        name=package.name,
        version=package.version or UNTOLD,
        hashes=tuple(sorted(filter(STRONG_HASH.fullmatch, hashes))),
        via=tuple(map(str, via)),
        because=tuple(sorted(reasons)),
        files=files,
        index=one_line(public(package.index or "")),
        built=read_built(chain(*said)) or (Built() if about.get("built") is True else None),
        direct=direct,
    )
    return Pin(where=where, package=locked, reasons=reasons, marker=package.marker)


def _direct(package: Package) -> tuple[Direct | None, set[str]]:
    """The place that a package is from, and its hashes; none for a release of an index."""
    if (vcs := package.vcs) is not None:
        direct = Direct(
            kind=DirectKind.GIT,
            url=without_login(one_line(vcs.url or vcs.path or "")),
            revision=one_line(vcs.requested_revision or ""),
            commit=one_line(vcs.commit_id),
            subdirectory=one_line(vcs.subdirectory or ""),
        )
        return direct, set()
    if (archive := package.archive) is not None:
        direct = Direct(
            kind=DirectKind.ARCHIVE,
            url=without_login(one_line(archive.url or quote(archive.path or "", safe=_PATH))),
            subdirectory=one_line(archive.subdirectory or ""),
        )
        return direct, {f"{kind}:{digest}" for kind, digest in archive.hashes.items()}
    if (folder := package.directory) is not None:
        direct = Direct(
            kind=DirectKind.DIRECTORY,
            url=one_line(quote(folder.path, safe=_PATH)),
            subdirectory=one_line(folder.subdirectory or ""),
            editable=bool(folder.editable),
        )
        return direct, set()
    return None, set()


def _get(table: Mapping[str, Any], key: str, kind: type[_Kind], where: str) -> _Kind:
    """Return what a table holds under a key; an empty ``kind`` when it holds nothing."""
    value = table.get(key, kind())
    if not isinstance(value, kind):
        raise UsageError(f"{where}.{key}: expected {kind.__name__}, found {type(value).__name__}")
    return value


def _file(source: PackageWheel | PackageSdist) -> DistributionFile:
    return DistributionFile(
        filename=source.filename,
        url=source.url or _url(source.path or ""),
        hashes=dict(source.hashes),
        upload_time=source.upload_time,
        size=source.size,
    )


def _url(path: str) -> str:
    """Return the ``file:`` URL of a path; one relative to the lock stays relative."""
    if _DRIVE.match(path):
        return "file:///" + quote(path.replace("\\", "/"), safe="/:")
    return f"file://{quote(path)}" if path.startswith("/") else quote(path)
