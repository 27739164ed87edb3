"""How one level of a probe ended: a closed union, read with ``match``."""

from __future__ import annotations

from msgspec import Struct

#: What the level of a user's own script begins with; its name follows.
SCRIPT = "probe:"
#: What the level of a distribution that is imported begins with; its name follows.
IMPORTS = "imports:"


class Passed(Struct, frozen=True, kw_only=True):
    """The level did what it should."""

    level: str
    detail: str = ""
    seconds: float = 0.0


class Failed(Struct, frozen=True, kw_only=True):
    """The level raised, or gave a wrong answer."""

    level: str
    error: str
    detail: str
    traceback: str = ""
    seconds: float = 0.0


class Skipped(Struct, frozen=True, kw_only=True):
    """The level was not tried; ``detail`` says why."""

    level: str
    detail: str


class Crashed(Struct, frozen=True, kw_only=True):
    """The interpreter died or hung in this level; ``detail`` names the signal or limit.

    ``stopped`` is True where it was ended from outside (SIGKILL, the time
    limit): that may be the machine, and says little about versions.
    """

    level: str
    detail: str
    output: str = ""
    stopped: bool = False


Outcome = Passed | Failed | Skipped | Crashed
