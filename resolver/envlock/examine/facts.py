"""Which versions a log or traceback tells. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.rules.frameworks import frameworks

#: Every repeat has an end, so that no text makes a search slow.
_VERSION = (
    r"v?\d{1,12}(?:\.\d{1,12}){1,6}"
    r"(?:[._-]?(?:a|b|rc|alpha|beta|dev|post)\.?\d{0,12}){0,3}(?:\+\w[\w.]{0,40})?"
)
_NAME = r"[A-Za-z0-9](?:[\w.-]{0,80}[A-Za-z0-9])?"

#: Names beside those of frameworks that are looked for in running text, where any word can
#: stand before a number.
_KNOWN = (
    *("keras-nightly", "keras", "h5py", "numpy", "protobuf", "scipy", "tensorboard", "ml-dtypes"),
    *("setuptools", "gast", "flatbuffers", "typing-extensions", "transformers"),
)
_INSTALLED = re.compile(r"Successfully installed (.+)")
_SATISFIED = re.compile(
    rf"Requirement already (?:satisfied|up-to-date)[^:\n]{{0,80}}: ((?>{_NAME}))[^\n]{{0,200}}?"
    rf" in \S[^\n]{{0,400}}\(({_VERSION})\)"
)
_YOU_HAVE = re.compile(rf"but you(?:'ll)? have ({_NAME}) ({_VERSION})")
_OWNER = re.compile(
    rf"(?:^|\s)({_NAME}) ({_VERSION}) (?:requires|has requirement) [^\n]{{0,200}}but you"
)
#: A metadata folder, found from its end.
_METADATA_END = re.compile(r"\.(?:dist-info|egg-info|egg)\b")
_METADATA = re.compile(rf"[/\\]({_NAME})-({_VERSION})(?:-py3\.\d+)?(?:-[\w-]+)?$")
_LONGEST_NAME = 100
#: Messages in which a package tells the version that is running.
_RUNNING = (
    ("numpy", r"cannot be run in\s{1,40}+NumPy\s{1,40}+VERSION"),
    ("protobuf", rf"gencode {_VERSION} runtime VERSION"),
)
_PINNED = re.compile(
    rf"(?<![\w.-])({_NAME})(?:\[[\w,-]*\])?\s?={{2,3}}\s?({_VERSION})(?![\w*]|\.\*)"
)
_BEFORE_NAME = (
    r"(?:^[\s*•>\"'`-]*|\b(?:with|using|have|has|on|running|under|installed|and|my)\s+|[,;:(]\s*)"
)
_AFTER_NAME = (
    r"['\"`]?(?:\s+|-|:\s*|\s*=\s*|\s+versions?:?\s+|\.__version__[\s:=>'\"]*)['\"`]?"
    rf"({_VERSION})(?![\w*]|\.\d|\.tar|\.zip|\.whl|-cp|-py)"
)
#: What stands after these is asked for by somebody, or was given up.
_NOT_THERE = re.compile(
    r"\b(?:depends on|requires|required by|requirement|from versions|need(?:s|ed)?|[Pp]lease"
    r"|(?:up|down)grade|instead of|[Uu]ninstall(?:ing|ed)|at least|compatible with|supported"
    r"|compiled|older than|newer than|up to|before|since|deprecated|removed|Collecting"
    r"|Downloading|Using cached|Looking for)\b|->|[<>~!]=?\s*\d"
)
_NUMBER = re.compile(r"\d\.\d")
_ASKED = re.compile(r"satisfies the requirement|distribution found for|user requested")
_PARTS = 3  # X.Y.Z is a release, X.Y a series

#: Which releases have a file of this name: seen in the wheels.
_LAYOUT = (
    (r"-packages[/\\]keras[/\\]engine[/\\]topology\.py", "keras", "<2.2"),
    (r"-packages[/\\]keras[/\\]engine[/\\]saving\.py", "keras", ">=2.2,<2.4"),
    (r"-packages[/\\]keras[/\\]src[/\\]engine[/\\]", "keras", ">=2.13,<3"),
    (r"-packages[/\\]keras[/\\]src[/\\](?:models|ops|trainers)[/\\]", "keras", ">=3"),
)

Mention = tuple[NormalizedName, Version]


@cache
def _running() -> tuple[tuple[NormalizedName, re.Pattern[str]], ...]:
    told = (*_RUNNING, *((each.name, one) for each in frameworks() for one in each.versions))
    return tuple(
        (canonicalize_name(name), re.compile(pattern.replace("VERSION", f"({_VERSION})")))
        for name, pattern in told
    )


@cache
def _layout() -> tuple[tuple[re.Pattern[str], NormalizedName, SpecifierSet], ...]:
    own = ((path, each.name, spec) for each in frameworks() for path, spec in each.layout)
    others = ((path, canonicalize_name(name), SpecifierSet(spec)) for path, name, spec in _LAYOUT)
    return tuple((re.compile(path), name, spec) for path, name, spec in (*own, *others))


def _names() -> tuple[str, ...]:
    """Every known name, the longest first, so that no name is taken for the start of another."""
    names = {*_KNOWN, *(name for each in frameworks() for name in each.names)}
    return tuple(sorted(names, key=lambda name: (-len(name), name)))


@cache
def _told() -> re.Pattern[str]:
    names = "|".join(name.replace("-", "[-_]") for name in _names())
    return re.compile(f"{_BEFORE_NAME}({names}){_AFTER_NAME}", re.IGNORECASE)


@cache
def _stems() -> frozenset[str]:
    """Of each known name the longest part: letters that are quick to look for."""
    return frozenset(max(name.split("-"), key=len) for name in _names())


class Facts(Struct, frozen=True, kw_only=True):
    """Exact versions and ranges that a text tells."""

    packages: dict[NormalizedName, Version]
    loose: dict[NormalizedName, SpecifierSet]


def facts(text: str) -> Facts:
    """Return the versions in a text: those it says are there before those it mentions.

    A package that is only mentioned, and in several versions, is left out.
    """
    packages: dict[NormalizedName, Version] = {}
    loose = {name: spec for pattern, name, spec in _layout() if pattern.search(text)}
    mentioned: dict[NormalizedName, set[Version]] = {}
    for name, version in _mentioned(text):
        mentioned.setdefault(name, set()).add(version)
    for name, versions in mentioned.items():
        releases = {each for each in versions if len(each.release) >= _PARTS}
        if len(releases) == 1:
            packages[name] = releases.pop()
        elif len(versions) == 1:
            (series,) = versions
            loose.setdefault(name, SpecifierSet(f"=={series.major}.{series.minor}.*"))
    packages |= dict(_there(text))
    return Facts(packages=packages, loose={n: s for n, s in loose.items() if n not in packages})


def _there(text: str) -> Iterator[Mention]:
    """What the text says is installed, the last word on a package last."""
    for end in _METADATA_END.finditer(text):
        folder = text[max(0, end.start() - _LONGEST_NAME) : end.start()]
        yield from _all(_METADATA.findall(folder.rpartition("\n")[2]))
    yield from _all(_SATISFIED.findall(text))
    if "but you" in text:
        for line in text.split("\n"):
            if "but you" in line:
                yield from _all((*_OWNER.findall(line), *_YOU_HAVE.findall(line)))
    for line in _INSTALLED.findall(text):
        yield from _all(word.rpartition("-")[::2] for word in line.split())
    for name, pattern in _running():
        yield from _all((name, version) for version in pattern.findall(text))


def _mentioned(text: str) -> Iterator[Mention]:
    for line in text.split("\n"):
        pinned = "==" in line
        if not pinned and not _may_tell(line):
            continue
        other = None if _ASKED.search(line) else _NOT_THERE.search(line)
        if other is not None and not line[: other.start()].strip():
            continue
        said = line[: other.start()] if other else line
        if pinned:
            yield from _all(_PINNED.findall(said))
        yield from _all(_told().findall(said))


def _may_tell(line: str) -> bool:
    """Whether a line has a known name before a number, quickly."""
    small = line.lower()
    return any(word in small for word in _stems()) and _NUMBER.search(line) is not None


def _all(pairs: Iterable[Iterable[str]]) -> Iterator[Mention]:
    for name, version in pairs:
        known = _version(version)
        if known is not None:
            yield canonicalize_name(name), known


@lru_cache(maxsize=4096)
def _version(text: str) -> Version | None:
    return standards.version(text)
