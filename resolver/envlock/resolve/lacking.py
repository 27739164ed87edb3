"""Wishes that an index has nothing for, found before anything is solved."""

from __future__ import annotations

from envlock.resolve import explain
from envlock.resolve.anchor import Releases, framework
from envlock.resolve.question import Question, Tools
from envlock.resolve.wishes import Wish
from envlock.rules.families import families


def absent(question: Question, tools: Tools) -> tuple[Wish, ...]:
    """The wishes of which the index has no release for the target, whatever the others are."""
    return tuple(
        wish
        for wish in question.wishes.values()
        if explain.missing(wish, installable(wish, question, tools), question.target, "", ())
    )


def installable(wish: Wish, question: Question, tools: Tools) -> Releases:
    """The releases of a wish, without source where source is not built."""
    releases = tools.releases(wish.name)
    anchor = framework(question.wishes)
    if wish.name in {*families().wheels_only, anchor.name if anchor else None}:
        return _wheels(releases) or releases
    return releases


def _wheels(releases: Releases) -> Releases:
    kept = {v: [f for f in files if f.filename.endswith(".whl")] for v, files in releases.items()}
    return {version: files for version, files in kept.items() if files}
