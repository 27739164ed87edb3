"""What no index lists: repositories, archives and folders are locked and installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from support.distributions import build_sdist, build_wheel
from support.program import Program
from support.simple_index import SimpleIndex

ENGINES = ("uv", "pip-tools")
#: A build backend of a project's own, which notes in a file that it ran.
BACKEND = """
import os, zipfile
NAME, VERSION = {name!r}, {version!r}

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, NAME + ".py", "x = 1\\n")

def build_editable(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, "_" + NAME + ".pth", os.getcwd() + "\\n")

def _wheel(folder, file, content):
    open({ran!r}, "a").close()
    info = NAME + "-" + VERSION + ".dist-info/"
    metadata = "Metadata-Version: 2.1\\nName: " + NAME + "\\nVersion: " + VERSION + "\\n"
    metadata += "Requires-Dist: demo\\n"
    made = NAME + "-" + VERSION + "-py3-none-any.whl"
    wheel = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files = {{file: content, info + "METADATA": metadata, info + "WHEEL": wheel}}
    record = "".join(each + ",,\\n" for each in (*files, info + "RECORD"))
    with zipfile.ZipFile(os.path.join(folder, made), "w") as packed:
        for path, text in {{**files, info + "RECORD": record}}.items():
            packed.writestr(path, text)
    return made
"""


def project(folder: Path, name: str, *, dynamic: bool = False, version: str = "1.0") -> Path:
    """Write a project that needs demo; return the file that its backend leaves when it runs."""
    ran = folder.parent / f"{name}.ran"
    needs = 'dynamic = ["dependencies"]' if dynamic else 'dependencies = ["demo"]'
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "{version}"\n{needs}\n'
        '[project.optional-dependencies]\ndev = ["extra"]\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    text = BACKEND.format(name=name, version=version, ran=str(ran)).replace("\\\\n", "\\n")
    (folder / "backend.py").write_text(text)
    (folder / f"{name}.py").write_text("x = 1\n")
    return ran


def commit(folder: Path) -> str:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(folder)]
    if not (folder / ".git").exists():
        subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "x", "--allow-empty"], check=True)
    said = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return said.stdout.strip()


@pytest.fixture(autouse=True)
def world(index: SimpleIndex) -> SimpleIndex:
    build_wheel(index.folder, "demo", "1.0")
    build_wheel(index.folder, "extra", "2.0")
    return index


def ask(envlock: Program, *lines: str) -> None:
    (envlock.here / "requirements.in").write_text("".join(f"{each}\n" for each in lines))


def lock_of(envlock: Program, name: str = "requirements.txt") -> str:
    return (envlock.here / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_repository_is_held_to_its_commit_until_it_is_upgraded(
    engine: str, envlock: Program, tmp_path: Path
) -> None:
    ran = project(tmp_path / "repo", "mylib")
    first = commit(tmp_path / "repo")
    url = f"git+{(tmp_path / 'repo').as_uri()}"
    ask(envlock, f"mylib @ {url}@main")
    done = envlock("lock", "-r", "requirements.in", "--engine", engine)
    assert done.code == 0, done.err
    assert f"\nmylib @ {url}@{first}\n" in lock_of(envlock)
    assert "# is mylib 1.0 of main\n" in lock_of(envlock)
    assert "\ndemo==1.0" in lock_of(envlock)
    assert "pip cannot check a hash of it" in done.out
    assert not ran.exists()
    second = commit(tmp_path / "repo")
    ask(envlock, f"mylib @ {url}@main", "extra")
    assert envlock("lock", "-r", "requirements.in").code == 0  # with uv
    assert first in lock_of(envlock)
    done = envlock("lock", "-r", "requirements.in", "-P", "mylib")
    assert second in lock_of(envlock), done.err


def test_a_repository_is_built_only_where_that_is_allowed(envlock: Program, tmp_path: Path) -> None:
    ran = project(tmp_path / "repo", "mylib")
    head = commit(tmp_path / "repo")
    ask(envlock, f"git+{(tmp_path / 'repo').as_uri()}")
    for name in ("requirements.txt", "pylock.toml"):
        assert envlock("lock", "-r", "requirements.in", "-o", name).code == 0
        done = envlock("sync", name)
        assert (done.code, ran.exists()) == (2, False), done.err
        assert "--allow-build mylib" in done.err
    done = envlock("create", "-r", "requirements.in", "--allow-build", "mylib", "-U")
    assert (done.code, ran.exists()) == (0, True), done.err
    assert "mylib is built of its source, which runs its code" in done.err
    assert envlock("sync", "--check").code == 0
    commit(tmp_path / "repo")
    assert envlock("lock", "-r", "requirements.in", "--allow-build", "mylib", "-U").code == 0
    assert head not in lock_of(envlock)
    done = envlock("sync", "--check")
    assert (done.code, "mylib" in done.out) == (1, True)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_archive_is_held_to_its_hash(engine: str, envlock: Program, world: SimpleIndex) -> None:
    wheel = build_wheel(world.folder, "mylib", "3.0", requires=["demo"], extras=["x"])
    address = f"{world.url.removesuffix('/simple')}/files/{wheel.name}"
    ask(envlock, f"mylib[x] @ {address}", "mylib>=2")
    assert envlock("lock", "-r", "requirements.in", "--engine", engine).code == 0
    assert f"\nmylib @ {address}#sha256=" in lock_of(envlock)
    done = envlock("sync")
    assert done.code == 0, done.err
    assert envlock("sync", "--check").code == 0
    build_wheel(world.folder, "mylib", "3.0", requires=["demo"], files={"mylib.py": "evil = 1"})
    shutil.rmtree(envlock.root / "uv")
    done = envlock("sync", "--env", "other")
    assert done.code == 4, done.out
    assert "mylib" in done.err
    ask(envlock, f"mylib @ {address}#sha256={'0' * 64}")
    assert envlock("lock", "-r", "requirements.in", "--engine", engine).code != 0


def test_a_wheel_for_another_python_and_another_name_are_refused(envlock: Program) -> None:
    wheel = build_wheel(envlock.here, "mylib", "3.0", tag="cp36-cp36m-win_amd64")
    done = envlock("lock", f"./{wheel.name}")
    assert (done.code, "the tags of its name say so" in done.err) == (3, True), done.err
    other = build_wheel(envlock.here, "other", "3.0")
    done = envlock("lock", f"mylib @ {other.as_uri()}")
    assert (done.code, "mylib is asked for, and" in done.err) == (2, True), done.err


@pytest.mark.parametrize("name", ["requirements.txt", "pylock.toml"])
def test_the_project_of_a_folder_is_installed_last_and_editable(
    name: str, envlock: Program
) -> None:
    ran = project(envlock.here, "mylib")
    ask(envlock, "-e .[dev] ; python_version >= '3'")
    done = envlock("lock", "-r", "requirements.in", "-o", name)
    assert (done.code, ran.exists()) == (0, False), done.err
    assert "extra" in lock_of(envlock, name)
    assert envlock("sync", name).code == 0
    pth = envlock.here / ".venv" / "lib"
    assert [*pth.glob("*/site-packages/_mylib.pth")]
    assert envlock("sync", name, "--check").code == 0
    assert envlock("lock", "-r", "requirements.in", "-o", name, "--check").code == 0


def test_every_format_says_the_same_and_what_has_no_place_is_told_what_to_type(
    envlock: Program, tmp_path: Path
) -> None:
    project(envlock.here / "sub", "mylib")
    project(tmp_path / "repo", "gitlib")
    commit(tmp_path / "repo")
    sdist = build_sdist(envlock.here, "packed", "1.5", requires=["extra"])
    ask(envlock, "./sub", f"gitlib @ git+{(tmp_path / 'repo').as_uri()}", f"./{sdist.name}")
    formats = ["--format", "requirements", "--format", "pylock", "--format", "environment"]
    done = envlock("lock", "-r", "requirements.in", *formats)
    assert done.code == 0, done.err
    for name in ("pylock.toml", "environment.yml"):
        done = envlock("diff", "requirements.txt", name)
        assert (done.code, done.out.strip()) == (0, "no difference")
    assert envlock("export", "pylock.toml", "--format", "requirements", "-o", "again.txt").code == 0
    assert envlock("diff", "requirements.txt", "again.txt").out.strip() == "no difference"
    for command in (["bundle", "requirements.txt", "-o", "b"], ["docker", "-r", "requirements.in"]):
        done = envlock(*command)
        assert (done.code, "is from" in done.err) == (2, True), done.err


def test_what_only_a_build_tells_is_built_where_it_is_allowed(
    envlock: Program, tmp_path: Path
) -> None:
    ran = project(tmp_path / "repo", "mylib", dynamic=True)
    commit(tmp_path / "repo")
    url = f"git+{(tmp_path / 'repo').as_uri()}"
    done = envlock("lock", f"mylib @ {url}")
    assert (done.code, ran.exists()) == (3, False)
    assert "only a build would tell what it needs" in done.err
    assert "--allow-build mylib" in done.err
    done = envlock("lock", f"mylib @ {url}", "--allow-build", "mylib")
    assert (done.code, ran.exists(), "demo==1.0" in lock_of(envlock)) == (0, True, True), done.err


def test_a_repository_or_revision_that_is_not_there_is_told(
    envlock: Program, tmp_path: Path
) -> None:
    project(tmp_path / "repo", "mylib")
    commit(tmp_path / "repo")
    url = f"git+{(tmp_path / 'repo').as_uri()}"
    done = envlock("lock", f"mylib @ {url}@v9")
    assert (done.code, "has no branch, tag or commit v9" in done.err) == (2, True), done.err
    done = envlock("lock", f"mylib @ {url}-gone")
    assert (done.code, "cannot be cloned" in done.err) == (2, True), done.err


def test_a_lock_in_another_folder_finds_the_project_where_it_was_made(envlock: Program) -> None:
    project(envlock.here, "mylib")
    (envlock.here / "locks").mkdir()
    ask(envlock, "-e .")
    assert envlock("lock", "-r", "requirements.in", "-o", "locks/r.txt").code == 0
    done = envlock("sync", "locks/r.txt")
    assert (done.code, "which runs its code" in done.err) == (0, True), done.err
    (envlock.here / "pyproject.toml").unlink()
    done = envlock("sync", "locks/r.txt", "--env", "other")
    assert (done.code, "it is not there" in done.err) == (2, True), done.err


def test_words_that_were_typed_name_places_too(envlock: Program) -> None:
    project(envlock.here / "sub", "mylib")
    done = envlock("lock", "./sub[dev]")
    assert done.code == 0, done.err
    assert "\n./sub\n" in lock_of(envlock)
    assert "\nextra==2.0" in lock_of(envlock)
    assert envlock("lock", "--check").code == 0
    data = envlock("lock", "./sub[dev]", "--json").data
    (package,) = [each for each in data["parts"][0]["pypi"] if each["name"] == "mylib"]
    assert (package["place"], package["version"]) == ("./sub", "1.0")
    assert "mylib" in envlock("tree").out


@pytest.mark.parametrize(
    "word",
    [
        "x @ git+ext::sh%20-c%20touch",
        "x @ git+ssh://-oProxyCommand=touch/x",
        "x @ git+https:///x",
        "git+file://x/y#egg=x&subdirectory=../..",
    ],
)
def test_no_address_of_a_repository_is_a_command(word: str, envlock: Program) -> None:
    before = sorted(envlock.here.iterdir())
    done = envlock("lock", word)
    assert (done.code, "git ls-remote" in done.err) == (2, False), done.err
    assert sorted(envlock.here.iterdir()) == before


def test_what_is_proposed_to_be_typed_is_quoted(envlock: Program, tmp_path: Path) -> None:
    done = envlock("lock", f"x @ git+{(tmp_path / 'a').as_uri()};id")
    assert done.code == 2
    assert f"git ls-remote '{(tmp_path / 'a').as_uri()};id'" in done.err
