"""Of a file that a stranger's link or configuration leads to, nothing is told but its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.rules import database
from support.program import Program

NETRC = "machine h login bob password hunter2secret\n"
SECRET = "hunter2secret"  # noqa: S105  (of nobody)


@pytest.fixture
def clone(program: Program) -> Path:
    """A project with a home beside it that has secrets."""
    home = program.here.parent / f"{program.here.name}-home"
    home.mkdir()
    (home / "netrc").write_text(NETRC)
    (home / "token.yaml").write_text(f"[{{'password': {SECRET}}}]\n---\n{SECRET}\n")
    (program.here / "pyproject.toml").write_text("[project]\nname = 'x'\nversion = '1'\n")
    return home


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("requirements.in", ("lock", "--check", "-r", "requirements.in")),
        ("requirements.in", ("lock", "-r", "requirements.in", "--json")),
        ("constraints.txt", ("lock", "demo", "-c", "constraints.txt")),
        ("environment.yml", ("lock", "-r", "environment.yml")),
        ("requirements.txt", ("sync",)),
        ("requirements.txt", ("lock", "--check", "-r", "requirements.txt")),
        ("pylock.toml", ("sync", "pylock.toml")),
    ],
)
def test_a_link_out_of_the_project_is_told_by_its_place(
    name: str, words: tuple[str, ...], clone: Path, program: Program
) -> None:
    (program.here / name).symlink_to(clone / "netrc")
    done = program(*words)
    assert done.code != 0
    assert SECRET not in done.out + done.err
    assert "bob" not in done.out + done.err


def test_the_place_and_the_link_are_named(clone: Path, program: Program) -> None:
    (program.here / "requirements.in").symlink_to(clone / "netrc")
    done = program("lock", "-r", "requirements.in")
    assert (done.code, done.err) == (
        2,
        (
            f"error: requirements.in cannot be used (line 1). It is a link to {clone / 'netrc'},"
            " which is outside of this project, so nothing of its text is told\n"
            f"  try: envlock diagnose {clone / 'netrc'}  # tells what is in it\n"
        ),
    )


def test_a_folder_that_leads_out_is_a_link_too(clone: Path, program: Program) -> None:
    (program.here / "deps").symlink_to(clone)
    done = program("lock", "-r", "deps/netrc")
    assert done.code == 2
    assert SECRET not in done.err


def test_a_link_inside_of_the_project_is_quoted(program: Program) -> None:
    (program.here / ".git").mkdir()
    (program.here / "base.in").write_text("demo==\n")
    (program.here / "requirements.in").symlink_to("base.in")
    assert '"demo=="' in program("lock", "-r", "requirements.in").err


def test_rules_of_a_project_stay_inside_of_it_and_quote_nothing(
    clone: Path, program: Program
) -> None:
    file = program.here / "pyproject.toml"
    for place in (str(clone), f"../{clone.name}"):
        file.write_text(f"[tool.envlock]\nrules = ['{place}']\n")
        done = program("lock", "demo")
        assert done.code == 2
        assert "is outside the project" in done.err
        assert SECRET not in done.err
    done = program("rules", "check", str(clone))
    assert done.code == 1
    assert SECRET not in done.err
    assert "token.yaml: document 1: a list is not of type 'object'" in done.err
    assert "token.yaml: document 2: a text is not of type 'object'" in done.err


def test_a_folder_of_rules_has_an_end(tmp_path: Path) -> None:
    deep = tmp_path / "deep" / "/".join("abcdefghij")
    deep.mkdir(parents=True)
    (tmp_path / "many").mkdir()
    for number in range(2001):
        (tmp_path / "many" / f"{number}.yaml").touch()
    for name in ("deep", "many"):
        assert "is no folder of rules" in database.check(tmp_path / name)[1][0]
    (tmp_path / "few").mkdir()
    for number in range(150):
        (tmp_path / "few" / f"{number}.yaml").write_text("[]")
    wrong = database.check(tmp_path / "few")[1]
    assert (len(wrong), wrong[-1]) == (101, "and 50 more faults like these")


@pytest.mark.parametrize("name", ["requirements.txt", "environment.yml", "error.log", "notes.txt"])
@pytest.mark.parametrize("text", [NETRC, f"RuntimeError: {SECRET}\n", f"h5py=={SECRET}\n"])
@pytest.mark.parametrize("json", [(), ("--json",)], ids=["words", "json"])
def test_a_diagnosis_quotes_nothing_that_a_link_leads_out_to(
    clone: Path, program: Program, name: str, text: str, json: tuple[str, ...]
) -> None:
    (clone / "secret").write_text(text)
    (program.here / name).symlink_to(clone / "secret")
    done = program("diagnose", name, *json)
    assert SECRET not in done.out + done.err
