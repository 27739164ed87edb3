"""What is told of the work itself, for `-vv` and `--log`: each request, page and program.

Who works says it here and knows of nobody who listens; without a listener it
costs a look into an empty list.
"""

from __future__ import annotations

from collections.abc import Callable

_listeners: list[Callable[[str], None]] = []


def trace(text: Callable[[], str]) -> None:
    """Tell one thing; its words are made only where somebody listens."""
    for listener in _listeners:
        listener(text())


def listen(listener: Callable[[str], None]) -> None:
    """Have a function called with all that is told from now on."""
    _listeners.append(listener)


def deaf() -> None:
    """Have nobody listen any more."""
    _listeners.clear()
