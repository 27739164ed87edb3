"""`envlock create`, `sync` and `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.cli.arguments import Command, flag, option, word
from envlock.cli.options import (
    ChosenOptions,
    CondaOptions,
    EnvironmentOptions,
    IndexOptions,
    LockFileOptions,
    ProbeOptions,
    ReportOptions,
    RequestOptions,
    TalkOptions,
    no_imports_option,
    python_option,
)


class NewEnvironmentOptions(EnvironmentOptions, frozen=True, kw_only=True):
    """Where the environment is built, and what becomes of one that fails."""

    bundle: Annotated[
        Path | None,
        option("--from", metavar="DIR", says="Take lock and wheels from a bundle, and no index."),
    ] = None
    keep: Annotated[
        bool, flag("--keep", says="Keep an environment that failed, and say where.")
    ] = False
    prove: Annotated[
        bool, flag("--prove", says="Build and prove anew what is unchanged since it was proved.")
    ] = False
    draft: Annotated[
        Path | None,
        option(
            "--draft",
            metavar="FILE",
            says="Write what failed proofs taught as drafts of rules to a new file.",
        ),
    ] = None


class SyncedLock(Struct, frozen=True, kw_only=True):
    """What is installed."""

    lock: Annotated[
        Path | None,
        word("LOCK", says="A lock with hashes, or a bundle.  [default: the lock in the folder]"),
    ] = None
    python: Annotated[str | None, python_option("the one the lock is for")] = None
    no_imports: Annotated[
        tuple[str, ...],
        no_imports_option("Leave this one of what is asked for out of what verify imports."),
    ] = ()


class ExaminedEnvironment(Struct, frozen=True, kw_only=True):
    """What is examined."""

    environment: Annotated[
        Path | None,
        word(
            "ENV", says="A venv, a conda prefix or a Python.  [default: .venv, or the active one]"
        ),
    ] = None
    imports: Annotated[
        tuple[str, ...],
        option(
            "--imports",
            metavar="NAME",
            says="Import this one, and not what was asked for when it was made. Repeatable.",
        ),
    ] = ()
    no_imports: Annotated[
        tuple[str, ...],
        no_imports_option("Do not import this one."),
    ] = ()


CREATE = Command(
    "environments.create.run_create",
    """Lock, build the environment, and prove that it works.

    Proved means that a Keras model is built, trained, saved to .h5, loaded
    again and predicts the same, and that what was asked for is imported. Where a
    failure says what would cure it, that is locked, changed and proved again,
    three times at most. Whatever fails in the end, the folder is as it was. What
    is unchanged since it was proved is not built again. An environment.yml given
    to -r becomes a conda prefix.
    """,
    examples=(
        'create "tensorflow==2.15.1" pandas --python 3.11',
        "create -r requirements.in --env .venv",
    ),
    request=RequestOptions,
    place=NewEnvironmentOptions,
    conda=CondaOptions,
    probes=ProbeOptions,
    files=LockFileOptions,
    index=IndexOptions,
    talk=TalkOptions,
)

SYNC = Command(
    "environments.sync.run_sync",
    """Make an environment equal to a lock.

    It is built anew unless it is equal already, to the last file. What goes, comes
    and changes is told first. Whatever fails, it stays what it was.
    """,
    examples=(
        "sync",
        "sync pylock.toml --extra plot --check",
    ),
    own=SyncedLock,
    taken=ChosenOptions,
    place=EnvironmentOptions,
    index=IndexOptions,
    talk=TalkOptions,
)

VERIFY = Command(
    "environments.verify.run_verify",
    """Prove what an environment can do, without changing it.

    Exit code 1 if a required level does not pass.
    """,
    examples=(
        "verify",
        "verify .venv --probe train.py",
    ),
    own=ExaminedEnvironment,
    probes=ProbeOptions,
    form=ReportOptions,
    talk=TalkOptions,
)
