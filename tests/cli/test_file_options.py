"""Options for pip in a requirements file that was named: obeyed as pip does, told, and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.distributions import build_sdist, build_wheel
from support.program import Program
from support.simple_index import SimpleIndex

ENGINES = ("uv", "pip-tools")


def ask(envlock: Program, *lines: str) -> None:
    (envlock.here / "requirements.in").write_text("".join(f"{each}\n" for each in lines))


def lock_of(envlock: Program) -> str:
    return (envlock.here / "requirements.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_chooses_its_index_and_the_lock_keeps_it_without_credentials(
    engine: str, envlock: Program, index: SimpleIndex, tmp_path: Path
) -> None:
    build_wheel(index.folder, "demo", "1.0")
    build_wheel(tmp_path / "other", "demo", "2.0")
    with SimpleIndex(tmp_path / "other", auth=("me", "s3cret")) as other:
        ask(envlock, f"--index-url {other.url_with('me:s3cret')}", "demo")
        done = envlock("lock", "-r", "requirements.in", "--engine", engine)
        assert done.code == 0, done.err
        public = other.url.replace("http://", "http://****@")
        assert done.err.count("requirements.in:1: index-url: packages come from") == 1
        assert "s3cret" not in f"{done.out}{done.err}{lock_of(envlock)}"
        assert "\ndemo==2.0" in lock_of(envlock)
        assert f"--index-url {public} was obeyed" in lock_of(envlock)
        assert envlock("lock", "-r", "requirements.in", "--check").code == 0
        ask(envlock, "demo")
        assert envlock("lock", "-r", "requirements.in", "--check").code == 1


def test_find_links_are_from_the_file_and_what_is_typed_goes_before(
    envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "demo", "1.0")
    build_wheel(envlock.here / "sub" / "wheels", "linked", "1.0")
    (envlock.here / "sub" / "r.in").write_text(
        "-f wheels\n--index-url https://nowhere.example/simple\nlinked\ndemo\n"
    )
    done = envlock("lock", "-r", "sub/r.in", "--index-url", index.url)
    assert done.code == 0, done.err
    assert "\nlinked==1.0" in lock_of(envlock)


@pytest.mark.parametrize("engine", ENGINES)
def test_pre_releases_and_kinds_of_files_are_as_the_file_says(
    engine: str, envlock: Program, index: SimpleIndex
) -> None:
    for version in ("1.0", "2.0rc1"):
        build_wheel(index.folder, "demo", version)
        build_wheel(index.folder, "other", version)
    build_sdist(index.folder, "packed", "1.0")
    words = ("lock", "-r", "requirements.in", "--engine", engine)
    for lines, wanted in (
        (("--pre",), ("demo==2.0rc1", "other==2.0rc1")),
        ((), ("demo==1.0", "other==1.0")),
    ):
        ask(envlock, *lines, "demo", "other")
        done = envlock(*words)
        assert done.code == 0, done.err
        assert all(f"\n{each}" in lock_of(envlock) for each in wanted)
        (envlock.here / "requirements.txt").unlink()
    ask(envlock, "--only-binary packed", "packed")
    done = envlock(*words)
    assert done.code == 3, done.err
    assert "packed" in done.err


def test_pre_releases_of_one_package_are_taken(envlock: Program, index: SimpleIndex) -> None:
    for version in ("1.0", "2.0rc1"):
        build_wheel(index.folder, "demo", version)
        build_wheel(index.folder, "other", version)
    ask(envlock, "--all-releases demo", "demo", "other")
    done = envlock("lock", "-r", "requirements.in")
    assert done.code == 0, done.err
    assert "\ndemo==2.0rc1" in lock_of(envlock)
    assert "\nother==1.0" in lock_of(envlock)


def test_what_is_to_be_no_wheel_is_locked_and_built_as_source(
    envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "demo", "1.0")
    build_sdist(index.folder, "demo", "1.0")
    ask(envlock, "--no-binary demo", "demo")
    done = envlock("lock", "-r", "requirements.in", "-o", "pylock.toml")
    assert done.code == 0, done.err
    assert "is built of its source, which runs its code (--no-binary)" in done.err
    text = (envlock.here / "pylock.toml").read_text(encoding="utf-8")
    assert ("demo-1.0.tar.gz" in text, ".whl" in text) == (True, False)


def test_a_lock_with_options_of_pip_is_one_to_every_command(
    envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "demo", "1.0")
    assert envlock("lock", "demo").code == 0
    lock = envlock.here / "requirements.txt"
    start, _, pins = lock.read_text().partition("\ndemo==")
    (envlock.here / "theirs.txt").write_text(f"--index-url {index.url}\n--pre\ndemo=={pins}")
    assert start
    for words in (
        ("sync", "theirs.txt"),
        ("export", "theirs.txt", "--format", "pylock", "-o", "pylock.toml"),
        ("lock", "-r", "theirs.txt", "-o", "again.txt"),
        ("diff", "requirements.txt", "theirs.txt"),
    ):
        done = envlock(*words)
        assert done.code == 0, (words, done.err)


@pytest.mark.parametrize("kind", ["requirements", "pylock"])
@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "-c bounds.txt\n", "demo; sys_platform == 'none'\n"]
)
def test_what_asks_for_nothing_here_is_an_empty_lock(
    text: str, kind: str, envlock: Program
) -> None:
    (envlock.here / "bounds.txt").write_text("demo<2\n")
    (envlock.here / "requirements.in").write_text(text)
    words = ("lock", "-r", "requirements.in", "--format", kind)
    done = envlock(*words)
    assert (done.code, "nothing is asked for on Python" in done.out) == (0, True), done.err
    assert envlock(*words, "--check").code == 0
    assert envlock("sync").code == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_an_exact_text_of_a_version_is_a_pin(
    engine: str, envlock: Program, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "demo", "1.0")
    ask(envlock, "demo===1.0")
    done = envlock("lock", "-r", "requirements.in", "--engine", engine)
    assert done.code == 0, done.err
    assert "\ndemo==1.0 " in lock_of(envlock)


def test_two_lines_that_exclude_each_other_are_one_answer(envlock: Program) -> None:
    for one, other in (("demo==1.0", "demo==2.0"), ("demo>=2", "demo<2"), ("demo==1", "demo>1")):
        ask(envlock, one, other)
        done = envlock("lock", "-r", "requirements.in")
        assert done.code == 3
        assert f"these two lines exclude each other: {one} (requirements.in:1)" in done.err
