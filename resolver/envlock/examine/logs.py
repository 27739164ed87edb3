"""A traceback or log → `Examined`: the text that was meant, and which versions it tells. Pure.

A terminal, notebook or container adds colours, prefixes and lines that were
written over: they go first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.examine.brief import LONGEST, brief, fewer
from envlock.examine.gathered import Given, platform_of, python_of
from envlock.findings import Examined, Kind
from envlock.rules.frameworks import frameworks

#: Colours and cursor moves, also where the escape character itself was lost.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]|"
    r"\[(?:\d{1,3}(?:;\d{1,3})+|[013][0-9]?|4[0-9]|9[0-7]|0)m"
)
_COLOURED = ("\x1b", "[0m", "[0;", "[1;", "[31m")
_INVISIBLE = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 27), *range(28, 32), 127, *range(0x200B, 0x2010), 0x2060, 0xFEFF]
)
_STAMP = (
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,:]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d+)?"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ ][ \d]\d[ ]\d\d:\d\d:\d\d"
)
_LOUD = r"(?:WARN|WARNING|ERROR|CRITICAL|FATAL)"
_QUIET = r"(?:DEBUG|INFO|NOTICE|STDERR|STDOUT|stderr|stdout)"
#: What loggers, containers, CI systems and mail programs put before a line, one after the
#: other. ``ERROR: `` stays: pip and conda begin a message so.
_PREFIX = re.compile(
    rf"""^(?:
        \[?(?:{_STAMP})\]?(?:[ ]?[:|-])*[ \t]? # a time
      | [\w.-]+\ [\w.-]+\[\d+\]:[ ]            # journal: host unit[pid]:
      | \[(?:{_LOUD}|{_QUIET})\]:?[ \t]?        # [ERROR]
      | (?:{_LOUD}|{_QUIET}):[\w.]+:           # ERROR:name:
      | {_QUIET}[ \t]*[:|][ \t]?               # INFO: and INFO |
      | {_LOUD}[ \t]+\|[ \t]?                  # ERROR |
      | (?:stdout|stderr)\ [FP]\               # Kubernetes
      | [\w./-]{{1,60}}[ \t]+\|(?:[ ]|$)       # docker compose: service  |
      | \#\d+\ \d+\.\d+[ ]?                   # docker build: #12 3.456
      | \[\d+,\d+\]<std(?:err|out)>:           # mpirun
      | \((?:[\w.]+\ )?pid=\d+[^)\n]*\)[ ]     # ray
      | (?:>(?!=)[ ]?)+                        # a quotation in a mail
      | [│┃|!][ ]?                             # boxes and bars
      | E\ {{3,}}(?=\S)                        # pytest
    ){{1,6}}""",
    re.VERBOSE | re.MULTILINE,
)
_ARROW = re.compile(r"^[ \t]*-+>[ \t]+(?=\d+\b)", re.MULTILINE)
_JSON_LOG = re.compile(r'^\{"log":"(.*?)","stream":"\w{1,20}"(?:,[^\n]{0,200})?\}$', re.MULTILINE)
_JSON_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_JSON_CHARACTERS = {"n": "\n", "t": "\t", "r": "\r"}
_BOX_END = re.compile(r"(?<![ \t])[ \t]+[│┃|][ \t]*$", re.MULTILINE)
#: What docker compose writes before a line that is empty, which looks like the end of a box.
_EMPTY = re.compile(r"^[\w./-]{1,60}[ \t]+\|[ \t]*$", re.MULTILINE)
_LONG = 1000  # lines
_NARROWEST = 79  # columns of a terminal that breaks lines
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
#: Said by conda's own tools, and by pip.
_CONDA = (
    "Collecting package metadata",
    "Solving environment",
    "PackagesNotFoundError",
    "ResolvePackageNotFound",
    "UnsatisfiableError",
    "nothing provides",
    "conda install ",
    "mamba install ",
)
_PIP = (
    "Successfully installed ",
    "Requirement already satisfied",
    "Could not find a version that satisfies",
    "pip's dependency resolver",
    "ResolutionImpossible",
    "pip install ",
)
_PIP_PLACES = ("dist-packages", "/venv/", "/.venv/", "\\venv\\", ".local/lib/python")


def clean(text: str) -> str:
    """Return a log without what was put around and into its lines.

    Of very long logs and lines only a part is kept (`brief`). Colours,
    overwritten progress bars, line ends of other systems, prefixes of loggers
    and the arrows of notebooks go; lines that a terminal broke at its edge are
    one again.
    """
    text = brief(text)
    if any(mark in text for mark in _COLOURED):
        text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = "\n".join(map(_last_written, text.split("\n")))
    text = text.replace("\xa0", " ").translate(_INVISIBLE)
    if '{"log":"' in text:
        text = _JSON_LOG.sub(lambda line: _plain(line[1]).rstrip("\r\n"), text)
    if "│" in text or "┃" in text or " |" in text:
        text = _BOX_END.sub("", _EMPTY.sub("", text))
    text = _PREFIX.sub("", _joined(text))
    if "-> " in text:
        text = _ARROW.sub("", text)
    return text if text.count("\n") < _LONG else "\n".join(fewer(text.split("\n")))


def _last_written(line: str) -> str:
    """What a terminal shows of a line that was written over."""
    return line.rstrip("\r").rpartition("\r")[2]


def _plain(escaped: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        return _JSON_CHARACTERS.get(code, code)

    return _JSON_ESCAPE.sub(character, escaped)


def _joined(text: str) -> str:
    """Undo the breaks of a terminal: different lines end exactly at its edge, none goes beyond."""
    lines = text.split("\n")
    edge = max(map(len, lines))
    if edge < _NARROWEST or len({line for line in lines if len(line) == edge}) == 1:
        return text
    whole: list[list[str]] = []
    room = 0
    for line in lines:
        if room > 0 and line[:2].strip():
            whole[-1].append(line)
            room -= len(line)
        else:
            whole.append([line])
            room = LONGEST
        if len(line) != edge:
            room = 0
    return "\n".join(map("".join, whole))


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


def examine_text(text: str, given: Given | None = None, *, origin: str = "text") -> Examined:
    """Examine a traceback or log.

    Nobody knows which manager an environment below a conda folder is filled
    by, so paths alone never make it conda's.
    """
    given = given or Given()
    plain = clean(text)
    told = facts(plain)
    return Examined(
        kind=Kind.TEXT,
        origin=origin,
        packages=told.packages,
        loose=told.loose,
        python=given.python or python_of(plain),
        platform=given.platform or platform_of(plain),
        manager=_manager(plain),
        text=plain,
    )


def _manager(text: str) -> str | None:
    pip = any(word in text for word in _PIP)
    if any(word in text for word in _CONDA):
        return None if pip else "conda"
    return "pip" if pip or any(place in text for place in _PIP_PLACES) else None
