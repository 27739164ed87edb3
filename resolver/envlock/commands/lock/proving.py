"""`envlock lock --prove`: a lock is written once an environment of it was proved."""

from __future__ import annotations

from msgspec.structs import replace

from envlock import report
from envlock.bisect.trials import workplace
from envlock.choices import PROBE_SECONDS
from envlock.cli.options import EnvironmentOptions, TalkOptions
from envlock.cli.output import say, say_json
from envlock.cli.rows import say_rows
from envlock.commands.environments.create import create, proved_rows
from envlock.commands.environments.failing import NotProved, tell_unproved
from envlock.commands.environments.learning import rounds_data
from envlock.commands.environments.order import Created, CreateOrder
from envlock.commands.environments.verify import proof_data
from envlock.commands.lock.folder import Typed
from envlock.commands.lock.run import next_steps
from envlock.errors import UsageError
from envlock.locking.job import Job
from envlock.probes.proof import ProofOrder
from envlock.progress import Progress
from envlock.rules.tables import render


def run_proving(job: Job, typed: Typed, talk: TalkOptions, progress: Progress) -> int:
    """Lock, build and prove in a folder of the cache, write the lock, and say what was done."""
    _refuse_elsewhere(job, typed)
    with workplace("prove", progress) as folder:
        order = CreateOrder(
            job=replace(job, builds=True),
            folder=folder / ".venv",
            proof=ProofOrder(timeout=PROBE_SECONDS, needs=job.request.needs),
            manager=job.manager,
            inputs=(*job.inputs, *job.rules, *job.evidence),
            change=EnvironmentOptions(no_pip=True),
            passing=True,
        )
        try:
            made = create(order, progress)
        except NotProved as error:
            tell_unproved(error, talk)
            raise
    return _tell(job, made, talk)


def _refuse_elsewhere(job: Job, typed: Typed) -> None:
    """Refuse what cannot be built here.

    Raises:
        UsageError: a platform is named, or the locks that are there are for several.
    """
    if job.places or typed.request.platform or len(job.subdirs) > 1:
        named = typed.request.platform or tuple(map(str, job.outputs))
        raise UsageError(
            f"--prove builds what is locked on this machine, and {named[0]} is for another one"
            " or for several",
            "leave --prove out",
        )


def _tell(job: Job, made: Created, talk: TalkOptions) -> int:
    assert made.proof is not None  # noqa: S101  (nothing was only looked at)
    outputs = tuple(job.outputs)
    if talk.json:
        content = report.lock_data((made.locked.lock,), outputs, made.written)
        learnt = rounds_data(made.rounds, made.drafts)
        say_json("lock", {**content, "learnt": learnt, **proof_data(made.proof)})
        return 0
    rows = [*proved_rows(made, made.proof, outputs, verbose=talk.verbose)]
    rows += [("next", step) for step in next_steps(job, made.locked.lock)]
    say_rows(rows, quiet=talk.quiet)
    if made.drafts and not talk.quiet:
        say(f"\n{''.join(map(render, made.drafts)).rstrip()}")
    return 0
