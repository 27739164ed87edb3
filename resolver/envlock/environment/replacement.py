"""Put another environment in the place of one, or leave it as it was, whatever happens.

The folder itself stays, since it may be a mount point or a link's target and
a venv cannot be moved: what is in it steps aside into ``.envlock``, the new
environment is built in its place, and an error, Ctrl-C or a kill brings the
old one back. Files such as locks are written in the same transaction.

What is the user's stays where it is, or is kept in ``.envlock/kept`` when it
is in the way, and is told. `envlock.environment.whose` tells whose it is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from envlock.environment.create import create_venv
from envlock.environment.inspect import prefix_of
from envlock.environment.journal import OWN, Event, Journal, new_journal
from envlock.environment.recovery import finish, take_back
from envlock.environment.whose import CONFIG, whose, write_mark
from envlock.errors import EnvlockError
from envlock.progress import Progress
from envlock.system import landed, landing, make_folder, move, taken_back, write_files
from envlock.targets.description import Interpreter
from envlock.trees import sync_folders

#: The key of the transaction in pyvenv.cfg, which whoever makes the environment anew drops.
KEY = "envlock"


class Replacement(Struct, frozen=True, kw_only=True):
    """An environment that is being built, in an empty ``folder`` marked as envlock's."""

    folder: Path
    journal: Journal
    progress: Progress

    @property
    def id(self) -> str:
        """What tells the environment that is built from any other."""
        return str(self.journal.first()["id"])

    def venv(self, interpreter: Interpreter) -> Path:
        """Make a virtual environment without packages, and return its Python.

        Raises:
            InstallFailure: it cannot be made.
        """
        python = create_venv(interpreter, self.folder, self.progress)
        config = prefix_of(python) / CONFIG
        text = config.read_bytes().decode("utf-8", "surrogateescape")
        content = f"{text.rstrip()}\n{KEY} = {self.id}\n".encode("utf-8", "surrogateescape")
        write_files({config: content})
        self.journal.write(Event.VENV)
        return python

    def mark(self, packages: Mapping[str, str], imports: Collection[str]) -> None:
        """Note which packages the environment was built of, so that what comes later is told apart.

        ``imports`` are those that were asked for and are imported in a proof.

        Raises:
            WorkError: it cannot be written.
        """
        built = dict(sorted(packages.items()))
        write_mark(self.folder, transaction=self.id, packages=built, imports=sorted(imports))

    def write(self, texts: Mapping[Path, str]) -> None:
        """Write files that belong to the environment; they are as before when it is.

        Raises:
            WorkError: they cannot be written; then none has changed.
        """
        if not texts:
            return
        contents = {path.absolute(): text.encode() for path, text in texts.items()}
        saved = [self._saved(*each) for each in enumerate(contents.items())]
        self.journal.write(Event.FILES, files=saved)
        write_files({path: contents[path.absolute()] for path in texts}, users=True)
        sync_folders(*{path.resolve().parent for path in texts})

    def _saved(self, number: int, file: tuple[Path, bytes]) -> dict[str, object]:
        path, content = file
        there = path.is_file()
        if there:
            make_folder(self.journal.files)
            write_files({self.journal.files / str(number): path.read_bytes()})
        return {
            "path": path,
            "near": os.path.relpath(path, self.folder),
            "before": str(number) if there else None,
            "after": hashlib.sha256(content).hexdigest(),
        }


@contextmanager
def replaced(
    folder: Path, progress: Progress, *, keep_as: Path | None = None
) -> Iterator[Replacement]:
    """Give an empty environment in place of the one in ``folder``, which waits.

    When the block fails all is as before; with ``keep_as`` the failed
    environment is first moved there. The caller holds the environment.

    Raises:
        WorkError: something cannot be moved or written.
    """
    journal = new_journal(folder)
    before = landed()
    landing([folder])
    try:
        _set_aside(folder, journal)
        yield Replacement(folder=folder, journal=journal, progress=progress)
        sync_folders(folder)
        journal.write(Event.COMMIT)
    except BaseException:
        # Interrupted right after that line it is done all the same.
        if Event.COMMIT not in journal.events():
            if _take_back(folder, journal, progress, keep_as):
                taken_back(before)
            raise
    # It is done: nothing that comes now may call it a failure.
    try:
        finish(folder, journal, progress)
    except (KeyboardInterrupt, EnvlockError, OSError) as error:
        progress.note(
            f"{folder}: what was replaced cannot be removed: {str(error) or 'interrupted'};"
            " the next envlock tries it again"
        )


def _set_aside(folder: Path, journal: Journal) -> None:
    for place in (journal.aside, journal.built):
        make_folder(place)
    names = [*whose(folder, folder).own_names()]
    stayed = sorted({*os.listdir(folder)} - {*names, OWN})  # noqa: PTH208  (names alone)
    identity = os.urandom(8).hex()
    journal.write(Event.REPLACE, id=identity, names=names, stayed=stayed)
    # Without its configuration nothing takes what is left for an environment.
    for name in sorted(names, key=lambda each: each != CONFIG):
        move(folder / name, journal.aside / name)
    sync_folders(journal.aside, folder)
    move(journal.aside, journal.old)
    sync_folders(journal.folder)
    write_mark(folder, transaction=identity)


def _take_back(folder: Path, journal: Journal, progress: Progress, keep_as: Path | None) -> bool:
    """Leave things as before; what cannot be is told, and tried again by the next envlock."""
    try:
        take_back(folder, journal, progress, keep_as=keep_as)
    except KeyboardInterrupt:
        return False
    except (EnvlockError, OSError) as error:
        if (folder / OWN).is_dir():
            progress.note(f"{folder}: not yet as it was, the next envlock goes on: {error}")
        return False
    return True
