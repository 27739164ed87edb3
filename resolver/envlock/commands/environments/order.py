"""What `envlock create` is told, and what it made."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from envlock.choices import Manager
from envlock.cli.options import EnvironmentOptions
from envlock.commands.environments.drift import Drift
from envlock.commands.environments.learning import Round
from envlock.locking.job import Job, Locked
from envlock.probes.proof import Proof, ProofOrder
from envlock.rules.schema import Document


class CreateOrder(Struct, frozen=True, kw_only=True):
    """A lock, where its environment goes, who installs it, and what must be proved.

    ``force`` replaces an environment that envlock did not make; ``keep``
    leaves one that failed for a look; ``passing`` is one that will be gone.
    ``inputs`` are the files that it reads.
    ``change`` says whether it is only looked at, and how closely; ``anew``
    builds and proves though nothing has changed; ``verbose`` tells all that
    changes.
    """

    job: Job
    folder: Path
    proof: ProofOrder
    manager: Manager = Manager.PIP
    force: bool = False
    keep: bool = False
    passing: bool = False
    inputs: tuple[Path, ...] = ()
    change: EnvironmentOptions = EnvironmentOptions()
    anew: bool = False
    verbose: bool = False


class Created(Struct, frozen=True, kw_only=True):
    """What `create` made; ``written`` are the lock files that changed.

    ``drift`` is what differed before. ``proof`` is None where it was only
    looked, ``unchanged_since`` the day of a proof that still holds.
    ``replaced`` says which environment was there before, None where none was.
    ``rounds`` are proofs that failed before this one, and ``drafts`` the rules
    that they taught.
    """

    locked: Locked
    folder: Path
    drift: Drift
    proof: Proof | None = None
    written: tuple[Path, ...] = ()
    replaced: str | None = None
    unchanged_since: str = ""
    rounds: tuple[Round, ...] = ()
    drafts: tuple[Document, ...] = ()
