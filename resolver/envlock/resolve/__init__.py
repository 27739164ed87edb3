"""From a request to a lock: candidate, select, solve, check, explain."""

from envlock.resolve.candidate import PackageRequirement, joined, merge
from envlock.resolve.question import Asked, Question, Sources, Tools
from envlock.resolve.run import Resolution, resolve
from envlock.resolve.shares import shared

__all__ = [
    "Asked",
    "PackageRequirement",
    "Question",
    "Resolution",
    "Sources",
    "Tools",
    "joined",
    "merge",
    "resolve",
    "shared",
]
