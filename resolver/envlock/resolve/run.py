"""The whole resolution of one question: a release, its pins, their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from envlock.index.pages import Index
from envlock.index.releases import admitted
from envlock.model import LockedPackage, RuleId
from envlock.resolve.anchor import distributions, framework
from envlock.resolve.assemble import explained, hashed, notes, reasons
from envlock.resolve.loop import Question, Tools, anchors, search
from envlock.resolve.wayout import Asked, no_resolution


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """Pins with reasons and hashes, and what the reader should know."""

    packages: tuple[LockedPackage, ...]
    notes: tuple[str, ...]
    reasons: Mapping[RuleId, str]


def resolve(
    question: Question, tools: Tools, index: Index, asked: Asked, *, with_files: bool
) -> Resolution:
    """Answer a question, or say why it has no answer.

    ``with_files`` asks for the URLs of all files; without it the index pages
    are read only when the engine gave no hashes.

    Raises:
        NoResolution: nothing fits; the message says what collides, the
            remedies what would free it.
        WorkError: the index or the engine failed.
    """
    wish = framework(question.wishes)
    if wish is not None:
        names = distributions(wish, question.target.accelerator)
        with tools.progress.phase(f"read the releases of {' and '.join(names)}"):
            index.files_of(names)
    settled, tried = search(question, anchors(question, tools), tools)
    if settled is None:
        raise no_resolution(question, tools, asked, tried)
    packages = explained(settled, tried, question.wishes)
    if with_files or not all(package.hashes for package in packages):
        with tools.progress.phase("read hashes from the index"):
            listed = index.pinned({package.name: package.version for package in packages})
        date = question.exclude_newer
        packages = hashed(packages, {name: admitted(f, date) for name, f in listed.items()})
    return Resolution(
        packages=packages,
        notes=notes(settled),
        reasons=reasons(packages, asked.database.find),
    )
