"""Places that packages are named by, as requirements and lines of locks write them. Pure.

Sources: PEP 508 (``name @ url``), pip's documentation, "VCS Support" and "Local
project installs" (``git+``, ``#egg=``, ``#subdirectory=``, ``-e``).
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock import standards
from envlock.builds import Direct, DirectKind
from envlock.errors import UsageError
from envlock.formats.faults import shown
from envlock.formats.pep508 import names_place
from envlock.index.filenames import SDIST_SUFFIXES, WHEEL_SUFFIX
from envlock.index.secrets import strip_credentials
from envlock.model import LockedPackage

#: A name, its extras and a place.
NAMED = re.compile(
    r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:(\[[^\]]*\])\s*)?@\s*(\S.*)", re.DOTALL
)
#: The keys of hashes behind an address.
DIGEST = re.compile(r"sha256|sha384|sha512|sha1|sha224|md5")
_MARKER = re.compile(r"[\s\]];|;\s")


def parted(text: str) -> tuple[str, str]:
    """Return a place and the marker behind it."""
    found = _MARKER.search(text)
    if found is None:
        return text, ""
    place = text[: found.start()] + found[0].partition(";")[0]
    return place.strip(), text[found.end() :].strip()


def at_revision(url: str) -> tuple[str, str]:
    """Return the address of a repository, and the revision behind its path."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    path, _, revision = path.partition("@")
    return f"{scheme}://{host}{slash}{path}", revision


def is_archive(name: str) -> bool:
    """Whether a name is of a wheel or a source archive."""
    return name.lower().endswith((WHEEL_SUFFIX, *SDIST_SUFFIXES))


def last_part(direct: Direct) -> str:
    """Return the name that stands for a place which does not tell one, from its last part."""
    last = unquote(direct.subdirectory or urlsplit(direct.url).path or direct.url).rstrip("/")
    if direct.is_local and last.rpartition("/")[2] in {".", ".."}:
        last = path_of(direct).resolve().name
    plain = re.sub(r"\.git$|\.tar\.\w+$|\.\w+$", "", last.rpartition("/")[2])
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", plain).strip("-.")
    return canonicalize_name(plain or "unnamed")


def path_of(direct: Direct, base: Path = Path()) -> Path:
    """Return where a place of this machine is; ``base`` is what its path is from."""
    return base / unquote(direct.url) / direct.subdirectory


def direct_of(address: str) -> Direct:
    """Return the place that `Direct.address` wrote, or another tool in the same words."""
    place, _, fragment = address.partition("#")
    said = dict(each.partition("=")[::2] for each in fragment.split("&"))
    digests = [f"{key}:{value}" for key, value in said.items() if DIGEST.fullmatch(key)]
    below = unquote(said.get("subdirectory", ""))
    if place.startswith("git+"):
        url, revision = at_revision(place.removeprefix("git+"))
        is_commit = bool(re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", revision))
        return Direct(
            kind=DirectKind.GIT,
            url=url,
            revision="" if is_commit else revision,
            commit=revision if is_commit else "",
            subdirectory=below,
        )
    if place.startswith("file:"):
        place = place.removeprefix("file:")
        place = place.removeprefix("//") if place.startswith("///") else place
    kind = DirectKind.ARCHIVE if is_archive(place) else DirectKind.DIRECTORY
    return Direct(
        kind=kind,
        url=place,
        subdirectory=below,
        digest=next(iter(digests), ""),
        editable=said.get("editable") == "true",
    )


_EDITABLE = re.compile(r"-e\s+(\S.*)")


class Line(Struct, frozen=True, kw_only=True):
    """A line of a lock that names a place; ``name`` is "" where it does not say it."""

    direct: Direct
    name: str = ""
    marker: str = ""


def read_line(text: str) -> Line | None:
    """Read a line of a lock that names a place, without looking there; None for every other."""
    if len(text) > standards.LONGEST:
        return None
    found = _EDITABLE.fullmatch(text)
    wish, marker = parted(found[1] if found else text)
    if not (found or names_place(wish)):
        return None
    named = NAMED.fullmatch(wish)
    direct = direct_of(named[3] if named else wish)
    return Line(
        direct=replace(direct, editable=direct.editable or found is not None),
        name=named[1] if named else "",
        marker=marker,
    )


def line_of(package: LockedPackage, marker: object = None, base: Path | None = None) -> str:
    """Return the line of a requirements file for a pin that is from a place.

    With a ``base`` paths are absolute, from it.
    """
    direct = package.direct
    assert direct is not None  # noqa: S101  (whoever asks knows)
    behind = f" ; {marker}" if marker else ""
    digest = next((each for each in package.hashes if direct.kind is DirectKind.ARCHIVE), "")
    if not direct.is_local:
        return f"{package.name} @ {replace(direct, digest=digest).address}{behind}"
    path = quote(path_of(direct).as_posix(), safe="/:~+!")
    if base is not None:
        place = path_of(direct, base).absolute().as_uri()
        start = f"-e {place}" if direct.editable else f"{package.name} @ {place}"
        return f"{start}{'#' * bool(digest)}{digest.replace(':', '=')}{behind}"
    if direct.url != "." and not direct.url.startswith(("/", "../")):
        path = f"./{path}"
    return f"{'-e ' * direct.editable}{path}{behind}"


def without_login(url: str) -> str:
    """Return an address as a lock holds it; who logs in by a key keeps the name.

    Raises:
        UsageError: it is none.
    """
    try:
        parts = urlsplit(url)
        keeps = parts.scheme == "ssh" and not parts.password
        return url if keeps else strip_credentials(url)
    except ValueError:
        raise UsageError(f"{shown(url)} is no address") from None
