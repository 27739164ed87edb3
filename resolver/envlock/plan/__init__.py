"""The smallest change that cures: from what is wrong to plans, the best first."""

from envlock.plan.case import Case, Owners
from envlock.plan.escalation import plans

__all__ = ["Case", "Owners", "plans"]
