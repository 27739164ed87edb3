"""One platform of a conda request: conda's packages, pip's pins beside them, and what collides."""

from __future__ import annotations

import netrc
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.choices import Accelerator, EngineName
from envlock.conda import rattler
from envlock.conda.channels import Address, addresses
from envlock.conda.collide import carriers, collisions
from envlock.conda.names import names, pypi_pins
from envlock.conda.stubs import write_stubs
from envlock.conda.values import CondaPackage, CondaPlatformLock, CondaRequest, CondaSpec
from envlock.conda.virtual import Virtual, virtual_packages
from envlock.engine import ENGINES
from envlock.environment.interpreters import find_interpreter
from envlock.errors import InterpreterMissing, NoResolution
from envlock.model import IndexSettings, Lock, Requested, RuleId, Target
from envlock.progress import Progress
from envlock.request import applicable
from envlock.resolve import Resolution, Wish, merge
from envlock.resolve.conda.explain import Asked
from envlock.resolve.conda.pip_part import PipQuestion, Shared, apart, resolve_pip_part
from envlock.resolve.conda.question import CondaQuestion
from envlock.resolve.conda.run import CondaAnswer, resolve_packages
from envlock.rules.database import Database
from envlock.system import scratch

#: Where packages come from when nobody says.
DEFAULT_CHANNEL = "conda-forge"


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaWork:
    """What is solved for each platform; ``typed`` is the command up to what it asks for.

    ``constraints`` bound both sides. ``preferred`` are pins of a lock that is there.
    """

    request: CondaRequest
    settings: IndexSettings
    database: Database
    typed: str
    verb: str
    constraints: tuple[Requested, ...] = ()
    accelerator: Accelerator = Accelerator.AUTO
    engine: EngineName = EngineName.PIPTOOLS
    exclude_newer: datetime | None = None
    preferred: Mapping[str, CondaPlatformLock] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformAnswer:
    """The lock of one platform, and what the reader should know of it."""

    lock: CondaPlatformLock
    notes: tuple[str, ...]
    reasons: Mapping[RuleId, str]


def solve_platform(work: CondaWork, subdir: str, progress: Progress) -> PlatformAnswer:
    """Solve conda's side, then pip's beside it; bind conda's side by pip's where that helps.

    Raises:
        NoResolution: nothing fits.
        UsageError: a channel or a specification is malformed.
        WorkError: a channel, the index, py-rattler or the engine failed.
    """
    question = _question(work, subdir)
    asked = Asked(database=work.database, command=work.typed)
    answer = resolve_packages(question, asked, progress)
    if answer.target is None:
        return _together(work, subdir, answer, None, ())
    wishes = applicable(work.request.pip, answer.target)
    answer, shared = _bound_by_pip(question, answer, wishes, asked, progress)
    own, _ = apart(wishes, pypi_pins(answer.packages))
    if not own:
        return _together(work, subdir, answer, None, shared)
    try:
        found = _pip(work, subdir, own, answer, progress)
    except NoResolution as error:
        answer = _negotiated(work, question, own, answer, error, progress)
        found = _pip(work, subdir, own, answer, progress)
    collided = _collisions(question, answer, found, progress)
    answer = replace(answer, notes=(*answer.notes, *collided))
    return _together(work, subdir, answer, found, shared)


def channel_addresses(
    request: CondaRequest, subdir: str
) -> tuple[tuple[Address, ...], dict[str, Address]]:
    """Return the channels to read, best first, and those that single specs name."""
    words = request.channels or (DEFAULT_CHANNEL,)
    named = {
        spec.channel: addresses([spec.channel], os.environ, subdir=subdir, netrc=_netrc)[0]
        for spec in request.specs
        if spec.channel
    }
    known = addresses(words, os.environ, subdir=subdir, netrc=_netrc)
    public = {each.public for each in known}
    more = [each for each in named.values() if each.public not in public]
    return (*known, *more), named


def _netrc(host: str) -> tuple[str, str] | None:
    file = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        found = netrc.netrc(str(file)).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2] or "") if found else None


def system_of(subdir: str, accelerator: Accelerator) -> tuple[Virtual, ...]:
    """Return the virtual packages of a platform: seen where it is this machine's."""
    own, seen = rattler.detect()
    return virtual_packages(subdir, seen if own == subdir else (), os.environ, accelerator)


def _question(work: CondaWork, subdir: str) -> CondaQuestion:
    known, named = channel_addresses(work.request, subdir)
    specs = [each for each in work.request.specs if not each.only or subdir in each.only]
    if work.request.pip and all(each.name != "python" for each in specs):
        specs.append(CondaSpec(name="python", origin=work.request.pip[0].origin))
    before = work.preferred.get(subdir)
    return CondaQuestion(
        specs=tuple(specs),
        channels=known,
        named=named,
        subdir=subdir,
        virtual=system_of(subdir, work.accelerator),
        rules=work.database.rules,
        constraints=merge(work.constraints),
        preferred=before.packages if before else (),
        exclude_newer=work.exclude_newer,
    )


def _bound_by_pip(
    question: CondaQuestion,
    answer: CondaAnswer,
    wishes: Iterable[Requested],
    asked: Asked,
    progress: Progress,
) -> tuple[CondaAnswer, tuple[Shared, ...]]:
    """Let pip's requirements for what conda provides bound conda's side.

    Raises:
        NoResolution: the two sides want different versions; the sides to take are told.
    """
    _, shared = apart(wishes, pypi_pins(answer.packages))
    if all(each.met for each in shared):
        return answer, shared
    bounds = merge([each.wish for each in shared])
    bound = replace(question, constraints={**question.constraints, **bounds})
    try:
        answer = resolve_packages(bound, asked, progress)
    except NoResolution:
        unmet = [each for each in shared if not each.met]
        raise NoResolution(
            "conda's side and pip's want different versions of one package\n"
            + "\n".join(f"  because {_both(each, answer.packages)}" for each in unmet),
            *(way for each in unmet for way in _sides(each, answer.packages)),
        ) from None
    return answer, apart([each.wish for each in shared], pypi_pins(answer.packages))[1]


def _both(shared: Shared, packages: Iterable[CondaPackage]) -> str:
    holder = next(p for p in packages if names().provided(p) == shared.wish.requirement.name)
    via = f" for {' and '.join(holder.via[:3])}" if holder.via else ""
    return (
        f"{shared.wish.origin} asks pip for {shared.wish.requirement},"
        f" and conda brings {holder.name} {holder.version}{via}"
    )


def _sides(shared: Shared, packages: Iterable[CondaPackage]) -> Iterator[str]:
    """Conda's side first: pip would overwrite what other conda packages are built on."""
    name = shared.wish.requirement.name
    holder = next(p for p in packages if names().provided(p) == name)
    yield f"in {shared.wish.origin}, change {shared.wish.requirement} to {name}=={shared.version}"
    if holder.via:
        yield f"or move {' and '.join(holder.via[:3])} to pip's list too"


def _pip(
    work: CondaWork,
    subdir: str,
    wishes: tuple[Requested, ...],
    answer: CondaAnswer,
    progress: Progress,
) -> Resolution:
    provided = pypi_pins(answer.packages)
    target, engine = _engine(work, subdir, answer)
    before = work.preferred.get(subdir)
    pins = before.pip.packages if before and before.pip else ()
    with scratch() as folder:
        write_stubs(folder, provided, target.tags[0])
        links = (*work.settings.find_links, folder.as_uri())
        question = PipQuestion(
            requirements=wishes,
            constraints=applicable((*work.constraints, *work.request.pip_constraints), target),
            provided=provided,
            target=target,
            settings=replace(work.settings, find_links=links),
            engine=ENGINES[engine](),
            database=work.database,
            verb=work.verb,
            preferences={each.name: each.version for each in pins},
            exclude_newer=work.exclude_newer,
        )
        return resolve_pip_part(question, progress)


def _engine(work: CondaWork, subdir: str, answer: CondaAnswer) -> tuple[Target, EngineName]:
    """Conda's Python as pip's target; pip-tools wants one that runs, of the same minor."""
    assert answer.target is not None  # noqa: S101  (pip's part needs a Python, so there is one)
    target = replace(answer.target, manager="pip")
    if work.engine is EngineName.PIPTOOLS and subdir == rattler.detect()[0]:
        try:
            path = find_interpreter(target.minor).path
        except InterpreterMissing:
            return target, EngineName.UV
        return replace(target, interpreter=path), EngineName.PIPTOOLS
    return target, EngineName.UV


def _negotiated(
    work: CondaWork,
    question: CondaQuestion,
    wishes: tuple[Requested, ...],
    answer: CondaAnswer,
    error: NoResolution,
    progress: Progress,
) -> CondaAnswer:
    """Solve conda's side again with what pip's part takes when it may choose.

    Raises:
        NoResolution: that does not help: the first ``error``.
    """
    provided = pypi_pins(answer.packages)
    alone = replace(work, constraints=(*work.constraints, *_asked_of_conda(question)))
    try:
        free = _pip(alone, question.subdir, wishes, replace(answer, packages=()), progress)
    except NoResolution:
        raise error from None
    moved = {
        each.name: each.version
        for each in free.packages
        if each.name in provided and provided[each.name] != each.version
    }
    asked = Asked(database=work.database, command=work.typed)
    for wanted in ({n: f"=={v}" for n, v in moved.items()}, _minors(moved)):
        bounds = {
            name: Wish(name=name, specifier=SpecifierSet(text), origins=("pip's part",))
            for name, text in wanted.items()
        }
        bound = replace(question, constraints={**question.constraints, **bounds})
        try:
            found = resolve_packages(bound, asked, progress)
        except NoResolution:
            continue
        held = ", ".join(f"{n} {v}" for n, v in pypi_pins(found.packages).items() if n in moved)
        return replace(found, notes=(*found.notes, f"conda's {held} is held for pip's part"))
    raise error


def _minors(moved: Mapping[NormalizedName, Version]) -> dict[NormalizedName, str]:
    return {name: f"=={v.major}.{v.minor}.*" for name, v in moved.items()}


def _asked_of_conda(question: CondaQuestion) -> Iterator[Requested]:
    from packaging.requirements import Requirement  # noqa: PLC0415  (loaded long since)

    for wish in question.wishes().values():
        if wish.specifier:
            yield Requested(
                requirement=Requirement(f"{wish.name}{wish.specifier}"), origin=wish.origins[0]
            )


def _collisions(
    question: CondaQuestion, answer: CondaAnswer, found: Resolution, progress: Progress
) -> tuple[str, ...]:
    named = carriers(found.packages)
    if not named:
        return ()
    wanted = {each for name in named for each in names().conda(name)}
    there = rattler.versions(question.channels, question.subdir, wanted, progress)
    offered = {name for name in named if any(there[each] for each in names().conda(name))}
    return tuple(collisions(answer.packages, found.packages, offered))


def _together(
    work: CondaWork,
    subdir: str,
    answer: CondaAnswer,
    found: Resolution | None,
    shared: Iterable[Shared],
) -> PlatformAnswer:
    del work
    pip = None
    if found is not None and answer.target is not None:
        pip = Lock(
            python=answer.target.minor,
            platform=str(answer.target.platform),
            packages=found.packages,
            command="",
            request_digest="",
            notes=found.notes,
            reasons=found.reasons,
        )
    return PlatformAnswer(
        lock=CondaPlatformLock(
            subdir=subdir,
            packages=answer.packages,
            virtual=_needed_of_the_system(answer.packages),
            pip=pip,
        ),
        notes=(*answer.notes, *map(str, shared), *(found.notes if found else ())),
        reasons={**answer.reasons, **(found.reasons if found else {})},
    )


def _needed_of_the_system(packages: Iterable[CondaPackage]) -> tuple[str, ...]:
    """What the chosen packages ask of the system: the same on whatever machine it was solved."""
    needs = {need for each in packages for need in each.depends if need.startswith("__")}
    return tuple(sorted(needs))
