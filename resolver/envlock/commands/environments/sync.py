"""`envlock sync`: an environment becomes equal to a lock, or stays what it was."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from envlock import report
from envlock.bundle.folder import Bundle, read_bundle
from envlock.cli.options import (
    ChosenOptions,
    EnvironmentOptions,
    IndexOptions,
    TalkOptions,
)
from envlock.cli.orders import (
    changing,
    configured_lock,
    configured_no_imports,
    configured_settings,
    environment_folder,
)
from envlock.cli.output import progress_for, say_json
from envlock.cli.rows import say_rows
from envlock.commands.environments import SyncedLock
from envlock.commands.environments.building import (
    Prefix,
    Venv,
    asked_for,
    in_place_of,
    refuse_without_python,
    replaced_by,
    replaced_rows,
    told_apart,
)
from envlock.commands.environments.drift import Closeness, Drift, drift_data, drift_rows
from envlock.commands.environments.placed import refuse_unallowed
from envlock.commands.environments.sources import lacking_indexes
from envlock.commands.lock.edited import tell_edits
from envlock.commands.lock.selections import chosen
from envlock.conda import rattler
from envlock.environment.layout import variables_of
from envlock.environment.place import held_place, made_by_envlock
from envlock.environment.recovery import recover
from envlock.environment.replaceable import settled
from envlock.environment.replacement import replaced
from envlock.environment.whose import asked_names, note_asked
from envlock.errors import ExitCode, IndexFailure, InstallFailure, UsageError
from envlock.formats.comments import own_command
from envlock.formats.registry import LOCKS, read_lock
from envlock.locking.beside import Beside, locks_in, refuse_missing, usual_lock
from envlock.locking.existing import bare_of, choosing, without_options
from envlock.locking.outputs import refuse_changed, seen
from envlock.model import IndexSettings, Lock, Part, Request, Selection
from envlock.progress import Progress
from envlock.system import read_text
from envlock.system.looking import exists, is_folder
from envlock.targets.interpreters import find_interpreter, find_version, python_in
from envlock.targets.platforms import KNOWN, find_known
from envlock.versions import minor_of


class SyncOrder(Struct, frozen=True, kw_only=True):
    """A lock file and the environment it is for.

    ``lock`` is its file, or a bundle of it: what is installed is then taken
    from there alone.
    ``python`` is a version or a path; None takes the Python the lock is for.
    ``force`` replaces an environment that envlock did not make. ``chosen`` are
    the extras and groups to install beside what the lock always installs.
    ``change`` says whether it is only looked at, and how closely; ``verbose``
    tells all that changes. ``no_imports`` are packages that a proof does not import.
    """

    lock: Path
    folder: Path
    settings: IndexSettings
    python: str | None = None
    force: bool = False
    chosen: tuple[Selection, ...] = ()
    change: EnvironmentOptions = EnvironmentOptions()
    no_imports: tuple[str, ...] = ()
    verbose: bool = False


class Synced(Struct, frozen=True, kw_only=True):
    """A lock whose ``part`` an environment is equal to, and whether anything had to change for it.

    ``drift`` is what differed before. ``replaced`` says which environment was
    there before, None where none was.
    """

    lock: Lock
    part: Part
    changed: bool
    drift: Drift
    replaced: str | None = None


#: Proves an environment of a part while it can still be taken back.
Proving = Callable[[Path, Venv | Prefix], None]


def sync_environment(
    order: SyncOrder, progress: Progress, proving: Proving | None = None
) -> Synced:
    """Make the environment equal to the lock file, by building it anew unless it is already.

    Installing into what is there would be quicker and could not be undone.
    Whatever fails, the folder is as it was before.

    Raises:
        UsageError: the lock has no hashes, or the folder holds something that
            may not be replaced.
        WorkError: an interpreter is missing, or the installer failed.
    """
    order, bundle = _unpacked(order)
    asked = _asked(
        order, progress, first=True
    )  # what is wrong is told before anybody is waited for
    if bundle is not None:
        bundle.refuse_lacking(asked.part)
    settled(order.folder, (order.lock,))
    recover(order.folder, progress, wait=True)
    if stands := _standing(order, proving, progress):
        return stands
    with held_place(order.folder, progress, force=order.force) as folder:
        # Whoever was waited for may have written the lock, and built what it says.
        if stands := _standing(order, proving, progress, held=True):
            return stands
        before = seen((order.lock,))
        builder = _asked(order, progress)
        drift = told_apart(builder, _closeness(order, builder), folder)
        builder = in_place_of(builder, drift)
        there = replaced_by(folder, force=order.force)
        builder.refuse_cramped(folder, progress)
        if there is not None:
            rows = report.rows_text([*drift_rows(drift, verbose=order.verbose)])
            progress.note(f"{order.folder} becomes equal to {order.lock}:\n{rows}")
        with _built(builder, folder, order, progress) as python:
            if proving is not None:
                proving(python, builder)
            refuse_changed(before, {})
    return Synced(lock=builder.lock, part=builder.part, changed=True, drift=drift, replaced=there)


@contextmanager
def _built(
    builder: Venv | Prefix, folder: Path, order: SyncOrder, progress: Progress
) -> Iterator[Path]:
    """Put the environment of a lock in the place of what is there, unless the block fails."""
    lacking = lacking_indexes(builder.lock, order.settings)
    for option in lacking:
        progress.note(f"{order.lock} was made with {option}, which is neither given nor configured")
    with replaced(folder, progress) as place:
        try:
            python = builder.build(place, progress)
        except (IndexFailure, InstallFailure) as error:
            error.remedies = (*lacking, *_anew(builder.lock, error.remedies))
            raise
        yield python


def _unpacked(order: SyncOrder) -> tuple[SyncOrder, Bundle | None]:
    """The order with the lock and the files of a bundle, where the lock is one."""
    if not is_folder(order.lock):
        return order, None
    bundle = read_bundle(order.lock)
    settings = bundle.settings(order.settings)
    return replace(order, lock=bundle.lock, settings=settings), bundle


def _standing(
    order: SyncOrder, proving: Proving | None, progress: Progress, *, held: bool = False
) -> Synced | None:
    """The answer where nothing is to be done: it is only looked at, or equal to the lock now."""
    if not (order.force or order.change.looks or made_by_envlock(order.folder)):
        return None
    builder = _asked(order, progress)
    drift = told_apart(builder, _closeness(order, builder), order.folder)
    if drift and not order.change.looks:
        return None
    python = python_in(order.folder)
    if proving is not None and python is not None and not order.change.looks:
        proving(python.absolute(), builder)
    if not order.change.looks:
        _note_imports(order, builder, progress, held=held)
    return Synced(lock=builder.lock, part=builder.part, changed=False, drift=drift)


def _note_imports(
    order: SyncOrder, builder: Venv | Prefix, progress: Progress, *, held: bool
) -> None:
    """Have an environment that is equal say what is imported of it: that is no package of it."""
    names, known = asked_for(builder), asked_names(order.folder)
    if known is None or known == {*names}:
        return
    with nullcontext() if held else held_place(order.folder, progress, force=order.force):
        note_asked(order.folder, names)
    progress.note(f"a proof of {order.folder} imports {', '.join(names) or 'nothing'} from now on")


def _closeness(order: SyncOrder, builder: Venv | Prefix) -> Closeness:
    own = builder.interpreter if order.python and isinstance(builder, Venv) else None
    return Closeness(
        python=None if own is None else own.version,
        thorough=order.change.thorough,
        inexact=order.change.inexact,
    )


def _asked(order: SyncOrder, progress: Progress, *, first: bool = False) -> Venv | Prefix:
    """The lock, and what is to be built of it here; ``first`` tells what was edited in it."""
    refuse_missing(order.lock, "envlock sync")
    text, left_out = without_options(order.lock.name, read_text(order.lock))
    lock = read_lock(order.lock.name, text)
    if first and left_out:
        told = f"{' and '.join(left_out)} left out: indexes come from pip's configuration"
        progress.note(f"{order.lock}: {told}")
    if first:
        tell_edits(order.lock, lock, "is installed as it is now, as far as its hashes allow")
    lock = choosing(lock, order.lock, order.chosen)
    builder = _prefix(order, lock) if lock.of_conda else _venv(order, lock)
    bare = bare_of(builder.part)
    if bare:
        raise UsageError(
            f"{order.lock} has no hashes for {', '.join(bare[:5])}: nothing tells that the files"
            " are the ones that were locked",
            *_with_hashes(lock, order.lock),
        )
    refuse_unallowed(lock, builder.part)
    return builder


def _venv(order: SyncOrder, lock: Lock) -> Venv:
    python = lock.parts[0].python
    if order.python or not python:
        interpreter = find_interpreter(order.python)
        if python and minor_of(interpreter.version) != python:
            raise UsageError(
                f"{order.lock} is for Python {python}, and --python {order.python} is another",
                f"--python {python}",
            )
    else:
        interpreter = find_version(python, str(order.lock))
    here = str(interpreter.platform)
    part = next((each for each in lock.parts if each.platform in {"", here}), None)
    if part is None:
        raise _elsewhere(order, lock, here)
    if len(lock.parts) == 1:  # its pins may have markers of another tool
        text, _ = without_options(order.lock.name, read_text(order.lock))
        lock = read_lock(order.lock.name, text, markers=interpreter.markers)
        lock = choosing(lock, order.lock, order.chosen)
        part = lock.part
    return Venv(
        lock=lock,
        part=part,
        interpreter=interpreter,
        settings=order.settings,
        no_imports=order.no_imports,
        pip=not order.change.no_pip,
        base=order.lock.parent,
    )


def _prefix(order: SyncOrder, lock: Lock) -> Prefix:
    if order.python is not None:
        raise UsageError(
            f"--python {order.python}: {order.lock} brings its own Python", "leave --python out"
        )
    own, _ = rattler.detect()
    part = lock.on(own) or lock.on("")
    if part is None:
        raise _elsewhere(order, lock, own)
    refuse_without_python(part, order.folder)
    return Prefix(
        lock=lock,
        part=part,
        request=Request(channels=lock.channels, specs=lock.requested),
        settings=order.settings,
        # What was set for the environment stays, over what the lock sets.
        variables={**lock.variables, **variables_of(order.folder)},
        no_imports=order.no_imports,
        base=order.lock.parent,
    )


def _elsewhere(order: SyncOrder, lock: Lock, here: str) -> UsageError:
    places = " and ".join(each.place for each in lock.parts)
    return UsageError(
        f"{order.lock} is for {places}, and this machine is {here}", *_here(lock, here)
    )


def _here(lock: Lock, here: str) -> Iterator[str]:
    """The command that made a lock, for this machine; of several platforms for this one too.

    It is named, since what is not typed is taken from the lock.
    """
    several = len(lock.parts) > 1
    words = shlex.split(own_command(lock.command)) if several else _without(lock, *_OF_PLACE)
    if words and any(here in known.names for known in KNOWN):
        yield shlex.join([*words, "--platform", here])


_OF_PLACE = ("--platform", "-o")


def _with_hashes(lock: Lock, path: Path) -> Iterator[str]:
    """How a lock is made in a format that holds hashes."""
    words = _without(lock, "--format", "-o")
    if lock.of_conda:
        yield from [shlex.join([*words, "--format", "conda-lock"])] if words else []
    else:
        yield shlex.join(words or ["envlock", "lock", "-r", path.as_posix()])


def _without(lock: Lock, *options: str) -> list[str]:
    """The words of the command that made a lock, without options and their values."""
    words = shlex.split(own_command(lock.command))
    for option in options:
        while option in words:
            del words[words.index(option) : words.index(option) + 2]
    return words


def _anew(lock: Lock, remedies: Iterable[str]) -> Iterator[str]:
    """Options of `envlock lock`, which sync has not, as the command that made the lock."""
    for remedy in remedies:
        if not remedy.startswith("--upgrade"):
            yield remedy
        elif command := own_command(lock.command):
            yield f"{command} {remedy}"


def _beside(progress: Progress) -> Path:
    """The lock that is in the folder: envlock's first, one for this machine, with hashes.

    Raises:
        UsageError: those that are there are for other machines.
    """
    every = [*locks_in(Path())]
    fit = [each for each in every if _is_for_here(each)]
    taken = usual_lock(fit)
    if not (fit or exists(taken)):
        _refuse_others(every)
    for other in fit[1:]:
        if other.digest != fit[0].digest:
            progress.note(
                f"{taken} is taken; {other.path} answers another request: envlock sync"
                f" {shlex.quote(other.path.as_posix())}"
            )
    return taken


def _refuse_others(found: Sequence[Beside]) -> None:
    """Refuse where all locks are for other machines, and say which, and how one for here is made.

    Raises:
        UsageError: there are some.
    """
    others = [each for each in found if LOCKS[each.format].hashes]
    if not others:
        return
    here = str(find_interpreter(None).platform)
    locks = " and ".join(f"{each.path} ({', '.join(sorted(each.places))})" for each in others)
    first = others[0].path
    if others[0].of_conda:
        here = rattler.detect()[0]
    lock = read_lock(first.name, read_text(first))
    raise UsageError(
        f"no lock here is for this machine, {here}: there is {locks}", *_here(lock, here)
    )


def _is_for_here(found: Beside) -> bool:
    if not LOCKS[found.format].hashes:
        return False
    own = find_known(find_interpreter(None).platform)
    return not found.places or own is None or not found.places.isdisjoint(own.names)


def run_sync(
    own: SyncedLock,
    taken: ChosenOptions,
    place: EnvironmentOptions,
    index: IndexOptions,
    talk: TalkOptions,
) -> int:
    """Do `envlock sync`."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    lock = own.lock or configured_lock() or _beside(progress)
    place, env = changing(place), environment_folder(place.env)
    order = SyncOrder(
        lock=lock,
        folder=env,
        settings=configured_settings(index),
        python=own.python,
        force=place.force,
        chosen=chosen(taken),
        change=place,
        no_imports=own.no_imports or configured_no_imports(),
        verbose=talk.verbose,
    )
    done = sync_environment(order, progress)
    code = ExitCode.of(problem=place.check and bool(done.drift))
    if talk.json:
        content = report.lock_data((replace(done.lock, parts=(done.part,)),), (lock,), ())
        where = {"environment": str(env), "replaced": done.replaced}
        changes = {"changed": done.changed, "changes": drift_data(done.drift)}
        say_json("sync", {**content, **where, **changes}, exit_code=code)
    else:
        quiet = talk.quiet and not place.looks
        say_rows(_rows(order, done) if done.changed or not quiet else (), quiet=quiet)
    return code


def _rows(order: SyncOrder, done: Synced) -> Iterator[report.Row]:
    """What was found and done."""
    if order.change.looks:
        yield from drift_rows(done.drift, verbose=order.verbose)
    else:
        yield from report.release_rows(done.part)
        yield from replaced_rows(order.folder, done.replaced)
    how = "is now equal to" if done.changed else "was already equal to"
    if order.change.looks:
        how = "differs from" if done.drift else "is equal to"
    yield "environment", f"{order.folder} {how} {order.lock}"
    if not order.change.looks:
        yield "next", f"envlock verify {shlex.quote(order.folder.as_posix())}"
    elif done.drift:
        yield "next", shlex.join(["envlock", "sync", *_typed(order)])


def _typed(order: SyncOrder) -> Iterator[str]:
    """What was typed, without what only looks."""
    yield order.lock.as_posix()
    if order.folder != Path(".venv"):
        yield from ("--env", order.folder.as_posix())
    if order.change.inexact:
        yield "--inexact"
