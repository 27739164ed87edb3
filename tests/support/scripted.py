"""An engine that answers as a test says, and the question and index pages around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.engine import Answer, Problem, Solution, Unsatisfiable
from envlock.model import DistributionFile, IndexSettings, LockedPackage
from envlock.progress import Progress
from envlock.resolve.question import Question
from support.rules import TARGET, requirements

Pages = Mapping[str, Mapping[Version, tuple[DistributionFile, ...]]]


@dataclass
class Scripted:
    """An engine that answers as a function says, and remembers what it was asked.

    The function gets the exact version asked of the framework ("" for any) and
    the other bounds, and gives pins, or the words for a refusal. ``via`` are the
    packages that ask for one.
    """

    script: Callable[[str, set[str]], dict[str, str] | str]
    asked: list[str] = field(default_factory=list)
    crosses_platforms: bool = True
    via: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def solve(self, problem: Problem, progress: Progress) -> Answer:
        del progress
        wanted = [Requirement(text) for text in problem.requirements]
        exact = next((str(w.specifier)[2:] for w in wanted if w.name == "tensorflow"), "")
        others = {text for text in problem.requirements if not text.startswith("tensorflow=")}
        self.asked.append(" ".join([exact, *sorted(problem.constraints)]).strip())
        answer = self.script(exact, {*others, *problem.constraints})
        if isinstance(answer, str):
            return Unsatisfiable(text=answer)
        pins = {"tensorflow": exact or "2.0", **answer}
        return Solution(
            packages=tuple(
                LockedPackage(
                    name=canonicalize_name(n), version=Version(v), via=self.via.get(n, ())
                )
                for n, v in pins.items()
            )
        )


def question(*words: str, rules: Iterable[Any] = (), **more: Any) -> Question:
    """Return what a command line of these words asks."""
    known: dict[str, Any] = {"constraints": {}, "target": TARGET, **more}
    return Question(
        requirements=requirements(*words), rules=tuple(rules), settings=IndexSettings(), **known
    )


def wheels(
    name: str, versions: str, tag: str = "py3-none-any", **more: Any
) -> dict[Version, tuple[DistributionFile, ...]]:
    """Return releases with one wheel each."""
    return {
        Version(version): (
            DistributionFile(
                filename=f"{name}-{version}-{tag}.whl", url="https://x", hashes={}, **more
            ),
        )
        for version in versions.split()
    }
