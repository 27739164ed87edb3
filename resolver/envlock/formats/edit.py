"""Change pins line by line, so that comments, order, quotes and line ends stay. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import unified_diff
from typing import Any

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.changes import Step
from envlock.errors import UsageError
from envlock.formats.yaml_text import compose
from envlock.versions import admits

_NAME = r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)"
_END = r"(?P<rest>\s*(?:[;,#\\\"'].*)?)"
#: A requirement in a requirements file, or quoted or bare in the pip list of an environment file.
_PIP = re.compile(
    rf"(?P<before>\s*(?:-\s+[\"']?)?){_NAME}(?P<extras>\s*\[[^\]]*\])?"
    rf"(?P<spec>\s*(?:(?:[<>=!~]=?=?)\s*[^\s;,#\"'\\]+(?:\s*,\s*[<>=!~]=?=?\s*[^\s;,#\"'\\]+)*)?){_END}"
)
#: A conda spec: channel, name, version, build.
_CONDA = re.compile(
    rf"(?P<before>\s*-\s+[\"']?(?:[\w./-]+::)?){_NAME}(?P<extras>)"
    rf"(?P<spec>(?:\s*[<>=!~]=?\s*[^\s=#\"']+(?:=[^\s#\"']+)?)?){_END}"
)
_EXACT = re.compile(r"\s*===?\s*[^\s,*]+")
_EXACT_FOR_CONDA = re.compile(r"\s*==?\s*[^\s,*=|]+(=[^\s=]+)?")
_ITEM = re.compile(r"(?P<indent>\s*)-\s")
_PIP_LIST = re.compile(r"(?P<indent>\s*)-\s+[\"']?pip[\"']?\s*:\s*(#.*)?")
#: The line ends of YAML; those of pip are those of Python.
_YAML_END = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")

_COMMENT = re.compile(r"\s+#.*")
_PLAIN_ENDS = ("\n", "\r\n", "\r")


class Edited(Struct, frozen=True, kw_only=True):
    """The new text; ``hashed`` are packages whose lines have hashes, so that they were left."""

    text: str
    hashed: tuple[NormalizedName, ...] = ()


def edited(text: str, steps: Iterable[Step], *, conda: bool) -> Edited:
    """Return a file with the steps done: pins changed, lines removed, or added at the end.

    ``conda`` says that it is an environment.yml. An added line names its rule.
    """
    lines = Lines(in_blocks(text) if conda else text, conda=conda)
    hashed = [step.package for step in steps if not lines.apply(step)]
    return Edited(text=lines.text, hashed=tuple(hashed))


def renamed(text: str, names: Mapping[NormalizedName, str], *, conda: bool) -> str:
    """Return a file with other names on its lines, without the bounds that the old ones had.

    Lines with hashes stay, as in `edited`.
    """
    lines = Lines(text, conda=conda)
    lines.rename(names)
    return lines.text


def in_blocks(text: str) -> str:
    """Return an environment.yml whose list of dependencies has an entry on each line.

    Raises:
        UsageError: a comment stands between its brackets, or something that is no entry.
    """
    root = compose("environment.yml", text)
    value = next((value for key, value in root.value if key.value == "dependencies"), None)
    if value is None or value.id != "sequence" or not value.flow_style:
        return text
    start, end = value.start_mark.index, value.end_mark.index
    items = [_block(text, each) for each in value.value]
    if None in items or "#" in text[start:end]:
        raise UsageError(
            f"the dependencies on line {value.start_mark.line + 1} stand between brackets, with"
            " more than plain entries",
            "write each on a line of its own, after a dash",
        )
    return "".join((text[:start].rstrip(" "), *map(str, items), text[end:]))


def _block(text: str, node: Any) -> str | None:  # noqa: ANN401  (a node of yaml)
    """An entry of a list between brackets, or a list of pip's, as lines."""
    if node.id == "scalar":
        return f"\n  - {_scalar(text, node)}"
    if node.id != "mapping" or len(node.value) != 1 or node.value[0][1].id != "sequence":
        return None
    key, values = node.value[0]
    if any(each.id != "scalar" for each in values.value):
        return None
    inner = (f"\n      - {_scalar(text, each)}" for each in values.value)
    return f"\n  - {_scalar(text, key)}:{''.join(inner)}"


def _scalar(text: str, node: Any) -> str:  # noqa: ANN401  (as above)
    return text[node.start_mark.index : node.end_mark.index].strip()


def diff(name: str, old: str, new: str) -> str:
    """Return the change as a unified diff, without a newline at its end."""
    lines = unified_diff(old.splitlines(), new.splitlines(), name, name, lineterm="")
    return "\n".join(lines)


class Lines:
    """The lines of a file as its reader sees them, pip or YAML; each keeps its line end."""

    def __init__(self, text: str, *, conda: bool) -> None:
        pairs = list(_split(text, conda=conda))
        self.lines = [line for line, _ in pairs]
        self._ends = [end for _, end in pairs]
        self._conda = conda

    @property
    def text(self) -> str:
        """The file as it is now."""
        return "".join(map("".join, zip(self.lines, self._ends, strict=True)))

    def apply(self, step: Step) -> bool:
        """Do one step; False when the package's line has hashes."""
        places = [place for place, found in self._found() if found == step.package]
        if any("--hash" in line for place in places for line in self._logical(place)):
            return False
        if step.after is None:
            for place in reversed(places):
                del self.lines[place], self._ends[place]
        elif places:
            for place in places:
                self.lines[place] = self._changed(self.lines[place], step, place)
        else:
            self._add(step)
        return True

    def ask(self, name: NormalizedName, line: str) -> None:
        """Ask for a package by a line: in the place of those that do so already, or at the end."""
        places = [place for place, found in self._found() if found == name]
        for place in places[:1]:
            comment = _COMMENT.search(self.lines[place])
            self._drop_hashes(place)
            self.lines[place] = f"{line}{comment[0] if comment else ''}"
        for place in reversed(places[1:]):
            self._cut(place)
        if not places:
            self._insert(len(self.lines), line)

    def drop(self, name: NormalizedName) -> bool:
        """Take out the lines that ask for a package; False where none does."""
        places = [place for place, found in self._found() if found == name]
        for place in reversed(places):
            self._cut(place)
        return bool(places)

    def _cut(self, place: int) -> None:
        """Take out a line with those that a backslash joins to it."""
        count = sum(1 for _ in self._logical(place))
        del self.lines[place : place + count], self._ends[place : place + count]

    def _drop_hashes(self, place: int) -> None:
        """Take out what a backslash joins to a line: hashes of another version."""
        count = sum(1 for _ in self._logical(place))
        del self.lines[place + 1 : place + count], self._ends[place + 1 : place + count]

    def rename(self, names: Mapping[NormalizedName, str]) -> None:
        """Write other names on the lines of packages of the index."""
        for place, found in tuple(self._found()):
            pattern, line = self._pattern(place), self.lines[place]
            match = pattern.fullmatch(line)
            hashed = any("--hash" in each for each in self._logical(place))
            if found in names and match is not None and pattern is _PIP and not hashed:
                words = (match["before"], names[found], match["extras"] or "", match["rest"])
                self.lines[place] = "".join(words)

    def _found(self) -> Iterator[tuple[int, NormalizedName]]:
        for place, line in enumerate(self.lines):
            match = self._pattern(place).fullmatch(line)
            if match is not None and (not self._conda or _ITEM.match(line)):
                yield place, canonicalize_name(match["name"])

    def _pattern(self, place: int) -> re.Pattern[str]:
        return _CONDA if self._conda and not self._in_pip_list(place) else _PIP

    def _in_pip_list(self, place: int) -> bool:
        start = self._pip_list()
        return start is not None and place > start and self._inside(place, start)

    def _pip_list(self) -> int | None:
        if not self._conda:
            return None
        matches = (place for place, line in enumerate(self.lines) if _PIP_LIST.fullmatch(line))
        return next(matches, None)

    def _inside(self, place: int, start: int) -> bool:
        """Whether a line belongs to the list that begins at ``start``: it is indented further."""
        indent = _indent(self.lines[start])
        between = (line for line in self.lines[start + 1 : place + 1] if _ITEM.match(line))
        return all(_indent(line) > indent for line in between)

    def _logical(self, place: int) -> Iterator[str]:
        """The line and those that a backslash joins to it."""
        for line in self.lines[place:]:
            yield line
            if not line.rstrip().endswith("\\"):
                return

    def _changed(self, line: str, step: Step, place: int) -> str:
        pattern = self._pattern(place)
        found = pattern.fullmatch(line)
        if found is None:
            return line
        conda = pattern is _CONDA
        exact = (_EXACT_FOR_CONDA if conda else _EXACT).fullmatch(found["spec"])
        sign = re.match(r"\s*(={1,3})\s*", found["spec"]) if exact else None
        start = sign[0] if sign else "=" if conda else "=="
        kept = (
            "" if exact or conda or not _still_admits(found["spec"], step) else f"{found['spec']},"
        )
        spec = f"{kept}{start}{step.after}"
        return f"{found['before']}{found['name']}{found['extras'] or ''}{spec}{found['rest']}"

    def _add(self, step: Step) -> None:
        reason = f"  # {', '.join(step.rules)}" if step.rules else ""
        if not self._conda:
            self._insert(len(self.lines), f"{step.package}=={step.after}{reason}")
            return
        start = self._pip_list()
        items = [place for place, line in enumerate(self.lines) if _ITEM.match(line)]
        last = items[-1] if start is None else max(p for p in items if self._inside(p, start))
        indent = self.lines[last][: _indent(self.lines[last])]
        sign = "=" if start is None else "=="
        self._insert(last + 1, f"{indent}- {step.package}{sign}{step.after}{reason}")

    def _insert(self, place: int, line: str) -> None:
        """Add a line before a place, with the first line end that every reader knows."""
        end = next((each for each in self._ends if each in _PLAIN_ENDS), "\n")
        if place == len(self.lines) and place and not self._ends[-1]:
            self._ends[-1] = end
        self.lines.insert(place, line)
        self._ends.insert(place, end)


def _still_admits(spec: str, step: Step) -> bool:
    """Whether a range may stay beside the version that a package gets."""
    wanted = standards.specifiers(spec.strip())
    fits = step.after is None or wanted is None or admits(wanted, step.after)
    return bool(spec.strip()) and fits


def _split(text: str, *, conda: bool) -> Iterator[tuple[str, str]]:
    """Give each line and its end; a last line without an end has an empty one."""
    if not conda:
        for whole in text.splitlines(keepends=True):
            (line,) = whole.splitlines()
            yield line, whole[len(line) :]
        return
    start = 0
    for end in _YAML_END.finditer(text):
        yield text[start : end.start()], end[0]
        start = end.end()
    if start < len(text):
        yield text[start:], ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
