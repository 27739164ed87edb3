"""One scratch environment that becomes one set of pins after another, and what works in each."""

from __future__ import annotations

import os
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.bisect.differences import Pins, Side
from envlock.bisect.failures import Failure, failures, raised
from envlock.environment.create import change, create_venv
from envlock.environment.inspect import installed, prefix_of, site_folders
from envlock.environment.records import Distribution, read_site, recorded
from envlock.errors import IndexFailure, InstallFailure, UsageError, WorkError
from envlock.index.unbuilt import Unbuilt
from envlock.model import IndexSettings
from envlock.outcomes import Crashed, Failed, Outcome, Passed
from envlock.probes import PROBES
from envlock.probes.interface import Probe
from envlock.probes.proof import ProofOrder, prove
from envlock.probes.runner import run_probe, run_user_script
from envlock.progress import Progress
from envlock.system import WINDOWS, cache_folder, exclusive, remove_tree, run, scratch
from envlock.targets.description import Interpreter


class Judge(Protocol):
    """Tells how an environment fails, the first failure first; nothing when it works."""

    def __call__(self, python: Path, progress: Progress) -> tuple[Failure, ...]:
        """Try it; ``python`` is the program of the environment."""
        ...


class GateJudge(Struct, frozen=True, kw_only=True):
    """The default gate, for the packages that are there, and imports of some that are."""

    timeout: float
    imports: Sequence[str] = ()

    def __call__(self, python: Path, progress: Progress) -> tuple[Failure, ...]:
        """Run the probes."""
        pins = installed(prefix_of(python)).keys()
        named = map(canonicalize_name, self.imports)
        order = ProofOrder(timeout=self.timeout, imports=[each for each in named if each in pins])
        proof = prove(python, order, progress, write_bytecode=True, pins=pins)
        return failures(proof.outcomes, proof.gate)


class LevelJudge(Struct, frozen=True, kw_only=True):
    """One level of a probe."""

    probe: Probe
    level: str
    timeout: float

    def __call__(self, python: Path, progress: Progress) -> tuple[Failure, ...]:
        """Run the probe."""
        with progress.phase(f"prove {self.probe.name}"):
            outcomes = run_probe(self.probe, python, timeout=self.timeout, write_bytecode=True)
        return failures(outcomes, (self.level,))


def level_judge(level: str, timeout: float) -> LevelJudge:
    """Return the judge of a level of any probe.

    Raises:
        UsageError: there is no such level.
    """
    levels = {each.name: probe for probe in PROBES.values() for each in probe.levels}
    if level not in levels:
        raise UsageError(
            f"--level {level}: no such level; there are {', '.join(levels)}", "--level load"
        )
    return LevelJudge(probe=levels[level], level=level, timeout=timeout)


class ScriptJudge(Struct, frozen=True, kw_only=True):
    """A script of the user's own."""

    script: Path
    timeout: float

    def __call__(self, python: Path, progress: Progress) -> tuple[Failure, ...]:
        """Run the script."""
        with progress.phase(f"prove {self.script}"):
            outcome = run_user_script(python, self.script, timeout=self.timeout)
        return failures((outcome,), (outcome.level,))


class CommandJudge(Struct, frozen=True, kw_only=True):
    """A command of the user's own, run in the current folder with the environment's programs."""

    command: str
    timeout: float

    def __call__(self, python: Path, progress: Progress) -> tuple[Failure, ...]:
        """Run the command."""
        words = shlex.split(self.command, posix=not WINDOWS)
        env = _activated(python)
        program = shutil.which(words[0], path=env["PATH"]) if words else None
        if program is None:
            raise UsageError(
                f"--run {self.command!r}: there is no such program in the environment, nor on PATH"
            )
        with progress.phase(f"run {self.command}"):
            done = run([program, *words[1:]], env=env, timeout=self.timeout)
        outcome: Outcome = Passed(level="run")
        said = f"{done.stdout}{done.stderr}"
        if done.timed_out:
            limit = f"no end within {self.timeout:g} s"
            outcome = Crashed(level="run", detail=limit, output=said, stopped=True)
        elif done.returncode:
            error, words_of_it = raised(said, f"exit status {done.returncode}")
            outcome = Failed(level="run", error=error, detail=words_of_it, traceback=said)
        return failures((outcome,), ("run",))


def _activated(python: Path) -> dict[str, str]:
    """The environment variables of this process as an activated environment would have them."""
    foreign = ("PYTHON", "VIRTUAL_ENV", "CONDA_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    path = os.pathsep.join((str(python.parent), env.get("PATH", os.defpath)))
    return {**env, "PATH": path, "VIRTUAL_ENV": str(prefix_of(python)), "PYTHONNOUSERSITE": "1"}


class Trial(Struct, frozen=True, kw_only=True):
    """A set of pins that was tried, how it failed, and in how many seconds.

    ``built`` is False where it could not even be installed.
    """

    pins: Pins
    failures: tuple[Failure, ...]
    seconds: float
    built: bool = True


class Bench(Struct, kw_only=True):
    """The scratch environment; each set of pins is tried once."""

    python: Path
    interpreter: Interpreter
    settings: IndexSettings
    judge: Judge
    progress: Progress
    _known: dict[frozenset[tuple[NormalizedName, Version]], Trial] = field(default_factory=dict)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """What was tried, in order."""
        return tuple(self._known.values())

    def test(self, pins: Pins, title: str) -> Trial:
        """Make the environment equal to these pins and judge it.

        Raises:
            UsageError: the user's command or script is not there.
            WorkError: an index cannot be read, or the interpreter not be started.
        """
        key = frozenset(pins.items())
        if key not in self._known:
            start = time.monotonic()
            with self.progress.phase(f"trial {len(self._known) + 1}: {title}"):
                found, built = self._tried(pins)
            seconds = round(time.monotonic() - start, 2)
            self._known[key] = Trial(pins=pins, failures=found, seconds=seconds, built=built)
        return self._known[key]

    def _tried(self, pins: Pins) -> tuple[tuple[Failure, ...], bool]:
        try:
            change(self.python, pins, self.settings, self.progress)
        except (InstallFailure, Unbuilt) as error:
            why = self._said(error)
            return (Failure(level="install", error="not installed", message=why),), False
        except IndexFailure as error:
            raise IndexFailure(self._said(error), *error.remedies) from None
        return self.judge(self.python, self.progress), True

    def _said(self, error: WorkError) -> str:
        """What an error says, without the path of an environment that will be gone."""
        return error.message.replace(str(prefix_of(self.python)), "a scratch environment")

    def side(self, pins: Pins) -> Side:
        """What the packages that are there now declare."""
        return Side(pins=pins, requires=declared_in(self.python, self.interpreter.markers))

    def files(self) -> dict[str, NormalizedName]:
        """Whose each installed file is, by its path below site-packages."""
        return files_in(self.python)


def files_in(python: Path) -> dict[str, NormalizedName]:
    """Return whose each installed file of an environment is, by its path below site-packages."""
    found: dict[str, NormalizedName] = {}
    for each in _there(python):
        rows = recorded(each)
        for folder, name, _, _ in () if isinstance(rows, str) else rows:
            found[f"{folder}/{name}" if folder else name] = each.name
    return found


def declared_in(
    python: Path, markers: Mapping[str, str]
) -> Mapping[NormalizedName, Sequence[Requirement]]:
    """Return what the packages of an environment declare, as far as it counts there."""
    return {
        each.name: tuple(standards.applicable(each.requires, {**markers, "extra": ""}))
        for each in _there(python)
    }


def _there(python: Path) -> Sequence[Distribution]:
    sites = map(read_site, site_folders(prefix_of(python)))
    return [each for site in sites for each in site.distributions]


@contextmanager
def bench(
    interpreter: Interpreter, settings: IndexSettings, judge: Judge, progress: Progress
) -> Iterator[Bench]:
    """Give an empty environment that is gone when the block ends.

    Raises:
        InstallFailure: it cannot be made.
    """
    with workplace("bisect", progress) as folder:
        python = create_venv(interpreter, folder / "env", progress)
        yield Bench(
            python=python,
            interpreter=interpreter,
            settings=settings,
            judge=judge,
            progress=progress,
        )


@contextmanager
def workplace(kind: str, progress: Progress) -> Iterator[Path]:
    """Give a folder for an environment that is gone when the block ends."""
    # In the cache rather than the system's temporary folder: uv links from its own
    # cache, mostly on the same disk, and temporary folders may be in memory.
    place = cache_folder(kind)
    with ExitStack() as stack:
        with exclusive(place / "lock", tell=progress.note):
            _sweep(place)
            folder = stack.enter_context(scratch("trial-", inside=place))
            stack.enter_context(exclusive(folder / "lock"))
        yield folder


def _sweep(place: Path) -> None:
    """Remove the environments of searches that were killed; those at work hold their locks."""
    for folder in place.glob("trial-*"):
        with suppress(WorkError), exclusive(folder / "lock", timeout=0):
            remove_tree(folder)
