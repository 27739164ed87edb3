"""From a request to a lock: anchor, select, solve, check, explain."""

from envlock.resolve.candidate import Wish, merge
from envlock.resolve.question import Asked, Question, Tools
from envlock.resolve.run import Resolution, resolve

__all__ = ["Asked", "Question", "Resolution", "Tools", "Wish", "merge", "resolve"]
