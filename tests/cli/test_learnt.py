"""A proof that fails teaches the lock what cures it, and is tried again; else it ends as it did."""

import re
import shlex
import zipfile
from pathlib import Path

import pytest

from support.program import Program, snapshot
from support.simple_index import SimpleIndex, build_wheel

#: Of a package of which no rule speaks: what its NumPy no longer has, the law of names knows.
ASKS = """\
import numpy
if tuple(map(int, numpy.__version__.split('.')[:2])) >= {since}:
    numpy.{name}
"""


def asks(name: str, since: tuple[int, int]) -> str:
    return ASKS.format(name=name, since=since)


def old_numpy(index: SimpleIndex) -> None:
    """Add the NumPy of before 1.24 to what the framework brings."""
    (numpy,) = index.folder.glob("numpy-1.26.4-*.whl")
    with zipfile.ZipFile(numpy) as archive:
        source = archive.read("numpy.py").decode().replace("1.26.4", "1.23.5")
    build_wheel(index.folder, "numpy", "1.23.5", files={"numpy.py": source})


@pytest.fixture
def taught(index: SimpleIndex) -> SimpleIndex:
    old_numpy(index)
    build_wheel(
        index.folder,
        "oldtool",
        "1.0",
        files={"oldtool.py": asks("complex", (1, 24))},
        requires=["numpy"],
    )
    return index


@pytest.mark.usefixtures("taught")
def test_what_a_failure_says_would_cure_it_is_locked_and_proved(
    envlock: Program,
) -> None:
    done = envlock("create", "tensorflow", "oldtool")
    assert done.code == 0, done.err
    assert "failed   imports:oldtool: AttributeError: module 'numpy' has no attribute" in done.err
    assert "changed  numpy 1.26.4 → 1.23.5\n" in done.err
    assert "learnt       round 1: oldtool 1.0 needs numpy<1.24 (name-ended: " in done.out
    assert "imports:oldtool" in next(
        line for line in done.out.splitlines() if line.startswith("proved ")
    )
    lock = (envlock.here / "requirements.txt").read_text(encoding="utf-8")
    assert "numpy==1.23.5" in lock
    assert "# because draft-numpy-1-26-4-import-oldtool: oldtool 1.0 fails at import with" in lock
    assert envlock("lock", "--check").code == 0
    again = envlock("create")
    assert (again.code, "unchanged since it was proved" in again.out) == (0, True)
    assert envlock("verify").code == 0


@pytest.mark.usefixtures("taught")
def test_what_was_learnt_is_a_draft_that_is_sound_and_teaches_the_next_lock(
    envlock: Program,
) -> None:
    folder = envlock.here / "rules"
    folder.mkdir(parents=True)
    done = envlock("create", "tensorflow", "oldtool", "--draft", "rules/numpy.yaml")
    assert (done.code, "written      rules/numpy.yaml\n" in done.out) == (0, True)
    assert envlock("rules", "check", "rules").code == 0
    text = (folder / "numpy.yaml").read_text(encoding="utf-8")
    assert "when:\n  oldtool: ==1.0\nrequire:\n  numpy: <1.24\n" in text
    assert "numpy 1.23.5 passes and 1.26.4 fails" in text
    known = envlock("lock", "tensorflow", "oldtool", "--rules", "rules", "-o", "new.txt", "-U")
    assert "numpy 1.23.5" in known.out
    assert envlock("create", "tensorflow", "oldtool", "--draft", "rules/numpy.yaml").code == 2


@pytest.mark.usefixtures("taught")
def test_a_program_is_told_each_round(envlock: Program) -> None:
    done = envlock("create", "tensorflow", "oldtool", "--json")
    (one,) = done.data["learnt"]
    assert one["failures"][0]["level"] == "imports:oldtool"
    assert one["changed"] == [{"package": "numpy", "before": "1.26.4", "after": "1.23.5"}]
    (learnt,) = one["learnt"]
    assert learnt["bounds"] == {"numpy": "<1.24"}
    assert learnt["rule"]["require"] == {"numpy": "<1.24"}
    assert learnt["because"] in done.data["reasons"].values()


def test_a_module_that_nobody_declares_is_added(envlock: Program, index: SimpleIndex) -> None:
    build_wheel(index.folder, "oldtool", "1.0", files={"oldtool.py": "import scipy\n"})
    build_wheel(index.folder, "scipy", "1.11.4", files={"scipy.py": ""})
    done = envlock("create", "tensorflow", "oldtool")
    assert done.code == 0, done.err
    assert "changed  install scipy 1.11.4\n" in done.err


def test_two_rounds_may_teach_two_things(envlock: Program, taught: SimpleIndex) -> None:
    source = "import scipy\n" + asks("int", (1, 24))
    build_wheel(taught.folder, "another", "1.0", files={"another.py": source})
    build_wheel(taught.folder, "scipy", "1.11.4", files={"scipy.py": ""})
    done = envlock("create", "tensorflow", "another", "--json")
    assert done.code == 0, done.err
    assert [each["round"] for each in done.data["learnt"]] == [1, 2]
    drafts = [one["rule"]["id"] for each in done.data["learnt"] for one in each["learnt"]]
    assert len({*drafts}) == 2


@pytest.mark.parametrize(
    "requirement",
    ["numpy==1.26.4", "numpy"],
    ids=["the request leaves no room", "no such release is there"],
)
def test_what_cannot_be_had_ends_as_a_failure_does(
    envlock: Program, index: SimpleIndex, requirement: str
) -> None:
    if requirement != "numpy":
        old_numpy(index)
    build_wheel(index.folder, "oldtool", "1.0", files={"oldtool.py": asks("complex", (1, 24))})
    done = envlock("create", "tensorflow", "oldtool", requirement)
    assert done.code == 1
    assert "NOT verified: imports:oldtool (" in done.err
    assert not any("'numpy<1.24'" in line for line in done.err.splitlines() if "try: " in line[:7])
    assert snapshot(envlock.here) == {}


def test_what_is_still_broken_is_never_called_proved(envlock: Program, taught: SimpleIndex) -> None:
    source = asks("complex", (1, 24)) + "raise OSError('and something else')\n"
    build_wheel(taught.folder, "oldtool", "2.0", files={"oldtool.py": source})
    done = envlock("create", "tensorflow", "oldtool", "--json")
    assert done.code == 1
    assert [each["round"] for each in done.data["learnt"]] == [1]
    assert done.data["learnt"][0]["learnt"][0]["rule"] is None
    assert done.data["verified"] is False
    assert snapshot(envlock.here) == {}


def test_a_failure_that_nothing_explains_is_for_bisect(
    envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "odd", "1.0", files={"odd.py": "raise OSError('unheard of')\n"})
    done = envlock("create", "tensorflow", "odd", "--index-url", index.url, "--json")
    assert (done.code, done.data["findings"]) == (1, [])
    (offered,) = [each for each in done.data["remedies"] if " bisect " in each]
    words = shlex.split(offered)
    assert words[-4:] == ["--imports", "odd", "--index-url", index.url]
    assert all(Path(each).is_file() for each in words[2:4])


def test_a_failed_import_is_explained_to_a_program(envlock: Program, index: SimpleIndex) -> None:
    build_wheel(index.folder, "oldtool", "1.0", files={"oldtool.py": asks("complex", (1, 24))})
    done = envlock("create", "tensorflow", "oldtool", "numpy==1.26.4", "--json")
    assert [each["rule"] for each in done.data["findings"]] == ["name-ended"]
    envlock("create", "tensorflow", "oldtool", "--no-imports", "oldtool")
    seen = envlock("verify", "--imports", "oldtool", "--json")
    assert (seen.code, [each["rule"] for each in seen.data["findings"]]) == (1, ["name-ended"])
    assert "numpy.complex ended with NumPy 1.23" in envlock("verify", "--imports", "oldtool").out


def test_where_nothing_is_known_the_days_of_two_packages_are_tried(
    envlock: Program, index: SimpleIndex
) -> None:
    files = {"asker.py": "from other import gone\n"}
    build_wheel(index.folder, "asker", "1.0", files=files, requires=["other"])
    for version, source in (("1.0", "gone = 1\n"), ("2.0", "")):
        build_wheel(index.folder, "other", version, files={"other.py": source})
    index.upload_times = {
        "asker-1.0-py3-none-any.whl": "2022-03-01T00:00:00Z",
        "other-1.0-py3-none-any.whl": "2022-01-01T00:00:00Z",
        "other-2.0-py3-none-any.whl": "2024-01-01T00:00:00Z",
    }
    done = envlock("create", "asker")
    assert done.code == 0, done.err
    assert (
        "asker 1.0 needs other<=1.0 (of-another-day: asker 1.0 is older than other 2.0" in done.out
    )


@pytest.mark.usefixtures("taught")
def test_a_lock_can_be_proved_before_it_is_written(envlock: Program) -> None:
    done = envlock("lock", "tensorflow", "oldtool", "--prove")
    assert done.code == 0, done.err
    assert "round 1: oldtool 1.0 needs numpy<1.24 (" in done.out
    assert "imports:oldtool" in done.out
    assert re.search(r"(?m)^next +\S*envlock sync$", done.out)
    assert [*snapshot(envlock.here)] == ["requirements.txt"]
    assert not [*envlock.cache.glob("prove/trial-*")]
    again = envlock("lock", "tensorflow", "oldtool", "--prove", "--json")
    assert (again.code, again.data["verified"], again.data["learnt"]) == (0, True, [])


def test_a_lock_that_is_not_proved_is_not_written(envlock: Program, index: SimpleIndex) -> None:
    build_wheel(index.folder, "odd", "1.0", files={"odd.py": "raise OSError('unheard of')\n"})
    done = envlock("lock", "tensorflow", "odd", "--prove")
    assert (done.code, snapshot(envlock.here)) == (1, {})
    assert "FAILED   imports:odd" in done.err
    assert "--keep" not in done.err
    (way,) = [line for line in done.err.splitlines() if "--no-imports odd" in line]
    assert " lock tensorflow odd --prove" in way


@pytest.mark.parametrize("words", [("--check",), ("-o", "-"), ("--platform", "macos-arm64")])
def test_what_is_not_written_or_not_for_here_is_not_proved(
    envlock: Program, words: tuple[str, ...]
) -> None:
    assert envlock("lock", "tensorflow", "--prove", *words).code == 2
