"""`envlock create`: a lock becomes an environment that is proved, and only then files."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from envlock import report
from envlock.cli.options import (
    CondaOptions,
    IndexOptions,
    LockFileOptions,
    ProbeOptions,
    RequestOptions,
    TalkOptions,
)
from envlock.cli.orders import changing, configured_settings, environment_folder, needs
from envlock.cli.output import progress_for, say, say_json
from envlock.cli.rows import say_rows
from envlock.commands.environments import NewEnvironmentOptions
from envlock.commands.environments.building import (
    Prefix,
    Venv,
    asked_for,
    in_place_of,
    of_lock,
    part_of,
    pins_in,
    program_of,
    projects_in,
    refuse_without_python,
    replaced_by,
    replaced_rows,
    told_apart,
)
from envlock.commands.environments.drift import Closeness, drift_data, drift_rows
from envlock.commands.environments.explained import explained
from envlock.commands.environments.failing import (
    Failing,
    NotProved,
    of_machine,
    tell_unproved,
    ways_on,
)
from envlock.commands.environments.learning import Learning, Round, rounds_data
from envlock.commands.environments.order import Created, CreateOrder
from envlock.commands.environments.placed import refuse_unallowed
from envlock.commands.environments.proved import key_of, proved_before, remember
from envlock.commands.environments.sync import SyncOrder, sync_environment
from envlock.commands.environments.verify import (
    proof_data,
    proof_order,
    shell_lines,
)
from envlock.commands.lock.folder import Typed
from envlock.commands.lock.job import create_job
from envlock.environment.layout import read_layout
from envlock.environment.place import held_place, kept_as
from envlock.environment.replaceable import settled
from envlock.environment.replacement import Replacement, replaced
from envlock.environment.shell import additions
from envlock.errors import ExitCode, UsageError
from envlock.locking.job import Locked
from envlock.locking.make import make_lock
from envlock.locking.outputs import Seen, differing, refuse_changed, try_new, write_changed
from envlock.probes.keras_h5 import keras_aside
from envlock.probes.proof import Proof, ProofOrder, prove
from envlock.progress import Progress
from envlock.rules.schema import Document
from envlock.rules.tables import render
from envlock.system import write_texts
from envlock.system.looking import exists, on_path
from envlock.targets.interpreters import find_interpreter, python_in

#: A version that any patch of it answers.
_MINOR = re.compile(r"\d+\.\d+")


def create(order: CreateOrder, progress: Progress) -> Created:
    """Lock, build, prove, and only then write the lock files.

    Whatever fails, the folder and the files are as they were before.

    Raises:
        NotProved: the environment does not pass the gate.
        NoResolution: nothing fits the request.
        UsageError: the folder holds something that may not be replaced, or
            there is no Python in what was asked for.
        WorkError: network, disk, interpreter or installer failed.
    """
    settled(order.folder, (*order.inputs, *order.job.outputs))
    program = program_of(order.manager)
    # Held from the start: the lock files that are read are those of what is there.
    with held_place(order.folder, progress, force=order.force) as folder:
        before = replaced_by(folder, force=order.force)
        locked = make_lock(order.job, progress, hashed=True)
        builder = _builder(order, locked, program)
        drift = told_apart(builder, _closeness(order, builder), folder)
        found = Created(locked=locked, folder=order.folder, drift=drift)
        if order.change.looks:
            return found
        if stands := _standing(order, folder, builder, found, progress):
            return stands
        builder = in_place_of(builder, drift)
        builder.refuse_cramped(folder, progress)
        if before is not None and drift:
            rows = report.rows_text([*drift_rows(drift, verbose=order.verbose)])
            progress.note(f"{order.folder} becomes what is locked:\n{rows}")
        made = _build(order, folder, builder, locked, progress)
        # What a shell adds is not known to be the same next time.
        if made.proof.shell is None and not order.passing:
            key = key_of(made.builder, _proof_of(order, made.builder), folder)
            remember(folder, key, made.proof)
    return replace(
        found,
        locked=made.locked,
        proof=made.proof,
        written=made.written,
        rounds=made.rounds,
        drafts=made.drafts,
        replaced=before,
    )


def create_from(bundle: Path, place: SyncOrder, proof: ProofOrder, progress: Progress) -> Created:
    """Build and prove what a bundle locks; no lock file is written.

    Raises:
        NotProved: the environment does not pass the gate.
        UsageError: it is no bundle, or the folder may not be replaced.
        WorkError: it lacks something, or the installer failed.
    """
    if not exists(bundle):
        raise UsageError(
            f"{bundle}: there is no such bundle",
            f"envlock bundle -o {shlex.quote(bundle.as_posix())}",
        )
    proofs: list[Proof] = []

    def proving(python: Path, builder: Venv | Prefix) -> None:
        pins, how = projects_in(builder.part), replace(proof, imports=asked_for(builder))
        proofs.append(prove(python, how, progress, write_bytecode=True, pins=pins))
        if not proofs[0].passed:
            again = f"envlock lock  (and bundle the new lock as {bundle.name})"
            failing = Failing(proof=proofs[0], why=explained(proofs[0], ()))
            raise NotProved(failing, *of_machine(proofs[0]), again)

    done = sync_environment(replace(place, lock=bundle), progress, proving)
    return Created(
        locked=Locked(lock=replace(done.lock, parts=(done.part,)), texts={}, before={}),
        folder=place.folder,
        drift=done.drift,
        proof=proofs[0] if proofs else None,
        replaced=done.replaced,
    )


class _Built(Struct, frozen=True, kw_only=True):
    """An environment that passes: of which lock, and what was learnt until it did."""

    builder: Venv | Prefix
    locked: Locked
    proof: Proof
    rounds: tuple[Round, ...] = ()
    drafts: tuple[Document, ...] = ()
    written: tuple[Path, ...] = ()


def _build(
    order: CreateOrder, folder: Path, builder: Venv | Prefix, locked: Locked, progress: Progress
) -> _Built:
    """Build and prove it in the place of what is there, and write the lock files.

    What a failed proof teaches is locked, changed in place and proved again.
    """
    keep_as = kept_as(folder) if order.keep else None
    work = Learning(job=order.job, progress=progress)
    with replaced(folder, progress, keep_as=keep_as) as place:
        python = builder.build(place, progress)
        while not (proof := _proved(order, builder, python, progress)).passed:
            why = explained(proof, order.job.rules, work.rules)
            better = work.again(why, locked) if builder.changes else None
            if better is None:
                rounds, refused = tuple(work.rounds), frozenset(work.refused)
                failing = Failing(proof=proof, why=why, rounds=rounds, refused=refused)
                raise NotProved(failing, *ways_on(order, builder.part, failing))
            before, locked = builder.part, better
            builder = of_lock(builder, locked.lock)
            builder.change(place, python, before, progress)
        drafts = work.drafts(python, locked)
        written = _write_with(place, locked.before, locked.texts)
    return _Built(
        builder=builder,
        locked=locked,
        proof=proof,
        rounds=tuple(work.rounds),
        drafts=drafts,
        written=written,
    )


def _proved(order: CreateOrder, builder: Venv | Prefix, python: Path, progress: Progress) -> Proof:
    pins = projects_in(builder.part)
    how = _proof_of(order, builder)
    return prove(python, how, progress, write_bytecode=True, pins=pins)


def _proof_of(order: CreateOrder, builder: Venv | Prefix) -> ProofOrder:
    """How it is proved: what was asked for is imported."""
    return replace(order.proof, imports=asked_for(builder))


def _standing(
    order: CreateOrder,
    folder: Path,
    builder: Venv | Prefix,
    found: Created,
    progress: Progress,
) -> Created | None:
    """The answer where the environment is what it was when it was proved."""
    if order.anew or found.drift:
        return None
    python = python_in(folder)
    added = additions(read_layout(python.absolute()), os.environ) if python else ()
    if added:  # what a shell adds is not known to be the same as last time
        said = " and ".join(map(str, added))
        progress.note(
            f"{order.folder} is what is locked, and is built and proved anew for what this shell"
            f" adds: {said}"
        )
        return None
    before = proved_before(folder, key_of(builder, _proof_of(order, builder), folder))
    if before is None or python is None:
        return None
    locked = found.locked
    written = write_changed(locked.texts, locked.before)
    return replace(found, proof=before.proof, written=written, unchanged_since=before.day)


def _closeness(order: CreateOrder, builder: Venv | Prefix) -> Closeness:
    asked = order.job.python
    exact = asked is not None and not _MINOR.fullmatch(asked)
    own = builder.interpreter if exact and isinstance(builder, Venv) else None
    return Closeness(
        python=None if own is None else own.version,
        thorough=order.change.thorough,
        inexact=order.change.inexact,
    )


def _builder(order: CreateOrder, locked: Locked, program: Path | None) -> Venv | Prefix:
    job = order.job
    if not job.subdirs:
        # The path, not the version: it must be the interpreter the lock is for.
        interpreter = find_interpreter(str(job.target().interpreter))
        part = locked.lock.part
        refuse_unallowed(locked.lock, part)
        return Venv(
            lock=locked.lock,
            part=part,
            interpreter=interpreter,
            settings=job.settings,
            no_imports=job.request.no_imports,
            pip=not order.change.no_pip,
        )
    own = part_of(locked.lock)
    refuse_without_python(own, order.folder)
    refuse_unallowed(locked.lock, own)
    return Prefix(
        lock=locked.lock,
        part=own,
        request=job.request,
        settings=job.settings,
        variables=locked.lock.variables,
        program=program,
        no_imports=job.request.no_imports,
    )


def _write_with(place: Replacement, before: Seen, texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write the lock files that differ together with their environment; return those.

    Raises:
        WorkError: one was changed since it was read, or cannot be written.
    """
    refuse_changed(before, texts)
    changed = differing(texts)
    place.write(changed)
    return tuple(changed)


_PROGRAMS = ("conda", "mamba", "micromamba")


def run_create(
    request: RequestOptions,
    place: NewEnvironmentOptions,
    conda: CondaOptions,
    probes: ProbeOptions,
    files: LockFileOptions,
    index: IndexOptions,
    talk: TalkOptions,
) -> int:
    """Do `envlock create`."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    typed = Typed(request=request, index=index, conda=conda, files=files)
    place = changing(place)
    outputs: tuple[Path, ...] = ()
    try_new("--draft", place.draft, progress)
    try:
        if place.bundle is not None:
            proof = proof_order(probes, needs(request), in_shell=True)
            bundled = replace(_from_bundle(typed, place), verbose=talk.verbose)
            made = create_from(place.bundle, bundled, proof, progress)
        else:
            order = replace(_order(typed, place, probes, progress), verbose=talk.verbose)
            outputs = tuple(order.job.outputs)
            made = create(order, progress)
    except NotProved as error:
        tell_unproved(error, talk)
        raise
    return _say_created(made, outputs, place, talk)


def _order(
    typed: Typed, place: NewEnvironmentOptions, probes: ProbeOptions, progress: Progress
) -> CreateOrder:
    """What is typed, with what the folder says."""
    job = create_job(typed, progress)
    return CreateOrder(
        job=job,
        folder=environment_folder(place.env),
        proof=proof_order(probes, job.request.needs, in_shell=True),
        manager=job.manager,
        force=place.force,
        keep=place.keep,
        inputs=(*job.inputs, *probes.probe, *job.rules, *job.evidence),
        change=place,
        anew=place.prove,
    )


def _from_bundle(typed: Typed, place: NewEnvironmentOptions) -> SyncOrder:
    """Where the environment of a bundle goes; nothing else can be asked for.

    Raises:
        UsageError: something else is.
    """
    request, files = typed.request, typed.files
    words = (*request.requirements, *map(str, request.requirement_file))
    if words or files.format or files.output:
        what = words[0] if words else "a lock file to write"
        raise UsageError(
            f"--from {place.bundle} has its lock, and {what} is asked for besides",
            f"envlock create --from {shlex.quote(str(place.bundle))}",
        )
    return SyncOrder(
        lock=Path(),
        folder=environment_folder(place.env),
        settings=configured_settings(typed.index),
        python=request.python,
        force=place.force,
        change=place,
    )


def _say_created(
    made: Created, outputs: Sequence[Path], place: NewEnvironmentOptions, talk: TalkOptions
) -> int:
    differs = bool(made.drift or differing(made.locked.texts))
    code = ExitCode.of(problem=place.check and differs)
    drafts = "".join(map(render, made.drafts))
    if drafts and place.draft is not None:
        write_texts({place.draft: drafts}, users=True)
    if talk.json:
        content = report.lock_data((made.locked.lock,), outputs, made.written)
        say_json("create", {**content, **_made_data(made)}, exit_code=code)
    else:
        quiet = talk.quiet and not place.looks
        draft = place.draft if drafts else None
        say_rows(_rows(made, outputs, draft, verbose=talk.verbose), quiet=quiet)
        if drafts and draft is None and not quiet:
            say(f"\n{drafts.rstrip()}")
    return code


def _rows(
    made: Created, outputs: Sequence[Path], draft: Path | None, *, verbose: bool
) -> Iterator[report.Row]:
    if made.proof is None:
        to_write = differing(made.locked.texts)
        for path in outputs:
            yield "lock", f"{path} {'would change' if path in to_write else 'is current'}"
        yield from drift_rows(made.drift, verbose=verbose)
        how = "differs from" if made.drift else "is"
        yield "environment", f"{made.folder} {how} what is locked"
        return
    if draft is not None:
        yield "written", str(draft)
    yield from proved_rows(made, made.proof, outputs, verbose=verbose)
    yield from replaced_rows(made.folder, made.replaced)
    since = f"unchanged since it was proved on {made.unchanged_since} (--prove proves anew)"
    yield "environment", f"{made.folder}{f', {since}' if made.unchanged_since else ''}"
    yield "next", _activate(made.folder, of_conda=made.locked.lock.of_conda)


def proved_rows(
    made: Created, proof: Proof, outputs: Sequence[Path], *, verbose: bool
) -> Iterator[report.Row]:
    """What was learnt, locked and proved."""
    for each in made.rounds:
        yield from (("learnt", f"round {each.number}: {one}") for one in each.learnt)
    lock, aside = made.locked.lock, keras_aside(proof.outcomes, pins_in(part_of(made.locked.lock)))
    yield from report.lock_rows(lock, outputs, made.written, aside=aside, verbose=verbose)
    yield from report.proof_rows(proof.outcomes, proof.ways_round, proof.lacking, verbose=verbose)
    yield from (("in this shell", line) for line in shell_lines(proof))


def _made_data(made: Created) -> dict[str, Any]:
    return {
        "environment": str(made.folder),
        "replaced": made.replaced,
        "changes": drift_data(made.drift),
        "unchanged_since": made.unchanged_since or None,
        "learnt": rounds_data(made.rounds, made.drafts),
        **(proof_data(made.proof) if made.proof else {}),
    }


def _activate(folder: Path, *, of_conda: bool) -> str:
    """Return what to type to use an environment, in the shell of this system.

    A prefix is activated by the conda program that is here, else its Python is started.
    """
    if of_conda:
        if there := next((each for each in _PROGRAMS if on_path(each)), None):
            return f"{there} activate {shlex.quote(str(folder.resolve()))}"
        return shlex.quote(str(python_in(folder) or folder))
    if sys.platform == "win32":
        return str(folder / "Scripts" / "activate")
    return f"source {shlex.quote((folder / 'bin' / 'activate').as_posix())}"
