"""A channel as somebody wrote it, without credentials. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from envlock.index.redact import strip_credentials

_TOKEN = re.compile(r"/t/[\w-]+(?=/|$)")


def strip_channel(word: str) -> str:
    """Return the name or address of a channel as it may be kept.

    A variable stays in the place of a secret, as in ``/t/${TOKEN}/``: it tells
    nothing, and without it the channel could not be read again.
    """
    if "://" not in word:
        return word
    plain = _TOKEN.sub("", word, count=1)
    return plain if "$" in urlsplit(plain).netloc else strip_credentials(plain)
