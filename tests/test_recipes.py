"""Each "Add a …" of resolver/README.md, done in a copy as it says and no further, works twice."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from support.fixtures import envlock, index, program
from support.program import Done, Program
from support.simple_index import SimpleIndex, build_wheel

__all__ = ["envlock", "index", "program"]

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "resolver" / "envlock"
KNOWLEDGE = ROOT / "constraints"


class Copy:
    """A copy of package and knowledge, to which the recipe of a row of the README is done."""

    def __init__(self, folder: Path, recipe: str) -> None:
        self._package = folder / "resolver" / "envlock"
        self.knowledge = folder / "constraints"
        for kind, place in ((PACKAGE, self._package), (KNOWLEDGE, self.knowledge)):
            shutil.copytree(kind, place, ignore=shutil.ignore_patterns("__pycache__"))
        readme = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
        row = re.search(rf"^\| {recipe} \|[^|]*\|([^|]*)\|", readme, re.MULTILINE)
        assert row is not None, f"there is no recipe for {recipe}"
        #: In what the recipe says to register.
        self._left = set(re.findall(r"`([\w.]+)`", row[1]))

    def write(self, place: str, text: str) -> None:
        """Write a module or a script."""
        path = self._package / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def add(self, place: str, entry: str, *, behind: str = "") -> None:
        """Add an entry to a table of the knowledge, behind a text of it or at its end."""
        path = self.knowledge / "envlock_constraints" / place
        text = path.read_text(encoding="utf-8")
        at = text.index(behind) + len(behind) if behind else len(text)
        path.write_text(f"{text[:at]}{entry}{text[at:]}", encoding="utf-8")

    def register(self, name: str, line: str, *, needs: str = "") -> None:
        """Put a line at the end of a class or table that the recipe names, and what it imports."""
        self._left.remove(name)
        *module, last = name.split(".")
        for path in sorted(self._package.rglob("*.py")):
            parts = path.relative_to(self._package).with_suffix("").parts
            place = parts[:-1] if parts[-1] == "__init__" else parts
            text = path.read_text(encoding="utf-8")
            at = _end(text, last) if not module or place == tuple(module) else None
            if at is not None:
                text = f"{text[:at]}{line}\n{text[at:]}"
                path.write_text(text.replace("\nfrom envlock", f"\n{needs}\nfrom envlock", 1))
                return
        raise AssertionError(f"the recipe names {name}, which is nowhere")

    def run(self, program: Program, *words: str | Path) -> Done:
        """Run the program of the copy, to which all of the recipe was done."""
        return self.start(program, *program.command(*words))

    def start(self, program: Program, *command: str) -> Done:
        """Run any program on the copy."""
        assert self._left == set(), "the recipe says more"
        path = os.pathsep.join([str(self._package.parent), str(self.knowledge), *sys.path])
        return program.run(command, env={**program.environment(), "PYTHONPATH": path})


def _end(text: str, name: str) -> int | None:
    """Where one more member of a class goes, or one more line of a table."""
    lines = text.splitlines(keepends=True)
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return sum(map(len, lines[: node.body[-1].end_lineno]))
        if isinstance(node, ast.AnnAssign | ast.Assign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and target.id == name:
                assert node.end_lineno is not None
                whole = sum(map(len, lines[: node.end_lineno]))
                return max(text.rfind(f"\n{end}", 0, whole) for end in ")]}") + 1
    return None


def told(done: Done) -> list[str]:
    """What was said, a line each, with single blanks."""
    return [" ".join(line.split()) for line in done.out.splitlines()]


@pytest.fixture
def own(program: Program) -> Program:
    """The program with a cache of its own: what it keeps of the knowledge is the copy's."""
    return program.with_env(ENVLOCK_CACHE_DIR=str(program.root / "other"))


TOY_OPTIONS = """\
from typing import Annotated

from msgspec import Struct

from envlock.cli.arguments import Command, words


class Toys(Struct, frozen=True, kw_only=True):
    names: Annotated[tuple[str, ...], words("NAME", says="Toys.")] = ()


TOY = Command("toy.run.run_toy", "Count toys.", own=Toys)
"""
TOY_COMMAND = """\
from envlock.cli.output import say
from envlock.commands.toy import Toys


def run_toy(own: Toys) -> int:
    say(f"{len(own.names)}: {', '.join(own.names)}")
    return 0
"""


def test_a_command(tmp_path: Path, own: Program) -> None:
    copy = Copy(tmp_path, "command")
    copy.write("commands/toy/__init__.py", TOY_OPTIONS)
    copy.write("commands/toy/run.py", TOY_COMMAND)
    copy.register("cli.COMMANDS", '    "toy": "toy.TOY",')
    for _ in range(2):
        done = copy.run(own, "toy", "car", "doll")
        assert (done.code, done.out) == (0, "2: car, doll\n"), done.err
    assert "toy Count toys." in told(copy.run(own, "--help"))


TOY_FRAMEWORK = """
toyflow:
  title: Toyflow
  request: [toyflow]
  summary: [toyflow, toyflow-cpu]
  imports: [toyflow]
  decisive: [toyflow, toyflow-cpu]
  recorded: {distributions: [toyflow, toyflow-cpu], oldest: 1.0.0, large: [toyflow]}
  cpu: toyflow-cpu
"""


def toy_releases() -> dict[str, dict[str, object]]:
    wheel = {"python": "py3", "abi": "none", "platform": "any"}
    return {
        version: {
            "upload_time": f"202{version[0]}-11-14T19:04:31Z",
            "yanked": None,
            "index_requires_python": ">=3.9",
            "files": [wheel],
            "metadata": {"linux-x86_64": {"requires_dist": []}},
        }
        for version in ("1.0.0", "2.0.0")
    }


def test_a_framework(tmp_path: Path, own: Program) -> None:
    copy = Copy(tmp_path, "framework")
    copy.add("frameworks.yaml", TOY_FRAMEWORK)
    copy.add("families.yaml", "  toyflow: [toyflow, toyflow-cpu]\n", behind="\nfamilies:\n")
    names = ["toyflow", "toyflow-cpu"]
    records = {"packages": names, "releases": dict.fromkeys(names, toy_releases())}
    (own.root / "toyflow-release-metadata.json").write_text(json.dumps(records))
    tool = str(copy.knowledge / "tools" / "update_releases.py")
    done = copy.start(own, sys.executable, tool, "--from-metadata", str(own.root))
    assert "toyflow 2.0.0: new" in told(done), done.err
    checked = copy.run(own, "rules", "check", str(copy.knowledge / "envlock_constraints"))
    assert checked.code == 0, checked.err
    for name in names:
        for version in ("1.0.0", "2.0.0"):
            build_wheel(own.root / "toys", name, version)
    with SimpleIndex(own.root / "toys") as index:
        toys = own.with_env(PIP_INDEX_URL=index.url, ENVLOCK_ENGINE="uv")
        for said in ("written requirements.txt", "unchanged requirements.txt"):
            done = copy.run(toys, "lock", "toyflow", "--accelerator", "cpu")
            assert (done.code, said in told(done)) == (0, True), done.out + done.err
            assert "release toyflow-cpu 2.0.0" in told(done)


TOY_ENGINE = """\
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.engine.interface import Answer, Problem, Solution
from envlock.model import LockedPackage
from envlock.progress import Progress


class Toy:
    crosses_platforms = False

    def solve(self, problem: Problem, progress: Progress) -> Answer:
        name = canonicalize_name("h5py")
        via = ("command line",)
        return Solution(packages=(LockedPackage(name=name, version=Version("3.10.0"), via=via),))
"""


def test_an_engine(tmp_path: Path, envlock: Program) -> None:
    copy = Copy(tmp_path, "engine")
    copy.write("engine/toy.py", TOY_ENGINE)
    copy.register("EngineName", '    TOY = "toy"')
    copy.register("ENGINES", "    EngineName.TOY: Toy,", needs="from envlock.engine.toy import Toy")
    for said in ("written requirements.txt", "unchanged requirements.txt"):
        done = copy.run(envlock, "lock", "h5py", "--engine", "toy", "--fresh")
        assert (done.code, said in told(done)) == (0, True), done.out + done.err
    assert "\nh5py==3.10.0" in (envlock.here / "requirements.txt").read_text()


TOY_LOCK = """\
from envlock.formats.comments import of_pypi, told
from envlock.formats.lockfile import LockEntries, read_pin
from envlock.model import Lock


def render(lock: Lock) -> list[str]:
    texts = []
    for part in lock.parts:
        pins = (f"toy {each.name} {each.version}" for each in told(lock, part))
        texts.append("\\n".join([*of_pypi(lock, [part]), *pins]) + "\\n")
    return texts


def read(name: str, text: str, gathered: LockEntries) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("toy "):
            gathered.pin(read_pin(f"{name}:{number}", "==".join(line.split()[1:]), []))
"""
ROW = """\
    Row(
        FileFormat.TOY,
        "a toy",
        re.compile(r".+\\.toy"),
        lambda text: "\\ntoy " in text,
        lock=LockRow(module="toy", filename="lock.toy", hashes=False),
    ),
"""


def test_an_output_format(tmp_path: Path, envlock: Program) -> None:
    copy = Copy(tmp_path, "output format")
    copy.write("formats/toy.py", TOY_LOCK)
    copy.register("Format", '    TOY = "toy"')
    copy.register("FileFormat", '    TOY = "toy"')
    copy.register("formats.registry.FORMATS", ROW)
    for said in ("written lock.toy", "unchanged lock.toy"):
        done = copy.run(envlock, "lock", "h5py==3.10.0", "--format", "toy")
        assert (done.code, said in told(done)) == (0, True), done.out + done.err
    for _ in range(2):
        done = copy.run(envlock, "export", "lock.toy", "--format", "environment", "-o", "-")
        assert (done.code, "- h5py==3.10.0" in told(done)) == (0, True), done.out + done.err


TOY_ENTRIES = """\
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

from envlock.standards import version


def entries(path: Path, text: str) -> Iterator[tuple[str, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        word, name, pin = line.split()
        if word == "toy":
            yield f"{path}:{number}", name, pin
"""
TOY_LOOK = """\
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.examine.gathered import Gathered, Given
from envlock.findings import Examined, Kind
from envlock.formats.toy import entries


def examine_toy(path: Path, text: str, given: Given) -> Examined:
    gathered = Gathered(origin=str(path), given=given, manager="pip")
    for where, name, pin in entries(path, text):
        gathered.pin(canonicalize_name(name), Version(pin), where)
    return gathered.examined(Kind.FILE)
"""


def test_a_format_that_files_are_read_in(tmp_path: Path, own: Program) -> None:
    copy = Copy(tmp_path, "format that files are read in")
    copy.write("formats/toy.py", TOY_ENTRIES)
    copy.write("examine/toy.py", TOY_LOOK)
    copy.register("FileFormat", '    TOY = "toy"')
    row = '    Row(FileFormat.TOY, "a toy", re.compile(r".+\\.toy")),'
    copy.register("formats.registry.FORMATS", row)
    line, needs = "    FileFormat.TOY: examine_toy,", "from envlock.examine.toy import examine_toy"
    copy.register("examine.files.READERS", line, needs=needs)
    (own.here / "pins.toy").write_text("toy h5py 3.11.0\ntoy numpy 2.0.2\n")
    for _ in range(2):
        done = copy.run(own, "diagnose", "pins.toy", "--json")
        assert done.data["examined"]["packages"] == {"h5py": "3.11.0", "numpy": "2.0.2"}


TOY_PROBE = """\
from envlock.model import Stage
from envlock.probes.interface import Level, Probe

TOY = Probe(
    name="toy",
    script="toy.py",
    levels=(
        Level(
            name="toy",
            proves="it counts",
            lacking="it cannot count",
            stage=Stage.IMPORT,
            in_default_gate=True,
        ),
    ),
)
"""
TOY_SCRIPT = """\
import json
import sys

with open(sys.argv[1], "a") as results:
    for line in (
        {"start": "toy"},
        {"level": "toy", "outcome": "passed", "detail": "one, two", "seconds": 0.1},
    ):
        results.write(json.dumps(line) + "\\n")
"""


def test_a_probe(tmp_path: Path, envlock: Program, index: SimpleIndex) -> None:
    del index
    copy = Copy(tmp_path, "probe")
    copy.write("probes/toy.py", TOY_PROBE)
    copy.write("probes/scripts/toy.py", TOY_SCRIPT)
    copy.register("PROBES", "    TOY.name: TOY,", needs="from envlock.probes.toy import TOY")
    assert envlock("create", "tensorflow").code == 0
    for _ in range(2):
        done = copy.run(envlock, "verify", ".venv", "--json")
        assert done.code == 0, done.err
        assert {"level": "toy", "status": "passed"}.items() <= done.data["outcomes"][-1].items()
