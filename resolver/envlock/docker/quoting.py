"""Somebody's words in a Dockerfile: image references, labels, comments.

Nothing that a user types reaches a ``RUN`` line. What reaches another one is
either held to a grammar without special characters, or quoted.
"""

from __future__ import annotations

import re

from msgspec import Struct

from envlock.errors import UsageError
from envlock.formats.comments import one_line
from envlock.formats.faults import shown

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"""
    (?P<name>
        (?: (?P<host> localhost | [A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+ | [A-Za-z0-9-]+(?=:) )
            (?::[0-9]+)? / )?
        {_PART} (?: / {_PART} )*
    )
    (?: : (?P<tag> [A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}} ) )?
    (?: @ (?P<digest> sha256:[0-9a-f]{{64}} ) )?
    """,
    re.VERBOSE,
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
#: What Docker asks of the keys of labels; hadolint holds them to it (DL3048).
_KEY = re.compile(r"[a-z](?:[a-z0-9]|[.-](?=[a-z0-9]))*(?<=[a-z0-9])")
_RESERVED = ("com.docker.", "io.docker.", "org.dockerproject.")
_LONGEST = 255  # characters of a reference, as registries take them


class Image(Struct, frozen=True, kw_only=True):
    """An image with its tag, and its digest where it is known, else ""."""

    name: str
    tag: str
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}" + (f"@{self.digest}" if self.digest else "")

    @property
    def canonical(self) -> str:
        """The name with its registry, as ``org.opencontainers.image.base.name`` has it."""
        first, slash, _ = self.name.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost"):
            return f"{self.name}:{self.tag}"
        return f"docker.io/{self.name if slash else f'library/{self.name}'}:{self.tag}"


def parse_image(text: str, digest: str | None = None) -> Image:
    """Read what ``--base`` names, with the value of ``--base-digest``.

    Raises:
        UsageError: it is no reference of an image with a tag, or no digest.
    """
    found = _REFERENCE.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise UsageError(
            f"--base {shown(text)}: not an image: NAME:TAG, with a registry before it"
            " and a digest behind it where you have them",
            "--base python:3.11-slim-bookworm",
        )
    if found["tag"] in {None, "latest"}:
        raise UsageError(
            f"--base {text}: it names no version: what a build takes would change with time",
            f"--base {found['name']}:TAG",
        )
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise UsageError(
            f"--base-digest {shown(digest)}: not a digest, which is sha256: and 64 hex digits",
            f"docker buildx imagetools inspect {found['name']}:{found['tag']}",
        )
    if digest is not None and found["digest"] not in {None, digest}:
        raise UsageError("--base and --base-digest name two digests", "leave one of them out")
    return Image(name=found["name"], tag=found["tag"], digest=digest or found["digest"] or "")


def parse_label(text: str) -> tuple[str, str]:
    """Read ``KEY=VALUE``.

    Raises:
        UsageError: the key is none, or the value has characters that no line can hold.
    """
    key, equals, value = text.partition("=")
    if not equals or not _KEY.fullmatch(key) or key.startswith(_RESERVED):
        raise UsageError(
            f"--label {shown(text)}: not KEY=VALUE, with a KEY of lower-case letters, digits,"
            " dots and hyphens that is not one of Docker's own",
            "--label com.example.team=vision",
        )
    if not all(map(str.isprintable, value)):
        raise UsageError(f"--label {key}: its value has line breaks or other control characters")
    if value.endswith("\\"):  # which not every reader of Dockerfiles takes for a quoted one
        raise UsageError(f"--label {key}: its value ends with a backslash")
    return key, value


def quoted(text: str) -> str:
    """Write a printable text as one word of an instruction: nothing in it is expanded."""
    escaped = re.sub(r'(["\\$])', r"\\\1", text)
    return f'"{escaped}"'


def comment(text: str) -> str:
    """Write a text as one comment line, which no parser takes for a directive."""
    return f"# {one_line(text)}".rstrip().rstrip("\\")
