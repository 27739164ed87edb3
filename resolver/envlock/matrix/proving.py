"""One set of one cell: resolved, built in place, proved. What a lane of the matrix does."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.engine import ENGINES, Problem, Solution, Unsatisfiable
from envlock.environment.create import create_venv, sync
from envlock.errors import InstallFailure, NoResolution
from envlock.evidence.values import (
    LEGACY,
    PLAIN,
    RULES,
    Circumstances,
    CompanionSet,
    ProvedSet,
    Variation,
    steady,
    steady_outcome,
)
from envlock.formats.requirements import text_of
from envlock.index.filenames import releases
from envlock.index.pages import Index
from envlock.locking.job import Job
from envlock.locking.make import make_lock
from envlock.matrix.lanes import Task, Terms
from envlock.model import Lock, LockedPackage, Part, Request, Target
from envlock.outcomes import Outcome
from envlock.probes import DEFAULT_GATE, PROBES
from envlock.probes.imports import importing
from envlock.probes.proof import import_digest, probe_digest
from envlock.probes.runner import run_probe
from envlock.progress import Silent
from envlock.request.words import parse_words
from envlock.resolve.assemble import with_files
from envlock.rules.frameworks import framework
from envlock.system import make_folder, remove_tree
from envlock.targets.description import Interpreter, target
from envlock.targets.interpreters import find_version, python_in
from envlock.targets.tags import installable
from envlock.versions import minor_of

_SILENT = Silent()


class _Clock(Struct):
    """Seconds by phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - start


def prove_set(task: Task) -> ProvedSet:
    """Resolve, build and prove one set.

    No resolution and a failed installation are findings and part of the set.

    Raises:
        InterpreterMissing: the Python of the cell is not here.
        WorkError: an index or the disk failed: nothing is known.
    """
    _use_own_cache(task.terms)
    interpreter = find_version(task.cell.python, "the task")
    clock = _Clock()
    with clock.phase("resolve"):
        resolved = resolve_set(task, target(interpreter))
    outcomes: tuple[Outcome, ...] = ()
    problem = resolved.problem
    if not problem:
        try:
            with clock.phase("install"):
                python = _environment(task, interpreter, resolved.packages)
            with clock.phase("prove"):
                found = _prove(python, task, resolved.variables)
            outcomes = tuple(steady_outcome(each, _lane(task)) for each in found)
        except InstallFailure as error:
            problem = steady(steady(error.message, _lane(task)), task.terms.workspace)
    return ProvedSet(
        name=task.name,
        request=requests(task),
        circumstances=circumstances(interpreter, task.name),
        packages=resolved.packages,
        outcomes=outcomes,
        problem=problem,
        against=resolved.against,
        seconds=clock.seconds,
        variables=resolved.variables,
    )


def circumstances(interpreter: Interpreter, name: str) -> Circumstances:
    """Say where and when a set is run here."""
    return Circumstances(
        day=datetime.now(UTC).date(),
        interpreter=f"CPython {interpreter.version}",
        libc=interpreter.platform.libc,
        probe=digest_of(name),
    )


def gate_of(name: str) -> tuple[str, ...]:
    """Return the levels that a set is to pass."""
    beside = CompanionSet.named(name)
    return DEFAULT_GATE if beside is None else (beside.level,)


def digest_of(name: str) -> str:
    """Name what a set is proved by: evidence by anything else is of before."""
    beside = CompanionSet.named(name)
    return probe_digest() if beside is None else import_digest(beside.package)


def _use_own_cache(terms: Terms) -> None:
    """Keep uv's files with the environments: they are linked, and dropped together."""
    make_folder(terms.workspace)
    os.environ["UV_CACHE_DIR"] = str(terms.workspace / "uv")


def _environment(task: Task, interpreter: Interpreter, packages: Sequence[LockedPackage]) -> Path:
    """Make this lane's environment equal to a set, in place where it is of the same release.

    Raises:
        InstallFailure: it cannot be done, in a new environment either.
    """
    lane = _lane(task)
    name = f"{task.cell.distribution}-{task.cell.version}-{task.cell.python}"
    for other in lane.glob("*") if lane.is_dir() else ():
        if other.name != name:
            remove_tree(other)
    folder = lane / name
    make_folder(lane)
    text = _requirements(task, packages)
    kept = python_in(folder)
    if kept is not None:
        try:
            sync(kept, text, task.terms.settings, _SILENT)
        except InstallFailure:
            remove_tree(folder)
        else:
            return kept
    python = create_venv(interpreter, folder, _SILENT)
    try:
        sync(python, text, task.terms.settings, _SILENT)
    except InstallFailure:
        remove_tree(folder)
        raise
    return python


def _requirements(task: Task, packages: Sequence[LockedPackage]) -> str:
    part = Part(python=task.cell.python, platform=task.cell.platform, pypi=tuple(packages))
    return text_of(Lock(parts=(part,)), part)


def _prove(python: Path, task: Task, env: Mapping[str, str]) -> tuple[Outcome, ...]:
    timeout = task.terms.timeout
    beside = CompanionSet.named(task.name)
    if beside is not None:
        names = (beside.package,)
        with importing(python, names, timeout=timeout, write_bytecode=True, extra_env=env) as work:
            pass  # nothing else is to be done meanwhile
        return work.outcomes
    return tuple(
        outcome
        for probe in PROBES.values()
        for outcome in run_probe(probe, python, timeout=timeout, write_bytecode=True, extra_env=env)
    )


def _lane(task: Task) -> Path:
    """Where this process has its environment."""
    return task.terms.workspace / f"lane-{os.getpid()}"


class Pinned(Struct, frozen=True, kw_only=True):
    """Packages with the files that the target takes, and what is set beside; or the problem."""

    variables: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[LockedPackage, ...] = ()
    problem: str = ""
    against: bool = False


def requests(task: Task) -> tuple[str, ...]:
    """Return the requirements of a set."""
    wanted = (f"{task.cell.distribution}=={task.cell.version}",)
    if (beside := CompanionSet.named(task.name)) is not None:
        return (*wanted, beside.package)
    variation = Variation.named(task.name)
    if variation is None:
        return wanted
    return (*wanted, f"{variation.package}=={variation.series}.*")


def variables_of(task: Task) -> Mapping[str, str]:
    """Return the environment variables that are set for a set."""
    keras = framework().keras
    return keras.legacy if task.name == LEGACY and keras is not None else {}


def resolve_set(task: Task, goal: Target) -> Pinned:
    """Return the packages of a set, or why there are none.

    Raises:
        WorkError: an index or an engine failed.
    """
    try:
        match task.name:
            case name if name == PLAIN:
                return _plain(task, goal)
            case name if name in {RULES, LEGACY} or CompanionSet.named(name):
                return _ruled(task, goal)
            case _:
                return _varied(task, goal)
    except NoResolution as error:
        return Pinned(problem=error.message)


def _ruled(task: Task, goal: Target) -> Pinned:
    """The lock that envlock makes, with a given set's versions preferred."""
    job = Job(
        request=Request(requirements=parse_words(requests(task)), variables=variables_of(task)),
        settings=task.terms.settings,
        outputs={},
        command="",
        name="",
        python=task.cell.python,
        engine=task.terms.engine,
        rules=task.terms.rules,
        preferences={package.name: package.version for package in task.base},
        fresh=True,
    )
    lock = make_lock(job, _SILENT).lock
    return replace(_resolved(lock.part.pypi, goal), variables=lock.variables)


def _plain(task: Task, goal: Target) -> Pinned:
    """What an engine gives that knows metadata alone."""
    problem = Problem(
        requirements=requests(task),
        constraints=(),
        target=goal,
        settings=task.terms.settings,
    )
    answer = ENGINES[task.terms.engine]().solve(problem, _SILENT)
    if isinstance(answer, Unsatisfiable):
        return Pinned(problem=answer.text)
    return _resolved(_with_files(answer.packages, task.terms, goal), goal)


def _with_files(
    packages: Sequence[LockedPackage], terms: Terms, goal: Target
) -> tuple[LockedPackage, ...]:
    use = terms.settings
    return with_files(packages, Index(use), goal, settings=use, progress=_SILENT)


def _varied(task: Task, goal: Target) -> Pinned:
    """The set with a package of another series: as the rules have it, else replaced alone."""
    variation = Variation.named(task.name)
    assert variation is not None  # noqa: S101  (the two other names are handled by the caller)
    try:
        return _ruled(task, goal)
    except NoResolution:
        version = newest_of(variation, goal, Index(task.terms.settings))
        if version is None:
            raise
    return replace(_resolved(_replaced(task, variation.package, version, goal), goal), against=True)


def _replaced(
    task: Task, name: NormalizedName, version: Version, goal: Target
) -> list[LockedPackage]:
    """The set with one package of another version, and what that version needs besides."""
    kept = [each for each in task.base if each.name != name]
    problem = Problem(
        requirements=(f"{name}=={version}",),
        constraints=tuple(f"{each.name}=={each.version}" for each in kept),
        target=goal,
        settings=task.terms.settings,
    )
    answer = ENGINES[task.terms.engine]().solve(problem, _SILENT)
    new = [LockedPackage(name=name, version=version)]
    if isinstance(answer, Solution):  # else it does not bear with the set: then it is put in alone
        new = [each for each in answer.packages if each.name not in {k.name for k in kept}]
    packages = [*kept, *_with_files(new, task.terms, goal)]
    return sorted(packages, key=lambda each: each.name)


def newest_of(variation: Variation, goal: Target, index: Index) -> Version | None:
    """Return the newest final release of a series with a wheel that the target takes."""
    wanted = SpecifierSet(f"=={variation.series}.*")
    found: Mapping[Version, Sequence[object]] = {
        version: [file for file in files if installable(file, goal) and file.yanked is None]
        for version, files in releases(index.files(variation.package)).items()
    }
    return max((v for v in wanted.filter(found) if found[v]), default=None)


def series_of(package: NormalizedName, goal: Target, index: Index) -> tuple[str, ...]:
    """Return the minor series of a package that have a wheel for the target, oldest first."""
    found = {
        minor_of(version)
        for version, files in releases(index.files(package)).items()
        if not version.is_prerelease
        if any(installable(file, goal) and file.yanked is None for file in files)
    }
    return tuple(sorted(found, key=Version))


def _resolved(packages: Sequence[LockedPackage], goal: Target) -> Pinned:
    return Pinned(packages=tuple(_for_target(each, goal) for each in packages))


def _for_target(package: LockedPackage, goal: Target) -> LockedPackage:
    """The package with the wheels that the target takes; where there are none, its sources."""
    wheels = [file for file in package.files if installable(file, goal)]
    sources = [file for file in package.files if not file.filename.endswith(".whl")]
    files = [file for file in wheels or sources if "sha256" in file.hashes]
    return replace(
        package,
        files=tuple(
            replace(
                file,
                url="",
                hashes={"sha256": file.hashes["sha256"]},
                requires_python=None,
                upload_time=None,
                size=None,
            )
            for file in sorted(files, key=lambda file: file.filename)
        ),
        hashes=tuple(sorted(f"sha256:{file.hashes['sha256']}" for file in files)),
    )
