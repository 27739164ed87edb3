"""Records of an index → the data files in ``envlock_constraints/releases``. Pure.

A record is one release of one distribution as a source tells it; its form is
in `tools.update_releases`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NotRequired, TypedDict

from packaging.requirements import Requirement
from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.model import Platform
from envlock.releases import minor_key
from envlock.rules.frameworks import frameworks
from envlock.rules.tables import pythons
from envlock.targets.platforms import marker_environment

#: Each file, the distributions whose releases it holds (the first one names
#: the versions), and the oldest release that is kept.
FILES: dict[str, tuple[str, ...]] = {
    **{str(each.name): each.recorded for each in frameworks()},
    "h5py": ("h5py",),
}
OLDEST: dict[str, Version] = {
    **{str(each.name): each.oldest for each in frameworks()},
    "h5py": Version("2.7.0"),
}

_LEGACY_GLIBC = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}
_PLATFORM_NAMES = {
    "win-amd64": "windows-x86_64",
    "win-arm64": "windows-arm64",
    "win-32": "windows-x86",
}
_WINDOWS = {"win_amd64": "x86_64", "win_arm64": "arm64", "win32": "x86"}
_FAT_MACS = {"intel": ("x86_64",), "universal2": ("arm64", "x86_64")}

Data = dict[str, dict[str, Any]]


class File(TypedDict):
    """The tags of one wheel."""

    python: str
    abi: str
    platform: str


class Metadata(TypedDict):
    """What one wheel declares."""

    requires_dist: list[str]


class Record(TypedDict):
    """One release of one distribution, as a source tells it."""

    upload_time: str
    yanked: str | bool | None
    index_requires_python: str
    files: list[File]
    metadata: dict[str, Metadata]
    hdf5: NotRequired[str]


Records = Mapping[str, Mapping[str, Record]]


def merged(old: Data, records: Records, package: str) -> Data:
    """Return the data of one file after what the records say, oldest release first."""
    data = dict(old)
    for version in records.get(package, {}):
        if Version(version) >= OLDEST[package] and not Version(version).is_prerelease:
            said = {
                name: records[name][version]
                for name in FILES[package]
                if version in records.get(name, {})
            }
            data[version] = entry(data.get(version, {}), said, package)
    return {version: data[version] for version in sorted(data, key=Version)}


def entry(old: Mapping[str, Any], said: Mapping[str, Record], package: str) -> dict[str, Any]:
    """Return one release after what the records of its distributions say."""
    wheels = dict(old.get("wheels", {}))
    needs = apart(old.get("requires", []))
    extras = old.get("extras", {})
    for name, record in said.items():
        wheels[name] = wheel_table(record["files"])
        for key, metadata in record["metadata"].items():
            platform = _PLATFORM_NAMES.get(key, key)
            if platform in wheels[name]:
                minors = {minor for found in wheels[name][platform].values() for minor in found}
                needs[name, platform] = requirements(metadata, platform, minors)
                if (name, platform) == (package, "linux-x86_64"):
                    extras = extra_requirements(metadata, minors)
    main = said[package]
    yanked = main["yanked"]
    optional = {
        "yanked": "no reason given" if yanked is True else yanked,
        "hdf5": main.get("hdf5", old.get("hdf5")),
        "extras": extras,
    }
    return {
        "date": main["upload_time"][:10],
        "requires_python": main["index_requires_python"],
        "wheels": {name: wheels[name] for name in FILES[package] if wheels.get(name)},
        "requires": _together(needs),
        **{key: value for key, value in optional.items() if value},
    }


def wheel_table(files: Iterable[File]) -> dict[str, dict[str, list[str]]]:
    """Return platform → oldest system that takes the wheel → CPython minors."""
    found: dict[str, dict[str, set[str]]] = {}
    for file in files:
        floors: dict[tuple[str, str], list[str]] = {}
        minors: set[str] = set()
        for tag in parse_tag(f"{file['python']}-{file['abi']}-{file['platform']}"):
            minors.update(cpython_minors(tag))
            for platform, floor in systems(tag.platform):
                floors.setdefault((platform, floor.partition(" ")[0]), []).append(floor)
        for (platform, _), choices in floors.items():
            floor = min(choices, key=_floor_key)
            found.setdefault(platform, {}).setdefault(floor, set()).update(minors)
    return {
        platform: {
            floor: sorted(found[platform][floor], key=minor_key)
            for floor in sorted(found[platform], key=_floor_key)
        }
        for platform in sorted(found)
        if any(found[platform].values())
    }


def cpython_minors(tag: Tag) -> tuple[str, ...]:
    """Return the CPython minors that a tag admits; none for other interpreters."""
    match = re.fullmatch(r"cp(\d)(\d+)", tag.interpreter)
    if match is None:
        return ()
    major, minor = int(match[1]), int(match[2])
    if tag.abi == "abi3":
        newest = int(pythons().minors[-1].rpartition(".")[2])
        return tuple(f"{major}.{number}" for number in range(minor, newest + 1))
    return (f"{major}.{minor}{'t' if tag.abi.endswith('t') else ''}",)


def systems(tag: str) -> Iterator[tuple[str, str]]:
    """Yield the platforms of a platform tag, each with the oldest system that takes it."""
    if tag in _WINDOWS:
        yield f"windows-{_WINDOWS[tag]}", "windows"
    elif match := re.fullmatch(r"(manylinux(?:1|2010|2014))_(\w+)", tag):
        yield f"linux-{match[2]}", f"glibc {_LEGACY_GLIBC[match[1]]}"
    elif match := re.fullmatch(r"(many|musl)linux_(\d+)_(\d+)_(\w+)", tag):
        libc = {"many": "glibc", "musl": "musl"}[match[1]]
        yield f"linux-{match[4]}", f"{libc} {match[2]}.{match[3]}"
    elif match := re.fullmatch(r"macosx_(\d+)_(\d+)_(\w+)", tag):
        for machine in _FAT_MACS.get(match[3], (match[3],)):
            yield f"macos-{machine}", f"macos {match[1]}.{match[2]}"


def requirements(metadata: Metadata, platform: str, minors: Iterable[str]) -> tuple[str, ...]:
    """Return what a platform's wheels declare, without extras and what holds for none of them."""
    system, _, machine = platform.partition("-")
    environments = [
        marker_environment(Platform(system=system, machine=machine), minor.rstrip("t"))
        for minor in minors
    ]
    return _lines(
        requirement
        for requirement in map(Requirement, metadata["requires_dist"])
        if requirement.marker is None or any(map(requirement.marker.evaluate, environments))
    )


def extra_requirements(metadata: Metadata, minors: Iterable[str]) -> dict[str, list[str]]:
    """Return what each extra adds to the newest Linux x86_64 wheel."""
    environment = marker_environment(
        Platform(system="linux", machine="x86_64"), max(minors, key=minor_key).rstrip("t")
    )
    extras: dict[str, list[Requirement]] = {}
    for requirement in map(Requirement, metadata["requires_dist"]):
        marker, requirement.marker = requirement.marker, None
        for extra in re.findall(r'extra == "([\w.-]+)"', str(marker)):
            if marker is not None and marker.evaluate({**environment, "extra": extra}):
                extras.setdefault(extra, []).append(requirement)
    return {extra: list(_lines(extras[extra])) for extra in sorted(extras)}


def _lines(requirements: Iterable[Requirement]) -> tuple[str, ...]:
    """Return requirements under their normalised names, as text, sorted by name."""
    named: list[tuple[str, str]] = []
    for requirement in requirements:
        requirement.name = canonicalize_name(requirement.name)
        named.append((requirement.name, str(requirement)))
    return tuple(text for _, text in sorted(named))


def apart(groups: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return stored groups as distribution and platform → what they declare."""
    return {
        (name, platform): tuple(group["needs"])
        for group in groups
        for name, platforms in group["of"].items()
        for platform in platforms
    }


def _together(needs: Mapping[tuple[str, str], tuple[str, ...]]) -> list[dict[str, Any]]:
    """Return equal requirements written once, with the wheels that declare them."""
    groups: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for name, platform in sorted(needs):
        groups.setdefault(needs[name, platform], {}).setdefault(name, []).append(platform)
    return [{"of": of, "needs": list(lines)} for lines, of in groups.items()]


def _floor_key(floor: str) -> tuple[str, tuple[int, ...]]:
    name, _, number = floor.partition(" ")
    return name, tuple(int(part) for part in number.split(".") if part)


def newest_minor(file: File) -> tuple[Version, str]:
    """Return the newest CPython minor of a wheel, to sort by."""
    floors = (found for platform in wheel_table([file]).values() for found in platform.values())
    return max((minor_key(minor) for minors in floors for minor in minors), default=minor_key("0"))


def rendered(data: Data) -> str:
    """Return the text of a data file: a few lines a release, so that a diff tells what changed."""
    return _block(data, depth=3) + "\n"


def _block(value: object, *, depth: int, indent: str = "") -> str:
    inner = indent + " "
    if depth and isinstance(value, dict) and value:
        lines = [
            f"{inner}{json.dumps(key)}: {_block(item, depth=depth - 1, indent=inner)}"
            for key, item in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if depth and isinstance(value, list) and value:
        items = [inner + _block(item, depth=depth - 1, indent=inner) for item in value]
        return "[\n" + ",\n".join(items) + f"\n{indent}]"
    return json.dumps(value)


def differences(old: Data, new: Data) -> list[str]:
    """Return one line for each release that is new or told otherwise, naming what."""
    lines: list[str] = []
    for version, found in new.items():
        before = old.get(version)
        if before is None:
            lines.append(f"{version}: new")
        elif before != found:
            keys = sorted(k for k in {*before, *found} if before.get(k) != found.get(k))
            lines.append(f"{version}: {', '.join(keys)} changed")
    return lines
