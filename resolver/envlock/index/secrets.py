"""What is secret, kept out of everything that is printed or written.

Three places of a URL hold secrets: the userinfo before the host, the query,
and the part of the path that some services put a token in. They are found by
their place in any text. A program's error may quote them in any other form:
so whoever reads a setting tells here what it holds (`learn_url`, `learn`), and
`redact` removes it wherever it stands. Nothing is kept beyond the process.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import partial
from itertools import zip_longest
from urllib.parse import quote, unquote, urlsplit, urlunsplit

HIDDEN = "****"
#: A shorter text stands in too many words to be removed from any of them.
_SHORTEST = 4
#: Segments of a path that a token follows, as the services write it.
MARKERS = ("t", "basic", "priv", "auth", "token", "tokens", "key", "apikey", "access-token")
#: Services that have the token as the first segment, and what stands there for everybody.
TOKEN_FIRST = ("cloudsmith.io", "fury.io", "packagecloud.io", "gemfury.com")
PUBLIC = frozenset({"public", "simple", "basic", "priv", "pypi"})
_LONG, _VERY_LONG = 8, 20  # characters
# Patterns that are compiled where they are needed, which most runs need none of.
_PLATFORMS = r"(?i)x86_64|amd64|aarch64|arm64|win32|(?:py|cp|cu|rocm|torch|linux)\d+"
_SLASHES = ("//", "\\\\", "/\\", "\\/")
#: Fragments that say something of a file.
_OF_A_FILE = r"(?:sha\d+|md5|egg|subdirectory)="
_HOST_FIRST = r"[\w-]+(?:\.[\w-]+)*(?::\d+|\.[\w-]+)/"
_OF_TOKENS = r"[\w.~=+-]{8,}"
_TURNS = r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])"
#: Tokens that say of themselves what they are: GitHub's, GitLab's, PyPI's, npm's, AWS's, JWT, …
_SIGNED = (
    r"gh[a-z]_\w{16,}|github_pat_\w{16,}|gl[a-z]{2,5}-[\w-]{16,}|pypi-[\w-]{32,}|npm_\w{16,}"
    r"|dckr_pat_[\w-]{16,}|A(?:KI|SI)A[A-Z0-9]{16}|xox[a-z]-[\w-]{10,}|eyJ[\w-]{10,}\.[\w.-]+"
)
_PIECE = (
    r"(?:[A-Z]{1,7}|[A-Z]?[a-z]{1,15}|[A-Z][a-z]{1,9}[A-Z][a-z]{1,9}|h5py"
    r"|(?:py|cp|pp|cu|cuda|rocm|torch|tf|keras|numpy|python|linux|win|macos|sha|x|v)?\d{1,4})"
)
#: Without this no path of a URL has a token: pages have ten thousand files.
_MAY_HAVE = rf"(?i)/(?:{'|'.join(MARKERS)})/|{'|'.join(map(re.escape, TOKEN_FIRST))}|{_SIGNED}"
#: A word, a name of a package or a platform, a version, a year.
_WORD = rf"{_PIECE}(?:[-_.]{_PIECE}){{0,2}}"
#: What is secret, and whether that is beyond doubt.
_known: dict[str, bool] = {}
_patterns: dict[bool, re.Pattern[str]] = {}
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


def learn(value: str | None, *, certain: bool = True) -> None:
    """Take a value for a secret, as it is and as a URL, a header or a program would write it.

    One that only looks like a secret is not ``certain``.
    """
    if value is None or len(value) < _SHORTEST or "****" in value or value.startswith("$"):
        return
    plain = unquote(value)
    for form in (value, plain, quote(plain, safe=""), quote(plain), repr(plain)[1:-1]):
        if len(form) >= _SHORTEST:
            _known[form] = certain or _known.get(form, False)
    _patterns.clear()


def learn_url(url: str) -> None:
    """Take what is secret in the URL of an index, a proxy or a channel: see `secrets_of`."""
    for value in secrets_of(url):
        learn(value)
    for value in _look_alikes(url):
        learn(value, certain=False)


def forget() -> None:
    """Know nothing any more: for a process that does several runs."""
    _known.clear()
    _patterns.clear()


def without_known(text: str, *, certain: bool = False) -> str:
    """Return a text with every secret that was learned replaced by ``****``.

    A password may be a word like any other. It is removed where only a
    credential can stand, before the ``@`` of a URL and in its query: else every
    output would lose that word. A short one is removed as a whole, and not as
    part of others. With ``certain``, what merely looks like a secret stays.
    """
    if not _known:
        return text
    if certain not in _patterns:
        _patterns[certain] = _pattern(
            [form for form, sure in _known.items() if sure or not certain]
        )
    return _patterns[certain].sub(lambda match: f"{match['kept'] or ''}{HIDDEN}", text)


def _pattern(forms: list[str]) -> re.Pattern[str]:
    forms.sort(key=len, reverse=True)
    words = "|".join(re.escape(form) for form in forms if is_word(form)) or r"(?!)"
    others = "|".join(
        re.escape(form) if len(form) >= _LONG else rf"(?<!\w){re.escape(form)}(?!\w)"
        for form in forms
        if not is_word(form)
    )
    return re.compile(
        rf"(?P<kept>[?&;#](?:[\w.~-]{{1,64}}=)?)(?:{words})(?![\w.~-])"
        rf"|(?<![\w.~-])(?:{words})(?=@|%40)"
        rf"|{others or r'(?!)'}"
    )


def is_word(text: str) -> bool:
    """Whether a text is one that outputs need, whatever else it is: a word, a name, a version."""
    return re.fullmatch(_WORD, text) is not None


def secrets_of(url: str) -> Iterator[str]:
    """Yield what is secret in a URL, with a scheme or without: userinfo, path tokens, query.

    Whatever is wrong with it: a scheme that is half written, blanks, a fragment.
    """
    yield from _before_at(url)
    if _is_local(url):
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
        yield base64.b64encode(unquote(userinfo).encode()).decode()
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        host = parts.hostname or ""
    except ValueError:
        return
    yield from path_tokens(host, parts.path)
    fragment = "" if re.match(_OF_A_FILE, parts.fragment) else parts.fragment
    _, _, more = url.partition(";")
    for part in filter(None, (parts.query, fragment, re.split(r"[/?#]", more)[0])):
        yield part
        for parameter in re.split("[&;]", part):
            yield parameter.partition("=")[2] or parameter


def _before_at(url: str) -> Iterator[str]:
    """Yield what may be credentials before each ``@``, wherever that stands."""
    *pieces, _ = url.split("@")
    for place, piece in enumerate(pieces):
        slashes, found = _authority(piece, first=not place)
        user, colon, password = found.partition(":")
        if colon and re.match(r"[\w.-]+:\d+/", found):  # a host with its port, and a path
            yield found.rpartition("/")[2].rpartition(":")[2]
        elif colon:
            yield from (password, *password.split())
            # A password with a raw slash, or the path of an address with a port.
            yield from (password.rpartition("/")[2], password.rpartition(":")[2])
        elif slashes.startswith("//") and not url.startswith("file:"):
            yield user.rpartition("/")[2]


def _authority(piece: str, *, first: bool) -> tuple[str, str]:
    """Return what may be an authority at the end of a text, and the slashes before it.

    It begins behind the last two slashes, since a scheme may be half written,
    else at the beginning of an address, or behind the first blank.
    """
    if (end := max(map(piece.rfind, _SLASHES)) + 2) > 1:
        before = piece[:end]
        return before[len(before.rstrip("/\\")) :], piece[end:]
    blank = re.search(r"\s", piece)
    found = piece if first else piece[blank.end() :] if blank else ""
    return "", found.lstrip("/\\")


def may_have_token(url: str) -> bool:
    """Whether `path_tokens` could find one: asked of every file of a page."""
    return re.search(_MAY_HAVE, url) is not None


def path_tokens(host: str, path: str, *, told: bool = False) -> Iterator[str]:
    """Yield the segments of a path that are tokens: by their place, their host or what they say.

    With ``told`` also what follows ``/basic/``, which may as well be the name of an owner.
    """
    before = ""
    first = host.endswith(TOKEN_FIRST)
    segments = [each for each in path.split("/") if each]
    for segment, after in zip_longest(segments, segments[1:], fillvalue=""):
        named = segment.lower() in PUBLIC or segment.startswith(("$", "<"))
        marked = before in MARKERS and not _is_name_after(before, segment, after, told=told)
        if not named and (marked or first or re.fullmatch(_SIGNED, segment)):
            yield segment
            before = ""
        else:
            before = segment.lower()
        first = False


def _is_name_after(marker: str, segment: str, after: str, *, told: bool) -> bool:
    """Whether a segment is something else than a token, though a marker stands before it."""
    if marker == "t":  # mirrors have files by the first letter: /t/tensorflow/tensorflow-2.15.1…
        return segment[:1].lower() == "t" and after.lower().startswith(segment.lower())
    return marker == "basic" and not told and not is_token(segment)


def _look_alikes(url: str) -> Iterator[str]:
    """Yield the segments of a URL's path that look like tokens, and may be names."""
    if _is_local(url):
        return
    try:
        path = urlsplit(url if "://" in url else f"//{url}").path
    except ValueError:
        return
    yield from filter(is_token, path.split("/"))


def _is_local(url: str) -> bool:
    """Whether it is a path of this machine: it has no secrets, whatever its folders are called."""
    return url.startswith("file:") or not ("://" in url or "@" in url or re.match(_HOST_FIRST, url))


def is_token(segment: str) -> bool:
    """Whether a segment of a path looks like no name: letters and digits that alternate."""
    plain = re.sub(r"[^A-Za-z0-9]", "", re.sub(_PLATFORMS, "", unquote(segment)))
    if re.fullmatch(_OF_TOKENS, segment) is None or len(plain) < _LONG:
        return False
    if plain.isalpha():
        return plain.isupper() or (len(plain) >= _VERY_LONG and not plain.islower())
    turns = len(re.findall(_TURNS, plain))
    return turns >= 3 or (turns >= 2 and len(plain) >= 2 * _LONG)  # noqa: PLR2004  (as torch215cpu)


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
    if "@" not in parts.netloc and not parts.query:  # written again, it would lose what is empty
        return url
    query = "&".join(
        parameter
        for parameter in parts.query.split("&")
        if not re.fullmatch(_SECRET_NAME, parameter.partition("=")[0]) and HIDDEN not in parameter
    )
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))
