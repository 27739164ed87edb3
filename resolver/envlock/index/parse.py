"""Index pages into `DistributionFile`s: JSON (PEP 691, 700) and HTML (PEP 503). Pure.

Not left to a library: none keeps the sizes, and this one is read on every
run, also when nothing needs to be fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from urllib.parse import unquote, urljoin, urlsplit

from msgspec import Struct, field, json
from msgspec.structs import replace

from envlock.index.filenames import project_of
from envlock.index.secrets import strip_credentials
from envlock.model import DistributionFile
from envlock.standards import LONGEST

#: What a lock may hold: pip's ``--hash`` takes these and no others.
STRONG = ("sha256", "sha384", "sha512")

#: Files of one page. The longest page of PyPI (ddtrace) has 70,000.
MOST_FILES = 150_000

#: What pages that are read here say of themselves (PEP 629), if they say anything.
_MAJOR = "1"


class Incomplete(ValueError):
    """The page ends before it should: the connection was cut off."""


class NotAPage(ValueError):
    """Whole, but not a page of package files; the text says why."""


class _Meta(Struct, frozen=True):
    version: str = field(name="api-version", default=_MAJOR)


class _Entry(Struct, frozen=True, rename="kebab"):
    """One file of a JSON page, as far as it is needed."""

    filename: str
    url: str
    hashes: dict[str, str | None] | None = None
    requires_python: str | None = None
    yanked: bool | str | None = None
    upload_time: str | None = None
    size: int | None = None


class _Page(Struct, frozen=True):
    files: list[_Entry]
    meta: _Meta | None = None


def parse_json(content: bytes, url: str) -> tuple[DistributionFile, ...]:
    """Return the files of a PEP 691 page; ``url`` is where it was found.

    Raises:
        Incomplete: it is not JSON to the end.
        NotAPage: it is malformed, or JSON of another kind.
    """
    _check_count(content.count(b'"filename"'))
    try:
        page = _decoder().decode(content)
        if page.meta is not None:
            check_version(page.meta.version)
        base = strip_credentials(url)
        return tuple(_described(entry, base) for entry in page.files)
    except NotAPage:
        raise
    except (ValueError, RecursionError) as error:
        if "truncated" in str(error) and not content.rstrip().endswith((b"}", b"]")):
            raise Incomplete from error
        raise NotAPage(_words(error)) from error


def parse_html(text: str, url: str, *, project: str | None = None) -> tuple[DistributionFile, ...]:
    """Return the files of a PEP 503 page; ``url`` is where it was found.

    With ``project``, a page that lists no file has to be one that an index
    makes of that project, and not what a proxy or a login page says instead.

    Raises:
        Incomplete: it ends inside a tag.
        NotAPage: it is malformed, or a page of another kind.
    """
    from envlock.index.links import read_links  # noqa: PLC0415  (3 ms, and most indexes speak JSON)

    try:
        links = read_links(text, most=MOST_FILES)
        check_version(links.version)
        base = strip_credentials(urljoin(url, links.base))
        _check_count(len(links.found))
        files = tuple(_anchored(anchor, base) for anchor in links.found if anchor.get("href"))
    except NotAPage:
        raise
    # The parser of the standard library ends some declarations with an assertion.
    except (ValueError, AssertionError, RecursionError) as error:
        raise NotAPage(_words(error)) from error
    if links.cut_off:
        raise Incomplete
    if project is not None and not any(project_of(file.filename) for file in files):
        doubt = links.doubt(project)
        if doubt:
            raise NotAPage(f"it lists no file, and {doubt}: a login page, or that of a proxy?")
    return files


def _check_count(files: int) -> None:
    if files > MOST_FILES:
        raise NotAPage(f"it lists more than {MOST_FILES:,} files, the limit for one page")


def check_version(said: str) -> None:
    """Refuse a page of a version that is not known here, as PEP 629 has it.

    Raises:
        NotAPage: it is newer.
    """
    major = said.strip().partition(".")[0]
    if major != _MAJOR:
        raise NotAPage(f"it is of version {said[:20]} of the protocol, and envlock reads 1.x")


def _words(error: BaseException) -> str:
    """What a library found wrong, on one short line."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if "integer string conversion" in str(error):
        return "a number in it has thousands of digits"
    words = " ".join(str(error).split())[:200] or type(error).__name__
    return words if words[1:2].isupper() else f"{words[:1].lower()}{words[1:]}"


@cache
def _decoder() -> json.Decoder[_Page]:
    return json.Decoder(_Page)


def file_at(url: str) -> DistributionFile:
    """Return the file that ``url`` points to, with the hash in its fragment."""
    url, _, fragment = url.partition("#")
    hashes = {part.partition("=")[0]: part.partition("=")[2] for part in fragment.split("&")}
    return DistributionFile(
        filename=unquote(urlsplit(url).path.rpartition("/")[2]),
        url=strip_credentials(url),
        hashes=_strong(hashes),
    )


def _anchored(anchor: Mapping[str, str | None], base: str) -> DistributionFile:
    href = anchor["href"] or ""
    # Joining is the slow part of a long page, and most links are whole.
    file = file_at(href if href.startswith(("https://", "http://")) else urljoin(base, href))
    yanked = (anchor["data-yanked"] or "") if "data-yanked" in anchor else None
    python = _python(file.filename, anchor.get("data-requires-python"))
    return replace(file, requires_python=python, yanked=yanked)


def _described(entry: _Entry, base: str) -> DistributionFile:
    url, yanked = entry.url, entry.yanked
    return DistributionFile(
        filename=entry.filename,
        url=strip_credentials(url if url.startswith("https://") else urljoin(base, url)),
        hashes=_strong(entry.hashes or {}),
        requires_python=_python(entry.filename, entry.requires_python),
        yanked=(yanked if isinstance(yanked, str) else "") if yanked else None,
        upload_time=_moment(entry.filename, entry.upload_time),
        size=entry.size,
    )


def _strong(hashes: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value.lower() for name in STRONG if (value := hashes.get(name))}


def _python(filename: str, text: str | None) -> str | None:
    """Return a Requires-Python as it stands there, or None.

    Raises:
        NotAPage: its length is one that engines fail on, and Python too where it is a number.
    """
    if text and len(text) > LONGEST:
        raise NotAPage(f"the requires-python of {filename[:80]} has {len(text):,} characters")
    return text or None


def _moment(filename: str, text: str | None) -> datetime | None:
    """Return an upload time; PEP 700 demands UTC, so one without a zone is taken as that.

    Raises:
        NotAPage: it is none, which engines fail on.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        said = f"“{text[:40]}{'…' * (len(text) > 40)}”"  # noqa: PLR2004  (a line)
        raise NotAPage(f"the upload-time of {filename[:80]} is no time: {said}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
