"""What is wrong with an input: gathered, told all at once, and quoted safely. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from envlock.errors import UsageError
from envlock.index.secrets import redact
from envlock.words import printable

_SHOWN = 20
_ENOUGH = 1000
_WIDTH = 160
_LOOKED_AT = 2000  # characters: a credential that begins in what is shown ends in these


class Faults:
    """Gathers what is wrong with an input, so that it is told all at once."""

    def __init__(self) -> None:
        self._faults: list[tuple[str, UsageError]] = []

    def add(self, where: str, message: str, *remedies: str) -> None:
        """Keep a fault; ``where`` is file:line, or empty for the command line."""
        self._faults.append((where, UsageError(message, *remedies)))

    def keep(self, where: str, fault: UsageError) -> None:
        """Keep what was found wrong at a place."""
        self._faults.append((where, fault))

    def __iter__(self) -> Iterator[tuple[str, UsageError]]:
        """Give each place and what is wrong there."""
        return iter(self._faults)

    @contextmanager
    def collect(self, where: str) -> Iterator[None]:
        """Keep the `UsageError` that ends the block and go on after it."""
        try:
            yield
        except UsageError as fault:
            self._faults.append((where, fault))

    @property
    def enough(self) -> bool:
        """Whether there are so many that more would tell nobody anything."""
        return len(self._faults) >= _ENOUGH

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
            least = "at least " if self.enough else ""
            lines.append(f"and {least}{len(self._faults) - _SHOWN} more faults like these")
        alone = len(self._faults) == 1
        remedies = (
            remedy if alone else f"{_place(where)}{remedy}"
            for where, fault in shown
            for remedy in fault.remedies
        )
        told = [{"place": where, "message": fault.message} for where, fault in shown]
        raise UsageError("\n".join(lines), *dict.fromkeys(remedies)).telling(faults=told)


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
    plain = redact(printable(text[:_LOOKED_AT]))
    return plain if len(plain) <= _WIDTH else f"{plain[:_WIDTH]}…"
