"""`envlock docker`."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path
from typing import Any

from envlock import report
from envlock.cli.docker_order import docker_order
from envlock.cli.options import IndexOptions, RequestOptions, TalkOptions
from envlock.cli.output import progress_for, say, say_json
from envlock.commands.docker import ImageOptions
from envlock.errors import ExitCode
from envlock.workflow import docker
from envlock.workflow.image import Image


def run(request: RequestOptions, own: ImageOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Do `envlock docker`."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    order = docker_order(request, own, index, progress)
    if own.check:
        found = docker.check_image(order)
        code = ExitCode.of(problem=bool(found))
        if talk.json:
            say_json("docker", {"current": not found, "problems": found}, exit_code=code)
        else:
            say("\n".join(found or ("the files are current",)))
        return code
    image = docker.make_image(order, progress)
    written = docker.write(image)
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
    return {
        "base": str(image.base.image),
        "platforms": image.platforms.split(","),
        **report.lock_data(image.locks, tuple(image.texts), written),
        "notes": [*dict.fromkeys(n for lock in image.locks for n in lock.notes), *image.notes],
    }
