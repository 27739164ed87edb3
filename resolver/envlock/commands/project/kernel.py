"""`envlock kernel`: an environment as a kernel of Jupyter."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from envlock.cli.options import TalkOptions
from envlock.cli.orders import environment_meant, project_name
from envlock.cli.output import progress_for, say_json
from envlock.cli.rows import say_rows
from envlock.commands.project import KernelOptions
from envlock.commands.project.run import settings
from envlock.documents import Malformed, json_value
from envlock.environment.inspect import installed, prefix_of
from envlock.environment.recovery import environment_at
from envlock.errors import UsageError
from envlock.system import contents, make_folder, write_texts

_NEEDS = canonicalize_name("ipykernel")
#: What Jupyter takes as the name of a kernel's folder.
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_SPEC = "kernel.json"


def run_kernel(own: KernelOptions, talk: TalkOptions) -> int:
    """Do `envlock kernel`."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    python = environment_at(environment_meant(own.environment, progress), progress)
    prefix = prefix_of(python)
    if _NEEDS not in installed(prefix):
        raise UsageError(
            f"{prefix} has no {_NEEDS}, which starts a kernel", f"envlock add {_NEEDS}"
        )
    name = own.name or project_name()
    if not _NAME.fullmatch(name):
        raise UsageError(f"--name {name}: letters, digits, dots and dashes only", "--name keras")
    file = kernels() / name.lower() / _SPEC
    _refuse_other(file, prefix, name, force=own.force)
    make_folder(file.parent)
    write_texts({file: json.dumps(_spec(python, name), indent=1) + "\n"}, users=True)
    if talk.json:
        say_json("kernel", {"name": name, "environment": str(prefix), "written": str(file)})
    else:
        again = f"choose {name} in Jupyter, or: jupyter console --kernel {name.lower()}"
        say_rows([("kernel", name), ("written", str(file)), ("next", again)], quiet=talk.quiet)
    return 0


def kernels() -> Path:
    """Return the folder of this user in which Jupyter looks for kernels.

    Source: jupyter_core.paths.jupyter_data_dir.
    """
    told = os.environ.get("JUPYTER_DATA_DIR")
    if told:
        return Path(told) / "kernels"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Jupyter" / "kernels"
    if os.name == "nt":
        return Path(os.environ.get("APPDATA") or Path.home()) / "jupyter" / "kernels"
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "jupyter" / "kernels"


def _spec(python: Path, name: str) -> dict[str, Any]:
    """What starts the kernel: with the programs of its environment first, so that !pip is its own.

    Jupyter puts the variables of its own start in the place of ``${…}``.
    """
    path = os.pathsep.join((str(python.parent), "${PATH}"))
    return {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "env": {**settings(prefix_of(python)), "PATH": path},
        "metadata": {"debugger": True},
    }


def _refuse_other(file: Path, prefix: Path, name: str, *, force: bool) -> None:
    """Refuse to write over the kernel of another environment."""
    argv: object = None
    with suppress(OSError, Malformed):
        said = json_value(contents(file))
        argv = said.get("argv") if isinstance(said, dict) else None
    program = str(argv[0]) if isinstance(argv, list) and argv else ""
    if force or not file.exists() or prefix_of(Path(program)) == prefix:
        return
    raise UsageError(
        f"{name} is a kernel already, of {program or 'a file that cannot be read'}",
        f"--name {shlex.quote(name)}-2",
        "--force",
    )
