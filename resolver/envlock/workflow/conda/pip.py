"""pip's part of a conda request: its target, its engine, and conda's packages beside the index."""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from envlock.conda import rattler
from envlock.conda.names import pypi_pins
from envlock.conda.stubs import write_stubs
from envlock.engine import ENGINES, Engine, able
from envlock.errors import InterpreterMissing
from envlock.model import Requested, Target
from envlock.progress import Progress
from envlock.request.markers import applicable
from envlock.resolve import Resolution
from envlock.resolve.conda.pip_part import PipQuestion, resolve_pip_part
from envlock.resolve.conda.run import CondaAnswer
from envlock.system import scratch
from envlock.targets.interpreters import find_interpreter
from envlock.workflow.conda.work import CondaWork


def pip_pins(
    work: CondaWork,
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
    target, engine = _engine(work, subdir, answer)
    before = work.preferred.get(subdir)
    pins = before.pip.packages if before and before.pip else ()
    with scratch() as folder:
        write_stubs(folder, provided, target.tags)
        links = (*work.settings.find_links, folder.as_uri())
        question = PipQuestion(
            requirements=wishes,
            constraints=applicable((*work.constraints, *work.request.pip_constraints), target),
            provided=provided,
            target=target,
            settings=replace(
                work.settings,
                find_links=links,
                # What conda brings is from conda, whatever index its name is held to.
                sources=(*((name, folder.as_uri()) for name in provided), *work.settings.sources)
                if work.settings.sources
                else (),
            ),
            engine=engine,
            database=work.database,
            verb=work.verb,
            preferences={each.name: each.version for each in pins},
            exclude_newer=work.exclude_newer,
        )
        return resolve_pip_part(question, progress)


def _engine(work: CondaWork, subdir: str, answer: CondaAnswer) -> tuple[Target, Engine]:
    """Conda's Python as pip's target; an engine may want one that runs, of the same minor."""
    assert answer.target is not None  # noqa: S101  (pip's part needs a Python, so there is one)
    target = replace(answer.target, manager="pip")
    if work.here and subdir == rattler.detect()[0]:
        engine = ENGINES[work.engine]()
        if not engine.crosses_platforms:
            with suppress(InterpreterMissing):
                return replace(target, interpreter=find_interpreter(target.minor).path), engine
    return target, able(work.engine, target)[1]
