"""Requirements and environment files with some pins changed, all else as it was. Pure."""

from envlock.edit.lines import Edited, diff, edited

__all__ = ["Edited", "diff", "edited"]
