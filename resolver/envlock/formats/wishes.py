"""Requirements as somebody writes them: on a release of an index, or on what is at a place.

Paths are from the current folder, as pip has them. Pure apart from looking.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement

from envlock.builds import Direct, DirectKind
from envlock.errors import UsageError
from envlock.formats.declared import declared
from envlock.formats.direct import (
    DIGEST,
    NAMED,
    at_revision,
    is_archive,
    last_part,
    parted,
    path_of,
)
from envlock.formats.faults import shown
from envlock.formats.pep508 import (
    FROM_CONDA,
    names_place,
    parse_requirement,
    refuse_unreadable,
    refuse_variable,
    release_at,
)
from envlock.index.filenames import WHEEL_SUFFIX
from envlock.index.secrets import learn_url
from envlock.system.looking import current_folder, expand, is_file, is_folder

_HERE = Path()
_EXTRAS = re.compile(r"([^\[]*)(\[[\w.,\s-]*\])", re.DOTALL)
_OF_GIT = re.compile(r"(?:https?|ssh|git)://(?!-)[^/\s]|file:///", re.IGNORECASE)
_OTHER_CONTROL = re.compile(r"(?:hg|svn|bzr)\+|git(?:@|://)", re.IGNORECASE)


def parse_wish(text: str, *, editable: bool = False, base: Path = _HERE) -> Requirement:
    """Parse a requirement on a package of an index, or on what is at a place (its ``url``).

    Where the place does not tell a name, the requirement has that of its last
    part. Paths are from ``base``.

    Raises:
        UsageError: as `parse_requirement`, or nothing is at a place of this machine.
    """
    text = text.strip(" \t")
    refuse_unreadable(text)
    if not (editable or names_place(text)):
        return parse_requirement(text)
    refuse_variable(text)
    wish, marker = parted(text)
    named = NAMED.fullmatch(wish)
    name, extras, place = (named[1], named[2] or "", named[3]) if named else ("", "", wish)
    address, _, fragment = place.partition("#")
    said = dict(each.partition("=")[::2] for each in fragment.split("&"))
    egg = _EXTRAS.fullmatch(said.get("egg", ""))
    if egg is not None:
        said["egg"], extras = egg[1].strip(), egg[2]
    elif not named and (behind := _EXTRAS.fullmatch(address)) is not None:
        address, extras = behind[1].strip(), behind[2]
    direct = _direct(text, address.strip(), said, base, editable=editable)
    name = name or said.get("egg", "").partition("-")[0] or _name_of(direct)
    written = f"{name}{extras} @ {direct.address}{f' ; {marker}' * bool(marker)}"
    try:
        return Requirement(written)
    except (InvalidRequirement, RecursionError):
        raise UsageError(
            f"{shown(text)} is not a requirement: its name, extras or marker cannot be read",
            'write it like "name[extra] @ https://host/name-1.0.tar.gz ; sys_platform == ...",'
            " with a blank before the semicolon",
        ) from None


def _direct(text: str, address: str, said: dict[str, str], base: Path, *, editable: bool) -> Direct:
    """The place that an address stands for."""
    digests = [f"{key}:{value}" for key, value in said.items() if DIGEST.fullmatch(key)]
    below = unquote(said.get("subdirectory", "")).strip("/")
    if ".." in PurePosixPath(below).parts:
        raise UsageError(f"{shown(text)}: its subdirectory is outside of it", "leave .. out")
    if address.lower().startswith("git+"):
        url, revision = at_revision(address[len("git+") :])
        if not _OF_GIT.match(url):
            raise UsageError(
                f"{shown(text)}: a repository is read over https, ssh, http, git or file",
                "write it like git+https://HOST/PATH@REVISION",
            )
        learn_url(url)
        return Direct(kind=DirectKind.GIT, url=url, revision=revision, subdirectory=below)
    if _OTHER_CONTROL.match(address):
        raise UsageError(
            f"{shown(text)}: of version control envlock reads git alone, as git+https://… or"
            " git+ssh://git@…",
            f"write the release of an index: {said.get('egg') or 'NAME==VERSION'}",
        )
    if "://" in address and not address.lower().startswith("file:"):
        if editable:
            raise UsageError(
                f"-e {shown(address)}: only a folder or a repository can be editable",
                f"leave -e out: {shown(address)}",
            )
        path = urlsplit(address).path
        if not is_archive(path) or (path.endswith(WHEEL_SUFFIX) and release_at(path)[1] is None):
            raise UsageError(
                f"{shown(text)} is the address of no wheel and no source archive",
                "name a file that ends in .whl, .tar.gz or .zip, or a repository as git+https://…",
            )
        learn_url(address)
        return Direct(
            kind=DirectKind.ARCHIVE, url=address, digest=next(iter(digests), ""), subdirectory=below
        )
    return _local(text, base, address, below, digests, editable=editable)


def _local(
    text: str, base: Path, address: str, below: str, digests: list[str], *, editable: bool
) -> Direct:
    if address.lower().startswith("file:"):
        address = unquote(address[len("file:") :])
        address = address.removeprefix("//") if address.startswith("///") else address
        address = address.removeprefix("//localhost")
    own = expand(unquote(address))
    path = base / own
    if not own.is_absolute() and path.is_relative_to(here := current_folder()):
        path = path.relative_to(here)
    if is_folder(path):
        kind = DirectKind.DIRECTORY
    elif is_file(path) and is_archive(path.name) and not editable:
        kind = DirectKind.ARCHIVE
    else:
        raise _absent(text, path, editable=editable)
    if kind is DirectKind.DIRECTORY and not declared(path / below).is_project:
        raise UsageError(
            f"{shown(text)} is not the folder of a project: it has no pyproject.toml, setup.cfg or"
            " setup.py",
            "name the folder of a project",
        )
    place = path.as_posix()
    if not path.is_absolute():
        place = "." if place == "." else place if place.startswith("../") else f"./{place}"
    return Direct(
        kind=kind,
        url=quote(place, safe="/:~+!"),
        subdirectory=below,
        digest=next(iter(digests), ""),
        editable=editable,
    )


def _absent(text: str, path: Path, *, editable: bool) -> UsageError:
    """The refusal of a place of this machine at which there is nothing of the kind."""
    wanted = "no folder of a project" if editable else "no wheel, source archive or folder"
    name, version = release_at(text)
    instead = f"{name}=={version}" if version else f"{name}" if name else "NAME==VERSION"
    return UsageError(
        f"{shown(text)}: there is {wanted} at {shown(str(path))}",
        f"name it from the current folder, or write the release of an index: {instead}",
        *(FROM_CONDA if "file:" in text else ()),
    )


def _name_of(direct: Direct) -> str:
    """The name that a place tells without being fetched, or else its last part."""
    if direct.kind is DirectKind.DIRECTORY:
        return declared(path_of(direct)).name or last_part(direct)
    return str(release_at(direct.url)[0] or last_part(direct))
