"""What a start costs: every module stands alone, and the command line loads nothing heavy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envlock import __version__

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "resolver" / "envlock"
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if "scripts" not in path.parts and path.name != "__main__.py"
)
HEAVY = (
    "findpython",
    "httpx2",
    "jsonschema",
    "packaging",
    "rich",
    "tomli_w",
    "unearth",
    "yaml",
)
#: Imports every module in a process of its own that has loaded nothing of envlock, but already
#: what all of them need of others, as far as a name of it can be imported.
ALONE = """
import os, sys
out, into = os.pipe()
if os.fork() == 0:
    for name in sys.argv[1:]:
        try:
            __import__(name)
        except BaseException:
            pass
    needed = (name for name in sys.modules if name.partition(".")[0] != "envlock")
    os.write(into, " ".join(needed).encode())
    os._exit(0)
os.close(into)
with open(out) as needed:
    for name in needed.read().split():
        try:
            __import__(name)
        except ImportError:
            pass
assert not any(name.partition(".")[0] == "envlock" for name in sys.modules)
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            __import__(name)
        except BaseException as error:
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def python(*words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a start for each module takes a minute")
def test_every_module_can_be_imported_first() -> None:
    assert python("-c", ALONE, *MODULES) == ""


PLAIN = ("choices", "errors", "progress", "trace", "words")


def test_the_command_line_loads_nothing_heavy() -> None:
    loaded = python("-c", "import sys, envlock.cli; print(*sys.modules, sep='\\n')").splitlines()
    assert [name for name in HEAVY if name in loaded] == []
    ours = {name for name in loaded if name.startswith("envlock.") and "cli" not in name}
    assert ours <= {
        "envlock.choices",
        "envlock.errors",
        "envlock.progress",
        "envlock.trace",
        "envlock.words",
    }


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("lock", "--help")])
def test_help_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    program = (
        "import sys, envlock.cli\n"
        "try:\n    envlock.cli.run(sys.argv[1:])\n"
        "finally:\n    print('--', *sys.modules, sep='\\n')\n"
    )
    loaded = python("-c", program, *words).partition("--\n")[2].splitlines()
    assert [name for name in HEAVY if name in loaded] == []


def test_the_version_alone_builds_no_command_line() -> None:
    program = (
        "import sys\nfrom envlock.__main__ import main\nmain()\n"
        "print('envlock.cli' in sys.modules, 'typer' in sys.modules)"
    )
    for flag in ("-V", "--version"):
        assert python("-c", program, flag).splitlines() == [f"envlock {__version__}", "False False"]


def test_few_imports_wait_for_a_call() -> None:
    """Each hides what a module needs: a slow import belongs to the module that is loaded late."""
    texts = (path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    assert sum(text.count("noqa: PLC0415") for text in texts) <= 40
