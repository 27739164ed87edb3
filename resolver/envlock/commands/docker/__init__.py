"""`envlock docker`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.cli.arguments import Command, flag, option
from envlock.cli.options import IndexOptions, RequestOptions, TalkOptions


class ImageOptions(Struct, frozen=True, kw_only=True):
    """What the image is made from, and where its files go."""

    output: Annotated[
        Path,
        option(
            "-o",
            "--output",
            metavar="DIR",
            says="The folder of the files, made if need be.  [default: the current one]",
        ),
    ] = Path()
    base: Annotated[
        str | None,
        option(
            "--base",
            metavar="IMAGE",
            says="slim (a Python on Debian), tensorflow, cuda (for the release's CUDA and cuDNN),"
            " or NAME:TAG.  [default: slim, or cuda where --accelerator cuda needs it]",
        ),
    ] = None
    base_digest: Annotated[
        str | None,
        option("--base-digest", metavar="sha256:HEX", says="Hold the base by its digest too."),
    ] = None
    base_freeze: Annotated[
        Path | None,
        option(
            "--base-freeze",
            metavar="FILE",
            says="Keep what a pip freeze of the base lists, and install only the rest.",
        ),
    ] = None
    bundle: Annotated[
        Path | None,
        option(
            "--bundle",
            metavar="DIR",
            says="Take the lock and the wheels of a bundle; the build then needs no index.",
        ),
    ] = None
    label: Annotated[
        tuple[str, ...],
        option("--label", metavar="KEY=VALUE", says="Add a label to the image. Repeatable."),
    ] = ()
    no_verify: Annotated[bool, flag("--no-verify", says="Leave the proof out of the build.")] = (
        False
    )
    check: Annotated[
        bool, flag("--check", says="Only tell whether the files are current; exit 1 if not.")
    ] = False


DOCKER = Command(
    "docker.run.run",
    "Write a Dockerfile and its hashed locks; the build proves the image.",
    examples=(
        "docker -r requirements.in -o image",
        "docker tensorflow-cpu --base python:3.11-slim-bookworm -o image",
    ),
    request=RequestOptions,
    own=ImageOptions,
    index=IndexOptions,
    talk=TalkOptions,
)
