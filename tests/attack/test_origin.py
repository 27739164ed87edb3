"""Dependency confusion: a name of one's own that stands on a public index with a higher number."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from pathlib import Path
from unittest import mock

import pytest

from envlock.cli import run
from support.program import Done, Program
from support.simple_index import SimpleIndex, build_wheel

SECRET = "hunter2"  # noqa: S105  (of an index that lives for one test)


@dataclass(frozen=True)
class Two:
    """A public index and one of one's own, and the program that knows both."""

    public: SimpleIndex
    own: SimpleIndex
    program: Program

    def __call__(self, *words: str, **variables: str) -> Done:
        """Run a command in this process, in the folder and with the variables of the program."""
        out, err = StringIO(), StringIO()
        environ = self.program.with_env(**variables).environment()
        with (
            chdir(self.here),
            mock.patch.dict(os.environ, environ, clear=True),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = run(words)
        return Done(code=code, out=out.getvalue(), err=err.getvalue())

    @property
    def here(self) -> Path:
        return self.program.here

    def configure(self, text: str) -> None:
        (self.here / "pyproject.toml").write_text(text)

    def read(self, name: str = "requirements.txt") -> str:
        return (self.here / name).read_text()


@pytest.fixture
def two(program: Program, tmp_path: Path) -> Iterator[Two]:
    """`app` is public and needs `acme` and `tool`; `acme` is one's own, and somebody put 99 up."""
    public, own = tmp_path / "public", tmp_path / "own"
    build_wheel(public, "app", "1.0", requires=["acme", "tool"])
    build_wheel(public, "acme", "99.0")
    build_wheel(public, "tool", "2.0")
    build_wheel(own, "acme", "1.0")
    with SimpleIndex(public, max_age=0) as first, SimpleIndex(own, max_age=0) as second:
        second.auth = ("me", SECRET)
        configured = program.with_env(
            ENVLOCK_ENGINE="uv",
            PIP_INDEX_URL=first.url,
            PIP_EXTRA_INDEX_URL=second.url_with(f"me:{SECRET}"),
        )
        yield Two(public=first, own=second, program=configured)


def versions(done: Done) -> dict[str, str]:
    assert done.code == 0, done.err
    return {each["name"]: each["version"] for each in done.data["parts"][0]["pypi"]}


@pytest.mark.parametrize("engine", ["uv", pytest.param("pip-tools", marks=pytest.mark.network)])
def test_a_higher_number_on_a_public_index_does_not_win(two: Two, engine: str) -> None:
    own = two.own.url_with(f"me:{SECRET}")
    words = ("-i", two.public.url, "--extra-index-url", own, "--engine", engine, "--json")
    done = two("lock", "app", *words, PIP_INDEX_URL="", PIP_EXTRA_INDEX_URL="")
    assert versions(done) == {"acme": "1.0", "app": "1.0", "tool": "2.0"}


def test_every_pin_says_its_index_and_who_else_has_its_name(two: Two) -> None:
    done = two("lock", "app", "--json")
    said = {
        each["name"]: (each["index"], each["also_on"]) for each in done.data["parts"][0]["pypi"]
    }
    assert said == {
        "acme": (two.own.url, [two.public.url]),
        "app": (two.public.url, []),
        "tool": (two.public.url, []),
    }
    assert done.data["indexes"] == [two.own.url, two.public.url]
    assert done.data["index_strategy"] == "first-index"
    assert done.err == (
        f"acme 1.0 is from {two.own.url}, the first index that has the name (first-index);"
        f" {two.public.url} has that name too\n"
    )


def test_the_index_of_a_pin_is_in_every_format_without_its_password(two: Two) -> None:
    words = [
        word for kind in ("requirements", "pylock", "environment") for word in ("--format", kind)
    ]
    assert two("lock", "app", *words).code == 0
    for name in ("requirements.txt", "environment.yml"):
        text = two.read(name)
        assert f"# indexes: {two.own.url} {two.public.url} (first-index)\n" in text
        assert text.count(f"# from {two.own.url}\n") == 1
        assert text.count(f"# from {two.public.url}\n") == 2
        assert SECRET not in text
    assert SECRET not in two.read("pylock.toml")
    packages = tomllib.loads(two.read("pylock.toml"))["packages"]
    assert [each["index"] for each in packages] == [two.own.url, two.public.url, two.public.url]


def test_with_one_index_a_requirements_file_names_none(two: Two) -> None:
    formats = ("--format", "requirements", "--format", "pylock")
    done = two("lock", "app", *formats, "--json", PIP_EXTRA_INDEX_URL="")
    assert {each["index"] for each in done.data["parts"][0]["pypi"]} == {two.public.url}
    assert two.public.url not in two.read()
    packages = tomllib.loads(two.read("pylock.toml"))["packages"]
    assert {each["index"] for each in packages} == {two.public.url}


def test_the_index_survives_export_to_another_format_and_back(two: Two) -> None:
    assert two("lock", "app").code == 0
    made = two.read()
    for source, kind, name in (
        ("requirements.txt", "pylock", "pylock.toml"),
        ("pylock.toml", "environment", "environment.yml"),
        ("environment.yml", "requirements", "again.txt"),
    ):
        done = two("export", source, "--format", kind, "-o", name)
        assert done.code == 0, done.err
    assert two.read("again.txt") == made


def test_a_pin_that_moved_to_another_index_is_a_difference(two: Two) -> None:
    assert two("lock", "app", "--index-strategy", "best-match", "-o", "old.txt").code == 0
    build_wheel(two.own.folder, "tool", "2.0")  # the very file of the public index
    assert two("lock", "app", "-o", "new.txt").code == 0
    done = two("diff", "old.txt", "new.txt")
    assert done.code == 1
    moved = f"index  {{}}: {two.public.url} → {two.own.url}"
    assert done.out.splitlines() == [
        "down   acme  99.0 → 1.0",
        moved.format("acme"),
        f"       tool: {two.public.url} → {two.own.url}",
    ]
    data = two("diff", "old.txt", "new.txt", "--json").data
    assert data["indexes"] == [
        {"name": name, "before": two.public.url, "after": two.own.url} for name in ("acme", "tool")
    ]


def test_a_lock_that_was_made_from_other_indexes_is_not_current(two: Two) -> None:
    assert two("lock", "app", PIP_EXTRA_INDEX_URL="").code == 0
    both = f"{two.own.url} and {two.public.url}"
    done = two("lock", "app", "--check")
    assert (done.code, done.out) == (
        1,
        (
            f"requirements.txt: it does not say which of {both} each pin is from\n"
            "next: envlock lock app --engine uv\n"
        ),
    )
    assert versions(two("lock", "app", "--json"))["acme"] == "1.0"
    assert two("lock", "app", "--check").code == 0
    done = two("lock", "app", "--check", "--index-strategy", "best-match")
    assert (done.code, done.out) == (
        1,
        (
            f"requirements.txt: it was made from {both} (first-index), not {both} (best-match)\n"
            "next: envlock lock app --engine uv --index-strategy best-match\n"
        ),
    )


@pytest.mark.parametrize("way", ["flag", "variable", "file of the user"])
def test_the_best_of_all_indexes_is_taken_where_the_user_says_so(two: Two, way: str) -> None:
    words, variables = ["lock", "app", "--json"], {}
    if way == "flag":
        words += ["--index-strategy", "best-match"]
    elif way == "variable":
        variables["ENVLOCK_INDEX_STRATEGY"] = "best-match"
    else:
        folder = two.program.root / "home" / "envlock"
        folder.mkdir()
        (folder / "envlock.toml").write_text('index-strategy = "best-match"\n')
        variables["XDG_CONFIG_HOME"] = str(folder.parent)
    done = two(*words, **variables)
    assert versions(done)["acme"] == "99.0"
    assert done.err == (
        f"acme 99.0 is from {two.public.url}, which has the best version of all indexes"
        f" (best-match); {two.own.url} has that name too\n"
    )


def test_a_projects_file_does_not_open_the_indexes(two: Two) -> None:
    two.configure('[tool.envlock]\nindex-strategy = "best-match"\n')
    done = two("lock", "app")
    assert (done.code, done.err) == (
        2,
        (
            f"error: {two.here}/pyproject.toml: tool.envlock.index-strategy: best-match lets a"
            " package come from whichever index has the highest version, which a project's file"
            " does not choose\n"
            "  try: remove it; --index-strategy best-match, ENVLOCK_INDEX_STRATEGY or envlock.toml"
            " of your own choose it\n"
        ),
    )
    two.configure('[tool.envlock]\nindex-strategy = "first-index"\n')
    assert versions(two("lock", "app", "--json"))["acme"] == "1.0"


def test_a_package_is_held_to_one_index(two: Two) -> None:
    """By its URL without the password, which is the user's; what another package needs too."""
    two.configure(f'[tool.envlock.sources]\n"AC*" = "{two.own.url}"\n')
    done = two("lock", "app", "--index-strategy", "best-match", "--json")
    assert versions(done)["acme"] == "1.0"
    assert not two.public.requests["/simple/acme/"]
    file = two.here / "pyproject.toml"
    assert done.err == f"{file}: sources: ac* comes from {two.own.url}\n"
    two.configure(f'[tool.envlock.sources]\nacme = "{two.public.url.split("/")[2]}"\n')
    told = two("lock", "app", "--check", "--index-strategy", "best-match").out
    assert told.startswith(
        f"requirements.txt:10: acme is from {two.own.url},"
        f" and sources hold it to {two.public.url}\nnext: "
    )
    assert versions(two("lock", "app", "--json"))["acme"] == "99.0"


def test_a_projects_sources_do_not_move_what_the_user_holds(two: Two) -> None:
    two.configure(f'[tool.envlock.sources]\nacme = "{two.public.url}"\n')
    done = two("lock", "app", "--json", ENVLOCK_SOURCES=f"ac*={two.own.url}")
    assert versions(done)["acme"] == "1.0"


def test_an_unknown_index_of_a_source_is_told(two: Two) -> None:
    two.configure('[tool.envlock.sources]\nacme = "acme"\n')
    done = two("lock", "app")
    assert (done.code, done.err) == (
        2,
        (
            "error: sources: acme is held to acme, and there is no such index: there are"
            f" {two.own.url} and {two.public.url}\n"
            "  try: name the index by its URL\n"
        ),
    )


@pytest.mark.parametrize(
    ("name", "wrong"), [("ac me", "ac me=https://x/simple"), ("acme", "acme= ")]
)
def test_a_source_that_is_none_is_told(two: Two, name: str, wrong: str) -> None:
    two.configure(f'[tool.envlock.sources]\n"{name}" = "{wrong.partition("=")[2]}"\n')
    done = two("lock", "app")
    assert done.code == 2
    assert f"{wrong!r} is not NAME=INDEX" in done.err


def test_a_package_that_is_not_on_its_index_is_told(two: Two) -> None:
    two.configure(f'[tool.envlock.sources]\ntool = "{two.own.url}"\n')
    place = f"there is no package tool on {two.own.url}, the only place that sources let it come"
    for words in ("app", "tool"):
        done = two("lock", words)
        assert done.code == 3
        assert f"{place} from" in done.err


def test_what_the_other_indexes_would_free_is_told(two: Two) -> None:
    done = two("lock", "acme>=50")
    assert done.code == 3
    assert (
        f"  because acme comes from {two.own.url} alone, the first index that has it, and not from"
        f" {two.public.url}\n" in done.err
    )
    assert "  try: envlock lock 'acme>=50' --index-strategy best-match\n" in done.err


def test_the_password_of_an_index_is_in_no_output_and_on_no_disk(two: Two) -> None:
    said = [two("lock", "acme>=50", "-v")]
    two.configure(f'[tool.envlock.sources]\nacme = "{two.own.url}"\n')
    said.append(two("lock", "app", "-v"))
    assert not [each for each in said if SECRET in each.out or SECRET in each.err]
    files = (path for path in two.program.root.rglob("*") if path.is_file())
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def folder_index(root: Path, *wheels: Path) -> str:
    """Make a folder that pip takes as an index, with these files and their hashes."""
    for wheel in wheels:
        name = wheel.name.partition("-")[0]
        digest = sha256(wheel.read_bytes()).hexdigest()
        page = root / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        (root / wheel.name).write_bytes(wheel.read_bytes())
        page.write_text(f'<a href="../{wheel.name}#sha256={digest}">{wheel.name}</a>')
    return root.as_uri()


@pytest.mark.parametrize("engine", ["uv", pytest.param("pip-tools", marks=pytest.mark.network)])
def test_a_folder_of_copies_is_the_index_that_they_are_copies_of(two: Two, engine: str) -> None:
    old = build_wheel(two.public.folder, "tool", "0.9")
    copies = folder_index(two.here / "copies", old)
    done = two(
        *("lock", "tool", "--engine", engine, "--extra-index-url", copies),
        *("--index-url", two.public.url),
        PIP_INDEX_URL="",
        PIP_EXTRA_INDEX_URL="",
    )
    assert (done.code, done.err) == (0, "")
    assert "tool==2.0" in two.read()
    assert f"# from {two.public.url}" in two.read()


@pytest.mark.parametrize("engine", ["uv", pytest.param("pip-tools", marks=pytest.mark.network)])
def test_a_folder_with_files_of_its_own_is_an_index_of_its_own(
    two: Two, tmp_path: Path, engine: str
) -> None:
    build_wheel(two.public.folder, "acme", "1.0")
    own = build_wheel(tmp_path / "built", "acme", "1.0", requires=["tool"])
    folder = folder_index(two.here / "folder", own)
    done = two(
        *("lock", "acme", "--engine", engine, "--extra-index-url", folder),
        *("--index-url", two.public.url),
        PIP_INDEX_URL="",
        PIP_EXTRA_INDEX_URL="",
    )
    assert done.code == 0
    assert done.err == (
        f"acme 1.0 is from {folder}, the first index that has the name (first-index);"
        f" {two.public.url} has that name too\n"
    )
    assert "acme==1.0" in two.read()
    assert "tool==2.0" in two.read()


@pytest.mark.parametrize("engine", ["uv", pytest.param("pip-tools", marks=pytest.mark.network)])
def test_an_index_of_sources_alone_gets_its_password_from_netrc(two: Two, engine: str) -> None:
    """Neither is said of it as of a configured index, nor is its user's password in the file."""
    place = two.own.url_with("me")
    two.configure(f'[tool.envlock.sources]\nacme = "{place}"\n')
    netrc = two.here / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    done = two(
        *("lock", "app", "-i", two.public.url, "--engine", engine, "--json"),
        NETRC=str(netrc),
        PIP_INDEX_URL="",
        PIP_EXTRA_INDEX_URL="",
    )
    assert (done.code, versions(done)["acme"]) == (0, "1.0"), done.out
    assert SECRET not in done.out + done.err + two.read()
