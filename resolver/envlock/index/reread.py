"""A page from the network, or the one that was kept where it is still the same."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from packaging.utils import NormalizedName

from envlock.index.cache import FRESH, KeptPage, to_lines

if TYPE_CHECKING:
    from envlock.index.fetch import Client


def read_again(
    client: Client, url: str, project: NormalizedName | None, old: KeptPage | None
) -> KeptPage | None:
    """Return the page at ``url``, of one project if that is known; None where there is none.

    Raises:
        IndexFailure: it cannot be read.
    """
    page = client.read(url, etag=None if old is None else old.etag, project=project)
    if page is None:
        return None
    age = FRESH if page.max_age is None else min(page.max_age, FRESH)
    lines = to_lines(page.files or ()) if old is None or page.files is not None else old.lines
    return KeptPage(lines=lines, etag=page.etag, fresh_until=time.time() + age)
