"""The variables that an environment sets by itself, in a file that every start of its Python reads.

So they hold for ``python``, for Jupyter's kernels and for cron alike, and never
over a value that somebody has set: the file is a ``.pth`` in site-packages, a
line for each, which a reader understands and anybody may delete.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from envlock.errors import EnvlockError
from envlock.rules.settings import holdable, is_plain
from envlock.system import contents, remove_file, write_texts

FILE = "envlock_settings.pth"
_HEADING = (
    "# Written by envlock: what is set in this environment unless somebody has set it otherwise.\n"
)
_LINE = re.compile(r'import os; os\.environ\.setdefault\(("[A-Z][A-Z0-9_]*"), ("[^"]*")\)')


def text_of(variables: Mapping[str, str]) -> str:
    """Return the text of the file."""
    lines = (
        f"import os; os.environ.setdefault({json.dumps(name)}, {json.dumps(value)})\n"
        for name, value in holdable(variables).items()
    )
    return "".join((_HEADING, *lines))


def write_settings(sites: Iterable[Path], variables: Mapping[str, str]) -> None:
    """Write the file into the first of an environment's site-packages; none where nothing is set.

    Raises:
        WorkError: it cannot be written.
    """
    place = next(iter(sites), None)
    if place is not None and holdable(variables):
        write_texts({place / FILE: text_of(variables)})
    elif place is not None:
        remove_file(place / FILE)


def settings_in(sites: Iterable[Path]) -> dict[str, str]:
    """Return what such a file sets in an environment; lines of another shape say nothing."""
    found: dict[str, str] = {}
    for site in sites:
        found |= dict(_read(site / FILE))
    return found


def _read(file: Path) -> Iterator[tuple[str, str]]:
    try:
        text = contents(file).decode("ascii", "replace")
    except (OSError, EnvlockError):
        return
    for match in map(_LINE.fullmatch, text.splitlines()):
        if match is not None and is_plain(match[2][1:-1]):
            yield match[1][1:-1], match[2][1:-1]
