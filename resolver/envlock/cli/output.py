"""What a person sees: results on stdout, talk on stderr, errors with a way on."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from envlock.cli.colors import painted
from envlock.errors import EnvlockError
from envlock.progress import Progress, Silent
from envlock.trace import deaf, listen
from envlock.words import visible, visible_json

#: The version of every JSON object that envlock prints.
SCHEMA = 2


def say(text: str) -> None:
    """Print a result, safe for a terminal and without secrets.

    Raises:
        WorkError: standard output cannot be written to.
    """
    sys.stdout.write(f"{painted(_fit(text, certain=True), sys.stdout)}\n")
    sys.stdout.flush()


def talk(text: str) -> None:
    """Print something that is not the result, safe for a terminal and without secrets."""
    _talk(_fit(text))


def _talk(text: str) -> None:
    for tell in _LOGS:
        tell(text)
    sys.stderr.write(f"{painted(text, sys.stderr)}\n")
    sys.stderr.flush()


def say_json(command: str, content: Mapping[str, Any], *, exit_code: int = 0) -> None:
    """Print the one JSON object of a command."""
    shown = {"schema": SCHEMA, "command": command, "exit_code": exit_code, **content}
    if SOURCES:
        shown["from"] = dict(SOURCES)
    if PLACES:
        shown["places"] = [dict(each) for each in PLACES]
    text = visible_json(json.dumps(_open(shown), indent=2, default=str))
    sys.stdout.write(f"{_fit(text, certain=True)}\n")
    sys.stdout.flush()


def _open(value: Any) -> Any:  # noqa: ANN401  (JSON)
    """A value of JSON without secrets: taken from its texts, since of their JSON they are part."""
    if isinstance(value, str):
        return _hidden(value, certain=True)
    if isinstance(value, Mapping):
        return {_open(key): _open(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [*map(_open, value)]
    return value


def _fit(text: str, *, certain: bool = False) -> str:
    """What may be seen of a text, and by a terminal."""
    return visible(_hidden(text, certain=certain))


def _hidden(text: str, *, certain: bool) -> str:
    from envlock.index.secrets import redact  # noqa: PLC0415  (8 ms that --help does not need)

    return redact(text, certain=certain)


def say_error(
    error: EnvlockError,
    command: str,
    remedies: Sequence[str],
    commands: Sequence[Sequence[str]] | None,
) -> None:
    """Tell an error and what to type next; as JSON where ``commands`` has the words of these."""
    if commands is not None:
        content = {
            "message": _hidden(error.message, certain=False),
            "remedies": [*remedies],
            "cause": error.cause,
            "commands": commands,
            **error.details,
        }
        say_json(command, content, exit_code=error.exit_code)
        return
    # A remedy is typed: of what was typed before, only what is secret beyond doubt is hidden.
    ways = (f"  try: {_fit(text, certain=True)}" for text in remedies)
    _talk("\n".join((_fit(f"error: {error.message}"), *ways)))


def progress_for(*, quiet: bool, verbose: bool) -> Progress:
    """Return the progress display that suits the terminal and the flags."""
    if quiet:
        return Silent()
    dumb = os.environ.get("TERM") == "dumb" or bool(os.environ.get("CI"))
    if sys.stderr.isatty() and not verbose and not dumb and not PLAIN:
        from envlock.cli.terminal import Terminal  # noqa: PLC0415  (rich, 60 ms)

        return Terminal()
    return Lines(verbose=verbose)


#: Has something in it where no display of progress is wanted.
PLAIN: list[bool] = []


def tell_work(loud: int, log: Path | None) -> None:
    """Have each request and program told on standard error (asked for twice), and in a file.

    Raises:
        WorkError: the file cannot be written.
    """
    if loud > 1:
        listen(lambda text: _talk(f"    {_fit(text)}"))
    if log is not None:
        from envlock.system.logs import log_to  # noqa: PLC0415  (seldom, and --help needs none)

        write = log_to(log)

        def tell(text: str) -> None:
            write(_fit(text))

        _LOGS.append(tell)
        if loud <= 1:
            listen(tell)


#: Who else is told what is said: the file of --log.
_LOGS: list[Callable[[str], None]] = []


#: Seconds after which work says where it is, again and again.
_STILL = 10.0


class Lines:
    """`Progress` as plain lines on standard error; work that is long says where it is."""

    def __init__(self, *, verbose: bool, still: float = _STILL) -> None:
        self._verbose = verbose
        self._still = still
        self._begun = self._told = time.monotonic()
        self._titles: list[str] = []

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Say the title, and the time it took, when verbose; else that it goes on, when it does."""
        if self._verbose:
            talk(f"{title} …")
        start = time.monotonic()
        with self._within(title):
            yield
        if self._verbose:
            talk(f"{title}: {time.monotonic() - start:.1f} s")

    @contextmanager
    def _within(self, title: str) -> Iterator[None]:
        """Watch the outermost phase from another thread, which has ended when it has."""
        self._titles.append(title)
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(ended,), name="still", daemon=True)
        outermost = len(self._titles) == 1
        if outermost:
            watch.start()
        try:
            yield
        finally:
            self._titles.pop()
            if outermost:
                ended.set()
                watch.join()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(self._told + self._still - time.monotonic()):
            self._told = time.monotonic()
            for title in self._titles[-1:]:
                talk(f"… {title} ({self._told - self._begun:.0f} s so far)")

    def note(self, text: str) -> None:
        """Say one line that stays."""
        talk(text)

    def detail(self, text: str) -> None:
        """Say what an outside program says, when verbose."""
        if self._verbose and text.strip():
            talk(f"    {text}")


#: The places that files of the folder chose: where that is written, and the place, redacted.
PLACES: list[dict[str, str]] = []


#: What was not typed, and which file says it.
SOURCES: dict[str, str] = {}


def tell_source(what: str, where: str, progress: Progress) -> None:
    """Say once which file says what was not typed."""
    if SOURCES.get(what) != where:
        SOURCES[what] = where
        progress.note(f"{what} from {where}")


def forget() -> None:
    """Begin a run."""
    PLACES.clear()
    SOURCES.clear()
    PLAIN.clear()
    _LOGS.clear()
    deaf()
