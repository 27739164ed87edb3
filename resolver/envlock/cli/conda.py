"""`envlock lock` and `envlock create` where packages come from conda."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from envlock.choices import STANDARD_OUTPUT, Manager
from envlock.cli.conda_orders import conda_order
from envlock.cli.environments import inputs_of, replaced_rows
from envlock.cli.locks import print_lock
from envlock.cli.options import (
    CondaOptions,
    IndexOptions,
    LockFileOptions,
    ProbeOptions,
    RequestOptions,
    TalkOptions,
)
from envlock.cli.orders import needs
from envlock.cli.output import progress_for, say, say_json
from envlock.cli.output import talk as tell
from envlock.cli.proofs import proof_order
from envlock.conda import report
from envlock.errors import ExitCode
from envlock.report import proof_data, proof_rows, proof_text, rows_text
from envlock.targets.interpreters import python_in
from envlock.workflow.conda import create as creating
from envlock.workflow.conda import lock as locking
from envlock.workflow.create import NotProved
from envlock.workflow.verify import Proof

_PROGRAMS = ("conda", "mamba", "micromamba")


def lock_conda(
    request: RequestOptions,
    conda: CondaOptions,
    files: LockFileOptions,
    index: IndexOptions,
    talk: TalkOptions,
    *,
    check: bool,
) -> int:
    """Lock conda's packages and pip's beside them, for one platform or several."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    order = conda_order("lock", request, conda, index, files, progress)
    if check:
        found = locking.check_conda_lock(order)
        code = ExitCode.of(problem=bool(found))
        if talk.json:
            say_json("lock", {"current": not found, "problems": found}, exit_code=code)
        else:
            say("\n".join(found or ("the lock is current",)))
        return code
    locked = locking.make_conda_lock(order, progress)
    if files.output == STANDARD_OUTPUT:
        return print_lock(locked.texts, as_json=talk.json)
    written = locking.write_conda(locked)
    if talk.json:
        say_json("lock", report.lock_data(locked.lock, locked.outputs, written))
    else:
        again = " ".join(
            word for path in request.requirement_file for word in ("-r", shlex.quote(str(path)))
        )
        step = f"envlock create {again or '--manager conda'}"
        rows = report.lock_rows(locked.lock, locked.outputs, written)
        say(rows_text([*rows, ("next", step)]))
    return 0


def create_conda(
    request: RequestOptions,
    conda: CondaOptions,
    place: tuple[Path, bool, bool],
    probes: ProbeOptions,
    files: LockFileOptions,
    index: IndexOptions,
    talk: TalkOptions,
) -> int:
    """Lock, build a conda prefix and prove it; ``place`` is its folder, force and keep."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    folder, force, keep = place
    order = creating.CondaCreateOrder(
        lock=conda_order("create", request, conda, index, files, progress),
        folder=folder,
        proof=proof_order(probes, needs(request)),
        manager=conda.manager or Manager.CONDA,
        force=force,
        keep=keep,
        inputs=inputs_of(request, probes),
    )
    try:
        made = creating.create_prefix(order, progress)
    except NotProved as error:
        error.details = _data(error.proof)
        if not talk.json:
            found = error.proof
            tell(proof_text(found.python, found.outcomes, found.gate, found.ways_round))
        raise
    locked = made.locked
    if talk.json:
        content = report.lock_data(locked.lock, locked.outputs, made.written)
        where = {"environment": str(made.folder), "replaced": made.replaced}
        say_json("create", {**content, **where, **_data(made.proof)})
        return 0
    rows = [
        *report.lock_rows(locked.lock, locked.outputs, made.written),
        *proof_rows(made.proof.outcomes, made.proof.ways_round),
        *replaced_rows(made.folder, made.replaced),
        ("environment", str(made.folder)),
        ("next", _activate(made.folder)),
    ]
    say(rows_text(rows))
    return 0


def _data(proof: Proof) -> dict[str, object]:
    return proof_data(
        proof.python, proof.outcomes, proof.gate, proof.ways_round, passed=proof.passed
    )


def _activate(folder: Path) -> str:
    """Return what to type to use a prefix: with the conda program that is here, or its Python."""
    there = next((each for each in _PROGRAMS if shutil.which(each)), None)
    if there is not None:
        return f"{there} activate {shlex.quote(str(folder.resolve()))}"
    return shlex.quote(str(python_in(folder) or folder))
