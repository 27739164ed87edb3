"""Nothing fits with the first index of each name: what the other indexes would make of it."""

from __future__ import annotations

import re

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock.choices import EngineName, IndexStrategy
from envlock.engine import ENGINES, Solution
from envlock.errors import NoResolution
from envlock.index.origin import indexes, public
from envlock.index.pages import Index
from envlock.resolve.question import Question, Tools

#: What stands before a version in the words of an engine, and of envlock.
_NAME = re.compile(r"([A-Za-z0-9][\w.-]*)(?=(?:[<>=!~]=?|===?| )\d)")


def beside(error: NoResolution, question: Question, tools: Tools, index: Index) -> NoResolution:
    """Add to an error which of its packages other indexes have too, and whether that frees it."""
    if question.settings.index_strategy is IndexStrategy.BEST:
        return error
    told = {*question.wishes, *map(canonicalize_name, _NAME.findall(error.message))}
    crowded = index.crowded(told) if len(indexes(question.settings)) > 1 else {}
    if not crowded:
        return error
    lines = (
        f"  because {name} comes from {public(first)} alone, the first index that has it, and not"
        f" from {' and '.join(map(public, others))}"
        for name, (first, *others) in crowded.items()
    )
    best = replace(question.settings, index_strategy=IndexStrategy.BEST)
    with tools.progress.phase("look at the other indexes"):
        problem = replace(question.problem(None, ()), settings=best)
        answer = ENGINES[EngineName.UV]().solve(problem, tools.progress)
    ways = (f"--index-strategy {IndexStrategy.BEST}",) if isinstance(answer, Solution) else ()
    return NoResolution("\n".join((error.message, *lines)), *error.remedies, *ways)
