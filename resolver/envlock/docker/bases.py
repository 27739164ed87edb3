"""Base images: what a reference may be, which one suits a lock, and what it holds already.

Nothing that a user types reaches a ``RUN`` line. What reaches another one is
either held to a grammar without special characters, or quoted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.choices import Accelerator
from envlock.errors import UsageError
from envlock.formats.comments import one_line
from envlock.formats.faults import shown
from envlock.model import Requested
from envlock.releases import CudaRow, cuda_row
from envlock.rules.frameworks import framework

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

#: What tells of the image which lock it has; nobody else may.
_OWN = "envlock."
_RESERVED = ("com.docker.", "io.docker.", "org.dockerproject.")

_LONGEST = 255  # characters of a reference, as registries take them


class ImageName(Struct, frozen=True, kw_only=True):
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


def parse_image(text: str, digest: str | None = None) -> ImageName:
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
    return ImageName(name=found["name"], tag=found["tag"], digest=digest or found["digest"] or "")


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
    if key.startswith(_OWN):
        raise UsageError(f"--label {key}: envlock says this itself, of the lock", "leave it out")
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


SLIM, CUDA = "slim", "cuda"


def base_words() -> tuple[str, ...]:
    """Return the words that ``--base`` takes beside an image."""
    return (SLIM, *_images()["frameworks"], CUDA)


class BaseWish(Struct, frozen=True, kw_only=True):
    """What is known when a base is chosen.

    ``word`` and ``digest`` are what ``--base`` and ``--base-digest`` say, or
    None. ``framework`` is the one in the lock, ``brings_cuda`` whether
    CUDA's libraries are in it; ``machines`` are Docker's names of them.
    ``kept`` says that the packages of the base are used.
    """

    python: str
    machines: tuple[str, ...]
    word: str | None = None
    digest: str | None = None
    framework: Version | None = None
    brings_cuda: bool = False
    accelerator: Accelerator = Accelerator.AUTO
    kept: bool = False


class Base(Struct, frozen=True, kw_only=True):
    """A base image; ``packages`` are what apt must add for a Python to be there.

    ``named`` is True where the user named the image itself; ``notes`` are
    sentences for the user.
    """

    image: ImageName
    packages: tuple[str, ...] = ()
    named: bool = False
    notes: tuple[str, ...] = ()


def choose(wish: BaseWish) -> Base:
    """Return the base that was asked for, or else the one that suits the lock.

    That is a slim Python; for CUDA, when the lock does not bring it, the
    image with the CUDA and cuDNN that the framework's release was tested with.

    Raises:
        UsageError: there is no such base, or none that suits the lock.
    """
    on_gpu = wish.accelerator is Accelerator.CUDA and wish.framework is not None
    word = wish.word or (CUDA if on_gpu and not wish.brings_cuda else SLIM)
    if word == SLIM:
        base = _slim(wish)
    elif word in _images()["frameworks"]:
        base = _of_framework(wish, word)
    elif word == CUDA:
        base = _cuda(wish)
    else:
        image = parse_image(word, wish.digest)
        _refuse_unfit(image, wish)
        return Base(image=image, named=True)
    return replace(base, image=parse_image(str(base.image), wish.digest))


def _refuse_unfit(image: ImageName, wish: BaseWish) -> None:
    """Refuse a base of which its name tells that nothing can be installed there.

    Raises:
        UsageError: it has another C library, another Python, or none.
    """
    official = _images()["official"]
    name = image.canonical.partition("docker.io/")[2].removeprefix("library/").rpartition(":")[0]
    known = name in {"python", *official["without-python"]}
    fits = f"--base {_slim(wish).image}"
    if known and re.fullmatch(official["musl"], image.tag if name == "python" else name):
        raise UsageError(
            f"--base {image}: it has musl, and the lock's packages are for glibc", fits
        )
    if known and name != "python":
        raise UsageError(f"--base {image}: it has no Python", fits)
    own = re.fullmatch(official["python"], image.tag) if name == "python" else None
    if own is not None and own[1] != wish.python:
        raise UsageError(
            f"--base {image}: it has Python {own[1]}, and the lock is for {wish.python}",
            fits,
            f"--python {own[1]}",
        )


def _slim(wish: BaseWish) -> Base:
    python = Version(wish.python)
    rows = _images()["slim"]["debian"]
    debian = next(row["release"] for row in rows if python in SpecifierSet(row["python"]))
    lacks = wish.accelerator is Accelerator.CUDA and not wish.brings_cuda
    note = f"neither the lock nor the base brings CUDA: {framework().title} will use the processor"
    return Base(
        image=ImageName(name="python", tag=f"{wish.python}-slim-{debian}"),
        notes=(note,) if lacks and wish.framework else (),
    )


def _of_framework(wish: BaseWish, name: str) -> Base:
    """The image of the framework's makers; their tags without ``py3`` once meant Python 2."""
    version = _version(wish, name)
    table = _images()["frameworks"][name]
    if str(version) in table["absent"]:
        first = f"{version.major}.{version.minor}.0"
        raise UsageError(
            f"--base {name}: there is no image {table['image']}:{version}"
            f" ({table['source']}, read {_images()['checked']})",
            f"--base {SLIM}",
            f"{first} has an image: ask for {name}=={first}",
        )
    suffix = "-gpu" if wish.accelerator is Accelerator.CUDA else ""
    if any(version in SpecifierSet(each) for each in table["python-2"]):
        suffix += "-py3"
    others = [machine for machine in wish.machines if machine != "amd64"]
    notes = [f"{table['image']} has images for linux/amd64, not for linux/{m}" for m in others]
    if not wish.kept:
        notes.append(
            f"what the base has installed is not used, and {framework().title} is in the image"
            " twice: --base-freeze takes a pip freeze of the base and keeps what fits"
        )
    return Base(image=ImageName(name=table["image"], tag=f"{version}{suffix}"), notes=tuple(notes))


def _cuda(wish: BaseWish) -> Base:
    version = _version(wish, CUDA)
    asked = "--base cuda" if wish.word else "--accelerator cuda"
    row = cuda_row(version)
    if row is None:
        raise UsageError(
            f"{asked}: which CUDA {framework().title} {version} was tested with is not known here",
            "--base NAME:TAG, an image of your own with CUDA and cuDNN",
            f"--base {SLIM}",
        )
    if any(machine != "amd64" for machine in wish.machines):
        raise UsageError(
            f"{asked}: {framework().title} has builds for NVIDIA's GPUs on linux/amd64 only",
            f"--base {SLIM}",
            "--platform linux/amd64",
        )
    refused = _images()["cuda"]["refused"]
    refusal = next((each["why"] for each in refused if each["cuda"] == row.cuda), "")
    if refusal:
        raise UsageError(
            f"{asked}: {framework().title} {version} was tested with CUDA {row.cuda} and cuDNN"
            f" {row.cudnn}, and there is no image for that: {refusal}",
            _own_image(row),
            f"--base {SLIM}",
        )
    return _of_ubuntu(wish, version, row, asked)


def _own_image(row: CudaRow) -> str:
    return f"--base NAME:TAG, an image of your own with CUDA {row.cuda} and cuDNN {row.cudnn}"


def _of_ubuntu(wish: BaseWish, version: Version, row: CudaRow, asked: str) -> Base:
    """The image of a row, on the Ubuntu whose own Python the lock is for."""
    table = _images()["cuda"]
    image = next(
        (each for each in table["rows"] if (each["cuda"], each["cudnn"]) == (row.cuda, row.cudnn)),
        None,
    )
    systems = image["ubuntu"] if image else []
    pythons = {table["ubuntu-python"][system]: system for system in systems}
    if image is None or wish.python not in pythons:
        raise UsageError(
            f"{asked}: the images with CUDA {row.cuda} for {framework().title} {version} are Ubuntu"
            f" {' and '.join(systems)}, whose Python is {' or '.join(pythons)};"
            f" the lock is for {wish.python}",
            *(f"--python {each}" for each in pythons),
            _own_image(row),
            f"--base {SLIM}",
        )
    double = "CUDA is in the lock and in the base: without --accelerator cuda the base's is used"
    return Base(
        image=ImageName(name="nvidia/cuda", tag=f"{image['tag']}-ubuntu{pythons[wish.python]}"),
        packages=("python3", "python3-venv"),
        notes=(double,) if wish.brings_cuda else (),
    )


def _version(wish: BaseWish, word: str) -> Version:
    if wish.framework is None:
        raise UsageError(
            f"--base {word}: there is no {framework().title} in the lock to choose an image for",
            f"--base {SLIM}",
        )
    return wish.framework


@cache
def _images() -> Any:  # noqa: ANN401  (JSON)
    return json.loads(files("envlock_constraints").joinpath("releases", "images.json").read_bytes())


_PIN = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?:\[[\w,. -]*\])?={2,3}(\S+)", re.ASCII)


class Frozen(Struct, frozen=True, kw_only=True):
    """The packages of a base image; ``unread`` are lines that name no version."""

    name: str
    pins: Mapping[NormalizedName, Version]
    constraints: tuple[Requested, ...]
    unread: tuple[str, ...] = ()


def parse_freeze(name: str, text: str) -> Frozen:
    """Read the output of ``pip freeze``; ``name`` is how its file was named.

    Raises:
        UsageError: there is no pin in it.
    """
    pins: dict[NormalizedName, Version] = {}
    constraints: list[Requested] = []
    unread: list[str] = []
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        found = _PIN.fullmatch(line)
        version = standards.version(found[2]) if found else None
        if found is None or version is None:
            unread.append(f"{name}:{number}")
            continue
        package = canonicalize_name(found[1])
        pins[package] = version
        wish = Requirement(f"{package}=={version}")
        constraints.append(Requested(requirement=wish, origin=f"{name}:{number}"))
    if not pins:
        raise UsageError(
            f"--base-freeze {name}: there is no line NAME==VERSION in it",
            f"docker run --rm --entrypoint python3 IMAGE -m pip freeze --all > {name}",
        )
    return Frozen(name=name, pins=pins, constraints=tuple(constraints), unread=tuple(unread))
