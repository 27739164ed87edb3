"""What was asked for is imported, each distribution in a process of its own, and used once.

The level of a distribution is ``imports:NAME``. What has no module to import is
skipped, and no part of a gate.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field
from packaging.utils import NormalizedName

from envlock.environment.inspect import prefix_of, site_folders
from envlock.environment.records import Distribution, read_site
from envlock.environment.shell import without
from envlock.outcomes import IMPORTS, Crashed, Failed, Outcome, Skipped
from envlock.probes.interface import results_of
from envlock.probes.modules import Modules, modules_of
from envlock.probes.runner import environment_of, refuse_full
from envlock.rules.uses import use_of
from envlock.system import beside, is_full, scratch, write_texts

SCRIPT = Path(__file__).parent / "scripts" / "imports.py"
#: How long an import may take, with what it brings along: TensorFlow without bytecode takes 20 s,
#: and several times that on a machine that has other work.
SECONDS = 300.0
_LONGER = 10.0  # seconds more for the process that starts the others


class Hindrance(Struct, frozen=True, kw_only=True):
    """Why an import fails, where that is not a matter of versions: a ``sign`` in what was said.

    ``words`` and ``way`` (what to do) may have ``{}`` for what the sign captured.
    """

    sign: str
    words: str
    way: str


#: What a machine lacks; the first that fits counts.
CAUSES = (
    Hindrance(
        sign=r"(lib(?:cuda|nvidia-ml|nvcuvid)\.so[\w.]*): cannot open shared object"
        r"|no CUDA-capable device|Found no NVIDIA driver|NVIDIA driver on your system is too old"
        r"|CUDA_ERROR_NO_DEVICE|cudaErrorNoDevice|No GPU (?:is )?(?:available|found)",
        words="it needs a GPU with its driver, and there is none here",
        way="do this on a machine with a GPU",
    ),
    Hindrance(
        sign=r"no display name and no \$DISPLAY|KeyError: 'DISPLAY'|(?i:cannot|could not) connect"
        r" to (?:X server|display)|Can't connect to display|Bad display name|DisplayNameError"
        r"|no Qt platform plugin could be initialized|failed to acquire X connection"
        r"|cannot open display|couldn't connect to display",
        words="it needs a display, and there is none here",
        way="do this where there is a display, or under xvfb-run",
    ),
    Hindrance(
        sign=r"(lib[\w+.-]+\.so[\w.]*): cannot open shared object file",
        words="the system library {} is missing",
        way="install the package of the system that has {}",
    ),
    Hindrance(
        sign=r"Library not loaded: (\S+)",
        words="the library {} is missing",
        way="install what has {}",
    ),
    Hindrance(
        sign=r"(DLL load failed[^:\n]*): The specified module could not be found",
        words="a library of the system is missing",
        way="install the Microsoft Visual C++ Redistributable",
    ),
)


class ImportTask(Struct, frozen=True, kw_only=True):
    """A distribution, its modules, and a line of Python that uses it, or ""."""

    name: NormalizedName
    modules: Modules
    use: str = ""

    @property
    def level(self) -> str:
        """The level that it is."""
        return f"{IMPORTS}{self.name}"


class Importing(Struct, kw_only=True):
    """Imports that are under way; ``outcomes`` are there when they have ended."""

    tasks: tuple[ImportTask, ...]
    outcomes: tuple[Outcome, ...] = field(default=())


def tasks_for(python: Path, names: Iterable[NormalizedName]) -> tuple[ImportTask, ...]:
    """Return what is to be imported of an environment; what is not installed has no modules."""
    there: dict[NormalizedName, Distribution] = {}
    for site in site_folders(prefix_of(python)):
        for each in read_site(site).distributions:
            there.setdefault(each.name, each)
    return tuple(_task(name, there.get(name)) for name in dict.fromkeys(names))


def _task(name: NormalizedName, installed: Distribution | None) -> ImportTask:
    if installed is None:
        return ImportTask(name=name, modules=Modules(lacking="it is not installed"))
    return ImportTask(name=name, modules=modules_of(installed), use=use_of(name))


@contextmanager
def importing(
    python: Path,
    names: Iterable[NormalizedName],
    *,
    timeout: float = SECONDS,
    write_bytecode: bool = False,
    isolated: bool = True,
    extra_env: Mapping[str, str] | None = None,
) -> Iterator[Importing]:
    """Import while the block runs, on the cores that are left; the outcomes are there at its end.

    The options are those of `envlock.probes.runner.run_probe`; ``timeout`` is
    for each distribution.

    Raises:
        DiskFull: one failed for want of room, which says nothing about it.
    """
    work = Importing(tasks=tasks_for(python, names))
    tried = [each for each in work.tasks if each.modules.names]
    if not tried:
        yield work
        work.outcomes = tuple(_outcome(each, {}) for each in work.tasks)
        return
    limit = min(timeout, SECONDS)
    workers = max(1, (os.cpu_count() or 1) - 1)
    flags = [*(["-I"] if isolated else []), *([] if write_bytecode else ["-B"])]
    base = {**(without(os.environ) if isolated else os.environ), **(extra_env or {})}
    with scratch("envlock-imports-") as folder:
        plan, results = folder / "plan.json", folder / "results.jsonl"
        write_texts({plan: _plan(tried, flags, workers, limit)})
        longest = limit * math.ceil(len(tried) / workers) * 2 + _LONGER
        env = environment_of(python, folder, base)
        command: list[str | Path] = [python, *flags, SCRIPT, results, plan]
        with beside(command, env=env, cwd=folder, until=longest):
            yield work
        said = results_of(results)
        work.outcomes = tuple(_outcome(each, said) for each in work.tasks)
        refuse_full(work.outcomes, full=is_full(folder), python=python)


def _plan(tasks: Sequence[ImportTask], flags: Sequence[str], workers: int, limit: float) -> str:
    return json.dumps(
        {
            "flags": [*flags],
            "workers": workers,
            "seconds": limit,
            "tasks": [
                {"level": each.level, "modules": [*each.modules.names], "use": each.use}
                for each in tasks
            ],
        }
    )


def _outcome(task: ImportTask, said: Mapping[str, Outcome]) -> Outcome:
    if not task.modules.names:
        return Skipped(level=task.level, detail=task.modules.lacking)
    unknown = Crashed(level=task.level, detail="it was not tried to its end", stopped=True)
    return said.get(task.level, unknown)


def cause_of(outcome: Outcome) -> tuple[str, str]:
    """Say what the machine lacks where an import failed for that, and what to do; else ""."""
    match outcome:
        case Failed(error=error, detail=detail, traceback=trace):
            text = f"{error}: {detail}\n{trace}"
        case Crashed(output=output):
            text = output
        case _:
            return "", ""
    for cause in CAUSES:
        if found := re.search(cause.sign, text):
            what = next((each for each in found.groups() if each), "")
            return cause.words.format(what), cause.way.format(what)
    return "", ""


def lacking(outcome: Outcome) -> str:
    """Say in plain words why a distribution is not imported, or "" where it is."""
    name = outcome.level.removeprefix(IMPORTS)
    words, _ = cause_of(outcome)
    match outcome:
        case Failed(error=error, detail=detail):
            first = next((line.strip() for line in detail.splitlines() if line.strip()), "")
            why = words or f"{error}: {first}"
        case Crashed(detail=detail, stopped=True):
            return f"{name} is not imported: {detail}"
        case Crashed(detail=detail):
            return f"{name} ends Python when it is imported ({detail}){words and f': {words}'}"
        case _:
            return ""
    return f"{name} is not imported: {why}"
