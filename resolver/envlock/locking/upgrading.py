"""`-P NAME`: as new as it can be while what needs it stays; and what holds it.

Other pins are preferences: what NAME needs moves where it must. An engine that
begins with a kept pin takes it for a bound, so where NAME does not reach its
newest release, it is asked how far NAME comes when nothing else is kept, and
then to keep what it can beside that version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.index.filenames import admitted, releases
from envlock.index.pages import Index
from envlock.locking.behind import holding
from envlock.progress import Progress
from envlock.resolve import PackageRequirement, Question, Resolution
from envlock.rules.frameworks import framework_of
from envlock.targets.tags import serves

Pins = Mapping[NormalizedName, Version]


class Upgrade(Struct, frozen=True, kw_only=True):
    """Packages to upgrade, what is asked beside them, and who solves it."""

    names: frozenset[NormalizedName]
    question: Question
    index: Index
    solve: Callable[[Question], Resolution]
    progress: Progress

    def done(self, answer: Resolution) -> Resolution:
        """Return an answer with the packages as new as they can be; what holds one is told.

        Raises:
            WorkError: the index or the engine failed.
        """
        behind = self._behind(answer)
        if behind and self.question.preferences:
            staying = self._staying(answer)
            free = self.solve(_bound(replace(self.question, preferences={}), staying))
            higher = {
                n: free.pins[n] for n in behind if free.pins.get(n, behind[n]) > answer.pins[n]
            }
            if higher:
                answer = self.solve(_bound(self.question, {**staying, **higher}))
                behind = self._behind(answer)
        for name, newest in behind.items():
            held = next(holding(self.question, answer.packages, name, newest), None)
            why = held.why if held is not None else "it does not fit what else is there"
            self.progress.note(f"{name} is {answer.pins[name]}, not {newest}: {why}")
        return answer

    def _behind(self, answer: Resolution) -> dict[NormalizedName, Version]:
        """The packages that are not their newest release for the target, with that."""
        pins = answer.pins
        newest = {name: self._newest(name) for name in sorted(self.names & pins.keys())}
        return {n: found for n, found in newest.items() if found is not None and found > pins[n]}

    def _newest(self, name: NormalizedName) -> Version | None:
        listed = releases(admitted(self.index.files(name), self.question.exclude_newer))
        usable = (
            version
            for version, files in listed.items()
            if not version.is_prerelease and serves(files, self.question.target)
        )
        return max(usable, default=None)

    def _staying(self, answer: Resolution) -> Pins:
        """The pins that no upgrade of another package moves: who needs it, and the framework."""
        via = {each.name: {*map(canonicalize_name, each.via)} for each in answer.packages}
        above = set[NormalizedName]()
        waiting = [*self.names]
        while waiting:
            new = via.get(waiting.pop(), set()) & via.keys() - above
            above |= new
            waiting += new
        above |= {name for name in via if framework_of(name) is not None}
        return {name: answer.pins[name] for name in above - self.names}


def _bound(question: Question, pins: Pins) -> Question:
    """The question with exact bounds, on packages that need not be there."""
    known = dict(question.constraints)
    for name, version in pins.items():
        exact = PackageRequirement(
            name=name, specifier=SpecifierSet(f"=={version}"), origins=("-P",)
        )
        known[name] = known[name].within(exact) if name in known else exact
    return replace(question, constraints=known)
