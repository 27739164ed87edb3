"""Bring ``envlock_constraints/releases/{tensorflow,h5py}.json`` up to date.

    update_releases.py --live [--index-url URL]   from a package index
    update_releases.py --from-metadata DIR        from files of records
    … --check                                     write nothing, exit 1 if data would change

Run it in the development environment (an editable install with the ``dev`` extra).
Both sources give the same records, and only what a record says is changed:
a release, distribution or platform that it does not speak of stays as it is.
``--live`` reads METADATA (the PEP 658 file, else that member of the wheel, by
range requests) only for wheels whose requirements are not on file yet, since
a published wheel never changes.

DIR holds ``*-release-metadata.json`` files: ``{"package": NAME, "releases":
{VERSION: RECORD}}``, or several packages at once, ``{"packages": [NAME, …],
"releases": {NAME: {VERSION: RECORD}}}``. A record is

    {"upload_time": "2023-11-14T19:04:31Z",      of its first file
     "yanked": null | true | "partly" | REASON,
     "index_requires_python": ">=3.9",
     "files": [{"python": "cp311", "abi": "cp311", "platform": "win_amd64"}, …],
     "metadata": {PLATFORM: {"requires_dist": ["numpy (>=1.23.5)", …]}, …},
     "hdf5": "1.14"}                             optional, h5py only

with one wheel's metadata per platform: linux-x86_64, macos-arm64, win-amd64
and so on. Keys with a ``|`` (further wheels of that platform) are passed over.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from packaging.metadata import parse_email
from packaging.version import Version
from remotezip import RemoteZip  # type: ignore[import-untyped]
from unearth import Link, PackageFinder

from envlock.errors import EnvlockError, IndexFailure, UsageError
from envlock.system import read_text, write_texts
from tools.release_data import (
    FILES,
    OLDEST,
    Data,
    File,
    Record,
    Records,
    apart,
    differences,
    merged,
    newest_minor,
    rendered,
    wheel_table,
)

DATA = Path(__file__).parents[1] / "envlock_constraints" / "releases"

#: libhdf5's soname → the HDF5 series (HDF5 sets it in config/lt_vers.am).
_HDF5_SONAMES = {
    "10": "1.8",
    "101": "1.10",
    "103": "1.10",
    "200": "1.12",
    "310": "1.14",
    "320": "2.0",
}


def from_metadata(folder: Path) -> Records:
    """Return the records of a folder.

    Raises:
        UsageError: it holds none.

    """
    found: dict[str, dict[str, Record]] = {}
    for path in sorted(folder.glob("*-release-metadata.json")):
        document = json.loads(read_text(path))
        releases = document["releases"]
        found.update({document["package"]: releases} if "package" in document else releases)
    if not found:
        raise UsageError(f"{folder}: no *-release-metadata.json file here")
    return found


def from_index(url: str, data: Mapping[str, Data]) -> Records:
    """Return the records of a package index, with the metadata that ``data`` does not have.

    Raises:
        IndexFailure: it has not every distribution, or a wheel cannot be read.

    """
    finder = PackageFinder(index_urls=[url], ignore_compatibility=True)
    found: dict[str, dict[str, Record]] = {}
    for package, names in FILES.items():
        for name in names:
            releases = _releases(finder, name, OLDEST[package])
            if not releases:
                raise IndexFailure(f"{url}: no release of {name} found")
            found[name] = {
                version: _record(finder, name, links, data[package].get(version, {}))
                for version, links in releases.items()
            }
    return found


def _releases(finder: PackageFinder, name: str, oldest: Version) -> dict[str, list[Link]]:
    """Return the files of each final release."""
    found: dict[str, list[Link]] = {}
    for package in finder.find_all_packages(name, allow_yanked=True):
        version = Version(package.version or "0")
        if version >= oldest and not version.is_prerelease:
            found.setdefault(str(version), []).append(package.link)
    return found


def _record(
    finder: PackageFinder, name: str, links: Sequence[Link], known: Mapping[str, Any]
) -> Record:
    """Return one release of one distribution, with the metadata that is not known yet."""
    tags = {link: _tags(link) for link in links if link.is_wheel}
    oldest_first = sorted(tags, key=lambda link: newest_minor(tags[link]))
    wheels = {platform: link for link in oldest_first for platform in wheel_table([tags[link]])}
    on_file = apart(known.get("requires", ()))
    record = Record(
        upload_time=min(map(_uploaded, links)),
        yanked=_yanked(links),
        index_requires_python=links[0].requires_python or "",
        files=list(tags.values()),
        metadata={
            platform: {"requires_dist": _requires_dist(finder, link)}
            for platform, link in wheels.items()
            if (name, platform) not in on_file
        },
    )
    if name == "h5py" and "hdf5" not in known and "linux-x86_64" in wheels:
        record["hdf5"] = _hdf5(wheels["linux-x86_64"])
    return record


def _tags(link: Link) -> File:
    python, abi, platform = link.filename.removesuffix(".whl").rsplit("-", 3)[1:]
    return {"python": python, "abi": abi, "platform": platform}


def _uploaded(link: Link) -> str:
    if link.upload_time is None:
        raise IndexFailure(f"{link.filename}: the index does not say when it was uploaded")
    return link.upload_time.isoformat()


def _yanked(links: Sequence[Link]) -> str | bool | None:
    reasons = [link.yank_reason for link in links if link.is_yanked]
    if not reasons:
        return None
    return reasons[0] if len(reasons) == len(links) else "partly"


def _requires_dist(finder: PackageFinder, link: Link) -> list[str]:
    """Return Requires-Dist out of the PEP 658 file, or else out of the wheel."""
    with _reading(link):
        if link.dist_info_link is not None:
            response = finder.session.get(link.dist_info_link.url)
            response.raise_for_status()
            content = response.content
        else:
            with RemoteZip(link.url) as wheel:
                names = wheel.namelist()
                content = wheel.read(next(n for n in names if n.endswith(".dist-info/METADATA")))
    return parse_email(content)[0].get("requires_dist", [])


def _hdf5(link: Link) -> str:
    """Return the HDF5 series that a Linux wheel carries, by the soname of its libhdf5."""
    with _reading(link), RemoteZip(link.url) as wheel:
        listing = "\n".join(wheel.namelist())
    match = re.search(r"libhdf5-\w+\.so\.(\d+)", listing)
    if match is None or match[1] not in _HDF5_SONAMES:
        raise IndexFailure(f"{link.filename}: its libhdf5 is of no series known here")
    return _HDF5_SONAMES[match[1]]


@contextmanager
def _reading(link: Link) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise IndexFailure(f"{link.filename}: cannot be read: {error}") from error


def main(words: Sequence[str] | None = None) -> int:
    """Update the data files, or check them; return the exit code."""
    parser = argparse.ArgumentParser(description="Bring the release data up to date.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--live", action="store_true", help="read a package index")
    source.add_argument("--from-metadata", type=Path, metavar="DIR", help="read records")
    parser.add_argument("--index-url", default="https://pypi.org/simple", metavar="URL")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder to update")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; 1 if data would change"
    )
    options = parser.parse_args(words)
    try:
        old = {package: _stored(options.data / f"{package}.json") for package in FILES}
        records = (
            from_index(options.index_url, old)
            if options.live
            else from_metadata(options.from_metadata)
        )
        new = {package: merged(old[package], records, package) for package in FILES}
        lines = [f"{p} {line}" for p in FILES for line in differences(old[p], new[p])]
        print("\n".join(lines or ["nothing to change"]))
        if options.check:
            return 1 if lines else 0
        write_texts(
            {options.data / f"{p}.json": rendered(new[p]) for p in FILES if new[p] != old[p]}
        )
    except EnvlockError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _stored(path: Path) -> Data:
    return cast(Data, json.loads(read_text(path))) if path.exists() else {}


if __name__ == "__main__":
    sys.exit(main())
