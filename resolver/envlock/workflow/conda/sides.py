"""Where conda's side and pip's meet: one package wanted by both, one library brought by both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.conda import rattler
from envlock.conda.collide import carriers, collisions
from envlock.conda.names import names, pypi_pins
from envlock.errors import NoResolution
from envlock.model import CondaPackage, Requested
from envlock.progress import Progress
from envlock.resolve import PackageRequirement, Resolution, merge
from envlock.resolve.conda.explain import Asked
from envlock.resolve.conda.pip_part import Shared, apart
from envlock.resolve.conda.question import CondaQuestion
from envlock.resolve.conda.run import CondaAnswer, resolve_packages
from envlock.workflow.conda.beside import pip_pins
from envlock.workflow.job import Work


def command_of(work: Work) -> str:
    """Return the command up to what it asks for, as a remedy begins."""
    return f"envlock {work.job.verb} --manager conda"


def bound_by_pip(
    question: CondaQuestion,
    answer: CondaAnswer,
    requirements: Iterable[Requested],
    asked: Asked,
    progress: Progress,
) -> tuple[CondaQuestion, CondaAnswer, tuple[Shared, ...]]:
    """Let pip's requirements for what conda provides bound conda's side.

    Raises:
        NoResolution: the two sides want different versions; the sides to take are told.
    """
    _, shared = apart(requirements, pypi_pins(answer.packages))
    if all(each.met for each in shared):
        return question, answer, shared
    bounds = merge([each.requested for each in shared])
    bound = replace(question, constraints={**question.constraints, **bounds})
    try:
        answer = resolve_packages(bound, replace(asked, ways=False), progress)
    except NoResolution:
        unmet = [each for each in shared if not each.met]
        raise NoResolution(
            "conda's side and pip's want different versions of one package\n"
            + "\n".join(f"  because {_both(each, answer.packages)}" for each in unmet),
            *(way for each in unmet for way in _sides(each, answer.packages)),
        ) from None
    return bound, answer, apart([each.requested for each in shared], pypi_pins(answer.packages))[1]


def _both(shared: Shared, packages: Iterable[CondaPackage]) -> str:
    holder = next(p for p in packages if names().provided(p) == shared.requested.requirement.name)
    via = f" for {' and '.join(holder.via[:3])}" if holder.via else ""
    return (
        f"{shared.requested.origin} asks pip for {shared.requested.requirement},"
        f" and conda brings {holder.name} {holder.version}{via}"
    )


def _sides(shared: Shared, packages: Iterable[CondaPackage]) -> Iterator[str]:
    """Conda's side first: pip would overwrite what other conda packages are built on."""
    name = shared.requested.requirement.name
    packages = tuple(packages)
    holder = next(p for p in packages if names().provided(p) == name)
    asked = shared.requested
    yield f"in {asked.origin}, change {asked.requirement} to {name}=={shared.version}"
    there = {each.name for each in packages}
    users = [each for each in holder.via if each in there]
    if users:
        yield f"or move {' and '.join(users[:3])} to pip's list too"


def negotiated(
    work: Work,
    question: CondaQuestion,
    requirements: tuple[Requested, ...],
    answer: CondaAnswer,
    error: NoResolution,
    progress: Progress,
) -> tuple[CondaAnswer, Resolution]:
    """Solve both sides again, conda's not newer than what pip's part takes when it may choose.

    Raises:
        NoResolution: that does not help: the first ``error``.
    """
    provided = pypi_pins(answer.packages)
    asked_too = (*work.job.request.constraints, *_asked_of_conda(question))
    request = replace(work.job.request, constraints=asked_too)
    alone = replace(work, job=replace(work.job, request=request))
    try:
        free = pip_pins(
            alone, question.subdir, requirements, replace(answer, packages=()), progress
        )
        chosen = {each.name: each.version for each in free.packages if each.name in provided}
        older = {name: version for name, version in chosen.items() if version < provided[name]}
        named = {name: version for name, version in chosen.items() if name in error.message}
        bounds = {**_requirements(older, "<={}"), **_requirements(named, "=={}")}
        bound = replace(question, constraints={**question.constraints, **bounds})
        asked = Asked(database=work.database, command=command_of(work), ways=False)
        held = resolve_packages(bound, asked, progress)
        found = pip_pins(work, question.subdir, requirements, held, progress)
    except NoResolution:
        raise error from None
    now = pypi_pins(held.packages)
    moved = " and ".join(f"{n} {now[n]}" for n in sorted(bounds) if now.get(n) != provided[n])
    note = f"held back on conda's side for pip's part: {moved}" if moved else ""
    return replace(held, notes=(*held.notes, *filter(None, [note]))), found


def _requirements(
    versions: Mapping[NormalizedName, Version], text: str
) -> dict[NormalizedName, PackageRequirement]:
    return {
        name: PackageRequirement(
            name=name, specifier=SpecifierSet(text.format(version)), origins=("pip's part",)
        )
        for name, version in versions.items()
    }


def _asked_of_conda(question: CondaQuestion) -> Iterator[Requested]:
    from packaging.requirements import Requirement  # noqa: PLC0415  (loaded long since)

    for requirement in question.requirements().values():
        if requirement.specifier:
            yield Requested(
                requirement=Requirement(f"{requirement.name}{requirement.specifier}"),
                origin=requirement.origins[0],
            )


def collided(
    question: CondaQuestion, answer: CondaAnswer, found: Resolution, progress: Progress
) -> tuple[str, ...]:
    """Return a sentence for each library that both sides bring.

    Raises:
        WorkError: a channel could not be read.
    """
    named = carriers(found.packages)
    if not named:
        return ()
    wanted = {each for name in named for each in names().conda(name)}
    there = rattler.versions(question.channels, question.subdir, wanted, progress)
    offered = {name for name in named if any(there[each] for each in names().conda(name))}
    return tuple(collisions(answer.packages, found.packages, offered))
