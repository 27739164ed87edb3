"""The whole resolution of one question: a release, its pins, their reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.errors import UsageError
from envlock.index.pages import Index
from envlock.model import LockedPackage, Rule, RuleId
from envlock.resolve.anchor import Candidate, distributions, framework
from envlock.resolve.assemble import built_there, explained, notes, reasons
from envlock.resolve.lacking import absent
from envlock.resolve.located import with_files
from envlock.resolve.loop import Attempt, candidates_for, search
from envlock.resolve.otherwise import beside
from envlock.resolve.question import Asked, Question, Tools
from envlock.resolve.settle import Resolved
from envlock.resolve.wayout import no_resolution
from envlock.system import solve_limit, within


class Resolution(Struct, frozen=True, kw_only=True):
    """Pins with reasons and hashes, and what the reader should know."""

    packages: tuple[LockedPackage, ...]
    notes: tuple[str, ...]
    reasons: Mapping[RuleId, str]

    @property
    def pins(self) -> dict[NormalizedName, Version]:
        """The version of each package."""
        return {package.name: package.version for package in self.packages}

    def noting(self, *more: str) -> Resolution:
        """Return the same with more that the reader should know."""
        return replace(self, notes=(*self.notes, *more))

    def recalling(
        self, known: Iterable[LockedPackage], find: Callable[[str], Rule | None]
    ) -> Resolution:
        """Return the same with the rules that moved pins when they were first chosen.

        A version that is preferred and kept is moved by nothing any more, and
        its reason would be lost.
        """
        before = {(package.name, package.version): package.because for package in known}
        packages = tuple(
            replace(package, because=tuple(sorted({*package.because, *kept})))
            for package in self.packages
            for kept in [[r for r in before.get((package.name, package.version), ()) if find(r)]]
        )
        return replace(self, packages=packages, reasons=reasons(packages, find))


def resolve(question: Question, tools: Tools, index: Index, asked: Asked) -> Resolution:
    """Answer a question, or say why it has no answer.

    Raises:
        UsageError: nothing is asked for on this target.
        NoResolution: nothing fits; the message says what collides, the
            remedies what would free it.
        WorkError: the index or the engine failed.
    """
    if not question.wishes:
        raise UsageError(
            f"no requirement is for Python {question.target.minor} on {question.target.platform}:"
            " their markers say so",
            "--python names another Python",
        )
    tools = replace(tools, pinned=index.pinned)
    if index.renew({name: wish.specifier for name, wish in question.wishes.items()}):
        question = replace(question, settings=replace(question.settings, refresh=True))
    settled, tried = _search(question, tools, index)
    if settled is None:
        raise beside(no_resolution(question, tools, asked, tried), question, tools, index)
    packages = with_files(
        explained(settled, tried, question.wishes),
        index,
        question.target,
        settings=question.settings,
        progress=tools.progress,
        exclude_newer=question.exclude_newer,
    )
    return Resolution(
        packages=packages,
        notes=(*notes(settled), *built_there(packages, question.target)),
        reasons=reasons(packages, asked.database.find),
    )


def _search(
    question: Question, tools: Tools, index: Index
) -> tuple[Resolved | None, tuple[Attempt, ...]]:
    """Search for an answer, unless the index has nothing for some wish."""
    wish = framework(question.wishes)
    if wish is not None:
        names = distributions(wish, question.target.accelerator)
        with tools.progress.phase(f"read the releases of {' and '.join(names)}"):
            index.files_of(names)
    candidates = candidates_for(question, tools)
    likely = partial(_likely, question, next(iter(candidates), None), tools)
    index.files_of(question.wishes)  # all pages at once: each is looked at
    if absent(question, tools):
        return None, ()
    with within(solve_limit()), index.expecting(likely):
        return search(question, candidates, tools)


def _likely(question: Question, anchor: Candidate | None, tools: Tools) -> set[NormalizedName]:
    """The packages that an answer will probably pin."""
    companions = () if anchor is None else tools.companions(anchor)
    return {*question.preferences, *companions}
