"""The lock of a folder is current and its environment equal to it, before work is done there."""

from __future__ import annotations

from pathlib import Path

from envlock.choices import Format
from envlock.cli.options import EnvironmentOptions, IndexOptions, RequestOptions
from envlock.cli.orders import (
    changing,
    configured_no_imports,
    configured_settings,
    environment_folder,
)
from envlock.commands.environments.sync import SyncOrder, sync_environment
from envlock.commands.lock.folder import Typed
from envlock.commands.lock.job import lock_job
from envlock.commands.project import ProjectEnvironment
from envlock.environment.inspect import current
from envlock.environment.place import made_by_envlock
from envlock.errors import UsageError
from envlock.formats.registry import LOCKS
from envlock.locking import make
from envlock.locking.beside import locks_in
from envlock.locking.job import Job
from envlock.progress import Progress
from envlock.request.folder import asking_file


def made_ready(own: ProjectEnvironment, index: IndexOptions, progress: Progress) -> Path:
    """Return the environment of this folder, made as its lock says unless that is not wanted.

    One that envlock did not make is left as it is, which is told, and so is the
    active one where the folder asks for nothing.

    Raises:
        NoResolution: what the folder asks for has no answer.
        UsageError: there is no environment, and nothing to make one of.
        WorkError: a lock or an environment cannot be made; each is what it was.
    """
    folder = environment_folder(own.env)
    there = current(folder)
    if own.no_sync or not _asks():
        if there is None:
            raise UsageError(
                f"there is no {folder} here, and no environment is active", "envlock create"
            )
        return there
    if there is not None and not made_by_envlock(there):
        progress.note(f"{there} was not made by envlock, and is taken as it is")
        return there
    job = lock_job("lock", Typed(request=RequestOptions(), index=index), progress)
    make.write(make.make_lock(job, progress))
    synced(job, folder, index, progress, inexact=True)
    return folder


def _asks() -> bool:
    """Whether this folder asks for packages: by a file, or by a lock that says what it is of."""
    return (
        any(each.ours for each in locks_in(Path()))
        or asking_file(Path(), conda=None, more=True) is not None
    )


def synced(
    job: Job, folder: Path, index: IndexOptions, progress: Progress, *, inexact: bool = False
) -> None:
    """Make an environment equal to the lock that a job has written.

    Raises:
        UsageError: the lock has no hashes, or the folder may not be replaced.
        WorkError: an interpreter is missing, or the installer failed.
    """
    order = SyncOrder(
        lock=_installable(job),
        folder=folder,
        settings=configured_settings(index),
        change=changing(EnvironmentOptions(env=folder, inexact=inexact)),
        no_imports=configured_no_imports(),
    )
    sync_environment(order, progress)


def _installable(job: Job) -> Path:
    for path, kind in job.outputs.items():
        if LOCKS[kind].hashes:
            return path
    raise UsageError(
        "the lock of this folder has no hashes, so nothing is installed of it",
        f"envlock lock --format {Format.CONDA_LOCK}",
    )
