"""`envlock docker`."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct

from envlock.cli.arguments import flag, option
from envlock.cli.options import IndexOptions, RequestOptions, TalkOptions
from envlock.cli.output import progress_for, say, say_json
from envlock.errors import ExitCode

if TYPE_CHECKING:
    from envlock.workflow.image import Image


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


def docker(
    request: RequestOptions, own: ImageOptions, index: IndexOptions, talk: TalkOptions
) -> int:
    """Write a Dockerfile and its hashed locks; the build proves the image."""
    from envlock import report  # noqa: PLC0415  (--help needs none of this)
    from envlock.cli.docker_order import docker_order  # noqa: PLC0415
    from envlock.workflow import docker as workflow  # noqa: PLC0415

    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    order = docker_order(request, own, index, progress)
    if own.check:
        found = workflow.check_image(order)
        code = ExitCode.of(problem=bool(found))
        if talk.json:
            say_json("docker", {"current": not found, "problems": found}, exit_code=code)
        else:
            say("\n".join(found or ("the files are current",)))
        return code
    image = workflow.make_image(order, progress)
    written = workflow.write(image)
    if talk.json:
        say_json("docker", _data(image, written))
        return 0
    rows = [row for lock in image.locks for row in report.lock_rows(lock, (), written)]
    rows += [("base", str(image.base.image)), *(("note", note) for note in image.notes)]
    rows += [("written" if path in written else "unchanged", str(path)) for path in image.texts]
    folder = shlex.quote(order.folder.as_posix())
    rows.append(("next", f"docker build --platform {image.platforms} --tag NAME {folder}"))
    say(report.rows_text(rows))
    return 0


def _data(image: Image, written: Collection[Path]) -> dict[str, Any]:
    from envlock import report  # noqa: PLC0415  (as above)

    return {
        "base": str(image.base.image),
        "platforms": image.platforms.split(","),
        **report.lock_data(image.locks, tuple(image.texts), written),
        "notes": [*dict.fromkeys(n for lock in image.locks for n in lock.notes), *image.notes],
    }
