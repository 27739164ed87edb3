"""Evidence for an environment of conda's packages and pip's.

What was proved are sets of PyPI's packages. Where pip brings the framework,
its pins are preferred, and the very set is verified; where conda does, its
builds are others, and only what a release is known to have counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import NormalizedName

from envlock.conda import rattler
from envlock.conda.names import names
from envlock.index.pages import Index
from envlock.model import Requested, Target
from envlock.progress import Progress
from envlock.request.words import applicable
from envlock.resolve import Question, Resolution, merge
from envlock.resolve.candidate import Requirements, framework
from envlock.resolve.conda.question import CondaQuestion
from envlock.workflow import proved
from envlock.workflow.job import Work


def found_for(
    work: Work, question: CondaQuestion, target: Target, progress: Progress
) -> proved.Found | None:
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


def preferring(work: Work, question: CondaQuestion, target: Target, found: proved.Found) -> Work:
    """Return the work with the pins of a set preferred, and its release fixed if it is needed."""
    job, request = work.job, work.job.request
    requirement = framework(_requirements(work, question, target))
    if request.needs and requirement is not None:
        exact = Requirement(f"{requirement.name}=={found.cell.version}")
        bound = Requested(requirement=exact, origin=f"--needs {','.join(request.needs)}")
        request = replace(request, constraints=(*request.constraints, bound))
    preferences = {**found.proved.pins, **job.preferences}
    return replace(work, job=replace(job, request=request, preferences=preferences))


def verified(found: proved.Found | None, pip: Resolution | None) -> tuple[str, tuple[str, ...]]:
    """Return what the pins were seen to do where they are the set, else what is not verified."""
    if found is None:
        return "", ()
    if pip is not None and pip.pins == found.proved.pins:
        return found.words, ()
    return "", tuple(_said(found, pip))


def _said(found: proved.Found, pip: Resolution | None) -> Iterator[str]:
    if pip is not None and found.cell.distribution in pip.pins:
        yield proved.compared(found, pip.packages)
    else:
        day = found.proved.circumstances.day
        yield f"{found.cell}: PyPI's packages were proved on {day}, conda's builds were not"
