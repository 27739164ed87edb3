"""`envlock run`, `add`, `remove` and `kernel`: a folder, its lock and its environment as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.cli.arguments import Command, flag, option, word, words
from envlock.cli.options import IndexOptions, TalkOptions


class ProjectEnvironment(Struct, frozen=True, kw_only=True):
    """Which environment it is, and whether it is made as its lock says."""

    env: Annotated[
        Path | None, option("--env", metavar="DIR", says="Its folder.  [default: .venv]")
    ] = None
    no_sync: Annotated[bool, flag("--no-sync", says="Leave lock and environment as they are.")] = (
        False
    )


class RunOptions(ProjectEnvironment, frozen=True, kw_only=True):
    """What is run, and where."""

    command: Annotated[
        tuple[str, ...],
        words("CMD", says="A program and its arguments, or a script of Python; -- may go before."),
    ] = ()
    quiet: Annotated[bool, flag("-q", "--quiet", says="Say only errors.")] = False


class AddedRequirements(Struct, frozen=True, kw_only=True):
    """What is added, and to what."""

    requirements: Annotated[
        tuple[str, ...],
        words("REQUIREMENT", says="What is to be asked for, as pip has it: pandas, 'h5py>=3'."),
    ] = ()
    extra: Annotated[
        str | None,
        option("--extra", metavar="NAME", says="An extra of the project; made where missing."),
    ] = None
    group: Annotated[
        str | None,
        option("--group", metavar="NAME", says="A dependency group; made where missing."),
    ] = None


class RemovedPackages(Struct, frozen=True, kw_only=True):
    """What is no longer asked for."""

    names: Annotated[tuple[str, ...], words("NAME", says="A package that the request names.")] = ()
    extra: Annotated[
        str | None, option("--extra", metavar="NAME", says="Out of this extra alone.")
    ] = None
    group: Annotated[
        str | None, option("--group", metavar="NAME", says="Out of this dependency group alone.")
    ] = None


class KernelOptions(Struct, frozen=True, kw_only=True):
    """Which environment, and what Jupyter calls it."""

    environment: Annotated[
        Path | None,
        word("ENV", says="A venv or a conda prefix.  [default: .venv, or the active one]"),
    ] = None
    name: Annotated[
        str | None,
        option("--name", metavar="NAME", says="What it is called.  [default: the project's name]"),
    ] = None
    force: Annotated[
        bool, flag("--force", says="Take the place of a kernel of another environment.")
    ] = False


RUN = Command(
    "project.run.run_command",
    """Run a program in the environment, locked and synced first where that is stale.

    What the lock sets is set. What else is installed there stays. The exit code
    is that of the program.
    """,
    examples=(
        "run train.py --epochs 3",
        "run -- jupyter lab",
    ),
    passes_on=True,
    own=RunOptions,
    index=IndexOptions,
)

ADD = Command(
    "project.edit.run_add",
    """Ask for more packages: edit the request, lock, and sync; all of it or nothing.

    The request is pyproject.toml, requirements.in or what else the folder asks
    with; one is made where there is none. Comments and order stay.
    """,
    examples=(
        'add pandas "h5py>=3"',
        "add pytest --group dev",
    ),
    own=AddedRequirements,
    place=ProjectEnvironment,
    index=IndexOptions,
    talk=TalkOptions,
)

REMOVE = Command(
    "project.edit.run_remove",
    """Ask for packages no longer: edit the request, lock, and sync; all of it or nothing.""",
    examples=(
        "remove pandas",
        "remove pytest --group dev",
    ),
    own=RemovedPackages,
    place=ProjectEnvironment,
    index=IndexOptions,
    talk=TalkOptions,
)

KERNEL = Command(
    "project.kernel.run_kernel",
    """Make an environment a kernel of Jupyter, with what its lock sets.

    ipykernel must be in it.
    """,
    examples=(
        "kernel",
        "kernel .venv --name analysis",
    ),
    own=KernelOptions,
    talk=TalkOptions,
)
