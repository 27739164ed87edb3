"""pip's part of a conda request: its target, its engine, and conda's packages beside the index."""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from envlock.conda import rattler
from envlock.conda.names import pypi_pins
from envlock.engine import ENGINES, Engine, able
from envlock.errors import InterpreterMissing
from envlock.index.stubs import write_stubs
from envlock.model import Part, Requested, Target
from envlock.progress import Progress
from envlock.request.words import applicable
from envlock.resolve import Resolution
from envlock.resolve.conda.pip_part import PipQuestion, resolve_pip_part
from envlock.resolve.conda.run import CondaAnswer
from envlock.system import scratch
from envlock.targets.interpreters import find_interpreter
from envlock.workflow.job import Job, Work


def pip_pins(
    work: Work,
    subdir: str,
    wishes: tuple[Requested, ...],
    answer: CondaAnswer,
    progress: Progress,
) -> Resolution:
    """Resolve the requirements that are pip's alone, beside the packages of an answer.

    Raises:
        NoResolution: nothing fits.
        WorkError: the index or the engine failed.
    """
    provided = pypi_pins(answer.packages)
    job, request = work.job, work.job.request
    target, engine = _engine(job, subdir, answer)
    before = work.kept.get(str(target.platform), Part())
    with scratch() as folder:
        write_stubs(folder, provided, target.tags)
        links = (*job.settings.find_links, folder.as_uri())
        question = PipQuestion(
            requirements=wishes,
            constraints=applicable((*request.constraints, *request.pip_constraints), target),
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
    return target, able(job.engine, target)[1]
