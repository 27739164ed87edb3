"""No conda packages fit: what collides, in words, and changes that were solved and work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from envlock.conda import rattler
from envlock.conda.values import CondaPackage, CondaSpec
from envlock.errors import NoResolution
from envlock.progress import Progress
from envlock.resolve.conda.question import CondaQuestion
from envlock.resolve.conda.words import sentences
from envlock.resolve.explain import causes
from envlock.resolve.loop import Attempt
from envlock.resolve.wishes import TYPED, Wishes
from envlock.rules.database import Database

_TOLD = 3
#: How many specs are let go in turn: somebody waits.
_TRIED = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What only an explanation needs; ``command`` is what was typed, up to what it asks for."""

    database: Database
    command: str


def no_packages(
    question: CondaQuestion, tree: str, asked: Asked, progress: Progress
) -> NoResolution:
    """Say what the request as it stands collides with; every remedy has been solved."""
    facts = sentences(tree, question.specs)
    return _error(question, facts, tree, asked, progress)


def refused(
    question: CondaQuestion,
    tried: Sequence[Attempt],
    wishes: Wishes,
    asked: Asked,
    progress: Progress,
) -> NoResolution:
    """Say which rules the request collides with."""
    facts = causes(tried, {**question.constraints, **wishes}, asked.database.find)
    return _error(question, facts, "\n".join(facts), asked, progress)


def _error(
    question: CondaQuestion, facts: Sequence[str], said: str, asked: Asked, progress: Progress
) -> NoResolution:
    wanted = ", ".join(str(spec) for spec in question.specs if spec.version or spec.build)
    title = f"no conda packages satisfy {wanted or ', '.join(map(str, question.specs))}"
    text = "\n".join((f"{title} on {question.subdir}", *(f"  because {fact}" for fact in facts)))
    with progress.phase("look for a way out"):
        ways = tuple(islice(_ways_out(question, said, asked, progress), _TOLD))
    return NoResolution(text, *ways)


def _ways_out(
    question: CondaQuestion, said: str, asked: Asked, progress: Progress
) -> Iterator[str]:
    """Another system, or one spec let go at a time, those that the facts name first."""
    if "__cuda" in said:
        with_cuda = replace(question, virtual=(*question.virtual, ("__cuda", "12.9", "0")))
        if not isinstance(rattler.solve(with_cuda.job(), progress), rattler.Unsolvable):
            yield "--accelerator cuda"
    bound = [spec for spec in question.specs if spec.version or spec.build]
    anchors = {"tensorflow", "python"}
    bound.sort(key=lambda spec: (spec.name not in said, spec.name in anchors, spec.name))
    for spec in bound[:_TRIED]:
        free = replace(spec, version="", build="")
        specs = tuple(free if each is spec else each for each in question.specs)
        answer = rattler.solve(replace(question, specs=specs).job(), progress)
        if not isinstance(answer, rattler.Unsolvable):
            yield _instead(question, spec, _found(answer, spec), asked)


def _found(packages: Sequence[CondaPackage], spec: CondaSpec) -> str:
    version = next((each.version for each in packages if each.name == spec.name), "")
    return str(replace(spec, version=f"={version}" if version else "", build=""))


def _instead(question: CondaQuestion, spec: CondaSpec, instead: str, asked: Asked) -> str:
    if spec.origin != TYPED:
        return f"in {spec.origin}, change {spec} to {instead}"
    words = [instead if each is spec else str(each) for each in question.specs]
    return " ".join((asked.command, *(f'"{word}"' for word in words)))
