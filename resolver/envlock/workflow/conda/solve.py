"""One platform of a conda request: conda's packages, pip's pins beside them, and what collides."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from envlock.conda.names import pypi_pins
from envlock.errors import NoResolution
from envlock.model import CondaPackage, Part
from envlock.progress import Progress
from envlock.request.words import applicable
from envlock.resolve import Resolution
from envlock.resolve.assemble import tell_several
from envlock.resolve.conda.explain import Asked
from envlock.resolve.conda.pip_part import Shared, apart
from envlock.resolve.conda.run import CondaAnswer, resolve_packages
from envlock.targets.subdirs import platform_of
from envlock.workflow.conda.beside import pip_pins
from envlock.workflow.conda.evidence import found_for, preferring, verified
from envlock.workflow.conda.question import question_for
from envlock.workflow.conda.sides import bound_by_pip, collided, command_of, negotiated
from envlock.workflow.job import Solved, Work
from envlock.workflow.proved import Found


def solve_platform(work: Work, subdir: str, progress: Progress) -> Solved:
    """Solve conda's side, then pip's beside it; bind conda's side by pip's where that helps.

    Raises:
        NoResolution: nothing fits.
        UsageError: a channel or a specification is malformed.
        WorkError: a channel, the index, py-rattler or the engine failed.
    """
    question = question_for(work, subdir)
    why = Asked(database=work.database, command=command_of(work))
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
    wishes = applicable(work.job.request.requirements, target)
    question, answer, shared = bound_by_pip(question, answer, wishes, why, progress)
    own, _ = apart(wishes, pypi_pins(answer.packages))
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
    known: Found | None = None,
) -> Solved:
    words, unproved = verified(known, found)
    return Solved(
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
