"""What changes in an environment that is there: told before, only told, kept, repaired."""

import os
import subprocess
from pathlib import Path

import pytest

from envlock.index.handover import uv_program
from envlock.index.settings import choices_of_user
from support.framework import build_framework
from support.program import Program, snapshot
from support.simple_index import SimpleIndex, build_wheel


@pytest.fixture
def made(envlock: Program, index: SimpleIndex) -> Program:
    """An environment of a lock, and a package that the index has beside."""
    build_wheel(index.folder, "extra", "1.0", files={"extra.py": "said = 'extra'\n"})
    assert envlock("create", "tensorflow").code == 0
    return envlock


@pytest.fixture
def piped(envlock: Program, index: SimpleIndex) -> Program:
    """The same with the pip that environments of users have."""
    build_wheel(index.folder, "extra", "1.0", files={"extra.py": "said = 'extra'\n"})
    program = envlock.with_pip()
    assert program("create", "tensorflow").code == 0
    return program


def python(program: Program) -> Path:
    return program.here / ".venv" / "bin" / "python"


def site(program: Program) -> Path:
    return next(program.here.glob(".venv/lib/python*/site-packages"))


def pip(program: Program, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The environment's own pip, as somebody types it once it is activated."""
    command = ["pip", "--disable-pip-version-check", *words]
    path = f"{python(program).parent}:/usr/bin:/bin"
    env = {**program.environment(), "PATH": path, "PYTHONPATH": "", **more}
    if not more:  # without a configuration of its own, as the machine has none
        del env["PIP_CONFIG_FILE"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def add_by_hand(program: Program, *names: str) -> None:
    """Install as a user may who has uv: a start of pip takes fifteen times as long."""
    where = ["--python", str(python(program)), "--default-index", program.env["PIP_INDEX_URL"]]
    command = [str(uv_program()), "pip", "install", "--quiet", *where, *names]
    subprocess.run(command, env=program.environment(), check=True)


def runs(program: Program, code: str) -> bool:
    return subprocess.run([python(program), "-I", "-c", code], check=False).returncode == 0


def test_what_pip_installs_after_activation_comes_into_this_environment(piped: Program) -> None:
    done = pip(piped, "install", "extra")
    assert done.returncode == 0, done.stderr
    assert runs(piped, "import extra, tensorflow")


def test_pip_moves_nothing_that_is_locked(piped: Program, index: SimpleIndex) -> None:
    build_wheel(index.folder, "plots", "1.0", requires=["numpy>=1"], files={"plots.py": ""})
    build_wheel(index.folder, "plots", "2.0", requires=["numpy>=2"], files={"plots.py": ""})
    done = pip(piped, "install", "plots")
    assert done.returncode == 0, done.stderr
    assert runs(piped, "import plots, tensorflow, numpy; assert numpy.__version__ < '2'")
    refused = pip(piped, "install", "numpy>=2")
    assert "(constraint) numpy==1.26.4" in refused.stdout + refused.stderr
    once = pip(piped, "install", "numpy>=2", PIP_CONFIG_FILE=os.devnull)
    assert once.returncode == 0, once.stderr


def test_what_pip_is_held_to_is_not_taken_for_a_choice_of_the_users(piped: Program) -> None:
    folder = piped.here / ".venv"
    assert (folder / "pip.conf").is_file()
    environ = {"VIRTUAL_ENV": str(folder), "HOME": str(piped.root)}
    assert not [each for each in choices_of_user(environ) if str(folder) in each]
    (folder / "pip.conf").write_text("[install]\nconstraint = mine.txt\n")
    assert [each for each in choices_of_user(environ) if str(folder) in each]


def test_a_pip_conf_of_the_users_stays(envlock: Program) -> None:
    envlock = envlock.with_pip()
    config = envlock.here / ".venv" / "pip.conf"
    assert envlock("create", "h5py").code == 0
    config.write_text("[global]\ntimeout = 60\n")
    assert envlock("create", "h5py", "--prove").code == 0
    assert config.read_text() == "[global]\ntimeout = 60\n"


def test_envlocks_own_pip_conf_goes_with_its_environment(piped: Program) -> None:
    folder = piped.here / ".venv"
    assert piped("lock", "h5py").code == 0
    assert piped("sync").code == 0
    assert (folder / "envlock.constraints.txt").read_text() == "h5py==3.11.0\n"
    assert piped("lock", "tensorflow").code == 0
    assert piped("sync", "--no-pip").code == 0
    assert not (folder / "pip.conf").exists()
    assert not (folder / ".envlock" / "kept").exists()


def test_an_environment_can_do_without_pip(piped: Program) -> None:
    assert piped("lock", "h5py").code == 0
    assert piped("sync", "--no-pip").code == 0
    assert not runs(piped, "import pip")
    assert "already equal" in piped("sync").out


@pytest.mark.parametrize("command", ["sync", "create tensorflow"])
def test_what_goes_and_comes_is_told_first(made: Program, index: SimpleIndex, command: str) -> None:
    add_by_hand(made, "extra")
    build_framework(index.folder, "2.15.2")
    assert made("lock", "tensorflow", "-U", "--refresh", "--fresh").code == 0
    done = made(*command.split())
    told = (
        "remove  extra       1.0              added by hand\nchange  tensorflow  2.15.1 → 2.15.2\n"
    )
    assert told in done.err, done.err
    assert done.code == 0
    assert not runs(made, "import extra")


def test_what_a_newer_lock_no_longer_names_is_not_called_the_users(made: Program) -> None:
    assert made("lock", "h5py").code == 0
    done = made("sync")
    assert done.err == (
        ".venv becomes equal to requirements.txt:\n"
        "remove  numpy       1.26.4  not in the lock\n"
        "        tensorflow  2.15.1  not in the lock\n"
    )


def test_a_check_changes_nothing_and_says_what_would(made: Program) -> None:
    assert made("sync", "--check").out == ("environment  .venv is equal to requirements.txt\n")
    add_by_hand(made, "extra")
    before = snapshot(made.here)
    done = made("sync", "--check")
    assert (done.code, done.err) == (1, "")
    assert done.out == (
        "remove       extra  1.0  added by hand\n"
        "environment  .venv differs from requirements.txt\n"
        "next         envlock sync requirements.txt\n"
    )
    assert made("sync", "--dry-run").code == 0
    data = made("sync", "--check", "--json").data
    assert data["changes"]["packages"] == [
        {"name": "extra", "change": "removed", "before": "1.0", "after": None}
        | {"why": "added by hand"}
    ]
    assert (data["exit_code"], data["changed"]) == (1, False)
    assert made("create", "tensorflow", "--check").code == 1
    assert snapshot(made.here) == before


def test_a_check_of_what_is_not_there(envlock: Program) -> None:
    assert envlock("lock", "h5py").code == 0
    before = snapshot(envlock.here)
    done = envlock("sync", "--check")
    assert "add          h5py  3.11.0\n" in done.out
    assert (done.code, snapshot(envlock.here)) == (1, before)
    done = envlock("create", "h5py", "--dry-run")
    assert "lock         requirements.txt is current\n" in done.out
    assert (done.code, snapshot(envlock.here)) == (0, before)


def test_what_the_lock_does_not_name_can_be_kept(made: Program) -> None:
    add_by_hand(made, "extra")
    assert "already equal" in made("sync", "--inexact").out
    assert made("lock", "h5py").code == 0
    # What envlock brought for the lock before goes with it only when it is not to be kept.
    done = made("sync", "--inexact", "--check")
    assert done.code == 0, done.out
    (site(made) / "h5py.py").unlink()
    done = made("sync", "--inexact")
    assert "repair  h5py                h5py.py is missing\n" in done.err, done.err
    assert "keep    extra       1.0\n" in done.err
    assert runs(made, "import extra, h5py, tensorflow")


def test_what_cannot_be_installed_again_is_not_promised_to_be_kept(
    made: Program, tmp_path: Path
) -> None:
    wheel = build_wheel(tmp_path / "own", "own", "1.0")
    add_by_hand(made, str(wheel))
    (site(made) / "h5py.py").unlink()
    before = snapshot(made.here)
    done = made("sync", "--inexact")
    assert done.err.startswith("error: own 1.0 was installed from a folder or an address")
    assert (done.code, snapshot(made.here)) == (2, before)


def test_equal_is_also_each_file(made: Program) -> None:
    (site(made) / "numpy.py").unlink()
    assert made("sync", "--check").out.startswith("repair       numpy    numpy.py is missing\n")
    done = made("sync")
    assert "repair  numpy    numpy.py is missing\n" in done.err
    assert ".venv is now equal to requirements.txt\n" in done.out
    assert runs(made, "import numpy")


def test_what_was_changed_in_place_is_fetched_anew(made: Program) -> None:
    file = site(made) / "numpy.py"
    good = file.read_bytes()
    with file.open("ab") as stream:  # as an editor that keeps the file, which uv's cache has too
        stream.write(b"broken = True\n")
    assert "numpy.py is changed\n" in made("sync").err
    assert file.read_bytes() == good


def test_the_same_size_is_found_by_its_hash(made: Program) -> None:
    file = site(made) / "numpy.py"
    good = file.read_bytes()
    file.unlink()
    file.write_bytes(good.replace(b"abs", b"sba"))
    assert "already equal" in made("sync").out
    assert made("sync", "--thorough", "--check").code == 1
    assert made("sync", "--thorough").code == 0
    assert file.read_bytes() == good


@pytest.mark.parametrize("words", ["sync --check", "export --format pylock", "bundle -o all -q"])
def test_a_lock_that_was_edited_is_told_before_it_is_used(envlock: Program, words: str) -> None:
    assert envlock("lock", "tensorflow").code == 0
    lock = envlock.here / "requirements.txt"
    assert "edited" not in envlock(*words.split()).err
    lines = lock.read_text().splitlines(keepends=True)
    (place,) = (number for number, line in enumerate(lines) if line.startswith("h5py=="))
    lock.write_text("".join([*lines[:place], *lines[place + 3 :]]))
    done = envlock(*words.split())
    assert "requirements.txt:8: a pin is gone before numpy\n" in done.err
    assert "requirements.txt was edited since envlock wrote it, and " in done.err
    assert "; made anew it is by: envlock lock tensorflow --engine uv --python 3." in done.err


def test_an_index_of_the_lock_that_is_not_asked_is_named(envlock: Program, tmp_path: Path) -> None:
    build_wheel(tmp_path / "more", "private", "1.0")
    with SimpleIndex(tmp_path / "more") as more:
        option = f"--extra-index-url {more.url}"
        assert envlock("lock", "private", "h5py", *option.split()).code == 0
        subprocess.run(
            [uv_program(), "cache", "clean", "--quiet"], env=envlock.environment(), check=True
        )
        done = envlock("sync")
        assert (
            f"requirements.txt was made with {option}, which is neither given nor configured\n"
            in done.err
        )
        assert done.err.endswith(f"  try: envlock sync {option}\n"), done.err
        assert done.code == 4
        done = envlock("sync", *option.split())
        assert (done.code, done.err) == (0, "")


def test_of_many_changes_some_are_named_and_with_v_all(made: Program, index: SimpleIndex) -> None:
    names = [f"extra{number}" for number in range(9)]
    for name in names:
        build_wheel(index.folder, name, "1.0")
    add_by_hand(made, *names)
    done = made("sync", "--check")
    assert "extra7  1.0  added by hand\n             and 1 more (-v names all)\n" in done.out
    assert "extra8  1.0  added by hand\n" in made("sync", "--check", "-v").out
    done = made("sync", "-q")
    assert (done.code, done.err) == (0, "")
