"""Keeps credentials out of everything that is printed or written. Pure.

Three places of a URL hold secrets: the userinfo before the host, query
parameters such as a signature or a token, and for conda channels the part of
the path after ``/t/``.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

HIDDEN = "****"

# Up to the last "@" of the authority. A password with a raw slash ends the
# authority early for every URL parser; it shows as a "port" that is no number.
_USERINFO = re.compile(
    r"""
    (?P<scheme> [a-z][a-z0-9+.-]*:// ) (?! (?-i:USER:SECRET@) )  # what a remedy says to fill in
    (?: [^\s/?\#"'<>`]* | [^\s/?\#@"'<>`:]+ : (?!\d+[/?\#]) [^\s"'<>`@]+ )
    @
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ENCODED_USERINFO = re.compile(
    r"""
    (?P<scheme> [a-z][a-z0-9+.-]*%3a%2f%2f )
    (?: (?! %2f | %3f | %23 ) [^\s/?\#&"'<>`] )*
    %40
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CHANNEL_TOKEN = re.compile(r"(?P<head>://[^\s?\#\"'<>`]*?/t/)[\w-]+(?=/)")
_SECRETIVE = (
    r"(?:x-(?:amz|goog)-(?:signature|credential|security-token)"
    r"|awsaccesskeyid|googleaccessid|signature|sig"
    r"|(?:[a-z]+[_-])?token|api[_-]?key|(?:client[_-])?secret|passw(?:or)?d|pwd|auth)"
)
_SECRET_PARAMETER = re.compile(
    rf"(?P<name> [?&;] {_SECRETIVE} = ) [^\s&;\#\"'<>`]+", re.IGNORECASE | re.VERBOSE
)
_SECRET_NAME = re.compile(_SECRETIVE, re.IGNORECASE)


def redact(text: str) -> str:
    """Return any text with the secrets of the URLs in it replaced by ``****``.

    ``https://user:pass@host/?token=t`` becomes ``https://****@host/?token=****``;
    a URL that is itself percent-encoded, as in another URL's query, likewise.
    """
    if "@" in text:
        text = _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", text)
    if "%40" in text:
        text = _ENCODED_USERINFO.sub(rf"\g<scheme>{HIDDEN}%40", text)
    if "/t/" in text:
        text = _CHANNEL_TOKEN.sub(rf"\g<head>{HIDDEN}", text)
    return _SECRET_PARAMETER.sub(rf"\g<name>{HIDDEN}", text)


def strip_credentials(url: str) -> str:
    """Return one URL without userinfo and without secret query parameters.

    For URLs that are kept: in a lock, or in the page cache.
    """
    if "@" not in url and "?" not in url:
        return url
    parts = urlsplit(url)
    query = "&".join(
        parameter
        for parameter in parts.query.split("&")
        if not _SECRET_NAME.fullmatch(parameter.partition("=")[0])
    )
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))
