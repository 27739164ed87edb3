"""The smallest change that cures: from what is wrong to plans, the best first."""

from envlock.plan.case import Complaint, Owners
from envlock.plan.escalation import plans

__all__ = ["Complaint", "Owners", "plans"]
