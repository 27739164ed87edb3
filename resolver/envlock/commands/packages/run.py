"""`envlock tree`, `list` and `why`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from packaging.utils import canonicalize_name

from envlock import report
from envlock.cli.options import JsonOption
from envlock.cli.orders import environment_folder, environment_meant
from envlock.cli.output import progress_for, say, say_json
from envlock.commands.files.source import lock_of, source_at
from envlock.commands.packages import ExplainedPackage, ListedPlace, TreeOptions
from envlock.commands.packages.graph import Graph, Package, of_environment, of_part
from envlock.environment.inspect import current
from envlock.errors import UsageError
from envlock.formats import registry
from envlock.locking.beside import locks_in
from envlock.model import Rule
from envlock.progress import Progress
from envlock.rules import database
from envlock.rules.check import bounding
from envlock.system.looking import is_file, is_folder


def run_tree(own: TreeOptions, talk: JsonOption) -> int:
    """Do `envlock tree`."""
    graphs = _graphs(own.what, locks_first=True)
    if own.invert and own.why:
        raise UsageError("--invert begins with a package, and --why ends with one: which?")
    for name in filter(None, (own.invert, own.why)):
        _refuse_missing(name, graphs, own.what)
    if talk.json:
        say_json("tree", {"parts": [_data(each) for each in graphs]})
    else:
        say("\n\n".join(_tree_text(each, own, apart=len(graphs) > 1) for each in graphs))
    return 0


def run_list(own: ListedPlace, talk: JsonOption) -> int:
    """Do `envlock list`."""
    graphs = _graphs(own.what, locks_first=False)
    if talk.json:
        say_json("list", {"parts": [_data(each) for each in graphs]})
    else:
        say("\n\n".join(_list_text(each, apart=len(graphs) > 1) for each in graphs))
    return 0


def run_why(own: ExplainedPackage, talk: JsonOption) -> int:
    """Do `envlock why`."""
    graphs = _graphs(own.what, locks_first=True)
    _refuse_missing(own.name, graphs, own.what)
    name = canonicalize_name(own.name)
    told = [(each, _bounds(each, name)) for each in graphs if name in each.packages]
    if talk.json:
        say_json("why", {"name": name, "parts": [_why_data(each, name, b) for each, b in told]})
    else:
        texts = (_why_text(each, name, bounds, apart=len(told) > 1) for each, bounds in told)
        say("\n\n".join(texts))
    return 0


def _graphs(what: Path | None, *, locks_first: bool) -> tuple[Graph, ...]:
    """What was named, or is here: of a lock a graph for each of its parts."""
    progress = progress_for(quiet=False, verbose=False)
    place = what or _here(progress, locks_first=locks_first)
    if _is_environment(place):
        graph = of_environment(place)
        for note in graph.notes:
            progress.note(note)
        return (graph,)
    lock = lock_of(source_at(str(place)), progress)
    return tuple(of_part(each, str(place)) for each in lock.parts)


def _here(progress: Progress, *, locks_first: bool) -> Path:
    found = next((each.path for each in locks_in(Path())), None)
    if found is not None and (locks_first or current(environment_folder(None)) is None):
        progress.note(f"{found}, the lock in this folder")
        return found
    return environment_meant(None, progress)


def _is_environment(path: Path) -> bool:
    """Whether a folder was named, or a program: what is in it tells a file."""
    if not is_file(path):
        return is_folder(path)
    return registry.named(path) is None and os.access(path, os.X_OK)


def _refuse_missing(name: str, graphs: tuple[Graph, ...], what: Path | None) -> None:
    wanted = canonicalize_name(name)
    if any(wanted in each.packages for each in graphs):
        return
    names = {each for graph in graphs for each in graph.packages}
    place = [] if what is None else [what.as_posix()]
    raise UsageError(
        f"{graphs[0].place} has no package {name}",
        *(
            shlex.join(["envlock", "why", each, *place])
            for each in get_close_matches(wanted, names, n=2, cutoff=0.6)
        ),
        shlex.join(["envlock", "list", *place]),
    )


class _Tree(Struct, kw_only=True):
    """Lines of a tree. ``children`` of a package, each with its range; ``seen`` are those shown."""

    graph: Graph
    children: Mapping[str, Mapping[str, str]]
    depth: int | None = None
    seen: set[str] = field(default_factory=set)

    def lines(self, name: str, declared: str = "", level: int = 0) -> Iterator[str]:
        """Yield the line of a package and, set in, those below it."""
        label = _label(self.graph.packages[name], declared)
        below = self.children.get(name, {})
        if below and name in self.seen:
            yield f"{label} (*)"
            return
        self.seen.add(name)
        yield label
        if self.depth is not None and level >= self.depth:
            return
        for number, (other, wants) in enumerate(below.items(), 1):
            first, rest = ("└── ", "    ") if number == len(below) else ("├── ", "│   ")
            for line in self.lines(other, wants, level + 1):
                yield f"{first}{line}"
                first = rest


def _label(package: Package, declared: str) -> str:
    words = [f"{package.name} {package.version}", declared]
    words += [f"by {', '.join(package.because)}"] if package.because else []
    return "  ".join(filter(None, words))


def _tree_text(graph: Graph, own: TreeOptions, *, apart: bool) -> str:
    needs = {name: each.needs for name, each in graph.packages.items()}
    if own.invert is not None:
        children = {n: dict.fromkeys(graph.needed_by(n), "") for n in graph.packages}
        roots: tuple[str, ...] = (canonicalize_name(own.invert),)
    else:
        kept: Collection[str] = graph.packages
        if own.why is not None:
            kept = graph.above(canonicalize_name(own.why))
        children = {
            name: {other: wants for other, wants in below.items() if other in kept}
            for name, below in needs.items()
        }
        roots = tuple(each for each in graph.roots() if each in kept)
    tree = _Tree(graph=graph, children=children, depth=own.depth)
    lines = [line for root in roots if root in graph.packages for line in tree.lines(root)]
    return "\n".join([*_heading(graph, apart=apart), *lines])


def _list_text(graph: Graph, *, apart: bool) -> str:
    rows = [
        (each.name, each.version, each.manager, ", ".join(each.because))
        for each in graph.packages.values()
    ]
    columns = report.table(("PACKAGE", "VERSION", "FROM", "RULES"), rows)
    return "\n".join([*_heading(graph, apart=apart), columns])


def _heading(graph: Graph, *, apart: bool) -> Iterator[str]:
    if apart:
        yield f"{graph.place}:"


_Bound = tuple[Rule, str]


def _bounds(graph: Graph, name: str) -> tuple[_Bound, ...]:
    """The rules that count here and say something of a package, those that hold it first."""
    known = database.load()
    package = graph.packages[name]
    told = {
        rule.id: (rule, words)
        for rule, words in bounding(
            known.rules, graph.versions(), graph.situation, canonicalize_name(name)
        )
    }
    for each in package.because:
        rule = known.find(each)
        if rule is not None and each not in told:  # another line of the rule asked for it
            told[each] = (rule, "")
    return tuple(sorted(told.values(), key=lambda pair: pair[0].id not in package.because))


def _why_text(graph: Graph, name: str, bounds: tuple[_Bound, ...], *, apart: bool) -> str:
    package = graph.packages[name]
    rows = [("package", f"{name} {package.version}, by {package.manager}")]
    rows += [("asked for by", each) for each in package.asked]
    for each in graph.needed_by(name):
        other = graph.packages[each]
        rows.append(("needed by", f"{each} {other.version}  {other.needs[name]}".rstrip()))
    if not (package.asked or graph.needed_by(name)):
        rows.append(("needed by", "nothing that is told here"))
    for rule, words in bounds:
        verb = "held by" if rule.id in package.because else "bounded by"
        rows.append((verb, f"{rule.id}: {words or rule.title}"))
    rows += [("next", f"envlock rules show {rule.id}") for rule, _ in bounds[:1]]
    return "\n".join([*_heading(graph, apart=apart), report.rows_text(rows)])


def _why_data(graph: Graph, name: str, bounds: tuple[_Bound, ...]) -> dict[str, Any]:
    package = graph.packages[name]
    return {
        "place": graph.place,
        **_package_data(graph, package),
        "rules": [
            {"id": rule.id, "bound": words, "moved": rule.id in package.because}
            for rule, words in bounds
        ],
    }


def _data(graph: Graph) -> dict[str, Any]:
    return {
        "place": graph.place,
        "roots": list(graph.roots()),
        "packages": [_package_data(graph, each) for each in graph.packages.values()],
    }


def _package_data(graph: Graph, package: Package) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "manager": package.manager,
        "asked_by": list(package.asked),
        "needs": dict(package.needs),
        "needed_by": list(graph.needed_by(package.name)),
        "because": list(package.because),
    }
