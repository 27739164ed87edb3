"""Whether a package that an engine did not find is really nowhere."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.utils import canonicalize_name

from envlock.errors import IndexFailure
from envlock.index.origin import source_of, where
from envlock.index.pages import Index
from envlock.model import IndexSettings


def confirm_absent(names: Iterable[str], settings: IndexSettings) -> tuple[str, ...]:
    """Read the pages of packages that an engine did not find; say which are held to one index.

    pip, and uv where an index answers 401 or 403, call a package missing when
    its page cannot be read.

    Raises:
        IndexFailure: a page cannot be read, or is there after all.
    """
    wanted = tuple(dict.fromkeys(map(canonicalize_name, names)))
    there = [name for name, files in Index(settings).files_of(wanted).items() if files]
    if there:
        raise IndexFailure(
            f"the package index has {' and '.join(there)}, and the engine cannot read it"
        )
    return tuple(
        f"there is no package {name} on {where(settings, name)}"
        for name in wanted
        if source_of(settings, name) is not None
    )
