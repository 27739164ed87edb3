"""Requirements that name a place instead of a release, refused in words. Pure.

A lock pins releases by version and hash. What a folder or a version control
address holds can change under the same name, and a file at an address is not
listed by an index.
"""

from __future__ import annotations

import re

from packaging.utils import (
    InvalidName,
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from envlock.errors import UsageError
from envlock.request.parsed import safe, shown

_FILE_NAME = re.compile(
    r"\S+\.txt|(?:\S*[/\\])?requirements\S*\.in|(?:\S*[/\\])?pyproject\.toml", re.IGNORECASE
)
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://|^file:", re.IGNORECASE)
_VERSION_CONTROL = re.compile(r"\b(?:git|hg|svn|bzr)\+|\bgit@|\bgit://", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(?:whl|zip|tgz|tar(?:\.\w+)?)$", re.IGNORECASE)
_FOLDER = re.compile(r"[.~/\\]|[A-Za-z]:[/\\]|[\w.-]+[/\\]")
_NAMED = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*@|[#&]egg=([A-Za-z0-9][\w.-]*)")
_CONDA = ("pip list --format=freeze gives versions where pip freeze gives conda's build folders",)


def refuse_places(text: str) -> None:
    """Refuse a requirement that is a file name, an address or a folder.

    Raises:
        UsageError: with the release to ask for, where the place tells it.
    """
    head = text.partition(";")[0].strip()
    if _FILE_NAME.fullmatch(head) and not _ADDRESS.search(head):
        raise UsageError(
            f"{shown(head)} is the name of a file, not of a package",
            f"did you mean -r {safe(head)}",
        )
    if _VERSION_CONTROL.search(head):
        raise UsageError(
            f"{shown(head)} is a version control address: no hash can pin what it will hold",
            _named(head),
        )
    if _ADDRESS.search(head) or _ARCHIVE.search(head):
        raise address_fault(head)
    if _FOLDER.match(head):
        raise folder_fault(head, f"{shown(head)} is a folder")


def folder_fault(place: str, message: str) -> UsageError:
    """Return the refusal of a folder with a project, with how to lock what it needs."""
    folder = place.partition("[")[0].replace("\\", "/").rstrip("/") or "."
    return UsageError(
        f"{message}: no hash can pin what it will hold",
        f"lock what it needs with -r {shown(f'{folder}/pyproject.toml')}",
        f"install it after the lock: pip install --no-deps {shown(folder)}",
    )


def address_fault(text: str) -> UsageError:
    """Return the refusal of a file given by its address, with the release it is."""
    head = text.partition(";")[0].strip()
    address = re.sub(r"^[^:/\\]*@\s*", "", head).partition("#")[0].partition("?")[0]
    folder, _, filename = address.replace("\\", "/").rpartition("/")
    message = f"{shown(head)} is a place, not a release: a lock pins what an index lists"
    try:
        if filename.endswith(".whl"):
            name, version, *_ = parse_wheel_filename(filename)
        else:
            name, version = parse_sdist_filename(filename)
        canonicalize_name(name, validate=True)
    except (InvalidName, InvalidWheelFilename, InvalidSdistFilename):
        return UsageError(message, _named(head), *(_CONDA if "file:" in head else ()))
    pin = f"{name}=={version}"
    return UsageError(
        message,
        f"write {shown(pin)}",
        f"add the folder it is in: --find-links {shown(folder or '.')}",
    )


def _named(head: str) -> str:
    """The remedy of a place: the package it says it is, from an index."""
    named = _NAMED.search(head)
    if named is None:
        return "name a release of the package instead"
    return f"write {shown(named[1] or named[2])}"
