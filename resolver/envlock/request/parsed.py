"""What a file that was read holds, and how its faults are gathered. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct
from packaging.specifiers import SpecifierSet

from envlock.errors import UsageError
from envlock.model import Requested
from envlock.visible import printable

_SHOWN = 20
_WIDTH = 160


class ParsedFile(Struct, frozen=True, kw_only=True):
    """What one file asks for, includes followed.

    ``requires_python`` is a project's own; ``notes`` are sentences on what
    was read and left out, each with its place.
    """

    requirements: tuple[Requested, ...]
    constraints: tuple[Requested, ...] = ()
    requires_python: SpecifierSet | None = None
    notes: tuple[str, ...] = ()


class Faults:
    """Gathers what is wrong with an input, so that it is told all at once."""

    def __init__(self) -> None:
        self._faults: list[tuple[str, UsageError]] = []

    def add(self, where: str, message: str, *remedies: str) -> None:
        """Keep a fault; ``where`` is file:line, or empty for the command line."""
        self._faults.append((where, UsageError(message, *remedies)))

    @contextmanager
    def collect(self, where: str) -> Iterator[None]:
        """Keep the `UsageError` that ends the block and go on after it."""
        try:
            yield
        except UsageError as fault:
            self._faults.append((where, fault))

    def finish(self) -> None:
        """End the reading.

        Raises:
            UsageError: there were faults; one line for each of the first 20,
                and the remedies of those.
        """
        if not self._faults:
            return
        shown = self._faults[:_SHOWN]
        lines = [f"{_place(where)}{fault.message}" for where, fault in shown]
        if len(self._faults) > _SHOWN:
            lines.append(f"and {len(self._faults) - _SHOWN} more faults like these")
        alone = len(self._faults) == 1
        remedies = (
            remedy if alone else f"{_place(where)}{remedy}"
            for where, fault in shown
            for remedy in fault.remedies
        )
        raise UsageError("\n".join(lines), *dict.fromkeys(remedies))


def _place(where: str) -> str:
    return f"{where}: " if where else ""


def shown(text: str) -> str:
    """Return somebody's text in double quotes, as a message may quote it."""
    return f'"{safe(text)}"'


def safe(text: str) -> str:
    """Return somebody's text fit for a message.

    That is without the credentials of a URL, without characters that a
    terminal would obey, and not longer than a line.
    """
    from envlock.index.redact import redact  # noqa: PLC0415  (only errors quote)

    plain = redact(printable(text))
    return plain if len(plain) <= _WIDTH else f"{plain[:_WIDTH]}…"
