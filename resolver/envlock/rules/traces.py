"""Tracebacks in a text: what was raised, through which frames, and whose code did it. Pure.

Python, IPython and Jupyter, pytest, rich and Cython each write frames their own
way, and logs have exceptions without any. The paths are of any system. A frame
is a library's where its file lies among packages, Python's own where it lies
in the standard library, and otherwise the user's.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from msgspec import Struct, field
from packaging.utils import NormalizedName, canonicalize_name

from envlock.rules.frameworks import families

#: Characters at the end of a text that are read, of a line, and of a message.
_READ, _LINE, _MESSAGE = 1_000_000, 1000, 4000
#: What is said of an exception, before its traceback.
_BEFORE = 2000
_MOST_FRAMES = 500  # of one exception: as deep as a recursion that Python ends is told

_TRACEBACK = "Traceback (most recent call last)"
_CHAINS = (
    "During handling of the above exception, another exception occurred",
    "The above exception was the direct cause of the following exception",
)
_PLACE = (
    r"(?P<path>(?:[A-Za-z]:)?[^\s:\"'<>|()\[\]][^:\"<>|\n\]]{0,400}?"
    r"\.(?:p(?:y[xdiw]?|xd|xi)|ipynb))"
)
_FUNCTION = r"(?P<function>[^\n]{1,200}?)"
_FRAMES = (
    # Python and Cython; who copies a text may lose the beginning of its first line.
    re.compile(
        rf"\s*(?:File [\"'])?(?P<path>[^\"'\n]{{1,900}})[\"'], line (?P<line>\d+)"
        rf"(?:,? in {_FUNCTION})?\s*$"
    ),
    # IPython 8 and Spyder
    re.compile(
        rf"\s*File (?P<path>[^\s\"'][^\n]{{0,400}}?):(?P<line>\d+)(?:,? in {_FUNCTION})?\s*$"
    ),
    re.compile(
        r"\s*(?P<path>(?:Cell|Input) In ?\[\d+\])(?:, line (?P<line>\d+))?"
        rf"(?:,? in {_FUNCTION})?\s*$"
    ),
    # IPython 7, and Colab, which makes links of the files
    re.compile(
        rf"\s*\[?(?:{_PLACE}|(?P<cell><ipython-input-[\w-]+>))(?:\]\(https?:[^)\n]{{1,200}}\))?"
        rf" in {_FUNCTION}(?:\(.*)?\s*$"
    ),
    # pytest and rich
    re.compile(rf"{_PLACE}:(?P<line>\d+):? in {_FUNCTION}\s*$"),
)
#: What every line that begins a frame has.
_FRAMED = ("File ", ", line ", " In [", " In[", " in ")
_WARNED = re.compile(r"\S.{0,400}?:\d+: (?P<type>(?:\w+\.)*\w*Warning): ")
_TYPE = (
    r"(?P<type>(?:[A-Za-z_]\w*\.)*_?[A-Z]\w*"
    r"(?:Error|Exception|Interrupt|Exit|Failure|Impossible|NotFound|Warning|Unsatisfiable|Conflict))"
)
_RAISED = re.compile(rf"[ \t]*(?:E[ \t]{{2,}})?{_TYPE}(?::(?=\s|$)|\s*$)")
#: What ends a traceback may have any name.
_ENDS = re.compile(r"(?P<type>(?:[A-Za-z_]\w*\.)*_?[A-Z]\w*)(?::\s|\s*$)")
_ANNOUNCED = re.compile(rf"[ \t]*{_TYPE}[ \t]+Traceback \(most recent call last\)")
_WITHIN = re.compile(rf"(?<![\w.'\"`(]){_TYPE}: (?=\S)")
_CURRENT = re.compile(r"(?:-+> ?|❱ ?)?\d{1,6}(?: (?P<source>.*))?$")
_NUMBERED = re.compile(r"\s*\d{1,6}(?:\s|$)")
_NUMBER = re.compile(r"^\s*(?:-+> ?|❱ ?)?\d{1,6} ")
_CARETS = re.compile(r"\s*[~^]+\s*$")
_STANDARD = re.compile(r"[/\\]lib(?:64)?[/\\](?:python[\d.]+t?[/\\])?(\w+)", re.IGNORECASE)
_SITES = frozenset({"site-packages", "dist-packages"})
_IMPORT = re.compile(r"\s*(?:from\s+(?P<origin>[\w.]+)\s+import\b|import\s+(?P<name>[\w.]+))")
#: How a module gives what its name is asked for: the caller asked.
_GIVES = frozenset({"__getattr__", "__getattribute__", "_load", "import_array"})
#: A package that imports its parts when they are asked for, and tells of the one that failed.
_LAZY = re.compile(r"Failed to import ([\w.]{1,200}) because of the following error")
_COMPILED = re.compile(
    r"[^\s\"'(]{0,300}[/\\](?:site|dist)-packages[/\\][^\s\"':,)]{1,300}\.(?:so|pyd|dll|dylib)\b"
)


class Frame(Struct, frozen=True, kw_only=True):
    """One step of a traceback; ``line`` is 0 and ``source`` "" where they are not shown.

    ``package`` is the import package that the file is of, "" for the user's
    own; ``python`` says that it is the standard library's.
    """

    path: str
    line: int = 0
    function: str = ""
    source: str = ""
    package: str = ""
    python: bool = False

    @property
    def is_user(self) -> bool:
        """Whether it is neither a package's nor Python's own."""
        return not self.package and not self.python


class Raised(Struct, frozen=True, kw_only=True):
    """One exception of a text, from ``start`` to ``end``; its own line begins ``at``.

    ``chained`` says that it was raised while the one before was handled,
    ``shown`` is the line of code above one without frames. ``type`` is "" where
    frames lead to nothing that was raised.
    """

    type: str
    message: str
    start: int
    at: int
    end: int
    frames: tuple[Frame, ...] = ()
    chained: bool = False
    shown: str = ""

    @property
    def is_error(self) -> bool:
        """Whether it is known to have been raised, and does more than to warn."""
        return bool(self.type) and not self.type.endswith("Warning")

    @property
    def source(self) -> str:
        """The line of code that raised it, as far as it is shown."""
        return self.frames[-1].source if self.frames else self.shown

    @property
    def line(self) -> str:
        """Its type, and the first line of its message."""
        first = self.message.partition("\n")[0]
        return f"{self.type}: {first}" if first else self.type


class Blame(Struct, frozen=True, kw_only=True):
    """Whose code raised: ``package`` is the import package, "" for the user's own code."""

    package: str
    frame: Frame | None = None

    @property
    def distribution(self) -> NormalizedName | None:
        """The distribution that the package is of."""
        return distribution_of(self.package) if self.package else None

    def is_of(self, names: Sequence[NormalizedName]) -> bool:
        """Whether it is one of these distributions, or of these families."""
        return self.distribution in {m for name in names for m in families().members(name)}


@lru_cache(maxsize=8)
def raised(text: str) -> tuple[Raised, ...]:
    """Return the exceptions and warnings that a text tells of, in their order.

    Of a long text only the end is read.
    """
    begin = max(0, len(text) - _READ)
    reader = _Reader(text)
    for start, line in _lines(text, begin):
        reader.read(start, line)
    reader.close(len(text))
    reader.leave(len(text))
    found = tuple(reader.found)
    return found if any(each.type for each in found) else (*found, *_within(text, begin))


def last_raised(found: Sequence[Raised]) -> Raised | None:
    """Return the last exception, which a text is about; a warning is none."""
    return next((each for each in reversed(found) if each.is_error), None)


def blamed(one: Raised) -> Blame | None:
    """Return whose code raised, or did the import that failed; None where nothing shows it.

    Frames of Python's own importing, and those by which a module answers that
    it has no such name, are not to blame, but who called them.
    """
    frames = list(one.frames)
    while len(frames) > 1 and (frames[-1].python or _gives(frames[-1])):
        frames.pop()
    if not frames or frames[-1].python:
        path = _COMPILED.search(one.message)
        lazy = _LAZY.search(one.message)
        package = top_of(lazy[1]) if lazy else ""
        package = package_of(path[0]) if path else package or _import_of(one).package
        return Blame(package=package) if package else None
    last = frames[-1]
    return _import_of(one) if last.is_user else Blame(package=last.package, frame=last)


def _gives(frame: Frame) -> bool:
    """Whether a frame is of a function by which a module gives names; a class may have it."""
    return frame.function.split("(")[0].rpartition(".")[2] in _GIVES


def _import_of(one: Raised) -> Blame:
    """Who is to blame where code of the user's raised: what it imports, unless that is missing."""
    name = imported(one.source)
    frame = one.frames[-1] if one.frames else None
    told = name.partition(".")[0] in re.findall(r"\w+", one.message)
    return Blame(package="" if not name or told else top_of(name), frame=frame)


def blamed_at(found: Sequence[Raised], place: int) -> Blame | None:
    """Return who raised the exception that a place of the text is in, or just before.

    None: nothing shows it.
    """
    one = next((each for each in found if place <= each.end), None)
    return blamed(one) if one is not None and one.start <= place + _BEFORE else None


def imported(source: str) -> str:
    """Return the module that a line of code imports, or ""."""
    found = _IMPORT.match(source)
    return (found["origin"] or found["name"]) if found else ""


def top_of(module: str) -> str:
    """Return the import package that a module is in."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "google" else parts[0]


def distribution_of(package: str) -> NormalizedName:
    """Return the distribution that installs an import package."""
    return families().imports.get(package) or canonicalize_name(package)


def package_of(path: str, function: str = "") -> str:
    """Return the import package that a file is of, "" for one that is in no folder of packages."""
    parts = [part for part in re.split(r"[/\\]+", path) if part]
    sites = [place for place, part in enumerate(parts[:-1]) if part in _SITES]
    if sites:
        return _top(parts[sites[-1] + 1 :])
    if path.endswith((".pyx", ".pxd", ".pxi")) or path == "<stringsource>":
        return _compiled(parts, function)
    return ""


def is_own(path: str) -> bool:
    """Whether a file is neither a package's nor Python's own."""
    return not package_of(path) and not _is_python(path)


def _top(parts: list[str]) -> str:
    """The import package of a path below a folder of packages."""
    # An egg or a zip file is a folder of packages of its own.
    while len(parts) > 1 and parts[0].endswith((".egg", ".whl", ".zip")):
        parts = parts[1:]
    # What cannot be imported is a folder of plug-ins or of libraries: their files have names.
    if len(parts) > 1 and not parts[0].isidentifier():
        return parts[-1].split(".")[0].removeprefix("lib")
    if parts[0] == "google" and len(parts) > 2:  # noqa: PLR2004  (a namespace, and a package in it)
        return f"google.{parts[1]}"
    return parts[0].split(".")[0]


def _compiled(parts: list[str], function: str) -> str:
    """The import package of a frame of Cython, which gives the module as the function."""
    module = function.removeprefix("init ").split(".")
    if len(module) > 1 and module[0] != "numpy":
        return module[0]
    return parts[0] if len(parts) > 1 and parts[0].isidentifier() else ""


@cache
def _is_python(path: str) -> bool:
    if path.startswith("<frozen "):
        return True
    found = _STANDARD.search(path)
    return found is not None and found[1] in sys.stdlib_module_names


def _lines(text: str, begin: int) -> Iterator[tuple[int, str]]:
    while begin < len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        yield begin, text[begin : min(end, begin + _LINE)]
        begin = end + 1


def _within(text: str, begin: int) -> Iterator[Raised]:
    """Exceptions in the middle of lines, where none has a line of its own."""
    for start, line in _lines(text, begin):
        match = _WITHIN.search(line)
        if match is not None:
            at = start + match.start()
            yield Raised(
                type=match["type"],
                message=line[match.end() :].strip(),
                start=start,
                at=at,
                end=start + len(line),
            )


class _Reader(Struct, kw_only=False):
    """Takes the lines of a text one after the other."""

    text: str
    found: list[Raised] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    start: int = -1
    chained: bool = False
    open: tuple[str, int, int] | None = None  # of an exception: type, where it is, its message
    before: str = ""
    shown: str = ""

    def read(self, start: int, line: str) -> None:
        """Take a line that begins at a place of the text."""
        if not line.strip():
            return
        if _TRACEBACK in line or any(words in line for words in _CHAINS):
            self.close(start)
            self.leave(start)
            self.start = start
            self.chained |= _TRACEBACK not in line
        elif any(word in line for word in _FRAMED) and self._frame(start, line):
            pass
        elif not self._raised(start, line) and self.frames and self.open is None:
            self._source(line)
        self.before = line

    def _frame(self, start: int, line: str) -> bool:
        match = next(filter(None, (each.match(line) for each in _FRAMES)), None)
        if match is None:
            return False
        self.close(start)
        if not self.frames and self.start < 0:
            self.start = start
        told = match.groupdict()
        path = told.get("path") or told.get("cell") or ""
        function = (told.get("function") or "").removesuffix("()").strip()
        package = package_of(path, function)
        frame = Frame(
            path=path,
            line=int(told.get("line") or 0),
            function=function,
            package=package,
            python=not package and (_is_python(path) or path.endswith((".pxd", ".pxi"))),
        )
        if len(self.frames) < _MOST_FRAMES:
            self.frames.append(frame)
        return True

    def _source(self, line: str) -> None:
        """Keep the line of code that a frame shows: the first, or the one that is marked."""
        last = self.frames[-1]
        bare = line.lstrip("> ") if line.startswith(">") else line
        marked = _CURRENT.match(bare)
        if marked is not None:
            source = (marked["source"] or "").strip()
        elif last.source or _CARETS.match(line) or _NUMBERED.match(line):
            return
        else:
            source = bare.strip()
        self.frames[-1] = Frame(
            path=last.path,
            line=last.line,
            function=last.function,
            source=source,
            package=last.package,
            python=last.python,
        )

    def _raised(self, start: int, line: str) -> bool:
        warned = _WARNED.match(line)
        if warned is not None:
            self.close(start)
            kept, self.frames, self.start = (self.frames, self.start), [], start
            self.open = (warned["type"], start, start + warned.end())
            self.close(start + len(line))
            self.frames, self.start = kept
            return True
        match = None if _ANNOUNCED.match(line) else _RAISED.match(line)
        if match is None and self.frames and self.open is None and not line[0].isspace():
            match = _ENDS.match(line)
        if match is None:
            return False
        self.close(start)
        self.open = (match["type"], start, start + match.end())
        self.shown = "" if self.frames else _NUMBER.sub("", self.before).strip()
        return True

    def close(self, end: int) -> None:
        """End the exception whose message was read, if one is open."""
        if self.open is None:
            return
        kind, at, message = self.open
        self.found.append(
            Raised(
                type=kind,
                message=self.text[message : min(end, message + _MESSAGE)].strip(),
                start=at if self.start < 0 else self.start,
                at=at,
                end=min(end, message + _MESSAGE),
                frames=tuple(self.frames),
                chained=self.chained,
                shown=self.shown,
            )
        )
        self.frames, self.start, self.chained, self.open = [], -1, False, None

    def leave(self, end: int) -> None:
        """End frames that lead to no exception: the text was cut, or another one begins."""
        if self.frames:
            self.open = ("", end, end)
            self.close(end)
        self.start = -1
