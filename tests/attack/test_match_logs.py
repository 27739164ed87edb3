"""A log of ten megabytes of any shape is examined in two seconds and little memory."""

import random
import re
import sys
from collections.abc import Callable

import pytest

from envlock.diagnose import diagnose
from envlock.errors import UsageError
from envlock.examine.files import examine_content
from envlock.findings import Examined, Finding, Kind
from envlock.formats.conda_spec import parse_spec
from envlock.rules import database
from support.pace import assert_quick, of_children
from support.program import Program

SIZE = 10_000_000
HEAD = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n'
NUMPY2 = (
    "AttributeError: _ARRAY_API not found\n"
    "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0.0 as it may crash.\n"
    "ImportError: numpy.core.umath failed to import\n"
)


def lines(unit: str, end: str = "\n") -> str:
    """Lines of nearly the length that is searched, all alike but for their digits."""
    line = unit * (9000 // len(unit))
    return "".join(f"{number}{line}{end}" for number in range(SIZE // len(line)))


def unlike(line: Callable[[int], str]) -> str:
    one = len(line(0))
    return "".join(map(line, range(SIZE // (one + 4))))


RANDOM = random.Random(7)  # noqa: S311  (any bytes will do)
SHAPES = {
    "one line": lambda: "a" * SIZE,
    "no words": lambda: "\n" * SIZE,
    "a progress bar": lambda: HEAD + "x\r" * (SIZE // 2),
    "libhdf5": lambda: HEAD + "libhdf5" * (SIZE // 7) + " undefined symbol: H5",
    "tensorflow": lambda: HEAD + lines("tensorflow"),
    "typing-extensions": lambda: HEAD + lines("typing-extensions ") + "which is incompatible",
    "tensorflow_text": lambda: HEAD + lines("tensorflow_text/a"),
    "tensorflow version": lambda: lines("tensorflow version ("),
    "tf-keras": lambda: HEAD + lines("tf-keras 2.1 requires tensorflow "),
    "boxes": lambda: lines(" ", "x |\n"),
    "containers": lambda: "".join('{"log":"' + "\\n" * 4000 + "x\n" for _ in range(1200)),
    "colours": lambda: "\x1b[31m" * (SIZE // 5),
    "two letters": lambda: "ab\n" * (SIZE // 3),
    "random": lambda: unlike(lambda _: f"{RANDOM.getrandbits(256):064x} installing\n"),
    "a terminal's edge": lambda: unlike(lambda _: f"{RANDOM.getrandbits(316):079x}\n"),
    "frames": lambda: HEAD + lines("/site-packages/") + "FooError: x",
    "conflicts": lambda: unlike(
        lambda n: f"foo {n} requires bar{n * 7:x}, but you have bar 1.{n}\n"
    ),
    "tables": lambda: "".join("Package Version\n" + "-" * 9000 + "x\n" for _ in range(1100)),
    "satisfied": lambda: lines("Requirement already satisfied: aaaaaaaaaaaaaaaa in ((("),
    "blanks": lambda: "".join("Python 3.1.1" + " " * 9000 + "\n" for _ in range(1100)),
    "pictures": lambda: "\U0001f600" * (SIZE // 4),
    "brackets": lambda: "[" * SIZE,
    "rows": lambda: "[" + "{}," * (SIZE // 3),
}


def examined(text: str) -> tuple[Examined, tuple[Finding, ...]]:
    found = examine_content(text, "log")
    return found, diagnose(found, database.load().rules)


@pytest.mark.parametrize("shape", [name for name in SHAPES if name not in {"no words", "random"}])
def test_ten_megabytes_of_any_shape_take_less_than_two_seconds(shape: str) -> None:
    text = SHAPES[shape]()
    assert_quick(2, lambda: examined(text))


@pytest.mark.parametrize("shape", ["no words", "random"])
def test_the_program_takes_two_seconds_and_300_megabytes_of_them(
    shape: str, program: Program
) -> None:
    (program.here / "a.log").write_text(SHAPES[shape]())
    script = (
        "import runpy, sys; sys.argv = ['envlock', 'diagnose', 'a.log']\n"
        "try: runpy.run_module('envlock', run_name='__main__')\n"
        "finally:\n"
        # That of `resource` is as much as the process had that started this one.
        "    used = open('/proc/self/status').read().partition('VmHWM:')[2].split()[0]\n"
        "    print(int(used) // 1024, file=sys.stderr)"
    )

    def run() -> None:
        done = program.run([sys.executable, "-c", script])
        assert (done.code, int(done.err.split()[-1]) < 300) == (0, True)

    assert_quick(3, run, of_children)


NOISE = ["".join(f"{RANDOM.getrandbits(256):064x} step\n" for _ in range(80_000))] * 2


@pytest.mark.parametrize("place", ["at the beginning", "in the middle", "at the end"])
def test_an_error_is_found_wherever_it_stands_in_a_long_log(place: str) -> None:
    before, after = {"at the beginning": (0, 2), "in the middle": (1, 1)}.get(place, (2, 0))
    text = "".join((*NOISE[:before], HEAD, NUMPY2, *NOISE[:after]))
    _, findings = examined(text)
    assert findings[0].id == "numpy2-tf-abi"


@pytest.mark.parametrize("place", ["beginning", "end"])
def test_both_ends_of_a_long_line_are_searched_and_quoted(place: str) -> None:
    said = "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0.0"
    filler = "x" * 50_000
    line = f"{said} {filler}" if place == "beginning" else f"{filler} ImportError: {said}"
    _, findings = examined(f"{HEAD}{line}\n")
    assert findings[0].id == "built-for-another"
    assert said in findings[0].evidence
    assert len(findings[0].evidence) <= 200


def test_a_progress_bar_leaves_what_was_written_last() -> None:
    bar = "".join(f"\r {number}%" for number in range(20_000))
    found, _ = examined(f"{HEAD}{bar}\r{NUMPY2}{bar}\r\n{HEAD}")
    assert found.text == f"{HEAD}{NUMPY2} 19999%\n{HEAD}"


@pytest.mark.parametrize("unit", ["x\r", "done\r", "x\r\n", "done\n", " 5%\r"])
@pytest.mark.parametrize("head", [HEAD, ""])
@pytest.mark.parametrize("origin", ["a.log", "-", "out.txt"])
def test_a_progress_bar_makes_no_requirements_of_a_log(unit: str, head: str, origin: str) -> None:
    error = "AttributeError: module 'numpy' has no attribute 'object'\n"
    if not head and (origin == "out.txt" or not unit.endswith("\r")):
        return  # a name of requirements, or words that could be names
    found = examine_content(f"{head}{unit * 3000}{error}", origin)
    assert found.kind is Kind.TEXT
    assert diagnose(found, database.load().rules)


def test_old_line_ends_make_no_log_of_requirements() -> None:
    found = examine_content("numpy==1.26.4\rh5py==3.10.0\r", "reqs.txt")
    assert found.kind is Kind.FILE


def test_a_log_that_begins_like_requirements_is_a_log() -> None:
    found, _ = examined("abc==1.0\n" * 50 + "what is this, please?\n" * 300)
    assert found.kind.value == "text"


def test_packages_of_conda_with_many_keys_are_read_in_one_pass() -> None:
    keys = ",".join(f'k{number}="a"' for number in range(180))

    def read() -> None:
        assert len(parse_spec(f"numpy[{keys}]").keys) == 180
        parse_spec("numpy " + ">" + " " * 1_900 + "1")
        for long in (f"numpy[{keys * 100}]", "numpy " + ">" + " " * 100_000 + "1"):
            with pytest.raises(UsageError):
                parse_spec(long)

    assert_quick(1, read)


def test_a_module_of_comments_is_told_from_code_at_once() -> None:
    from envlock.environment.files import _NAMESPACE  # noqa: PLC0415

    text = b"# " * 20_000 + b"\n" + b"# \n" * 20_000 + b"x"
    assert assert_quick(1, lambda: re.search(_NAMESPACE, text)) is None
    assert re.search(_NAMESPACE, b"# a\n\n# b") is not None
