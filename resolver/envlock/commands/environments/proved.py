"""What was proved before: an environment that is what it was then is not built again.

A record is in this user's own cache and not in the environment, which may have
come with a folder of a stranger's: what lies there can say anything, and is
only believed where this user's envlock has seen it pass. It holds for the
environment of one transaction, for what was locked, by hashes, and for what
else an outcome depends on.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, ValidationError, convert, to_builtins
from msgspec.structs import asdict

from envlock import __version__
from envlock.commands.environments.building import Prefix, Venv
from envlock.documents import Malformed, json_value
from envlock.environment.layout import read_layout
from envlock.environment.place import transaction_of
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped
from envlock.probes.proof import Proof, ProofOrder, imports_digest, probe_digest
from envlock.system import contents, keep, kept_folder, load_kept
from envlock.targets.interpreters import base_program, python_in

_KINDS: dict[str, type[Outcome]] = {
    each.__name__: each for each in (Passed, Failed, Skipped, Crashed)
}


class Before(Struct, frozen=True, kw_only=True):
    """A proof of before, and the day of it."""

    proof: Proof
    day: str


class _Record(Struct, frozen=True, kw_only=True):
    transaction: str
    key: str
    day: str
    outcomes: list[tuple[str, dict[str, str | float | bool]]]
    gate: tuple[str, ...]
    ways_round: dict[str, str]
    lacking: dict[str, str]


def key_of(builder: Venv | Prefix, order: ProofOrder, folder: Path) -> str:
    """Return a digest of all that a proof depends on but for the files of the environment."""
    part = builder.part
    variables = read_layout(python_in(folder) or folder / "bin" / "python").variables
    facts = {
        "envlock": __version__,
        "probes": probe_digest(),
        "scripts": [hashlib.sha256(contents(each)).hexdigest() for each in order.scripts],
        "needs": [*order.needs],
        "imports": [imports_digest(), *order.imports],
        "pypi": [(each.name, str(each.version), sorted(each.hashes)) for each in part.pypi],
        "conda": [(each.name, each.version, each.build, each.sha256) for each in part.conda],
        "python": _python(folder),
        "machine": [platform.node(), platform.machine(), platform.release()],
        "variables": dict(variables),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _python(folder: Path) -> list[str]:
    """Which program runs the environment: another one, or what an update made of it, is another."""
    python = python_in(folder)
    if python is None:
        return []
    program = os.path.realpath(base_program(python))
    status = os.stat(program)  # noqa: PTH116  (as text)
    return [program, str(status.st_size), str(status.st_mtime_ns)]


def proved_before(folder: Path, key: str) -> Before | None:
    """Return what this user's envlock proved of the environment that is there, as it was built."""
    file, python = _file(folder), python_in(folder)
    content = None if file is None else load_kept(file)
    if content is None or python is None:
        return None
    try:
        record = convert(json_value(content), _Record)
    except (Malformed, ValidationError):
        return None
    if not record.transaction or (record.transaction, record.key) != (transaction_of(folder), key):
        return None
    try:
        outcomes = tuple(convert(facts, _KINDS[kind]) for kind, facts in record.outcomes)
    except (KeyError, ValidationError):
        return None
    proof = Proof(
        python=python,
        outcomes=outcomes,
        passed=True,
        gate=record.gate,
        ways_round=record.ways_round,
        lacking=record.lacking,
    )
    return Before(proof=proof, day=record.day)


def remember(folder: Path, key: str, proof: Proof) -> None:
    """Keep that the environment in a folder was proved, if there is a cache."""
    file = _file(folder)
    transaction = transaction_of(folder)
    if file is None or not transaction:
        return
    record = _Record(
        transaction=transaction,
        key=key,
        day=datetime.now(UTC).date().isoformat(),
        outcomes=[(type(each).__name__, asdict(each)) for each in proof.outcomes],
        gate=proof.gate,
        ways_round=dict(proof.ways_round),
        lacking=dict(proof.lacking),
    )
    keep({file: json.dumps(to_builtins(record), sort_keys=True).encode()})


def _file(folder: Path) -> Path | None:
    """Where the record of an environment is: one for each place."""
    kept = kept_folder("proofs")
    name = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    return None if kept is None else kept / f"{name[:32]}.json"
