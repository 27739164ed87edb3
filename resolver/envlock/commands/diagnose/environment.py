"""An environment that is diagnosed: put right first, and told by commands that change it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from envlock.cli.orders import environment_meant
from envlock.commands.diagnose.beside import beside
from envlock.diagnose import VERIFY
from envlock.environment.commands import Commands
from envlock.environment.held import holds_pins
from envlock.environment.inspect import find_environment, place_of
from envlock.environment.journal import unsettled
from envlock.environment.state import examine_environment, owned_by_conda
from envlock.examine.gathered import Given
from envlock.findings import Examined, Finding
from envlock.model import Remedy, RemedyKind
from envlock.progress import Progress
from envlock.system.typed import as_typed

#: Words a remedy as it is typed.
Typed = Callable[[Remedy], Remedy]


def examine(
    path: Path | None, given: Given, progress: Progress
) -> tuple[Examined, tuple[Finding, ...], Typed]:
    """Examine an environment: what is in it, what is wrong with it alone, how remedies are typed.

    Raises:
        UsageError: there is no environment.
        WorkError: what a stopped envlock left cannot be put right.
    """
    if path is None:
        path = environment_meant(None, progress)
    _recover(path, progress)
    state = examine_environment(path)
    examined = replace(
        state.examined,
        python=given.python or state.examined.python,
        platform=given.platform or state.examined.platform,
        notes=(*state.examined.notes, *beside(state.examined)),
    )
    commands = Commands(
        python=find_environment(path),
        pip="pip" in examined.packages and not holds_pins(Path(examined.origin)),
        prefix=Path(examined.origin),
        by_conda=owned_by_conda(Path(examined.origin)),
    )
    return examined, state.findings, partial(_command, commands)


def _recover(path: Path, progress: Progress) -> None:
    """Put right what an envlock that was stopped left, before it is taken for what is wrong."""
    place = place_of(path)
    if place is not None and unsettled(place):
        from envlock.environment.recovery import recover  # noqa: PLC0415  (40 ms, seldom needed)

        recover(place, progress)


def _command(commands: Commands, remedy: Remedy) -> Remedy:
    """A remedy as a command for the environment that was examined."""
    if remedy.kind == RemedyKind.INSTALL:
        return Remedy(kind=RemedyKind.COMMAND, text=commands.install(*remedy.text.split()))
    if remedy == VERIFY:
        words = f"{remedy.text} {shlex.quote(str(commands.prefix))}"
        return replace(remedy, text=as_typed(words))
    if remedy.kind == RemedyKind.COMMAND:
        return replace(remedy, text=commands.here(remedy.text))
    return remedy
