"""One platform of a conda request: conda's packages, pip's pins beside them, and what collides."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from envlock.conda.names import pypi_pins
from envlock.conda.values import CondaPackage, CondaPlatformLock
from envlock.errors import NoResolution
from envlock.index.origin import asked
from envlock.model import Lock
from envlock.progress import Progress
from envlock.request.markers import applicable
from envlock.resolve import Resolution
from envlock.resolve.conda.explain import Asked
from envlock.resolve.conda.pip_part import Shared, apart
from envlock.resolve.conda.run import CondaAnswer, resolve_packages
from envlock.resolve.located import tell_several
from envlock.workflow.conda.pip import pip_pins
from envlock.workflow.conda.sides import bound_by_pip, collided, negotiated
from envlock.workflow.conda.work import CondaWork, PlatformAnswer, question_for


def solve_platform(work: CondaWork, subdir: str, progress: Progress) -> PlatformAnswer:
    """Solve conda's side, then pip's beside it; bind conda's side by pip's where that helps.

    Raises:
        NoResolution: nothing fits.
        UsageError: a channel or a specification is malformed.
        WorkError: a channel, the index, py-rattler or the engine failed.
    """
    question = question_for(work, subdir)
    why = Asked(database=work.database, command=work.typed)
    answer = resolve_packages(question, why, progress)
    if answer.target is None:
        return _together(work, subdir, answer, None, ())
    wishes = applicable(work.request.pip, answer.target)
    question, answer, shared = bound_by_pip(question, answer, wishes, why, progress)
    own, _ = apart(wishes, pypi_pins(answer.packages))
    if not own:
        return _together(work, subdir, answer, None, shared)
    try:
        found = pip_pins(work, subdir, own, answer, progress)
    except NoResolution as error:
        answer, found = negotiated(work, question, own, answer, error, progress)
    said = collided(question, answer, found, progress)
    answer = replace(answer, notes=(*answer.notes, *said))
    if found is not None:
        tell_several(found.packages, work.settings, progress)
    return _together(work, subdir, answer, found, shared)


def _together(
    work: CondaWork,
    subdir: str,
    answer: CondaAnswer,
    found: Resolution | None,
    shared: Iterable[Shared],
) -> PlatformAnswer:
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
            indexes=asked(work.settings),
            index_strategy=work.settings.index_strategy,
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
    needs = {
        "".join(need.split()) for each in packages for need in each.depends if need.startswith("__")
    }
    return tuple(sorted(needs))
