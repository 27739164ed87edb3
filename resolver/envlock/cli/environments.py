"""`envlock create`, `sync` and `verify`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct
from msgspec.structs import replace

from envlock.choices import Manager
from envlock.cli.arguments import flag, word
from envlock.cli.options import (
    ChosenOptions,
    CondaOptions,
    EnvironmentOptions,
    IndexOptions,
    LockFileOptions,
    ProbeOptions,
    RequestOptions,
    TalkOptions,
    python_option,
)
from envlock.cli.output import progress_for, say, say_json
from envlock.cli.output import talk as tell
from envlock.errors import ExitCode

if TYPE_CHECKING:
    from envlock.workflow.create import Created
    from envlock.workflow.verify import Proof


_PROGRAMS = ("conda", "mamba", "micromamba")


class NewEnvironmentOptions(EnvironmentOptions, frozen=True, kw_only=True):
    """Where the environment is built, and what becomes of one that fails."""

    keep: Annotated[
        bool, flag("--keep", says="Keep an environment that failed, and say where.")
    ] = False


class SyncedLock(Struct, frozen=True, kw_only=True):
    """What is installed."""

    lock: Annotated[Path, word("LOCK", says="A lock with hashes.  [default: requirements.txt]")] = (
        Path("requirements.txt")
    )
    python: Annotated[str | None, python_option("the one the lock is for")] = None


class ExaminedEnvironment(Struct, frozen=True, kw_only=True):
    """What is examined."""

    environment: Annotated[
        Path | None,
        word(
            "ENV", says="A venv, a conda prefix or a Python.  [default: the active one, or .venv]"
        ),
    ] = None


def create(
    request: RequestOptions,
    place: NewEnvironmentOptions,
    conda: CondaOptions,
    probes: ProbeOptions,
    files: LockFileOptions,
    index: IndexOptions,
    talk: TalkOptions,
) -> int:
    """Lock, build the environment, and prove that it works.

    Proved means that a Keras model is built, trained, saved to .h5, loaded
    again and predicts the same. Whatever fails, the folder is as it was. An
    environment.yml given to -r becomes a conda prefix.
    """
    from envlock.cli.jobs import create_job  # noqa: PLC0415  (--help needs none)
    from envlock.cli.orders import needs  # noqa: PLC0415  (lazy)
    from envlock.cli.proofs import proof_order  # noqa: PLC0415  (lazy)
    from envlock.workflow import create as workflow  # noqa: PLC0415

    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    order = workflow.CreateOrder(
        job=create_job(request, conda, index, files, progress),
        folder=place.env,
        proof=proof_order(probes, needs(request)),
        manager=conda.manager or Manager.CONDA,
        force=place.force,
        keep=place.keep,
        inputs=inputs_of(request, probes),
    )
    try:
        made = workflow.create(order, progress)
    except workflow.NotProved as error:
        error.details = _proof_data(error.proof)
        if not talk.json:
            tell(_proof_text(error.proof))
        raise
    _say_created(made, tuple(order.job.outputs), as_json=talk.json)
    return 0


def _say_created(made: Created, outputs: Sequence[Path], *, as_json: bool) -> None:
    from envlock import report  # noqa: PLC0415  (as above)

    proof = made.proof
    if as_json:
        content = report.lock_data((made.locked.lock,), outputs, made.written)
        say_json("create", {**content, **_place_data(made), **_proof_data(proof)})
        return
    rows = [
        *report.lock_rows(made.locked.lock, outputs, made.written),
        *report.proof_rows(proof.outcomes, proof.ways_round),
        *replaced_rows(made.folder, made.replaced),
        ("environment", str(made.folder)),
        ("next", _activate(made.folder, of_conda=made.locked.lock.of_conda)),
    ]
    say(report.rows_text(rows))


def _place_data(made: Created) -> dict[str, Any]:
    return {"environment": str(made.folder), "replaced": made.replaced}


def replaced_rows(folder: Path, replaced: str | None) -> Iterator[tuple[str, str]]:
    """Say which environment is gone, unless it was one of envlock's own."""
    if replaced is not None and "envlock" not in replaced:
        yield "replaced", f"{folder}: {replaced}"


def inputs_of(request: RequestOptions, probes: ProbeOptions) -> tuple[Path, ...]:
    """Return the files that a command reads."""
    files = (*request.requirement_file, *request.constraint_file, *probes.probe)
    return (*files, *request.rules, *request.evidence)


def sync(
    own: SyncedLock,
    taken: ChosenOptions,
    place: EnvironmentOptions,
    index: IndexOptions,
    talk: TalkOptions,
) -> int:
    """Make an environment equal to a lock.

    It is built anew unless it is equal already. Whatever fails, it stays what it was.
    """
    from envlock import report  # noqa: PLC0415  (as above)
    from envlock.cli.orders import configured_settings  # noqa: PLC0415
    from envlock.cli.selections import chosen  # noqa: PLC0415
    from envlock.workflow.sync import SyncOrder, sync_environment  # noqa: PLC0415

    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    order = SyncOrder(
        lock=own.lock,
        folder=place.env,
        settings=configured_settings(index),
        python=own.python,
        force=place.force,
        chosen=chosen(taken),
    )
    done = sync_environment(order, progress)
    if talk.json:
        content = report.lock_data((replace(done.lock, parts=(done.part,)),), (own.lock,), ())
        where = {"environment": str(place.env), "replaced": done.replaced}
        say_json("sync", {**content, **where, "changed": done.changed})
    else:
        rows = [
            *report.release_rows(done.part),
            *replaced_rows(place.env, done.replaced),
            (
                "environment",
                f"{place.env} {'is now' if done.changed else 'was already'} equal to {own.lock}",
            ),
            ("next", f"envlock verify {shlex.quote(place.env.as_posix())}"),
        ]
        say(report.rows_text(rows))
    return 0


def verify(own: ExaminedEnvironment, probes: ProbeOptions, talk: TalkOptions) -> int:
    """Prove what an environment can do, without changing it.

    Exit code 1 if a required level does not pass.
    """
    from envlock.cli.proofs import proof_order  # noqa: PLC0415  (as above)
    from envlock.workflow import verify as workflow  # noqa: PLC0415

    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    proof = workflow.verify(own.environment, proof_order(probes), progress)
    code = ExitCode.of(problem=not proof.passed)
    if talk.json:
        say_json("verify", _proof_data(proof), exit_code=code)
    else:
        say(_proof_text(proof))
    return code


def _proof_text(proof: Proof) -> str:
    from envlock import report  # noqa: PLC0415  (as above)

    return report.proof_text(proof.python, proof.outcomes, proof.gate, proof.ways_round)


def _proof_data(proof: Proof) -> dict[str, Any]:
    from envlock import report  # noqa: PLC0415  (as above)

    return report.proof_data(
        proof.python, proof.outcomes, proof.gate, proof.ways_round, passed=proof.passed
    )


def _activate(folder: Path, *, of_conda: bool) -> str:
    """Return what to type to use an environment, in the shell of this system.

    A prefix is activated by the conda program that is here, else its Python is started.
    """
    if of_conda:
        from envlock.system.looking import on_path  # noqa: PLC0415  (as above)
        from envlock.targets.interpreters import python_in  # noqa: PLC0415  (as above)

        if there := next((each for each in _PROGRAMS if on_path(each)), None):
            return f"{there} activate {shlex.quote(str(folder.resolve()))}"
        return shlex.quote(str(python_in(folder) or folder))
    if sys.platform == "win32":
        return str(folder / "Scripts" / "activate")
    return f"source {shlex.quote((folder / 'bin' / 'activate').as_posix())}"
