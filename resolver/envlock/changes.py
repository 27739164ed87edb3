"""What is changed in an environment or a file to cure it. Imports only `packaging`."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version


class Action(StrEnum):
    """What happens to one package."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    REINSTALL = "reinstall"
    REMOVE = "remove"


class Step(Struct, frozen=True, kw_only=True):
    """One package changed; ``before`` and ``after`` are None where it is not there.

    ``rules`` are the ids behind the sentence ``because``; none where it moves
    for another package's sake.
    """

    package: NormalizedName
    before: Version | None
    after: Version | None
    because: str
    rules: tuple[str, ...] = ()

    @property
    def action(self) -> Action:
        """What happens, told by the two versions."""
        if self.before is None:
            return Action.INSTALL
        if self.after is None:
            return Action.REMOVE
        if self.before == self.after:
            return Action.REINSTALL
        return Action.UPGRADE if self.after > self.before else Action.DOWNGRADE


class Plan(Struct, frozen=True, kw_only=True):
    """The steps of one cure: removals first, then by name."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return ", ".join(map(_words, self.steps))


def _words(step: Step) -> str:
    match step.action:
        case Action.REMOVE:
            return f"remove {step.package} {step.before}"
        case Action.INSTALL:
            return f"install {step.package} {step.after}"
        case Action.REINSTALL:
            return f"reinstall {step.package} {step.after}"
        case Action.UPGRADE | Action.DOWNGRADE:
            return f"{step.package} {step.before} → {step.after}"
