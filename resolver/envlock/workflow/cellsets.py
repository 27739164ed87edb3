"""The pins of one set of a cell: by the rules, by metadata alone, or with a package varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.engine import ENGINES, Problem, Solution, Unsatisfiable
from envlock.errors import NoResolution
from envlock.evidence.values import PLAIN, RULES, Variation
from envlock.index.filenames import releases
from envlock.index.pages import Index
from envlock.matrix.tasks import Task, Terms
from envlock.model import LockedPackage, Request, Target
from envlock.progress import Silent
from envlock.request.words import parse_words
from envlock.resolve.assemble import with_files
from envlock.targets.tags import installable
from envlock.versions import minor_of
from envlock.workflow.job import Job
from envlock.workflow.lock import make_lock

_SILENT = Silent()


class Resolved(Struct, frozen=True, kw_only=True):
    """Packages with the files that the target takes; or the problem."""

    packages: tuple[LockedPackage, ...] = ()
    problem: str = ""
    against: bool = False


def requests(task: Task) -> tuple[str, ...]:
    """Return the requirements of a set."""
    wanted = (f"{task.cell.distribution}=={task.cell.version}",)
    variation = Variation.named(task.name)
    if variation is None:
        return wanted
    return (*wanted, f"{variation.package}=={variation.series}.*")


def resolve_set(task: Task, goal: Target) -> Resolved:
    """Return the packages of a set, or why there are none.

    Raises:
        WorkError: an index or an engine failed.
    """
    try:
        match task.name:
            case name if name == PLAIN:
                return _plain(task, goal)
            case name if name == RULES:
                return _resolved(_ruled(task), goal)
            case _:
                return _varied(task, goal)
    except NoResolution as error:
        return Resolved(problem=error.message)


def _ruled(task: Task) -> Sequence[LockedPackage]:
    """The lock that envlock makes, with a given set's versions preferred."""
    job = Job(
        request=Request(requirements=parse_words(requests(task))),
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
    return make_lock(job, _SILENT).lock.part.pypi


def _plain(task: Task, goal: Target) -> Resolved:
    """What an engine gives that knows metadata alone."""
    problem = Problem(
        requirements=requests(task),
        constraints=(),
        target=goal,
        settings=task.terms.settings,
    )
    answer = ENGINES[task.terms.engine]().solve(problem, _SILENT)
    if isinstance(answer, Unsatisfiable):
        return Resolved(problem=answer.text)
    return _resolved(_with_files(answer.packages, task.terms, goal), goal)


def _with_files(
    packages: Sequence[LockedPackage], terms: Terms, goal: Target
) -> tuple[LockedPackage, ...]:
    use = terms.settings
    return with_files(packages, Index(use), goal, settings=use, progress=_SILENT)


def _varied(task: Task, goal: Target) -> Resolved:
    """The set with a package of another series: as the rules have it, else replaced alone."""
    variation = Variation.named(task.name)
    assert variation is not None  # noqa: S101  (the two other names are handled by the caller)
    try:
        return _resolved(_ruled(task), goal)
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


def _resolved(packages: Sequence[LockedPackage], goal: Target) -> Resolved:
    return Resolved(packages=tuple(_for_target(each, goal) for each in packages))


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
