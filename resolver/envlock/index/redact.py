"""Keeps credentials out of everything that is printed or written.

Three places of a URL hold secrets: the userinfo before the host, the query,
and the part of the path that some services put a token in. They are found by
their place in any text; and what `envlock.index.secrets` has learned from the
settings of this run is removed wherever it stands.
"""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import urlsplit, urlunsplit

from envlock.index.secrets import HIDDEN, is_word, may_have_token, path_tokens, without_known

# The patterns are compiled where a text may have what they find: most outputs have none of it.

# Up to the last "@" of the authority. A password with a raw slash ends the
# authority early for every URL parser; it shows as a "port" that is no number.
_USERINFO = r"""(?ix)
    # USER:SECRET is what a remedy says to fill in
    (?P<scheme> [a-z][a-z0-9+.-]{0,30}:// | https?:/ (?!/) ) (?! (?-i:USER:SECRET@) )
    (?: [^\s/?\#"'<>`]{0,4000} | [^\s/?\#@"'<>`:]{1,200} : (?!\d+[/?\#]) [^\s"'<>`@]{1,200} )
    @
    """
_ENCODED_USERINFO = r"""(?ix)
    (?P<scheme> [a-z][a-z0-9+.-]{0,30}%3a%2f%2f )
    (?: (?! %2f | %3f | %23 ) [^\s/?\#&"'<>`] ){0,4000}
    %40
    """
_SECRETIVE = (
    r"(?:x-(?:amz|goog)-(?:signature|credential|security-token)"
    r"|awsaccesskeyid|googleaccessid|signature|sig"
    r"|(?:[a-z]+[_-])?token|key|api[_-]?key|(?:client[_-])?secret|passw(?:or)?d|pwd|auth)"
)
_SECRET_PARAMETER = rf"(?ix)(?P<name> [?&;\#] {_SECRETIVE} = ) [^\s&;\#\"'<>`]+"
_SECRET_NAME = rf"(?i){_SECRETIVE}"
#: Userinfo of a URL whose scheme was forgotten: USER:PASSWORD@HOST.
_BARE_USERINFO = (
    r"(?<![\w/:@.*])(?!mailto:)[^\s/:@\"'<>`=\[\](){},;|]{1,200}:[^\s/:@\"'<>`]{1,200}@"
    r"(?=[\w-]+(?:\.[\w-]+|:\d|/))"
)
#: Userinfo of a URL whose scheme is half written, or was taken off: //USER:PASSWORD@HOST.
_HALF_USERINFO = r"(?<![\w:/.-])(?P<lead>(?:[a-z]{2,10}(?<!:))?/{2,3})[^\s/?#\"'<>`@]{1,400}@"
_PLACE = r"""(?ix)
    (?P<scheme> https?://? ) (?P<host> [^\s/?\#"'<>`]* )
    (?P<path> /[^\s?\#"'<>`]* / ) (?P<last> [^\s/?\#"'<>`]* )
    """


def redact(text: str, *, certain: bool = False) -> str:
    """Return any text with the secrets of the URLs in it replaced by ``****``.

    ``https://user:pass@host/?token=t`` becomes ``https://****@host/?token=****``;
    a URL that is itself percent-encoded, as in another URL's query, likewise.
    What was learned of this run's settings is replaced everywhere. With
    ``certain``, for what is used again (a lock, a command, JSON), a segment of
    a path stays that merely looks like a token.
    """
    text = without_known(text, certain=certain)
    if "@" in text:
        text = re.sub(_USERINFO, rf"\g<scheme>{HIDDEN}@", text)
        text = re.sub(_HALF_USERINFO, rf"\g<lead>{HIDDEN}@", text)
        text = re.sub(_BARE_USERINFO, f"{HIDDEN}@", text)
    if "%40" in text:
        text = re.sub(_ENCODED_USERINFO, rf"\g<scheme>{HIDDEN}%40", text)
    if ":/" in text:  # of a URL that was taken for a path, one slash is left
        text = re.sub(_PLACE, partial(_hidden, told=not certain), text)
    return re.sub(_SECRET_PARAMETER, rf"\g<name>{HIDDEN}", text) if "=" in text else text


def _hidden(place: re.Match[str], *, told: bool) -> str:
    """A URL without the tokens of its path, which its place or its host tell."""
    host = place["host"].rpartition("@")[2].partition(":")[0]
    tokens = set(path_tokens(host, place["path"] + place["last"], told=told))
    if not tokens:
        return place[0]
    path = "/".join(HIDDEN if each in tokens else each for each in place["path"].split("/"))
    last = place["last"]
    if last in tokens and not ("." in last or is_word(last)):  # a file, or the end of a sentence
        last = HIDDEN
    return f"{place['scheme']}{place['host']}{path}{last}"


def strip_credentials(url: str) -> str:
    """Return one URL without userinfo and without secret query parameters.

    For URLs that are kept: in a lock, or in the page cache. Of a token in the
    path ``****`` is left, where it is one beyond doubt.
    """
    plain = without_userinfo(without_known(url, certain=True))
    return re.sub(_PLACE, partial(_hidden, told=False), plain) if may_have_token(plain) else plain


def without_userinfo(url: str) -> str:
    """Return one URL without what stands in its userinfo and secret query parameters alone."""
    if "@" not in url and "?" not in url:
        return url
    parts = urlsplit(url)
    query = "&".join(
        parameter
        for parameter in parts.query.split("&")
        if not re.fullmatch(_SECRET_NAME, parameter.partition("=")[0]) and HIDDEN not in parameter
    )
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))
