"""From a request to a lock: candidate, select, solve, check, explain."""

from envlock.resolve.candidate import PackageRequirement, merge
from envlock.resolve.question import Asked, Question, Tools
from envlock.resolve.run import Resolution, resolve

__all__ = ["Asked", "PackageRequirement", "Question", "Resolution", "Tools", "merge", "resolve"]
