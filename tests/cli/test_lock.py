"""`envlock lock` on good input: files, reuse, upgrades, checks, and the same bytes again."""

import os
import re
import shlex
from pathlib import Path

import pytest

from support.framework import build_framework, for_its_python, its_python
from support.program import Program, make_program, said, snapshot
from support.simple_index import SimpleIndex, build_wheel

FORMATS = ("--format", "requirements", "--format", "pylock", "--format", "environment")
PINS = {"tensorflow": "2.15.1", "h5py": "3.11.0", "numpy": "1.26.4"}


def pins(program: Program, name: str = "requirements.txt") -> dict[str, str]:
    lines = (program.here / name).read_text().splitlines()
    found = (line.rstrip(" \\").partition("==") for line in lines if line[:1].isalpha())
    return {package: version for package, equals, version in found if equals}


def newer_h5py(index: SimpleIndex, envlock: Program) -> None:
    """Publish a release, and let the time pass that pages are kept."""
    source = '__version__ = "3.12.1"\nclass version: hdf5_version = "1.14.4"\n'
    build_wheel(index.folder, "h5py", "3.12.1", files={"h5py.py": source})
    for page in (envlock.cache / "index").iterdir():
        page.unlink()


RULE = """\
id: helper-2-breaks-extra
title: extra needs helper 1
when: {extra: ">=1"}
require: {helper: "<2"}
stage: import
severity: breaks
because: extra calls what helper 2 has not.
metadata: "no"
remedy:
  - install: helper<2
evidence:
  - how: ran
    what: It fails.
    checked: "2026-11-25"
examples:
  refuses:
    - packages: {extra: "1.0", helper: "2.0"}
  admits:
    - packages: {extra: "1.0", helper: "1.0"}
"""
SAID = (
    "release  tensorflow 2.15.1, h5py 3.11.0, numpy 1.26.4\n"
    "python   {minor} on {platform}\n"
    "held     numpy==1.26.4  by numpy2-tf-abi\n"
    "written  requirements.txt\n"
    "next     envlock sync\n"
)


def test_a_lock_obeys_the_rules_and_says_what_they_moved(
    envlock: Program, index: SimpleIndex
) -> None:
    done = envlock("lock", "tensorflow")
    assert (done.code, done.out, done.err) == (0, said(SAID, envlock, index), "")
    assert pins(envlock) == PINS


@pytest.mark.network
def test_pip_tools_gives_the_same_lock(program: Program, index: SimpleIndex) -> None:
    """pip-tools itself comes from where this machine's pip looks."""
    program = program.with_env(**for_its_python())
    own = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    configured = program.with_env(**{"PIP_CONFIG_FILE": "", **own})
    done = configured("lock", "tensorflow", "--index-url", index.url)
    assert (done.code, done.out) == (0, said(SAID, program, index))
    assert pins(program) == PINS


def test_a_second_run_changes_nothing_and_needs_no_index(
    envlock: Program, index: SimpleIndex
) -> None:
    assert envlock("lock", "tensorflow", *FORMATS).code == 0
    files = sorted(envlock.here.iterdir())
    before = [(file.name, file.stat().st_mtime_ns) for file in files]
    offline = envlock.with_env(PIP_INDEX_URL="http://127.0.0.1:1/simple")
    index.requests.clear()
    done = offline("lock", "tensorflow", *FORMATS)
    assert (done.code, done.err) == (0, "")
    assert [line.split()[-1] for line in done.out.splitlines() if "." in line.split()[-1]][-3:] == [
        "requirements.txt",
        "pylock.toml",
        "environment.yml",
    ]
    assert "unchanged" in done.out
    assert [(file.name, file.stat().st_mtime_ns) for file in files] == before
    assert not index.requests


def test_all_formats_hold_the_same_pins(envlock: Program) -> None:
    assert envlock("lock", "tensorflow", *FORMATS).code == 0
    assert envlock("lock", "tensorflow", *FORMATS, "--check").out == "the lock is current\n"
    assert sorted(snapshot(envlock.here)) == ["environment.yml", "pylock.toml", "requirements.txt"]


def test_the_same_request_gives_the_same_bytes_in_another_folder_and_cache(
    envlock: Program, tmp_path: Path
) -> None:
    other = make_program(tmp_path / "other").with_env(**envlock.env)
    for program in (envlock, other):
        assert program("lock", "tensorflow", *FORMATS).code == 0
    assert snapshot(envlock.here) == snapshot(other.here)


@pytest.mark.parametrize(
    "words",
    [
        ("tensorflow", "h5py<3.11", *FORMATS),
        ("-r", "requirements.in", "-c", "bounds.txt", "-o", "locked.txt"),
        ("-r", "pyproject.toml", "--extra", "io", "--group", "test"),
        ("tensorflow", "--python", "{path}", "--exclude-newer", "2030-01-01"),
    ],
    ids=["words", "files", "project", "a Python by its path"],
)
def test_the_command_in_the_header_makes_the_same_bytes(
    envlock: Program, index: SimpleIndex, words: tuple[str, ...]
) -> None:
    index.upload_times = {file.name: "2024-01-01T00:00:00Z" for file in index.folder.iterdir()}
    (envlock.here / "requirements.in").write_text("tensorflow\n")
    (envlock.here / "bounds.txt").write_text("h5py<3.11\n")
    (envlock.here / "pyproject.toml").write_text(
        '[project]\nname = "Own.Project"\ndependencies = ["tensorflow"]\n'
        '[project.optional-dependencies]\nio = ["h5py<3.11"]\n'
        '[dependency-groups]\ntest = ["numpy"]\n'
    )
    assert envlock("lock", *(word.format(path=its_python().path) for word in words)).code == 0
    before = snapshot(envlock.here)
    name = "locked.txt" if "-o" in words else "requirements.txt"
    command = (envlock.here / name).read_text().splitlines()[0].removeprefix("# made by: ")
    assert str(its_python().path) not in command
    for lock in (name, "pylock.toml", "environment.yml"):
        (envlock.here / lock).unlink(missing_ok=True)
    assert envlock(*shlex.split(command)[1:]).code == 0
    assert snapshot(envlock.here) == before


def test_the_header_names_the_python_by_its_version(envlock: Program, index: SimpleIndex) -> None:
    assert envlock("lock", "tensorflow").code == 0
    first = (envlock.here / "requirements.txt").read_text().splitlines()[0]
    expected = "# made by: envlock lock tensorflow --engine uv --python {minor}"
    assert first == said(expected, envlock, index)


def test_pins_are_kept_until_an_upgrade_is_asked_for(envlock: Program, index: SimpleIndex) -> None:
    assert envlock("lock", "tensorflow").code == 0
    newer_h5py(index, envlock)
    assert envlock("lock", "tensorflow", "numpy").code == 0
    assert pins(envlock) == PINS
    assert envlock("lock", "tensorflow", "numpy", "-U").code == 0
    assert pins(envlock) == {**PINS, "h5py": "3.12.1"}


def test_a_pin_that_is_kept_keeps_its_reason(envlock: Program, index: SimpleIndex) -> None:
    build_wheel(index.folder, "top", "1.0", requires=["extra", "helper"])
    build_wheel(index.folder, "extra", "1.0")
    for version in ("1.0", "2.0"):
        build_wheel(index.folder, "helper", version)
    (envlock.here / "ours").mkdir()
    (envlock.here / "ours" / "helper.yaml").write_text(RULE)
    reason = "# because helper-2-breaks-extra: extra calls what helper 2 has not.\n"
    for words in (("top",), ("top", "h5py")):
        assert envlock("lock", *words, "--rules", "ours").code == 0
        assert pins(envlock)["helper"] == "1.0"
        assert reason in (envlock.here / "requirements.txt").read_text(encoding="utf-8")


def test_a_pin_that_moves_alone_costs_no_second_solve(envlock: Program, index: SimpleIndex) -> None:
    build_wheel(index.folder, "top", "1.0", requires=["extra", "helper"])
    build_wheel(index.folder, "extra", "1.0")
    for version in ("1.0", "2.0"):
        build_wheel(index.folder, "helper", version)
    (envlock.here / "ours").mkdir()
    (envlock.here / "ours" / "helper.yaml").write_text(RULE)
    for metadata, solves in ((False, 2), (True, 1)):
        index.metadata = metadata
        done = envlock("lock", "top", "--rules", "ours", "--fresh", "--upgrade", "-v", "--no-cache")
        assert (done.code, done.err.count("resolve the request …")) == (0, solves)
        assert pins(envlock)["helper"] == "1.0"


def test_one_package_is_upgraded_by_name(envlock: Program, index: SimpleIndex) -> None:
    build_framework(index.folder, "2.15.0")
    (envlock.here / "old.txt").write_text("tensorflow==2.15.0\n")
    assert envlock("lock", "tensorflow", "-c", "old.txt").code == 0
    newer_h5py(index, envlock)
    (envlock.here / "old.txt").write_text("tensorflow<2.16\n")
    assert envlock("lock", "tensorflow", "-c", "old.txt", "-P", "H5Py").code == 0
    assert pins(envlock)["h5py"] == "3.12.1"


def test_a_yanked_pin_is_told_noted_and_stale(envlock: Program, index: SimpleIndex) -> None:
    build_wheel(index.folder, "taken-back", "1.0")
    index.yanked = {"taken_back-1.0-py3-none-any.whl": "it deletes files"}
    told = "taken-back 1.0 is yanked: it deletes files"
    for kind, name in (("requirements", "requirements.txt"), ("pylock", "pylock.toml")):
        done = envlock("lock", "taken-back==1.0", "--format", kind)
        assert (done.code, f"note     {told}\n" in done.out) == (0, True)
        assert told in (envlock.here / name).read_text()
        again = envlock("lock", "taken-back==1.0", "--format", kind, "--check")
        assert (again.code, told in f"{again.out}{again.err}") == (1, True)


def test_check_tells_a_current_lock_without_an_index(envlock: Program) -> None:
    assert envlock("lock", "tensorflow").code == 0
    before = snapshot(envlock.here)
    offline = envlock.with_env(PIP_INDEX_URL="http://127.0.0.1:1/simple")
    done = offline("lock", "tensorflow", "--check")
    assert (done.code, done.out, done.err) == (0, "the lock is current\n", "")
    assert snapshot(envlock.here) == before


@pytest.mark.parametrize(
    ("change", "words", "problem"),
    [
        (
            None,
            ("tensorflow", "pandas"),
            "requirements.txt: pandas (command line) was not asked for when it was made\n",
        ),
        (
            None,
            ("h5py",),
            "requirements.txt:15: tensorflow (command line) is no longer asked for\n",
        ),
        (
            None,
            ("tensorflow<2.16",),
            "requirements.txt:15: tensorflow was asked for when it was made, and is now",
        ),
        (
            None,
            ("tensorflow", "--needs", "resume"),
            "requirements.txt: needs was not set, and is resume",
        ),
        (
            ("numpy==1.26.4", "numpy==2.0.2"),
            ("tensorflow",),
            "requirements.txt:11: rule numpy2-tf-abi (tensorflow",
        ),
        (("# request: ", "# asked: "), ("tensorflow",), "requirements.txt: it does not say which"),
        (
            (" \\\n    --hash=", "  # "),
            ("tensorflow",),
            "requirements.txt:8: no hash for h5py, numpy, tensorflow",
        ),
        (
            ("numpy==1.26.4", "numpy==1.26.3"),
            ("tensorflow",),
            "requirements.txt:11: numpy 1.26.3 is not",
        ),
    ],
    ids=[
        "one more",
        "one less",
        "another range",
        "another need",
        "a broken rule",
        "a foreign lock",
        "no hashes",
        "another version",
    ],
)
def test_check_tells_a_lock_that_is_not_current(
    envlock: Program, change: tuple[str, str] | None, words: tuple[str, ...], problem: str
) -> None:
    assert envlock("lock", "tensorflow").code == 0
    lock = envlock.here / "requirements.txt"
    if change is not None:
        lock.write_text(lock.read_text().replace(*change))
    before = snapshot(envlock.here)
    done = envlock("lock", *words, "--check")
    assert f"\n{problem}" in f"\n{done.out}"
    assert (done.code, done.err, snapshot(envlock.here)) == (1, "", before)
    told = envlock("lock", *words, "--check", "--json").data
    assert (told["current"], told["exit_code"]) == (False, 1)
    (remedy,) = told["remedies"]
    assert "\n".join((*told["problems"], f"next: {remedy}")) == done.out.rstrip("\n")
    asked = [each for each in words if each not in {"--needs", "resume"}]
    assert remedy.startswith(shlex.join(("envlock", "lock", *asked, "--engine", "uv")))


@pytest.mark.parametrize("kind", FORMATS[1::2])
def test_a_lock_that_was_edited_is_found_and_made_again(envlock: Program, kind: str) -> None:
    command = ("lock", "tensorflow", "--format", kind)
    assert envlock(*command).code == 0
    (lock,) = (each for each in envlock.here.iterdir() if each.suffix in {".txt", ".toml", ".yml"})
    whole = lock.read_text()
    for pattern, problem in (
        (r"numpy==1.26.4", "numpy 1.26.3 is not what envlock wrote here"),
        (
            r"(?<=hash=sha256:)[0-9a-f]|(?<=sha256 = \")[0-9a-f]",
            "h5py 3.11.0 is not what envlock wrote",
        ),
    ):
        edited = re.sub(pattern, _other, whole, count=1)
        if edited == whole:  # not in this format
            continue
        lock.write_text(edited)
        done = envlock(*command, "--check")
        assert (done.code, problem in done.out) == (1, True), done.out
        assert envlock(*shlex.split(done.out.rpartition("next: envlock ")[2])).code == 0
        assert envlock(*command, "--check").code == 0
        lock.write_text(whole)


def _other(found: re.Match[str]) -> str:
    """Another version, or another digit."""
    text = found[0]
    return text.replace("1.26.4", "1.26.3") if len(text) > 1 else "1" if text == "0" else "0"


def test_a_pin_that_is_gone_is_told_by_its_neighbours(envlock: Program) -> None:
    assert envlock("lock", "tensorflow").code == 0
    lock = envlock.here / "requirements.txt"
    lock.write_text(re.sub(r"numpy==(.*\n)(    .*\n)*", "", lock.read_text()))
    done = envlock("lock", "tensorflow", "--check")
    assert done.out.startswith("requirements.txt:8: a pin is gone between h5py and tensorflow\n")
    assert done.code == 1


def named_python(program: Program) -> str:
    """The option of the Python that the framework is for, where it is not the one that runs."""
    minor = program.env.get("ENVLOCK_PYTHON")
    return f" --python {minor}" if minor else ""


def test_a_lock_of_before_there_was_a_digest_is_judged_as_far_as_that_goes(
    envlock: Program,
) -> None:
    assert envlock("lock", "tensorflow").code == 0
    lock = envlock.here / "requirements.txt"
    whole = lock.read_text()
    lock.write_text(re.sub(r"# content: .*\n", "", whole))
    done = envlock("lock", "tensorflow", "--check")
    command = f"envlock lock tensorflow --engine uv{named_python(envlock)}"
    assert (done.code, done.out) == (0, "the lock is current\n")
    assert done.err == (
        "requirements.txt has no digest of what it holds, so that not every edit is seen:"
        f" {command} adds one\n"
    )
    assert (
        envlock.with_env(PIP_INDEX_URL="http://127.0.0.1:1/simple")("lock", "tensorflow").code == 0
    )
    assert lock.read_text() == whole
    older = re.sub(r"# (content|requirement|with [a-z]+): .*\n", "", whole)
    lock.write_text(older.replace("numpy==1.26.4", "numpy==1.26.3"))
    done = envlock("lock", "tensorflow", "numpy>=1.26.4", "--check")
    assert "numpy>=1.26.4 (command line) is asked for, and numpy==1.26.3 is in it" in done.out


@pytest.mark.parametrize("name", ["requirements.txt", "requirements.in"])
def test_a_file_that_a_merge_left_in_two_versions_is_called_so(envlock: Program, name: str) -> None:
    (envlock.here / "requirements.in").write_text("tensorflow\n")
    command = ("lock", "-r", "requirements.in")
    assert envlock(*command).code == 0
    path = envlock.here / name
    text = path.read_text()
    path.write_text(f"# ours\n<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> theirs\n")
    before = snapshot(envlock.here)
    said = f"error: {name}:2: a merge left both versions here (from <<<<<<< to >>>>>>>)"
    for words in (command, (*command, "--check"), ("diagnose", name)):
        done = envlock(*words)
        assert done.err.startswith(said)
        assert "git checkout" not in done.err  # git does not know the file
        assert (done.code, snapshot(envlock.here)) == (2, before)


def test_check_tells_a_lock_that_is_not_there(envlock: Program) -> None:
    done = envlock("lock", "tensorflow", "--check")
    assert (done.code, done.out) == (
        1,
        (
            "requirements.txt: there is no such lock\n"
            f"next: envlock lock tensorflow --engine uv{named_python(envlock)}\n"
        ),
    )


def test_check_tells_formats_that_differ(envlock: Program) -> None:
    assert envlock("lock", "tensorflow", *FORMATS).code == 0
    environment = envlock.here / "environment.yml"
    environment.write_text(environment.read_text().replace("h5py==3.11.0", "h5py==3.10.0"))
    done = envlock("lock", "tensorflow", *FORMATS, "--check")
    assert done.out.splitlines()[:-1] == [
        "environment.yml:16: h5py 3.10.0 is not what envlock wrote here",
        "environment.yml:16: requirements.txt pins h5py for linux-x86_64 otherwise",
    ]
    assert done.code == 1


def test_a_requirements_txt_as_input_gives_a_lock_beside_it(envlock: Program) -> None:
    (envlock.here / "requirements.txt").write_text("tensorflow  # ours\n")
    for word in ("written", "unchanged"):
        done = envlock("lock", "-r", "requirements.txt")
        assert f"{word.ljust(9)}  requirements.lock".split() in map(
            str.split, done.out.splitlines()
        )
        assert "envlock sync requirements.lock" in done.out
    assert (envlock.here / "requirements.txt").read_text() == "tensorflow  # ours\n"
    assert pins(envlock, "requirements.lock") == PINS


def test_a_project_its_extras_and_groups_are_locked(envlock: Program) -> None:
    (envlock.here / "pyproject.toml").write_text(
        '[project]\nname = "own"\nrequires-python = ">=3.9"\ndependencies = ["tensorflow"]\n'
        '[project.optional-dependencies]\nold = ["h5py<3.11"]\n'
        '[dependency-groups]\ntest = ["numpy<1.26.5"]\n'
    )
    command = ("lock", "-r", "pyproject.toml", "--format", "environment")
    assert envlock(*command, "--extra", "old", "--group", "test").code == 0
    text = (envlock.here / "environment.yml").read_text()
    assert "name: own\n" in text
    assert "h5py==3.10.0" in text
    assert "# via pyproject.toml [dependency-groups.test], tensorflow" in text


def test_a_flag_wins_over_a_variable_and_that_over_the_project(
    envlock: Program, index: SimpleIndex
) -> None:
    (envlock.here / "pyproject.toml").write_text(
        '[tool.envlock]\nformat = ["pylock"]\nexclude-newer = "2020-01-01"\n'
    )
    index.upload_times = {file.name: "2024-01-01T00:00:00Z" for file in index.folder.iterdir()}
    assert envlock("lock", "tensorflow").code == 3
    later = envlock.with_env(ENVLOCK_EXCLUDE_NEWER="2025-01-01")
    assert later("lock", "tensorflow").code == 0
    assert (envlock.here / "pylock.toml").is_file()
    older = later("lock", "tensorflow", "--exclude-newer", "2021-01-01", "--format", "requirements")
    assert older.code == 3
    assert not (envlock.here / "requirements.txt").exists()


def test_a_lock_that_is_a_link_stays_one(envlock: Program) -> None:
    real = envlock.root / "real.txt"
    assert envlock("lock", "tensorflow", "-o", "../real.txt").code == 0
    try:
        (envlock.here / "requirements.txt").symlink_to(real)
    except OSError:
        pytest.skip("links need a privilege here")
    assert envlock("lock", "tensorflow", "-U").code == 0
    assert (envlock.here / "requirements.txt").is_symlink()
    assert real.read_text().startswith("# made by: ")
