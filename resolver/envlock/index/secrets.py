"""What this run knows to be secret, so that exactly that is kept out of every output.

Patterns find secrets in URLs; a program's error may quote them in any other
form. So whoever reads a setting tells here what it holds (`learn_url`,
`learn`), and `envlock.index.redact.redact` removes it wherever it stands.
Nothing is kept beyond the process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "****"
#: A shorter text stands in too many words to be removed from all of them.
_SHORTEST = 4
#: Segments of a path that a token follows, as the services write it.
MARKERS = ("t", "basic", "priv", "auth", "token", "tokens", "key", "apikey", "access-token")
#: Services that have the token as the first segment, and what stands there for everybody.
TOKEN_FIRST = ("cloudsmith.io", "fury.io", "packagecloud.io", "gemfury.com")
PUBLIC = frozenset({"public", "simple", "basic", "priv", "pypi"})
_OR_OWNER = frozenset({"basic"})
_LONG, _VERY_LONG = 8, 20  # characters
# Patterns that are compiled where they are needed, which most runs need none of.
_PLATFORMS = r"(?i)x86_64|amd64|aarch64|arm64|win32|(?:py|cp|cu|rocm|torch|linux)\d+"
_HOST_FIRST = r"[\w-]+(?:\.[\w-]+)*(?::\d+|\.[\w-]+)/"
_OF_TOKENS = r"[\w.~=+-]{8,}"
_TURNS = r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])"

_known: dict[str, None] = {}
_pattern: list[re.Pattern[str]] = []


def learn(value: str | None) -> None:
    """Take a value for a secret, as it is and as a URL, a header or a program would write it."""
    if value is None or len(value) < _SHORTEST or "****" in value or value.startswith("$"):
        return
    plain = unquote(value)
    for form in (value, plain, quote(plain, safe=""), quote(plain), repr(plain)[1:-1]):
        if len(form) >= _SHORTEST:
            _known[form] = None
    _pattern.clear()


def learn_url(url: str) -> None:
    """Take what is secret in the URL of an index, a proxy or a channel: see `secrets_of`."""
    for value in secrets_of(url):
        learn(value)


def forget() -> None:
    """Know nothing any more: for a process that does several runs."""
    _known.clear()
    _pattern.clear()


def without_known(text: str) -> str:
    """Return a text with every secret that was learned replaced by ``****``."""
    if not _known:
        return text
    if not _pattern:
        longest = sorted(_known, key=len, reverse=True)
        _pattern.append(re.compile("|".join(map(re.escape, longest))))
    return _pattern[0].sub(HIDDEN, text)


def secrets_of(url: str) -> Iterator[str]:
    """Yield what is secret in a URL, with a scheme or without: userinfo, path tokens, query.

    A path of this machine holds no secrets, whatever its folders are called.
    """
    if url.startswith("file:") or not ("://" in url or "@" in url or re.match(_HOST_FIRST, url)):
        return
    _, _, rest = url.rpartition("://") if url.count("://") == 1 else ("", "", url)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in rest and "@" not in authority and ":" in authority:
        authority = rest  # a password with a raw slash
    userinfo, at, _ = authority.rpartition("@")
    if at:
        user, colon, password = userinfo.partition(":")
        yield from (userinfo, password if colon and password else user)
        if is_token(user):
            yield user
        from base64 import b64encode  # noqa: PLC0415  (3 ms that URLs without secrets save)

        yield b64encode(unquote(userinfo).encode()).decode()
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        host = parts.hostname or ""
    except ValueError:
        return
    yield from path_tokens(host, parts.path)
    if parts.query:
        yield parts.query
        for parameter in re.split("[&;]", parts.query):
            yield parameter.partition("=")[2] or parameter


def path_tokens(host: str, path: str, *, told: bool = False) -> Iterator[str]:
    """Yield the segments of a path that are tokens: by their place, their host or their look.

    With ``told`` by place and host alone, since any address may hold a digest; and then
    also what may as well be the name of an owner, as in ``/basic/OWNER/``.
    """
    before = ""
    first = host.endswith(TOKEN_FIRST)
    for segment in path.split("/"):
        if not segment:
            continue
        marked = before in MARKERS and (told or before not in _OR_OWNER)
        named = segment.lower() in PUBLIC or segment.startswith(("$", "<"))
        if not named and (marked or first or (not told and is_token(segment))):
            yield segment
            before = ""
        else:
            before = segment.lower()
        first = False


def is_token(segment: str) -> bool:
    """Whether a segment of a path looks like no name: letters and digits that alternate."""
    plain = re.sub(r"[^A-Za-z0-9]", "", re.sub(_PLATFORMS, "", unquote(segment)))
    if re.fullmatch(_OF_TOKENS, segment) is None or len(plain) < _LONG:
        return False
    if plain.isalpha():
        return plain.isupper() or (len(plain) >= _VERY_LONG and not plain.islower())
    turns = len(re.findall(_TURNS, plain))
    return turns >= 3 or (turns >= 2 and len(plain) >= 2 * _LONG)  # noqa: PLR2004  (as torch215cpu)
