"""Which public names exist in which release of a distribution, and where they went. Pure.

The data are in ``envlock_constraints/api``: a table for each distribution, made
from its wheels (``constraints/tools/update_api.py``; what a line says is told in
``constraints/README.md``), and ``moves.json``, which is kept by hand. A table has
the last patch of each minor, and a version is looked up by its minor. What a table
cannot say (a minor that it has not, a module whose names are not listed, an
attribute of a value) is answered with None, never with False.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from msgspec import Struct
from packaging.version import Version

#: How many names may lead to each other: aliases, bases of bases.
_HOPS = 40


class Parameters(Struct, frozen=True, kw_only=True):
    """What a function can be given, without ``self``: names, and whether it takes any more."""

    names: tuple[str, ...]
    required: tuple[str, ...]
    any_positional: bool
    any_keyword: bool

    def takes(self, name: str) -> bool:
        """Whether a keyword of this name is accepted; what ``**kwargs`` does with it aside."""
        return self.any_keyword or name in self.names


class Move(Struct, frozen=True, kw_only=True):
    """What became of a name, or of a parameter: ``name`` ends in ``(parameter)`` then.

    ``gone`` is the first minor of ``distribution`` without it, ``back`` the one
    that has it again, or "". ``write`` is the line to write in its place.
    ``until`` is the last minor that takes a parameter all the same, or "".
    """

    name: str
    distribution: str
    gone: str
    back: str = ""
    until: str = ""
    write: str
    note: str = ""


class Table:
    """The names of one distribution; read from ``text`` as they are asked for."""

    def __init__(self, distribution: str, text: bytes) -> None:
        head, _, self._body = text.partition(b"\n\n")
        lines = dict(line.split("\t", 1) for line in head.decode().split("\n")[1:])
        self.distribution = distribution
        self.releases = tuple(map(Version, lines["releases"].split()))
        self._known: dict[str, tuple[str, str] | None] = {}
        self._minors = {release.release[:2]: at for at, release in enumerate(self.releases)}

    def position(self, version: Version) -> int | None:
        """Return where the minor of a version is in ``releases``; None where it is not."""
        return self._minors.get((*version.release, 0)[:2])

    def token(self, name: str, position: int) -> str | None:
        """Return what a name is in a release, as the table writes it; None: it has no line."""
        line = self._find(name)
        return token_at(line[1], position) if line and is_there(line[0], position) else None

    def _find(self, name: str) -> tuple[str, str] | None:
        if name not in self._known:
            self._known[name] = self._line(name)
        return self._known[name]

    def is_module(self, name: str) -> bool:
        """Whether a name is a module wherever it is there."""
        line = self._find(name)
        return line is not None and set(re.sub(r"\d+:", "", line[1]).split(";")) <= {"m", "o"}

    def _line(self, name: str) -> tuple[str, str] | None:
        """Return the spans and tokens of a name: lines are sorted, so half of them fall away."""
        wanted = name.encode()
        low, high = 0, len(self._body)
        while low < high:
            start = self._body.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = self._body.find(b"\n", start)
            found = self._body[start : self._body.find(b"\t", start)]
            if found == wanted:
                _, there, tokens = self._body[start:end].decode().split("\t")
                return there, tokens
            if found < wanted:
                low = end + 1
            else:
                high = start
        return None

    def ending(self, simple: str) -> Iterator[tuple[str, str, str]]:
        """Return the lines whose names have this last part: name, spans and tokens."""
        end = f".{simple}\t".encode()
        at = self._body.find(end)
        while at >= 0:
            start, stop = self._body.rfind(b"\n", 0, at) + 1, self._body.find(b"\n", at)
            name, there, tokens = self._body[start:stop].decode().split("\t")
            yield name, there, tokens
            at = self._body.find(end, at + 1)

    def beginning(self, start: str) -> Iterator[tuple[str, str]]:
        """Return the names that begin so and go on without another part, with their spans."""
        for line in re.finditer(rb"\n(%s\w*)\t([^\t]*)" % re.escape(start.encode()), self._body):
            name, there = line[1].decode(), line[2].decode()
            yield name, there

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """Return every line: a name, its spans and its tokens."""
        for line in self._body.decode().splitlines():
            name, there, tokens = line.split("\t")
            yield name, there, tokens


@lru_cache(maxsize=4096)
def is_there(spans: str, position: int) -> bool:
    """Whether a position is in spans such as ``3-5,8-``; nothing stands for all."""
    if not spans:
        return True
    for span in spans.split(","):
        first, _, last = span.partition("-")
        if int(first or 0) <= position and (not last or position <= int(last)):
            return True
    return False


@lru_cache(maxsize=4096)
def token_at(tokens: str, position: int) -> str:
    """Return the token of a position out of ``first;4:next``."""
    first, *changes = tokens.split(";")
    found = first
    for change in changes:
        since, _, token = change.partition(":")
        if int(since) > position:
            break
        found = token
    return found


def distributions() -> tuple[str, ...]:
    """Return the distributions that have a table, by their names on the index."""
    return tuple(_sources())


def title(distribution: str) -> str:
    """Return what people call a distribution."""
    found: str = _sources().get(distribution, {}).get("title", distribution)
    return found


def public(dotted: str) -> str:
    """Return the name that programs write for what says that it is called so."""
    for source in _sources().values():
        for pattern, name in source.get("said", {}).items():
            dotted = re.sub(rf"^(?:{pattern})(?=\.|$)", name, dotted)
    return dotted


def in_full(written: str) -> str:
    """Return a name in code with the import package in the place of what programs call it."""
    first, dot, rest = written.partition(".")
    for source in _sources().values():
        if first in source.get("written", ()):
            return f"{source['imports'][0]}{dot}{rest}"
    return written


def as_written(dotted: str) -> str:
    """Return a name as programs write it: ``tf.Variable`` for ``tensorflow.Variable``."""
    first, dot, rest = dotted.partition(".")
    for source in _sources().values():
        if source["imports"][0] == first and source.get("written"):
            return f"{source['written'][0]}{dot}{rest}"
    return dotted


def classes(simple: str) -> tuple[str, ...]:
    """Return the public classes that may be meant by what a class calls itself."""
    found: list[str] = []
    for distribution, source in _sources().items():
        known = source.get("classes", {})
        found += (name for pattern, name in known.items() if re.fullmatch(pattern, simple))
        if "written" in source:
            found += called(distribution, simple)
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=4096)
def distribution_of(dotted: str) -> str | None:
    """Return the distribution whose table has a dotted name, by its import package."""
    for name, source in _sources().items():
        if any(f"{dotted}.".startswith(f"{each}.") for each in source["imports"]):
            return name
    return None


@cache
def names(distribution: str) -> Table | None:
    """Return the table of a distribution, or None where there is none."""
    if distribution not in _sources():
        return None
    packed = files("envlock_constraints").joinpath("api", f"{distribution}.tsv.gz").read_bytes()
    return Table(distribution, gzip.decompress(packed))


@lru_cache(maxsize=256)
def called(distribution: str, simple: str) -> tuple[str, ...]:
    """Return the class that is called so, by its shortest public name; () where there is none."""
    table = names(distribution)
    if table is None or not simple.isidentifier():
        return ()
    private = {*_sources()[distribution].get("private", ()), "_tf_keras", "python", "compat"}
    last = len(table.releases) - 1
    found = sorted(
        (name.count("."), not is_there(there, last), name)
        for name, there, tokens in table.ending(simple)
        if tokens[:1] in {"c", "="} and private.isdisjoint(name.split("."))
    )
    return tuple(name for *_, name in found[:1])


def exists(
    distribution: str,
    version: Version,
    dotted: str,
    others: Mapping[str, Version] | None = None,
) -> bool | None:
    """Whether a release has a name, such as ``tensorflow.keras.Model.save``.

    ``others`` are the releases of distributions that parts of it come from
    (Keras for ``tensorflow.keras``); one that is left out may be any that goes
    with this one. None: the table does not say.
    """
    seen = _in_each(distribution, version, others, lambda view: view.find(dotted))
    if seen and all(isinstance(each, _Place) for each in seen):
        return True
    return False if seen and all(each is False for each in seen) else None


def parameters(
    distribution: str,
    version: Version,
    dotted: str,
    others: Mapping[str, Version] | None = None,
) -> Parameters | None:
    """Return the parameters of a function, method or class in a release; None: not known."""
    seen = _in_each(distribution, version, others, lambda view: view.parameters(dotted))
    return seen[0] if seen and all(each == seen[0] for each in seen) else None


def takes(
    distribution: str,
    version: Version,
    function: str,
    parameter: str,
    others: Mapping[str, Version] | None = None,
) -> bool | None:
    """Whether a function names a parameter; None: the table does not say, or not all agree."""
    seen = _in_each(distribution, version, others, lambda view: view.parameters(function))
    found = {None if each is None else parameter in each.names for each in seen}
    return found.pop() if len(found) == 1 else None


def history(distribution: str, dotted: str) -> tuple[tuple[Version, bool | None], ...]:
    """Return whether each release of a table has a name, oldest first; () without a table."""
    table = names(distribution)
    if table is None:
        return ()
    return tuple((each, exists(distribution, each, dotted)) for each in table.releases)


def since(distribution: str, dotted: str) -> Version | None:
    """Return the first release on record that is known to have a name."""
    return next((each for each, there in history(distribution, dotted) if there), None)


def until(distribution: str, dotted: str) -> Version | None:
    """Return the last release that is known to have a name that all later ones lack.

    None: no release is known to have it, or a later one may have it.
    """
    seen = history(distribution, dotted)
    last = max((at for at, (_, there) in enumerate(seen) if there), default=None)
    if last is None or last + 1 == len(seen) or any(there is None for _, there in seen[last + 1 :]):
        return None
    return seen[last][0]


def moved(dotted: str) -> Move | None:
    """Return what became of a name, or else of the nearest one that it is in.

    ``a.f(x)`` asks for the parameter ``x`` alone.
    """
    table = moves()
    if dotted in table or dotted.endswith(")"):
        return table.get(dotted)
    while "." in dotted:
        dotted = dotted.rpartition(".")[0]
        if dotted in table:
            return table[dotted]
    return None


@cache
def moves() -> Mapping[str, Move]:
    """Return all moves by the name that is gone."""
    found = _json("moves.json")
    return {
        name: Move(name=name, distribution=distribution, **entry)
        for distribution, entries in found.items()
        for name, entry in entries.items()
    }


@cache
def syntax() -> tuple[Mapping[str, Any], ...]:
    """Return what not every Python takes as syntax, or as a way to use what it has built in."""
    return tuple(_json("syntax.json"))


@cache
def _sources() -> Mapping[str, Any]:
    found: dict[str, Any] = _json("distributions.json")
    return found


def _json(name: str) -> Any:  # noqa: ANN401  (JSON)
    return json.loads(files("envlock_constraints").joinpath("api", name).read_bytes())


class _NeededError(Exception):
    """It depends on the release of another distribution, which nobody named."""

    def __init__(self, distribution: str) -> None:
        super().__init__(distribution)
        self.distribution = distribution


class _ImpossibleError(Exception):
    """These releases do not go together: one leads to what the other has not."""


class _View(Struct, frozen=True):
    """One release of a table, and the releases of others that go with it."""

    table: Table
    position: int
    others: Mapping[str, Version]

    def find(self, dotted: str, hops: int = _HOPS) -> _Answer:
        """Return what a name leads to; False where it cannot be, None where that is not known."""
        parts = dotted.split(".")
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            token = self.table.token(name, self.position)
            if token is not None:
                return _Place(self, name, token).down(parts[count:], hops)
        return False if distribution_of(dotted) == self.table.distribution else None

    def led_to(self, dotted: str, hops: int) -> _Answer:
        """Return what a name leads to that this table names, in whichever table it is."""
        owner = distribution_of(dotted)
        if owner is None or hops <= 0:
            return None
        if owner == self.table.distribution:
            return self.find(dotted, hops)
        view = self._beside(owner)
        found = None if view is None else view.find(dotted, hops)
        if found is False:
            raise _ImpossibleError
        return found

    def _beside(self, distribution: str) -> _View | None:
        """Return the release of another distribution that goes with this one."""
        table = names(distribution)
        if table is None:
            return None
        own = self.table.releases[self.position]
        wanted = self.others.get(distribution)
        at = None if wanted is None else table.position(wanted)
        if wanted is None:
            together = _sources()[self.table.distribution].get("with", ())
            at = table.position(own) if distribution in together else None
            if at is None:
                raise _NeededError(distribution)
        mine = {**self.others, self.table.distribution: own}
        return None if at is None else _View(table, at, mine)

    def parameters(self, dotted: str) -> Parameters | None:
        """Return the parameters of what a name leads to."""
        found = self.find(dotted)
        if isinstance(found, _Place) and found.token.startswith("c("):
            found = found.member("__init__", _HOPS)
            if found is False:
                return _parameters("")
        if isinstance(found, _Place) and found.token.startswith("f("):
            return _parameters(found.token[2:-1])
        return None


class _Place(Struct, frozen=True):
    """A name that is there, in one release."""

    view: _View
    name: str
    token: str

    def down(self, parts: list[str], hops: int) -> _Answer:
        """Go on to what is in it, part by part, and follow aliases to their end."""
        place: _Answer = self.end(hops)
        for part in parts:
            if not isinstance(place, _Place):
                return place
            found = place.member(part, hops)
            place = found.end(hops) if isinstance(found, _Place) else found
        return place

    def end(self, hops: int) -> _Answer:
        """Follow aliases."""
        if not self.token.startswith("="):
            return self
        return self.view.led_to(self.token[1:], hops - 1) or None

    def member(self, part: str, hops: int) -> _Answer:
        """Return what is called so in a module or class."""
        name = f"{self.name}.{part}"
        token = self.view.table.token(name, self.view.position)
        if token is not None:
            return _Place(self.view, name, token)
        if self.token.startswith("c("):
            return self._inherited(part, hops - 1)
        gone = self.token == "o" and self.view.table.is_module(name)  # noqa: S105  (no password)
        return False if gone or self.token == "m" else None  # noqa: S105  (as above)

    def _inherited(self, part: str, hops: int) -> _Answer:
        known = hops > 0
        for base in filter(None, self.token[2:-1].split(",")):
            owner = self.view.led_to(base, hops) if known else None
            found = owner.member(part, hops) if isinstance(owner, _Place) else None
            if isinstance(found, _Place):
                return found
            known &= found is False
        return False if known else None


_Answer = _Place | bool | None
_Found = TypeVar("_Found")


def _in_each(
    distribution: str,
    version: Version,
    others: Mapping[str, Version] | None,
    ask: Callable[[_View], _Found],
) -> list[_Found]:
    """Ask in a release, with each release of another distribution that may go with it.

    Releases that do not go together do not answer.
    """
    table = names(distribution)
    at = None if table is None else table.position(version)
    if table is None or at is None:
        return []
    try:
        return [ask(_View(table, at, others or {}))]
    except _ImpossibleError:
        return []
    except _NeededError as needed:
        other = names(needed.distribution)
        named = (
            [{**(others or {}), needed.distribution: each} for each in other.releases]
            if other
            else []
        )
        return [found for each in named for found in _in_each(distribution, version, each, ask)]


def _parameters(written: str) -> Parameters:
    listed = [each for each in written.split(",") if each]
    plain = [each for each in listed if not each.startswith(("*", "/"))]
    only = listed[: listed.index("/")] if "/" in listed else []
    return Parameters(
        names=tuple(each.removesuffix("=") for each in plain if each not in only),
        required=tuple(each for each in plain if not each.endswith("=")),
        any_positional=any(each[0] == "*" and each[1:2] not in {"", "*"} for each in listed),
        any_keyword=any(each.startswith("**") for each in listed),
    )
