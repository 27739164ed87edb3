"""A file that asks for packages is judged by what an installer takes of it today.

`diagnose`, `fix` and `lock` say of each file the same: it is well, it breaks,
or nothing of it can be installed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.distributions import build_wheel
from support.framework import MINOR, for_its_python
from support.program import Program
from support.simple_index import SimpleIndex

TAG = f"cp{MINOR.replace('.', '')}-cp{MINOR.replace('.', '')}-manylinux2014_x86_64"
OLD = "cp39-cp39-manylinux2014_x86_64"
COMPANIONS = {"keras": ("2.15.0", "3.0.5"), "h5py": ("3.10.0",), "protobuf": ("4.25.3",)}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleIndex]:
    """TensorFlow as it was published: its metadata lets NumPy 2 in, and one is for old Pythons."""
    wheels = tmp_path_factory.mktemp("wheels")
    needs = ["numpy>=1.23.5", "h5py>=2.9.0", "protobuf>=3.20.3,<5", "keras>=2.15,<2.16"]
    build_wheel(wheels, "tensorflow", "2.15.1", requires=needs, tag=TAG, extras=["and-cuda"])
    build_wheel(wheels, "tensorflow", "2.7.0", requires=needs, tag=OLD)
    build_wheel(wheels, "tensorflow-cpu", "2.15.1", requires=needs, tag=TAG)
    for version in ("1.26.4", "2.2.6"):
        build_wheel(wheels, "numpy", version, tag=TAG)
    build_wheel(wheels, "numpy", "1.19.5", tag=OLD)
    for name, versions in COMPANIONS.items():
        for version in versions:
            build_wheel(wheels, name, version)
    build_wheel(wheels, "helper", "1.0", requires=["numpy<2"])
    build_wheel(wheels, "rival", "1.0", requires=["numpy>=2"])
    with SimpleIndex(wheels) as served:
        yield served


@pytest.fixture
def there(program: Program, index: SimpleIndex) -> Program:
    return program.with_env(PIP_INDEX_URL=index.url, ENVLOCK_ENGINE="uv", **for_its_python())


WELL = {
    "a bound on what comes along": "tensorflow==2.15.1\nnumpy<2\n",
    "a bound of a neighbour": "tensorflow==2.15.1\nhelper\n",
    "nothing that is known": "helper==1.0\n",
    "a blank before the operator": "tensorflow ~= 2.15.1\nnumpy < 2\n",
}
BREAKS = {
    "what is not named breaks": "tensorflow==2.15.1\n",
    "a range lets it in": "tensorflow~=2.15.0\nnumpy>=1.23\n",
    "an extra counts for nothing else": "tensorflow[and-cuda]==2.15.1\n",
}
IMPOSSIBLE = {
    "no wheel for this Python": "tensorflow==2.7.0\n",
    "none of a neighbour": "tensorflow==2.15.1\nnumpy==1.19.5\n",
    "no such release": "tensorflow==2.15.0rc0\n",
    "no such package": "tensorflow==2.15.1\nnot-a-package\n",
    "two bounds that exclude each other": "helper\nrival\n",
    "a pin that excludes what another declares": "tensorflow==2.15.1\nkeras==3.0.5\n",
}
WITH_NEXT = {**BREAKS, **IMPOSSIBLE}


def written(program: Program, text: str) -> Path:
    path = program.here / "requirements.txt"
    path.write_text(text, encoding="utf-8")
    return path


def codes(program: Program) -> tuple[int, int, int]:
    """The exit codes of `diagnose`, `fix` and `lock` for the file."""
    return (
        program("diagnose", "requirements.txt").code,
        program("fix", "requirements.txt", "--dry-run").code,
        program("lock", "-r", "requirements.txt", "-o", "-").code,
    )


@pytest.mark.parametrize("text", WELL.values(), ids=WELL)
def test_what_is_well_is_well_for_all_three(there: Program, text: str) -> None:
    written(there, text)
    assert codes(there) == (0, 0, 0)


@pytest.mark.parametrize("text", BREAKS.values(), ids=BREAKS)
def test_what_breaks_when_it_is_installed_is_found_and_cured(there: Program, text: str) -> None:
    path = written(there, text)
    assert codes(there) == (1, 1, 0)
    assert there("fix", "requirements.txt", "--write").code == 0
    assert "==1.26.4" in path.read_text()
    assert codes(there) == (0, 0, 0)


@pytest.mark.parametrize("text", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_installed_is_the_first_thing_told(there: Program, text: str) -> None:
    written(there, text)
    found = there("diagnose", "requirements.txt", "--json").data["findings"]
    assert (found[0]["rule"], found[0]["severity"]) == ("not-installable", "breaks")
    assert codes(there) == (1, 3, 3)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("tensorflow==2.15.1\nnumpy==2.2.6\nhelper\n", "fix requirements.txt"),
        ("helper\nrival\n", "lock -r requirements.txt"),
        ("tensorflow==2.15.1\nkeras==3.0.5\n", "lock -r requirements.txt"),
    ],
    ids=["a rule says which version is wrong", "none does", "what is declared alone"],
)
def test_where_nothing_can_be_installed_a_fix_is_proposed_if_a_rule_leads_to_one(
    there: Program, text: str, after: str
) -> None:
    written(there, text)
    assert there("diagnose", "requirements.txt").out.endswith(f"\nnext: envlock {after}\n")
    assert there(*after.split()).code == (1 if after.startswith("fix") else 3)


@pytest.mark.parametrize("text", WITH_NEXT.values(), ids=WITH_NEXT)
def test_the_next_step_that_is_printed_goes_on_from_there(there: Program, text: str) -> None:
    written(there, text)
    (line,) = re.findall(
        r"^next: envlock (.+)$", there("diagnose", "requirements.txt").out, re.MULTILINE
    )
    words = shlex.split(line)
    done = there(*words)
    assert "nothing is wrong" not in done.out
    if "--python" in words:  # another Python: what it cannot have of the file is told there
        assert there("diagnose", *words[1:]).code == done.code or done.code == 3
    else:
        assert done.code == (1 if words[0] == "fix" else 3)


def test_what_degrades_proposes_no_fix_that_finds_nothing(there: Program) -> None:
    written(there, "tensorflow==2.15.1\ntensorflow-cpu==2.15.1\nnumpy<2\n")
    done = there("diagnose", "requirements.txt")
    found = there("diagnose", "requirements.txt", "--json").data["findings"]
    assert {each["severity"] for each in found} == {"degrades"}
    assert "next:" not in done.out
    assert codes(there) == (0, 0, 0)


def test_the_finding_says_what_is_taken_of_what_the_file_does_not_pin(there: Program) -> None:
    written(there, "tensorflow==2.15.1\n")
    done = there("diagnose", "requirements.txt")
    said = " ".join(done.out.split())
    assert "Today's resolve takes numpy 2.2.6" in said
    assert "tensorflow 2.15.1 and" not in said
    assert f"today's resolve for Python {MINOR} on linux-x86_64 takes 5 packages" in done.err
    assert done.out.endswith("next: envlock fix requirements.txt\n")


def test_the_cause_and_the_python_that_has_it_are_told_alike(there: Program) -> None:
    written(there, "tensorflow==2.7.0\n")
    why = f"tensorflow 2.7.0 has no wheel for Python {MINOR} on linux-x86_64"
    done = there("diagnose", "requirements.txt")
    assert why in " ".join(done.out.split())
    assert done.out.endswith("next: envlock fix requirements.txt --python 3.9\n")
    for words in (("fix", "requirements.txt", "--dry-run"), ("lock", "-r", "requirements.txt")):
        assert why in " ".join(there(*words).err.split())
    there_too = there("diagnose", "requirements.txt", "--python", "3.9", "--json").data
    assert "tensorflow 2.7.0 has no wheel" not in str(there_too["findings"])


def test_without_an_index_the_own_lines_are_judged_and_that_is_said(program: Program) -> None:
    written(program, "tensorflow==2.15.1\nnumpy==2.2.6\n")
    offline = program.with_env(ENVLOCK_OFFLINE="1")
    broken = program.with_env(PIP_INDEX_URL="http://127.0.0.1:9/simple")
    for each in (offline, broken):
        done = each("diagnose", "requirements.txt")
        assert (done.code, "numpy2-tf-abi" in done.out) == (1, True)
        assert "judged by its own lines and what is declared of them" in done.err


def test_a_time_limit_does_the_same(there: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from envlock.cli.options import IndexOptions  # noqa: PLC0415  (for this test alone)
    from envlock.commands import today  # noqa: PLC0415  (as above)
    from envlock.examine.files import examine_path  # noqa: PLC0415  (as above)
    from envlock.progress import Silent  # noqa: PLC0415  (as above)

    monkeypatch.setattr(today, "_SECONDS", 0.0)
    monkeypatch.setenv("PIP_INDEX_URL", there.env["PIP_INDEX_URL"])
    found = today.of_file(
        examine_path(written(there, "tensorflow==2.15.1\n")), IndexOptions(), None, Silent()
    )
    assert found.pins is None
    assert "no answer after 0 s" in found.note


def test_of_what_is_not_known_no_fix_says_that_it_is_well(
    there: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    from envlock.commands import today  # noqa: PLC0415  (for this test alone)
    from envlock.commands.fix import file as fix_file  # noqa: PLC0415  (as above)
    from envlock.commands.fix.run import _unchanged_lines  # noqa: PLC0415  (as above)
    from envlock.model import IndexSettings  # noqa: PLC0415  (as above)
    from envlock.progress import Silent  # noqa: PLC0415  (as above)

    monkeypatch.setattr(today, "_SECONDS", 0.0)
    path = written(there, "tensorflow>=2.6,<2.16\ntensorflow-cpu>=2.6,<2.16\n")
    settings = IndexSettings(index_url=there.env["PIP_INDEX_URL"])
    found = fix_file.fix_file(fix_file.FileOrder(path=path, settings=settings), Silent())
    said = "\n".join(_unchanged_lines(found, path))
    assert "today is not known, so no line is changed" in said
    assert "is not broken" not in said
