"""An environment in place of another, as `create` and `sync` make one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envlock.environment.place import held_place, kept_as
from envlock.environment.replacement import Replacement, replaced
from envlock.progress import Progress


@contextmanager
def fresh_environment(
    folder: Path, progress: Progress, *, force: bool = False, keep: bool = False
) -> Iterator[Replacement]:
    """Give an empty environment, marked as envlock's, in place of the one in ``folder``.

    When the block fails, ``folder`` is again what it was; with ``keep`` the
    failed environment is first moved beside it, and ``progress`` told where.
    """
    with (
        held_place(folder, progress, force=force) as place,
        replaced(place, progress, keep_as=kept_as(place) if keep else None) as work,
    ):
        yield work
