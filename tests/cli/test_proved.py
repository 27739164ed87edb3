"""A set that was proved becomes the lock, is preferred in one, or is chosen by what it can do."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from support.conda_channel import CondaChannel
from support.framework import build_framework
from support.program import Program
from support.simple_index import SimpleIndex, build_wheel

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
RUN = ("matrix", "run", "--python", PYTHON, "--accelerator", "auto")
PROVED = ("--evidence", "evidence")


@pytest.fixture(autouse=True)
def a_release_for_this_python() -> None:
    if PYTHON != "3.11":
        pytest.skip(f"TensorFlow 2.15.1 has no wheel for Python {PYTHON}")


def forget_pages(program: Program) -> None:
    """Have the index asked again: pages are kept for ten minutes."""
    shutil.rmtree(program.cache / "index")


def pins(program: Program) -> set[str]:
    lines = (program.here / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {
        line.split(" ")[0] for line in lines if "==" in line and not line.startswith((" ", "#"))
    }


def test_a_proved_set_is_the_lock_and_nothing_is_solved(
    envlock: Program, index: SimpleIndex
) -> None:
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    build_wheel(index.folder, "h5py", "3.12.0")
    index.requests.clear()
    done = envlock("lock", "tensorflow==2.15.1", "h5py", *PROVED)
    assert (done.code, done.err) == (0, "")
    assert pins(envlock) == {"h5py==3.11.0", "numpy==1.26.4", "tensorflow==2.15.1"}
    # Only whether this index is a mirror of the one that was proved.
    assert [each for each in index.requests if "/h5py" in each] == []
    lock = (envlock.here / "requirements.txt").read_text(encoding="utf-8")
    assert "\n# verified: 20" in lock
    assert "import-h5py, import, fit, save, load, weights, custom-layer, load-compiled" in lock


def test_it_installs_and_is_current(envlock: Program) -> None:
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    done = envlock("create", "tensorflow==2.15.1", *PROVED)
    assert (done.code, done.err) == (0, "")
    assert envlock("lock", "tensorflow==2.15.1", *PROVED, "--check").code == 0


def test_a_kept_pin_that_loses_the_set_is_told_and_an_upgrade_takes_it(envlock: Program) -> None:
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    (envlock.here / "old.txt").write_text("h5py<3.11\n")
    words = ("lock", "tensorflow==2.15.1", "h5py", *PROVED)
    assert envlock(*words, "-c", "old.txt").code == 0
    done = envlock(*words)
    assert (done.code, "h5py==3.10.0" in pins(envlock)) == (0, True)
    assert done.err.startswith(
        "h5py 3.10.0 of the lock is kept, so that this is not the set that was verified for"
    )
    assert done.err.endswith(": -U takes that one\n")
    upgraded = envlock(*words, "-U")
    assert (upgraded.code, upgraded.err, "h5py==3.11.0" in pins(envlock)) == (0, "", True)
    assert "\n# verified: 20" in (envlock.here / "requirements.txt").read_text(encoding="utf-8")


def test_a_lock_from_evidence_and_one_that_was_solved_have_the_same_hashes(
    envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "h5py", "3.11.0", tag="cp36-cp36m-win_amd64")
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    locks = []
    for more in (PROVED, ("--fresh", "-U")):
        assert envlock("lock", "tensorflow==2.15.1", "h5py", *more).code == 0
        lines = (envlock.here / "requirements.txt").read_text(encoding="utf-8").splitlines()
        locks.append([line for line in lines if not line.startswith("#") and " # " not in line])
    assert locks[0] == locks[1]
    assert sum("--hash" in line for line in locks[0]) == 3


def test_every_format_holds_it(envlock: Program) -> None:
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    formats = ("--format", "requirements", "--format", "pylock", "--format", "environment")
    done = envlock("lock", "tensorflow==2.15.1", *PROVED, *formats)
    assert (done.code, done.err) == (0, "")
    for name in ("requirements.txt", "pylock.toml", "environment.yml"):
        assert "verified" in (envlock.here / name).read_text(encoding="utf-8")
    assert envlock("sync", "pylock.toml").code == 0


def test_fresh_solves_all_the_same(envlock: Program, index: SimpleIndex) -> None:
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    build_wheel(index.folder, "h5py", "3.12.0")
    forget_pages(envlock)
    assert envlock("lock", "tensorflow==2.15.1", *PROVED, "--fresh").code == 0
    assert "h5py==3.12.0" in pins(envlock)
    lock = (envlock.here / "requirements.txt").read_text(encoding="utf-8")
    assert "verified" not in lock


def test_with_further_packages_its_pins_are_preferred_and_the_lock_says_what_is_not_verified(
    envlock: Program, index: SimpleIndex
) -> None:
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    build_wheel(index.folder, "h5py", "3.12.0")
    build_wheel(index.folder, "extra", "1.0")
    done = envlock("lock", "tensorflow==2.15.1", "extra", *PROVED)
    assert done.code == 0
    assert pins(envlock) == {"extra==1.0", "h5py==3.11.0", "numpy==1.26.4", "tensorflow==2.15.1"}
    lock = (envlock.here / "requirements.txt").read_text(encoding="utf-8")
    assert "# verified" not in lock
    assert "# note: not verified as a whole: tensorflow 2.15.1 on Python 3.11 was on 20" in lock
    assert ", without 1 package of these\n" in lock
    said = envlock("lock", "tensorflow==2.15.1", "extra", *PROVED, "-U", "-v").out
    assert "unverified  extra 1.0 (here alone)\n" in said
    data = envlock("lock", "tensorflow==2.15.1", "extra", *PROVED, "-U", "--json").data
    assert [part["unverified"] for part in data["parts"]] == [["extra 1.0 (here alone)"]]


def test_a_wish_that_it_does_not_meet_is_solved(envlock: Program) -> None:
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    assert envlock("lock", "tensorflow==2.15.1", "h5py<3.11", *PROVED).code == 0
    assert "h5py==3.10.0" in pins(envlock)
    lock = (envlock.here / "requirements.txt").read_text(encoding="utf-8")
    assert ", with 1 other version\n" in lock


def test_an_index_with_other_files_is_not_answered_from_it(
    envlock: Program, index: SimpleIndex
) -> None:
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    build_framework(index.folder, first="# another build")
    forget_pages(envlock)
    assert envlock("lock", "tensorflow==2.15.1", *PROVED).code == 0
    lock = (envlock.here / "requirements.txt").read_text(encoding="utf-8")
    assert "verified" not in lock


def test_a_package_that_another_index_has_first_is_not_answered_from_it(
    envlock: Program, index: SimpleIndex, tmp_path: Path
) -> None:
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    build_wheel(tmp_path / "own", "keras", "2.15.0")  # nobody needs it
    build_wheel(tmp_path / "own", "h5py", "3.11.0", files={"h5py.py": "# another build"})
    with SimpleIndex(tmp_path / "own") as own:
        both = envlock.with_env(PIP_EXTRA_INDEX_URL=own.url)
        shutil.copy(tmp_path / "own" / "keras-2.15.0-py3-none-any.whl", index.folder)
        assert both("lock", "tensorflow==2.15.1", *PROVED).code == 0
    lock = (envlock.here / "requirements.txt").read_text(encoding="utf-8")
    assert "verified" not in lock
    assert f"# from {own.url}\n" in lock
    (tmp_path / "own" / "h5py-3.11.0-py3-none-any.whl").unlink()
    with SimpleIndex(tmp_path / "own") as own:
        both = envlock.with_env(PIP_EXTRA_INDEX_URL=own.url)
        assert both("lock", "tensorflow==2.15.1", *PROVED).code == 0
    lock = (envlock.here / "requirements.txt").read_text(encoding="utf-8")
    assert "# verified" in lock
    assert f"# from {index.url}\n" in lock


def test_an_older_release_is_not_taken_because_it_is_proved(
    envlock: Program, index: SimpleIndex
) -> None:
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    build_framework(index.folder, "2.16.2")
    forget_pages(envlock)
    assert envlock("lock", "tensorflow", *PROVED).code == 0
    assert "tensorflow==2.16.2" in pins(envlock)


def two_releases(envlock: Program, index: SimpleIndex) -> None:
    """Run a release that can do everything, and a newer one that loads no SavedModel."""
    build_framework(index.folder, "2.16.2", load='assert path != "exported"')
    build_framework(index.folder, "2.15.1")
    assert envlock(*RUN, "--tensorflow", ">=2.15,<2.17").code == 0


def test_the_newest_release_that_is_proved_to_have_what_is_needed_is_taken(
    envlock: Program, index: SimpleIndex
) -> None:
    two_releases(envlock, index)
    done = envlock("create", "tensorflow", "--needs", "load-compiled,savedmodel", *PROVED)
    assert (done.code, done.err) == (0, "")
    assert "tensorflow==2.15.1" in pins(envlock)


def test_what_is_needed_holds_with_further_packages_too(
    envlock: Program, index: SimpleIndex
) -> None:
    two_releases(envlock, index)
    build_wheel(index.folder, "extra", "1.0")
    assert envlock("lock", "tensorflow", "extra", "--needs", "savedmodel", *PROVED).code == 0
    assert {"tensorflow==2.15.1", "extra==1.0"} <= pins(envlock)


def test_when_none_has_it_the_closest_are_told(envlock: Program, index: SimpleIndex) -> None:
    two_releases(envlock, index)
    done = envlock("lock", "tensorflow>=2.16", "--needs", "savedmodel,save", *PROVED)
    assert done.code == 3
    assert done.err.splitlines()[:2] == [
        "error: no release is known to have savedmodel, save on Python 3.11 on linux-x86_64",
        "  tensorflow 2.16.2 lacks savedmodel",
    ]


def test_what_a_release_was_not_tried_with_is_not_what_it_lacks(
    envlock: Program, index: SimpleIndex
) -> None:
    two_releases(envlock, index)
    for file in (envlock.here / "evidence").glob("*.json"):
        document = json.loads(file.read_text(encoding="utf-8"))
        del document["sets"]["rules"]["levels"]["recurrent"]
        file.write_text(json.dumps(document), encoding="utf-8")
    done = envlock("lock", "tensorflow>=2.16", "--needs", "recurrent,savedmodel", *PROVED)
    assert done.err.splitlines()[1:2] == [
        "  tensorflow 2.16.2 lacks savedmodel and was not tried with recurrent"
    ]
    assert envlock("lock", "tensorflow==2.15.1", *PROVED).code == 0
    assert "# verified: 20" in (envlock.here / "requirements.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--needs", "flight"), "--needs flight: there is no such capability; there are "),
        (("--needs", "load", "--fresh"), "--needs load is answered from what was proved, and "),
    ],
)
def test_needs_that_make_no_sense_are_told(
    envlock: Program, words: tuple[str, ...], message: str
) -> None:
    done = envlock("lock", "tensorflow", *words)
    assert done.code == 2
    assert done.err.startswith(f"error: {message}")


def test_evidence_that_is_not_there_is_missed_before_anything_is_solved(envlock: Program) -> None:
    done = envlock("lock", "tensorflow==2.15.1", "--evidence", "nowhere")
    assert done.code == 2
    assert "nowhere: no such folder" in done.err
    assert not (envlock.here / "requirements.txt").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the channel is for Linux")
def test_evidence_counts_for_conda_too(
    envlock: Program, index: SimpleIndex, channel: CondaChannel
) -> None:
    assert envlock(*RUN, "--tensorflow", "2.15.1").code == 0
    build_wheel(index.folder, "h5py", "3.12.0")
    forget_pages(envlock)
    (envlock.here / "environment.yml").write_text(
        f"channels: [{channel.url}]\ndependencies: [python, pip: [tensorflow==2.15.1]]\n"
    )
    words = ("lock", "-r", "environment.yml", "--engine", "uv", "--json")
    (part,) = envlock(*words, *PROVED).data["parts"]
    assert part["evidence"].startswith("20")
    assert {each["name"]: each["version"] for each in part["pypi"]} == {
        "h5py": "3.11.0",
        "numpy": "1.26.4",
        "tensorflow": "2.15.1",
    }
    assert "\n# verified linux-64: 20" in (envlock.here / "conda-lock.yml").read_text()
    (part,) = envlock(*words, *PROVED, "--fresh", "-U").data["parts"]
    assert (part["evidence"], part["pypi"][0]["version"]) == ("", "3.12.0")
    of_conda = ("lock", "--channel", channel.url, "tensorflow", "--json", "-U")
    done = envlock(*of_conda, *PROVED, "--needs", "savedmodel")
    assert done.code == 0, done.out
    assert {each["name"]: each["version"] for each in done.data["parts"][0]["conda"]}[
        "tensorflow"
    ] == "2.15.1"
    assert done.data["notes"][-1].startswith("tensorflow 2.15.1 on Python 3.11")
    assert done.data["notes"][-1].endswith("conda's builds were not")
    done = envlock(*of_conda, *PROVED, "--needs", "no-such-thing")
    assert (done.code, done.data["remedies"]) == (2, ["envlock capabilities"])
