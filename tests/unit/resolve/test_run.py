"""The whole resolution, where it ends before any engine is asked."""

from __future__ import annotations

from typing import Any

from envlock.index.pages import Index
from envlock.model import IndexSettings
from envlock.progress import Silent
from envlock.resolve import Asked, Question, Tools, resolve
from envlock.rules.database import Database
from support.rules import TARGET


def test_a_request_of_which_nothing_is_for_this_python_is_answered_with_nothing() -> None:
    settings = IndexSettings(no_index=True)
    nobody: Any = None
    question = Question(requirements={}, constraints={}, rules=(), target=TARGET, settings=settings)
    tools = Tools(engine=nobody, releases=nobody, progress=Silent())
    asked = Asked(database=Database(rules=()), verb="lock", targets_here=tuple)
    found = resolve(question, tools, Index(settings), asked)
    assert found.packages == ()
    assert found.notes == ("nothing is asked for on Python 3.11 on linux-x86_64",)
