"""One platform of a conda request: conda's packages, pip's pins beside them, and what collides."""

from __future__ import annotations

import netrc
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import combinations
from pathlib import Path

from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.conda import rattler
from envlock.conda.channels import Address, OwnHosts, addresses, host_of
from envlock.conda.collide import carriers, collisions
from envlock.conda.names import names, pypi_pins
from envlock.engine import ENGINES, Engine, able
from envlock.errors import InterpreterMissing, NoResolution
from envlock.evidence import proved
from envlock.evidence.proved import Precedent
from envlock.formats.conda_spec import parse_conda_spec
from envlock.index.pages import Index
from envlock.index.settings import load_settings
from envlock.index.stubs import write_stubs
from envlock.locking.direct import fetched, notes_of, pinned
from envlock.locking.job import DEFAULT_CHANNEL, Job, SolvedPart, Work
from envlock.model import CondaPackage, CondaSpec, Part, Request, Requested, Target
from envlock.progress import Progress
from envlock.request.words import applicable
from envlock.resolve import PackageRequirement, Question, Resolution, merge
from envlock.resolve.assemble import tell_several
from envlock.resolve.candidate import Requirements, framework
from envlock.resolve.conda.explain import CondaAsked
from envlock.resolve.conda.pip_part import PipQuestion, Shared, apart, resolve_pip_part
from envlock.resolve.conda.question import CondaQuestion
from envlock.resolve.conda.run import CondaAnswer, resolve_packages
from envlock.system import scratch
from envlock.system.looking import home
from envlock.targets.interpreters import find_interpreter
from envlock.targets.subdirs import Virtual, platform_of, virtual_packages
from envlock.versions import meet, pin


def solve_platforms(work: Work, progress: Progress) -> Iterator[SolvedPart]:
    """Solve for each platform of a job, from what is kept alone where the job is offline.

    Raises:
        NoResolution, UsageError, WorkError: as `solve_platform`.
    """
    for subdir in work.job.subdirs:
        with rattler.reaching(offline=work.job.settings.offline):
            solved = solve_platform(work, subdir, progress)
        yield solved


def solve_platform(work: Work, subdir: str, progress: Progress) -> SolvedPart:
    """Solve conda's side, then pip's beside it; bind conda's side by pip's where that helps.

    Raises:
        NoResolution: nothing fits.
        UsageError: a channel or a specification is malformed.
        WorkError: a channel, the index, py-rattler or the engine failed.
    """
    question = question_for(work, subdir)
    why = CondaAsked(database=work.database, command=command_of(work))
    answer = resolve_packages(question, why, progress)
    if answer.target is None:
        return _together(subdir, answer, None, ())
    target = answer.target
    known = found_for(work, question, target, progress)
    if known is not None:
        work = preferring(work, question, target, known)
        if work.job.request.needs:
            question = question_for(work, subdir)
            answer = resolve_packages(question, why, progress)
    requirements = applicable(work.job.request.requirements, target)
    question, answer, shared = bound_by_pip(question, answer, requirements, why, progress)
    own, _ = apart(requirements, pypi_pins(answer.packages))
    if not own:
        return _together(subdir, answer, None, shared, known)
    try:
        found = pip_pins(work, subdir, own, answer, progress)
    except NoResolution as error:
        answer, found = negotiated(work, question, own, answer, error, progress)
    said = collided(question, answer, found, progress)
    answer = replace(answer, notes=(*answer.notes, *said))
    if found is not None:
        tell_several(found.packages, work.job.settings, progress)
    return _together(subdir, answer, found, shared, known)


def _together(
    subdir: str,
    answer: CondaAnswer,
    found: Resolution | None,
    shared: Iterable[Shared],
    known: Precedent | None = None,
) -> SolvedPart:
    words, unproved = verified(known, found)
    return SolvedPart(
        part=Part(
            python=answer.target.minor if answer.target else "",
            platform=str(platform_of(subdir)),
            subdir=subdir,
            conda=answer.packages,
            pypi=found.packages if found else (),
            virtual=_needed_of_the_system(answer.packages),
            verified=words,
        ),
        notes=(*answer.notes, *map(str, shared), *(found.notes if found else ()), *unproved),
        reasons={**answer.reasons, **(found.reasons if found else {})},
    )


def _needed_of_the_system(packages: Iterable[CondaPackage]) -> tuple[str, ...]:
    """What the chosen packages ask of the system: the same on whatever machine it was solved."""
    needs = {
        "".join(need.split()) for each in packages for need in each.depends if need.startswith("__")
    }
    return tuple(sorted(needs))


def channel_addresses(
    request: Request, subdir: str
) -> tuple[tuple[Address, ...], dict[str, Address]]:
    """Return the channels to read, best first, and those that single specs name."""
    words = request.channels or (DEFAULT_CHANNEL,)
    own = _own_hosts(request.typed)
    named = {
        spec.channel: addresses([spec.channel], os.environ, subdir=subdir, netrc=_netrc, own=own)[0]
        for spec in request.specs
        if spec.channel
    }
    known = addresses(words, os.environ, subdir=subdir, netrc=_netrc, own=own)
    public = {each.public for each in known}
    more = [each for each in named.values() if each.public not in public]
    return (*known, *more), named


def _own_hosts(typed: Iterable[str]) -> OwnHosts:
    """The hosts of the user's own words, variables and pip configuration; no project's file."""
    settings = load_settings(os.environ)
    urls = (settings.index_url, *settings.extra_index_urls, *settings.find_links)
    said = (*urls, *typed, os.environ.get("CONDA_CHANNEL_ALIAS", ""))
    trusted = frozenset(settings.trusted_hosts)
    return OwnHosts(
        named=trusted | {host_of(each) for each in said} - {""},
        plain=trusted | {host_of(each) for each in said if each.startswith("http:")},
    )


def _netrc(host: str) -> tuple[str, str] | None:
    file = Path(os.environ.get("NETRC") or home() / ".netrc")
    try:
        found = netrc.netrc(str(file)).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2] or "") if found else None


def system_of(subdir: str, accelerator: Accelerator, *, here: bool) -> tuple[Virtual, ...]:
    """Return the virtual packages of a platform: seen where it is this machine's."""
    own, seen = rattler.detect()
    there = seen if here and own == subdir else ()
    return virtual_packages(subdir, there, os.environ, accelerator)


def question_for(work: Work, subdir: str) -> CondaQuestion:
    """Return what is asked of conda's side for one platform.

    Raises:
        UsageError: a channel is malformed.
        WorkError: py-rattler is missing or failed.
    """
    request = work.job.request
    known, named = channel_addresses(request, subdir)
    specs = [each for each in request.specs if not each.only or subdir in each.only]
    if request.requirements and all(each.name != "python" for each in specs):
        specs.append(CondaSpec(name="python", origin=request.requirements[0].origin))
    _refuse_clashing(specs)
    before = work.kept.get(str(platform_of(subdir)))
    return CondaQuestion(
        specs=tuple(specs),
        channels=known,
        named=named,
        subdir=subdir,
        virtual=system_of(subdir, request.accelerator, here=work.job.here),
        rules=work.database.rules,
        constraints=merge(request.constraints),
        preferred=before.conda if before else (),
        exclude_newer=request.exclude_newer,
        strict=os.environ.get("CONDA_CHANNEL_PRIORITY") != "disabled",
    )


def _refuse_clashing(specs: Iterable[CondaSpec]) -> None:
    """Refuse two entries about a package that exclude each other, before a channel is read."""
    by_name: dict[str, list[tuple[CondaSpec, SpecifierSet]]] = {}
    for spec in specs:
        if not spec.url:
            read = parse_conda_spec(str(spec))
            admitted = read.specifier if read.version is None else pin(read.version)
            by_name.setdefault(spec.name, []).append((spec, admitted))
    for entries in by_name.values():
        for (one, first), (other, second) in combinations(entries, 2):
            if not meet(first, second):
                raise NoResolution(
                    f"{one} ({one.origin}) and {other} ({other.origin}) exclude each other",
                    f"leave out {one} or {other}",
                )


def found_for(
    work: Work, question: CondaQuestion, target: Target, progress: Progress
) -> proved.Precedent | None:
    """Return the newest set that was proved for a request on conda's Python, or None.

    Raises:
        UsageError: a need is no capability.
        NoResolution: no release is known to have what is needed.
    """
    job, requirement = work.job, framework(question.requirements())
    if job.fresh or (requirement is not None and not job.request.needs):
        return None
    asked = Question(
        requirements=_requirements(work, question, target),
        constraints=merge(job.request.constraints),
        rules=work.database.rules,
        target=replace(target, manager="pip"),
        settings=job.settings,
        exclude_newer=job.request.exclude_newer,
    )
    if requirement is None:
        offered = proved.on(Index(job.settings), job.settings)
    else:
        offered = _in_the_channels(question, requirement.name, progress)
    return proved.consult(asked, job.request.needs, job.evidence, offered)


def _in_the_channels(
    question: CondaQuestion, name: NormalizedName, progress: Progress
) -> proved.Offered:
    """What tells whether the channels have a release that was proved, in builds of their own."""
    known = rattler.versions(question.channels, question.subdir, names().conda(name), progress)
    there = {text for versions in known.values() for text in versions}
    return lambda cell, _: str(cell.version) in there


def _requirements(work: Work, question: CondaQuestion, target: Target) -> Requirements:
    """What is asked for of both sides."""
    return {**question.requirements(), **merge(applicable(work.job.request.requirements, target))}


def preferring(
    work: Work, question: CondaQuestion, target: Target, found: proved.Precedent
) -> Work:
    """Return the work with the pins of a set preferred, and its release fixed if it is needed."""
    job, request = work.job, work.job.request
    requirement = framework(_requirements(work, question, target))
    if request.needs and requirement is not None:
        exact = Requirement(f"{requirement.name}=={found.cell.version}")
        bound = Requested(requirement=exact, origin=f"--needs {','.join(request.needs)}")
        request = replace(request, constraints=(*request.constraints, bound))
    preferences = {**found.proved.pins, **job.preferences}
    return replace(work, job=replace(job, request=request, preferences=preferences))


def verified(found: proved.Precedent | None, pip: Resolution | None) -> tuple[str, tuple[str, ...]]:
    """Return what the pins were seen to do where they are the set, else what is not verified."""
    if found is None:
        return "", ()
    if pip is not None and pip.pins == found.proved.pins:
        return found.words, ()
    return "", tuple(_said(found, pip))


def _said(found: proved.Precedent, pip: Resolution | None) -> Iterator[str]:
    if pip is not None and found.cell.distribution in pip.pins:
        yield proved.compared(found, pip.packages)[0]
    else:
        day = found.proved.circumstances.day
        yield f"{found.cell}: PyPI's packages were proved on {day}, conda's builds were not"


def command_of(work: Work) -> str:
    """Return the command up to what it asks for, as a remedy begins."""
    return f"envlock {work.job.verb} --manager conda"


def bound_by_pip(
    question: CondaQuestion,
    answer: CondaAnswer,
    requirements: Iterable[Requested],
    asked: CondaAsked,
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
        bounds = {**_bounds(older, "<={}"), **_bounds(named, "=={}")}
        bound = replace(question, constraints={**question.constraints, **bounds})
        asked = CondaAsked(database=work.database, command=command_of(work), ways=False)
        held = resolve_packages(bound, asked, progress)
        found = pip_pins(work, question.subdir, requirements, held, progress)
    except NoResolution:
        raise error from None
    now = pypi_pins(held.packages)
    moved = " and ".join(f"{n} {now[n]}" for n in sorted(bounds) if now.get(n) != provided[n])
    note = f"held back on conda's side for pip's part: {moved}" if moved else ""
    return replace(held, notes=(*held.notes, *filter(None, [note]))), found


def _bounds(
    versions: Mapping[NormalizedName, Version], text: str
) -> dict[NormalizedName, PackageRequirement]:
    return {
        name: PackageRequirement(
            name=name, specifier=SpecifierSet(text.format(version)), origins=("pip's part",)
        )
        for name, version in versions.items()
    }


def _asked_of_conda(question: CondaQuestion) -> Iterator[Requested]:
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


def pip_pins(
    work: Work,
    subdir: str,
    requirements: tuple[Requested, ...],
    answer: CondaAnswer,
    progress: Progress,
) -> Resolution:
    """Resolve the requirements that are pip's alone, beside the packages of an answer.

    Raises:
        NoResolution: nothing fits.
        WorkError: the index or the engine failed.
    """
    goal, asked = _engine(work.job, subdir, answer)[0], work.job.request.requirements
    with fetched(work, goal, progress) as (ready, found):
        released = dict(zip(asked, ready.job.request.requirements, strict=True))
        wanted = tuple(released[each] for each in requirements)
        answered = _pip_pins(ready, subdir, wanted, answer, progress)
    packages = pinned(answered.packages, found)
    return replace(answered, packages=packages).noting(*notes_of(found))


def _pip_pins(
    work: Work,
    subdir: str,
    requirements: tuple[Requested, ...],
    answer: CondaAnswer,
    progress: Progress,
) -> Resolution:
    provided = pypi_pins(answer.packages)
    job, request = work.job, work.job.request
    target, engine = _engine(job, subdir, answer)
    before = work.kept.get(str(target.platform), Part())
    with scratch() as folder:
        write_stubs(folder, provided, target.tags)
        links = (*job.settings.find_links, folder.as_uri())
        question = PipQuestion(
            requirements=requirements,
            constraints=applicable((*request.bounds, *request.pip_constraints), target),
            provided=provided,
            target=target,
            settings=replace(
                job.settings,
                find_links=links,
                # What conda brings is from conda, whatever index its name is held to.
                sources=(*((name, folder.as_uri()) for name in provided), *job.settings.sources)
                if job.settings.sources
                else (),
            ),
            engine=engine,
            database=work.database,
            verb=job.verb,
            preferences={**job.preferences, **before.pins},
            exclude_newer=request.exclude_newer,
        )
        return resolve_pip_part(question, progress)


def _engine(job: Job, subdir: str, answer: CondaAnswer) -> tuple[Target, Engine]:
    """Conda's Python as pip's target; an engine may want one that runs, of the same minor."""
    assert answer.target is not None  # noqa: S101  (pip's part needs a Python, so there is one)
    target = replace(answer.target, manager="pip")
    if job.here and subdir == rattler.detect()[0]:
        engine = ENGINES[job.engine]()
        if not engine.crosses_platforms:
            with suppress(InterpreterMissing):
                return replace(target, interpreter=find_interpreter(target.minor).path), engine
    return target, able(job.engine, target, offline=job.settings.offline)[1]
