"""`envlock run`: a program in the environment of the folder."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from envlock.cli.options import IndexOptions
from envlock.cli.output import progress_for
from envlock.commands.project import RunOptions
from envlock.commands.project.ready import made_ready
from envlock.environment.inspect import prefix_of, site_folders
from envlock.environment.layout import variables_of
from envlock.environment.recovery import environment_at
from envlock.environment.settings import settings_in
from envlock.errors import UsageError
from envlock.system.handing import become

#: Of other environments: their Python would start in the place of this one, or from there.
_FOREIGN = ("PYTHONHOME", "CONDA_PREFIX", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


def run_command(own: RunOptions, index: IndexOptions) -> int:
    """Do `envlock run`; where the system can, the program takes the place of envlock."""
    if not own.command:
        raise UsageError("what is to be run? nothing was named", "envlock run -- python")
    progress = progress_for(quiet=own.quiet, verbose=False)
    folder = made_ready(own, index, progress)
    python = environment_at(folder, progress)
    variables = inside(python, os.environ)
    program, *words = own.command
    if program.endswith(".py") and Path(program).is_file():
        return become(python, [program, *words], variables)
    found = shutil.which(program, path=variables["PATH"])
    if found is None:
        raise UsageError(
            f"there is no program {program} in {folder}, nor on PATH",
            f"envlock add {shlex.quote(program)}",
        )
    return become(Path(found), words, variables)


def inside(python: Path, shell: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a shell in which an environment is active.

    What its lock sets is set too, for programs that are no Python, and never over
    what somebody has set.
    """
    prefix = prefix_of(python)
    variables = {name: value for name, value in shell.items() if name not in _FOREIGN}
    of_conda = (prefix / "conda-meta").is_dir()
    variables["CONDA_PREFIX" if of_conda else "VIRTUAL_ENV"] = str(prefix)
    variables["PATH"] = os.pathsep.join((str(python.parent), shell.get("PATH", os.defpath)))
    return {**settings(prefix), **variables, **variables_of(prefix)}


def settings(prefix: Path) -> dict[str, str]:
    """Return what an environment sets: by its lock, and by conda."""
    return {**settings_in(site_folders(prefix)), **variables_of(prefix)}
