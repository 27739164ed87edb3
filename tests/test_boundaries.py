"""Which module may import which: the house of resolver/README.md, held by the syntax tree."""

import ast
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "resolver" / "envlock"

VALUES = {
    "behind",
    "builds",
    "causes",
    "changes",
    "choices",
    "documents",
    "errors",
    "findings",
    "model",
    "outcomes",
    "standards",
    "progress",
    "trace",
    "versions",
    "words",
}
TIME = {"OutOfTime", "left", "solve_limit", "within"}
PURE = VALUES | {"names", "rules", "releases"}
ALLOWED = {
    "__init__": set(),
    "__main__": {"cli"},
    "bisect": PURE
    | {
        "engine",
        "environment",
        "evidence",
        "examine",
        "formats",
        "index",
        "locking",
        "probes",
        "system",
        "targets",
    },
    "bundle": VALUES | {"formats", "index", "system", "targets"},
    "causes": set(),
    "changes": set(),
    "choices": set(),
    "documents": {"errors"},
    "behind": set(),
    "builds": set(),
    "model": {"behind", "builds", "causes", "choices"},
    "errors": set(),
    "findings": {"causes", "model"},
    "outcomes": set(),
    "standards": {"errors"},
    "progress": set(),
    "trace": set(),
    "system": {"errors", "trace"},
    "trees": {"errors"},
    "locks": {"errors"},
    "targets": PURE | {"system"},
    "conda": VALUES | {"system", "index", "rules", "targets"},
    "formats": VALUES | {"conda", "index", "rules", "system", "targets"},
    "config": VALUES | {"formats", "index", "request", "system", "targets"},
    "versions": set(),
    "words": set(),
    "names": VALUES,
    "releases": VALUES | {"rules"},
    "rules": VALUES | {"system"},
    "report": VALUES | {"rules"},
    "request": VALUES | {"conda", "formats", "index", "rules", "system"},
    "index": VALUES | {"system"},
    "engine": VALUES | {"formats", "system", "index", "targets"},
    "sdists": VALUES | {"index", "rules", "system", "targets"},
    "resolve": PURE | {"conda", "engine", "index", "system", "targets"},
    "environment": VALUES | {"locks", "rules", "system", "targets", "trees", "index"},
    "code": VALUES | {"formats", "names"},
    "examine": PURE | {"code", "conda", "formats", "system", "targets"},
    "diagnose": PURE | {"formats", "targets"},
    "plan": PURE | {"engine", "resolve", "targets"},
    "docker": PURE | {"formats", "locking", "probes", "sdists"},
    "probes": VALUES | {"environment", "rules", "system"},
    "evidence": PURE | {"index", "probes", "resolve", "system", "targets"},
    "matrix": PURE
    | {
        "engine",
        "environment",
        "evidence",
        "formats",
        "index",
        "locking",
        "probes",
        "request",
        "resolve",
        "system",
        "targets",
        "trees",
    },
    "page": PURE | {"evidence"},
    "locking": PURE
    | {
        "conda",
        "engine",
        "evidence",
        "index",
        "request",
        "resolve",
        "sdists",
        "system",
        "targets",
        "formats",
    },
    "cli": VALUES
    | {"config", "environment", "index", "report", "request", "system"},  # commands by name
    "commands": None,  # the top of the house
}
#: Rooms that start no process and write no file.
QUIET = {
    "behind",
    "builds",
    "causes",
    "changes",
    "choices",
    "diagnose",
    "documents",
    "docker",
    "evidence",
    "examine",
    "formats",
    "page",
    "plan",
    "model",
    "errors",
    "standards",
    "progress",
    "trace",
    "versions",
    "words",
    "names",
    "releases",
    "rules",
    "report",
    "request",
    "resolve",
    "cli",
}
#: Modules of the targets' room that neither start processes nor read the machine.
PURE_OF_TARGETS = {".platforms", ".subdirs", ".tags"}
#: Modules of conda's room that neither start processes nor read the machine.
PURE_OF_CONDA = {"", ".channels", ".names"}
WRITERS = {"locks", "system", "trees"}
#: What a quiet room may take from the system.
READING = {
    "encoding_of",
    "Ends",
    "Refused",
    "WINDOWS",
    "contents",
    "looking",
    "opened",
    "read_ends",
    "read_standard_input",
    "read_text",
    "refuse_conflict",
    "refuse_irregular",
    "remembered",
}
#: Where code may name a framework: words that are typed, which --help tells without the knowledge.
FRAMEWORK_WORDS = {
    "commands/knowledge/__init__.py": {"tensorflow"},
    "commands/matrix/__init__.py": {"--tensorflow"},
}
ACTING = {"subprocess", "tempfile"}
CHANGING = {"write_text", "write_bytes", "mkdir", "unlink", "rmdir", "rmtree", "Popen"}
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "scripts" not in path.parts)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            if node.module == "envlock":
                yield from (f"envlock.{alias.name}" for alias in node.names)


def broken(law: Callable[[Path], Collection[str]]) -> dict[str, Collection[str]]:
    """Which modules break a law, and with what."""
    found = {path.relative_to(PACKAGE).as_posix(): law(path) for path in SOURCES}
    return {name: faults for name, faults in found.items() if faults}


def test_a_module_imports_only_from_the_rooms_it_may_know() -> None:
    def unknown(path: Path) -> Collection[str]:
        allowed = ALLOWED[room(path)]
        rooms = {name.split(".")[1] for name in imported(path) if name.startswith("envlock.")}
        return () if allowed is None else rooms - allowed - {room(path), "__version__"}

    assert broken(unknown) == {}


def test_only_system_starts_processes_and_writes_files() -> None:
    def acts(path: Path) -> Collection[str]:
        if room(path) in WRITERS:
            return ()
        calls = {
            node.func.attr
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        return ACTING & {name.split(".")[0] for name in imported(path)} | CHANGING & calls

    assert broken(acts) == {}


def test_a_quiet_room_does_not_know_the_system_unless_to_read() -> None:
    def known(path: Path) -> Collection[str]:
        taken = {
            alias.name
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.ImportFrom) and node.module == "envlock.system"
            for alias in node.names
        }
        return taken - READING - TIME if room(path) in QUIET else ()

    assert broken(known) == {}


def test_files_and_functions_stay_short() -> None:
    def long(path: Path) -> Collection[str]:
        functions = [
            node.name
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= 45
        ]
        lines = len(path.read_text(encoding="utf-8").splitlines())
        return [*functions, *([f"{lines} lines"] if lines > 500 else [])]

    assert broken(long) == {}


@pytest.mark.parametrize(
    ("of", "pure", "quiet"),
    [
        ("conda", PURE_OF_CONDA, QUIET - {"cli", "resolve"}),
        ("targets", PURE_OF_TARGETS, QUIET - {"cli"}),
    ],
)
def test_a_quiet_room_knows_only_the_pure_modules_of_some(
    of: str, pure: set[str], quiet: set[str]
) -> None:
    def acting(path: Path) -> Collection[str]:
        known = {name for name in imported(path) if name.startswith(f"envlock.{of}")}
        return known - {f"envlock.{of}{name}" for name in pure} if room(path) in quiet else ()

    assert broken(acting) == {}


def deciding(path: Path) -> set[str]:
    """The string constants that are no docstrings and no sentences, and hold a framework's name."""
    tree = parsed(path)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
        if isinstance(node.body[0], ast.Expr)
    }
    texts = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    )
    return {text for text in texts if "tensorflow" in text and " " not in text}


def test_what_a_framework_is_stands_in_the_knowledge() -> None:
    found = broken(lambda path: deciding(path) if room(path) != "probes" else ())
    assert found == FRAMEWORK_WORDS


def test_every_room_of_the_house_is_on_the_plan() -> None:
    assert {room(path) for path in SOURCES} <= set(ALLOWED)
