"""What the metadata files of one site-packages folder say. Nothing of it is run.

The formats are those of PyPA's "Recording installed projects" (dist-info,
RECORD, INSTALLER, direct_url.json) and of setuptools before it (egg-info,
egg-link). Whatever cannot be read is a note, never an error.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.documents import Malformed, json_value
from envlock.system import contents

_HEADER = re.compile(r"(?im)^(Name|Version|Requires-Dist):(.*)$")
_LONGEST = 4096  # characters of a path: Linux opens no longer one, and no installer made it

#: INSTALLER of what a system installed; older Debians write none.
_SYSTEMS = frozenset({"", "debian", "rpm"})

#: One line of a RECORD: folder and name (``/`` between them), hash, size in bytes.
Row = tuple[str, str, str, str]


class Distribution(Struct, frozen=True, kw_only=True, eq=False):
    """One installed distribution.

    ``info`` is its metadata folder or file, ``installer`` what INSTALLER says
    ("" where it is missing), ``requires`` the Requires-Dist lines as they
    are, ``editable`` True when its code is in a checkout elsewhere, ``commit``
    that of a repository which it was built from.
    """

    name: NormalizedName
    version: Version
    site: Path
    info: Path
    installer: str = ""
    requires: tuple[str, ...] = ()
    editable: bool = False
    commit: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Site(Struct, frozen=True, kw_only=True):
    """A site-packages folder: its distributions by file name, wheels before eggs.

    ``set_aside`` names what pip renames while it removes (``~umpy``) and a
    stopped pip leaves behind, ``removing`` the distributions among that.
    ``notes`` say what could not be read.
    """

    path: Path
    distributions: tuple[Distribution, ...] = ()
    set_aside: tuple[str, ...] = ()
    removing: tuple[Distribution, ...] = ()
    notes: tuple[str, ...] = ()


def read_site(path: Path) -> Site:
    """Read the metadata of a site-packages folder; a missing one is empty."""
    try:
        names = sorted(os.listdir(path))  # noqa: PTH208  (names alone are wanted, and quickly)
    except FileNotFoundError:
        return Site(path=path)
    except OSError as error:
        return Site(path=path, notes=(f"{path}: cannot be read: {error.strerror}",))
    found: list[Distribution] = []
    notes: list[str] = []
    for suffix in (".dist-info", ".egg-info", ".egg-link"):
        for name in names:
            if name.endswith(suffix) and not name.startswith("~"):
                read = _distribution(path, path / name)
                if isinstance(read, Distribution):
                    found.append(read)
                else:
                    notes.append(read)
    set_aside = tuple(name for name in names if name.startswith("~"))
    removing = (_distribution(path, path / name) for name in set_aside if name.endswith("-info"))
    return Site(
        path=path,
        distributions=tuple(found),
        set_aside=set_aside,
        removing=tuple(each for each in removing if isinstance(each, Distribution)),
        notes=(*notes, *_elsewhere(found)),
    )


def recorded(distribution: Distribution) -> Iterator[Row] | str:
    """Return the lines of a distribution's RECORD, or words for why they say nothing.

    Package managers of systems strip libraries and move scripts, and leave
    RECORD as it was. A line that is no line of a RECORD is left out.
    """
    file = distribution.info / "RECORD"
    try:
        text = contents(file).decode()
    except (FileNotFoundError, NotADirectoryError):
        return "no RECORD"
    except OSError as error:
        return f"RECORD cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return "RECORD is not UTF-8 text"
    if distribution.installer in _SYSTEMS:
        return f"installed by {distribution.installer or 'a tool that does not say so'}"
    return rows(text)


def rows(text: str) -> Iterator[Row]:
    """Yield the lines of a RECORD; what is none is left out."""
    lines = text.replace("\\", "/").splitlines()
    for line in [each for each in lines if "\0" not in each] if "\0" in text else lines:
        # Few lines are quoted, and csv takes twice the time.
        parts = _unquoted(line) if '"' in line else line.rsplit(",", 2)
        if len(parts) == 3 and len(parts[0]) <= _LONGEST:  # noqa: PLR2004  (path, hash, size)
            folder, _, name = parts[0].rpartition("/")
            yield folder, name, parts[1], parts[2]


def _unquoted(line: str) -> list[str]:
    try:
        return next(csv.reader([line]))
    except csv.Error:  # a field of 128 KB
        return []


def _distribution(site: Path, info: Path) -> Distribution | str:
    """Read one distribution, or say what keeps it from being one."""
    file = _metadata_file(info)
    try:
        text = contents(file).decode("utf-8", errors="replace").replace("\r\n", "\n")
    except OSError as error:
        return f"{file}: cannot be read, so this package is left out: {error.strerror}"
    headers: dict[str, list[str]] = {}
    for name, value in _HEADER.findall(text.partition("\n\n")[0]):
        headers.setdefault(name.lower(), []).append(value.strip(" \t"))
    if not (headers.get("name") and headers.get("version")):
        return f"{file}: has no Name or no Version, so this package is left out"
    said = headers["version"][0]
    version = standards.version(said)
    if version is None:
        return f"{file}: {said!r} is no version of PEP 440, so this package is left out"
    editable, commit = _origin(info / "direct_url.json")
    return Distribution(
        name=canonicalize_name(headers["name"][0]),
        version=version,
        site=site,
        info=info,
        installer=_line(info / "INSTALLER"),
        requires=tuple(headers.get("requires-dist", ())),
        editable=info.suffix == ".egg-link" or editable,
        commit=commit,
    )


def _metadata_file(info: Path) -> Path:
    if info.suffix == ".dist-info":
        return info / "METADATA"
    if info.suffix == ".egg-link":
        # "develop" of setuptools: the file names the checkout, which has the metadata.
        checkout = info.parent / _line(info)
        if not os.path.isdir(checkout):  # noqa: PTH112  (Path's raises for a name that is too long)
            return info
        return next(iter(sorted(checkout.glob("*.egg-info/PKG-INFO"))), info)
    return info if info.is_file() else info / "PKG-INFO"


def _line(file: Path) -> str:
    """Return the first line of a small file, or "" where there is none."""
    try:
        lines = contents(file).decode("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return lines[0].strip() if lines else ""


def _origin(file: Path) -> tuple[bool, str]:
    """Whether an installer noted an editable folder, and the commit of a repository (PEP 610)."""
    try:
        said = json_value(contents(file))
    except (OSError, Malformed):
        return False, ""
    origin = said if isinstance(said, dict) else {}
    folder, vcs = origin.get("dir_info"), origin.get("vcs_info")
    commit = vcs.get("commit_id") if isinstance(vcs, dict) else None
    editable = isinstance(folder, dict) and bool(folder.get("editable"))
    return editable, commit if isinstance(commit, str) else ""


def _elsewhere(distributions: Iterable[Distribution]) -> Iterator[str]:
    for each in distributions:
        if each.editable:
            yield f"{each.info}: {each} is an editable install, so its code is elsewhere"
