"""`envlock create`, `sync` and `verify`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envlock.cli.options import (
    EnvironmentOptions,
    IndexOptions,
    LockFileOptions,
    ProbeOptions,
    RequestOptions,
    TalkOptions,
    grouped,
)
from envlock.cli.output import progress_for, reporting, say, say_json
from envlock.cli.output import talk as tell

if TYPE_CHECKING:
    from envlock.workflow.verify import Proof


@grouped
def create(
    request: RequestOptions,
    place: EnvironmentOptions,
    probes: ProbeOptions,
    files: LockFileOptions,
    index: IndexOptions,
    talk: TalkOptions,
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep an environment that failed, and say where.")
    ] = False,
) -> None:
    """Lock, build the environment, and prove that a model is saved to .h5 and loads again."""
    with reporting("create", as_json=talk.json):
        from envlock import report  # noqa: PLC0415  (--help needs none of this)
        from envlock.cli.orders import lock_order, proof_order  # noqa: PLC0415
        from envlock.workflow import create as workflow  # noqa: PLC0415

        progress = progress_for(quiet=talk.quiet or talk.json, verbose=talk.verbose)
        order = workflow.CreateOrder(
            lock=lock_order("create", request, index, files, progress),
            folder=place.env,
            proof=proof_order(probes),
            force=place.force,
            keep=keep,
        )
        try:
            made = workflow.create(order, progress)
        except workflow.NotProved as error:
            if not talk.json:
                tell(_proof_text(error.proof))
            raise
        if talk.json:
            content = report.lock_data(made.locked.lock, made.written)
            say_json(
                "create", {**content, "environment": str(made.folder), **_proof_data(made.proof)}
            )
        else:
            say(report.lock_text(made.locked.lock, tuple(order.lock.outputs), made.written))
            say(f"built {made.folder}, and proved in it:")
            say(_proof_text(made.proof))
            say(f"next: {_activate(made.folder)}")


@grouped
def sync(
    index: IndexOptions,
    place: EnvironmentOptions,
    talk: TalkOptions,
    *,
    lock: Annotated[Path, typer.Argument(metavar="[LOCK]", help="A lock with hashes.")] = Path(
        "requirements.txt"
    ),
    python: Annotated[
        str | None, typer.Option("-p", "--python", metavar="PYTHON", help="For a new environment.")
    ] = None,
) -> None:
    """Make an environment equal to a lock: install what is missing, remove what is not in it."""
    with reporting("sync", as_json=talk.json):
        from envlock.cli.orders import configured_settings  # noqa: PLC0415  (as above)
        from envlock.workflow.create import sync_environment  # noqa: PLC0415

        progress = progress_for(quiet=talk.quiet or talk.json, verbose=talk.verbose)
        done = sync_environment(
            lock, place.env, configured_settings(index), progress, python=python, force=place.force
        )
        if talk.json:
            content = {
                "environment": str(done.folder),
                "made": done.made,
                "packages": len(done.lock.packages),
            }
            say_json("sync", content)
        else:
            verb = "made" if done.made else "is"
            say(f"{done.folder} {verb} equal to {lock}: {len(done.lock.packages)} packages")
            say(f"next: envlock verify {done.folder}")


@grouped
def verify(
    probes: ProbeOptions,
    talk: TalkOptions,
    *,
    environment: Annotated[
        Path | None,
        typer.Argument(
            metavar="[ENV]", help="A venv, a conda prefix or a Python; none means the active one."
        ),
    ] = None,
) -> None:
    """Prove what an environment can do, without changing it; exit 1 if the gate is not passed."""
    with reporting("verify", as_json=talk.json):
        from envlock.cli.orders import proof_order  # noqa: PLC0415  (as above)
        from envlock.workflow import verify as workflow  # noqa: PLC0415

        progress = progress_for(quiet=talk.quiet or talk.json, verbose=talk.verbose)
        proof = workflow.verify(environment, proof_order(probes), progress)
        if talk.json:
            say_json("verify", _proof_data(proof))
        else:
            say(_proof_text(proof))
            say("verified" if proof.passed else "NOT verified: a required level did not pass")
        raise typer.Exit(0 if proof.passed else 1)


def _proof_text(proof: Proof) -> str:
    from envlock import report  # noqa: PLC0415  (as above)

    return report.proof_text(proof.outcomes, proof.gate, proof.ways_round)


def _proof_data(proof: Proof) -> dict[str, Any]:
    from envlock import report  # noqa: PLC0415  (as above)

    return report.proof_data(proof.outcomes, proof.gate, proof.ways_round, passed=proof.passed)


def _activate(folder: Path) -> str:
    """What to type to use an environment, in the shell of this system."""
    if sys.platform == "win32":
        return str(folder / "Scripts" / "activate")
    return f"source {shlex.quote((folder / 'bin' / 'activate').as_posix())}"
