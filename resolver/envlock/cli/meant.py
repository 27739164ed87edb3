"""Words of other tools, and what does the same here. Imported for errors only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: Of pip, uv, pip-tools, conda, pixi, Poetry, pdm: what is typed there first → here.
_MEANT: Mapping[str, str] = {
    "activate": "run -- bash",
    "check": "lock --check",
    "clean": "cache clean",
    "compile": "lock",
    "debug": "diagnose",
    "doctor": "diagnose",
    "env": "create",
    "exec": "run",
    "explain": "diagnose",
    "freeze": "list",
    "graph": "tree",
    "info": "diagnose",
    "init": "create",
    "inspect": "list",
    "install": "sync",
    "new": "create",
    "pin": "lock",
    "repair": "fix",
    "resolve": "lock",
    "restore": "fix --undo",
    "search": "releases",
    "shell": "run -- bash",
    "show": "why",
    "solve": "lock",
    "test": "verify",
    "undo": "fix --undo",
    "uninstall": "remove",
    "update": "lock --upgrade",
    "upgrade": "lock --upgrade",
    "venv": "create",
}
#: Those that do another thing where packages are named.
_WITH_NAMES: Mapping[str, str] = {
    "install": "add",
    "update": "lock --upgrade-package",
    "upgrade": "lock --upgrade-package",
}


def meant(typed: Sequence[str]) -> str | None:
    """Return what of envlock's does what the first word does in other tools; None: nothing."""
    word, *rest = typed
    names = [each for each in rest if not each.startswith("-")]
    return (_WITH_NAMES.get(word) if names else None) or _MEANT.get(word)
