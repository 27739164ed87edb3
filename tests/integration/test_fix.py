"""`envlock fix`: small environments with something wrong, cured by the real program."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from envlock.targets.interpreters import find_interpreter
from support.distributions import build_wheel
from support.framework import for_its_python, its_python
from support.patients import build_wheels, make_patient, site_of, uv, versions
from support.prefixes import add_conda_record
from support.program import Done, Program, make_program, snapshot
from support.simple_index import SimpleIndex

HEALTHY = ("tensorflow==2.15.1", "h5py==3.10.0", "numpy==1.26.4")
NUMPY_2 = ("tensorflow==2.15.1", "h5py==3.11.0", "numpy==2.0.2", "bystander==1.0")


#: A file is fixed for the Python that runs envlock, whatever is configured.


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SimpleIndex]:
    build_wheels(tmp_path / "wheels", v2_15_0="", v2_14_1="")
    with SimpleIndex(tmp_path / "wheels") as served:
        yield served


@pytest.fixture
def envlock(tmp_path: Path, index: SimpleIndex) -> Program:
    return make_program(tmp_path).with_env(PIP_INDEX_URL=index.url, **for_its_python())


def steps(done: Done) -> list[tuple[str, str, str | None, str | None]]:
    return [(s["action"], s["package"], s["before"], s["after"]) for s in done.data["plan"]]


def test_nothing_wrong_is_said_and_nothing_is_done(envlock: Program) -> None:
    env = make_patient(envlock, *HEALTHY)
    before = snapshot(env)
    done = envlock("fix", env, "--yes")
    assert done.code == 0
    assert done.out.splitlines() == [
        f"nothing is wrong by what envlock knows: 3 packages in {env}",
        f"envlock verify {env} tries what it can do",
    ]
    assert snapshot(env) == before


def test_the_smallest_change_cures_and_is_proved(envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    assert envlock("verify", env).code == 1

    done = envlock("fix", env, "--yes", "--json")

    assert done.code == 0, done.out + done.err
    assert steps(done) == [("downgrade", "numpy", "2.0.2", "1.26.4")]
    assert done.data["plan"][0]["rules"] == ["numpy2-tf-abi"]
    assert versions(env) == {
        "bystander": "1.0",
        "h5py": "3.11.0",
        "numpy": "1.26.4",
        "tensorflow": "2.15.1",
    }
    before = {each["level"]: each["status"] for each in done.data["before"]}
    after = {each["level"]: each["status"] for each in done.data["after"]}
    assert (before["import"], after["import"], after["load"]) == ("failed", "passed", "passed")
    assert envlock("verify", env).code == 0
    assert [path.name for path in env.parent.iterdir()] == ["env"]


def test_the_report_is_a_plan_and_a_table_of_capabilities(envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    done = envlock("fix", env, "--yes")
    lines = done.out.splitlines()
    assert lines[0].split() == ["package", "from", "to", "why"]
    assert lines[1].startswith("numpy    2.0.2  1.26.4  ")
    assert lines[1].endswith("(numpy2-tf-abi)")
    assert "import         failed   passed" in lines
    assert lines[-2:] == [
        f"fixed: 1 of 4 packages changed in {env}",
        f"envlock fix --undo {env} takes it back",
    ]


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_without_yes_and_a_terminal_the_plan_is_only_shown(
    envlock: Program, words: tuple[str, ...]
) -> None:
    env = make_patient(envlock, *NUMPY_2)
    before = snapshot(env)
    done = envlock("fix", env, *words)
    assert done.code == 1
    assert done.out.splitlines()[-1] == "nothing was changed; --yes applies it"
    assert snapshot(env) == before


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 1)])
def test_at_a_terminal_it_asks_once_the_plan_has_held(
    envlock: Program, answer: str, code: int
) -> None:
    pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
    env = make_patient(envlock, *NUMPY_2)
    before = snapshot(env)
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        envlock.command("fix", env, "--quiet"),
        cwd=envlock.here,
        env=envlock.environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = ""
    while "Apply? [y/N] " not in said:
        said += os.read(ours, 4096).decode()
    assert "numpy    2.0.2  1.26.4" in said
    os.write(ours, answer.encode())
    assert run.wait(60) == code
    os.close(ours)
    assert (snapshot(env) == before) is (code == 1)


def test_what_is_kept_does_not_move(envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    done = envlock("fix", env, "--keep", "numpy", "--keep", "tensorflow", "--dry-run")
    assert (done.code, done.out) == (3, "")
    assert "no versions cure this (kept: numpy, tensorflow):" in done.err


def test_the_next_plan_is_tried_when_the_first_does_not_hold(
    tmp_path: Path, envlock: Program
) -> None:
    """TensorFlow 2.15.1 of this index is broken whatever NumPy there is; 2.15.0 is not."""
    build_wheel(
        tmp_path / "wheels",
        "tensorflow",
        "2.15.1",
        requires=["h5py", "numpy<2"],
        files={"tensorflow.py": "raise ImportError('always')\n"},
    )
    env = make_patient(envlock, *NUMPY_2)
    done = envlock("fix", env, "--yes", "--json")
    assert done.code == 0, done.out + done.err
    assert [each["why"] for each in done.data["tried"]] == [
        "it does not pass import, fit, save, load, custom-layer"
    ]
    assert versions(env)["tensorflow"] == "2.15.0"
    assert versions(env)["bystander"] == "1.0"


def test_nothing_changes_when_no_plan_holds(tmp_path: Path, envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    before = snapshot(env)
    script = tmp_path / "own.py"
    script.write_text("raise SystemExit(1)\n")
    done = envlock("fix", env, "--yes", "--keep", "tensorflow", "--probe", script)
    assert done.code == 1
    assert f"error: {env}: each plan was tried in a copy and none holds; nothing was changed\n" in (
        done.err
    )
    assert "numpy 2.0.2 → 1.26.4: it does not pass probe:own.py" in done.err
    assert snapshot(env) == before


#: Notes that it runs; as its NUMBERth run of all it is killed, as by a system without memory.
KILLED = """
import os, pathlib, signal
runs = pathlib.Path("runs")
with runs.open("a") as file:
    file.write("x")
if runs.stat().st_size in {numbers}:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_plan_whose_trial_is_killed_leads_to_no_other(envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    before = snapshot(env)
    script = envlock.here / "own.py"
    script.write_text(KILLED.format(numbers={2, 3}))
    done = envlock("fix", env, "--yes", "--probe", script)
    assert (done.code, done.out) == (4, "")
    assert done.err.endswith(
        "error: numpy 2.0.2 → 1.26.4: could not be tried here: probe:own.py was ended from outside,"
        f" twice (SIGKILL), which says nothing about versions; {env} is as it was\n"
        f"  try: envlock fix {env}  # when the machine has more memory and time\n"
    )
    assert (envlock.here / "runs").read_text() == "xxx"  # before, and the one plan twice
    assert snapshot(env) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_trial_that_is_killed_once_is_tried_again(envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    script = envlock.here / "own.py"
    script.write_text(KILLED.format(numbers={2}))
    done = envlock("fix", env, "--yes", "--json", "--probe", script)
    assert done.code == 0, done.out + done.err
    assert steps(done) == [("downgrade", "numpy", "2.0.2", "1.26.4")]


def test_of_two_owners_one_leaves_and_the_other_is_whole_again(envlock: Program) -> None:
    env = make_patient(envlock, *HEALTHY)
    uv(envlock, "pip", "install", "--quiet", "--no-deps", "-p", env, "tensorflow-cpu==2.15.0")
    done = envlock("fix", env, "--yes", "--json")
    assert done.code == 0, done.out + done.err
    assert steps(done) == [
        ("remove", "tensorflow-cpu", "2.15.0", None),
        ("reinstall", "tensorflow", "2.15.1", "2.15.1"),
    ]
    assert envlock("verify", env).code == 0


def test_missing_files_are_put_back(envlock: Program) -> None:
    env = make_patient(envlock, *HEALTHY, "tool==1.0")
    (site_of(env) / "tool" / "b.py").unlink()
    done = envlock("fix", env, "--yes", "--json")
    assert steps(done) == [("reinstall", "tool", "1.0", "1.0")]
    assert (site_of(env) / "tool" / "b.py").exists()


def test_a_record_that_an_older_release_left_behind_hides_nothing(envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    site = site_of(env)
    (left,) = site.glob("numpy-2.0.2.dist-info")
    old = site / "numpy-1.26.4.dist-info"
    old.mkdir()
    said = (left / "METADATA").read_text()
    (old / "METADATA").write_text(said.replace("2.0.2", "1.26.4"))
    assert "numpy2-tf-abi" in envlock("diagnose", env).out

    done = envlock("fix", env, "--yes", "--json")

    assert done.code == 0, done.out + done.err
    assert steps(done) == [("downgrade", "numpy", "2.0.2", "1.26.4")]
    assert envlock("verify", env).code == 0
    assert envlock("diagnose", env).code == 0


def test_undo_restores_every_byte_even_of_files_changed_by_hand(
    envlock: Program, index: SimpleIndex
) -> None:
    env = make_patient(envlock, *NUMPY_2)
    module = site_of(env) / "numpy.py"
    source = module.read_text()
    module.unlink()  # uv's cache has the same file
    module.write_text(source + "# by hand\n")
    before = snapshot(env)
    assert envlock("fix", env, "--yes").code == 0
    assert snapshot(env) != before
    index.status = 500

    done = envlock("fix", "--undo", env)

    assert (done.code, done.out) == (
        0,
        f"undone: numpy 1.26.4 → 2.0.2\n{env} is as it was before the fix\n",
    )
    assert snapshot(env) == before
    again = envlock("fix", "--undo", env)
    assert (again.code, again.err.splitlines()[0]) == (
        2,
        f"error: {env}: there is no fix to undo",
    )


def test_undo_refuses_when_the_packages_were_changed_since(envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    assert envlock("fix", env, "--yes").code == 0
    uv(envlock, "pip", "install", "--quiet", "--no-deps", "-p", env, "numpy==2.0.2")
    done = envlock("fix", "--undo", env)
    assert (done.code, done.err) == (
        2,
        f"error: {env}: numpy changed since the fix; undoing it would mix versions\n",
    )


def test_a_fix_ends_with_its_environment(envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    assert envlock("fix", env, "--yes").code == 0
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", env], check=True)
    before = snapshot(env)
    done = envlock("fix", "--undo", env)
    assert (done.code, done.err) == (
        2,
        f"error: {env}: it was made anew since its last fix, which is gone with it\n",
    )
    assert snapshot(env) == before
    shutil.rmtree(env)
    assert make_patient(envlock, *HEALTHY) == env
    assert envlock("history", env).out == f"envlock has fixed nothing in {env}\n"


def test_history_lists_what_was_done_and_how_it_ended(envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    assert envlock("history", env).out == f"envlock has fixed nothing in {env}\n"
    envlock("fix", env, "--yes")
    envlock("fix", "--undo", env)
    envlock("fix", env, "--yes")
    lines = envlock("history", env).out.splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines] == [
        "outcome  changes",
        "undone   numpy 2.0.2 → 1.26.4",
        "fixed    numpy 2.0.2 → 1.26.4",
    ]
    data = envlock("history", env, "--json").data
    assert [each["outcome"] for each in data["fixes"]] == ["undone", "fixed"]


def test_a_second_fix_waits_and_then_finds_nothing_wrong(envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    runs = [
        subprocess.Popen(
            envlock.command("fix", env, "--yes", "--json"),
            cwd=envlock.here,
            env=envlock.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    said = [json.loads(run.communicate(timeout=60)[0]) for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sorted(each["changed"] for each in said) == [False, True]
    assert envlock("verify", env).code == 0


def test_what_conda_owns_is_left_to_conda_and_the_commands_are_told(envlock: Program) -> None:
    env = make_patient(envlock, *NUMPY_2)
    for name, version in (("python", "3.11.7"), ("numpy", "2.0.2")):
        add_conda_record(env, name, version)
    info = next(site_of(env).glob("numpy-*.dist-info"))
    (info / "INSTALLER").write_text("conda\n")
    before = snapshot(env)
    done = envlock("fix", env, "--yes")
    assert done.code == 1
    assert done.out.splitlines()[-2:] == [
        "conda owns some of these, so envlock leaves them to it; type (or with mamba):",
        f"  conda install --prefix {env} numpy=1.26.4",
    ]
    assert snapshot(env) == before


def test_a_system_python_is_refused(envlock: Program) -> None:
    folder = envlock.here / "system"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(os.path.realpath("/usr/bin/env"))
    done = envlock("fix", folder)
    assert done.code == 2
    assert done.err.splitlines()[0] == (
        f"error: {folder} is neither a virtual environment nor a conda prefix; no other is changed"
    )


FILE = """\
# what we need
tensorflow==2.15.1   # do not move
numpy == 2.0.2       # new!
bystander==1.0
h5py
"""


def test_the_edit_of_a_file_is_shown_and_not_written(envlock: Program) -> None:
    file = envlock.here / "requirements.txt"
    file.write_text(FILE)
    done = envlock("fix", "requirements.txt")
    assert done.code == 1
    assert done.out.splitlines()[3:] == [
        "--- requirements.txt",
        "+++ requirements.txt",
        "@@ -1,5 +1,5 @@",
        " # what we need",
        " tensorflow==2.15.1   # do not move",
        "-numpy == 2.0.2       # new!",
        "+numpy == 1.26.4       # new!",
        " bystander==1.0",
        " h5py",
        "",
        "nothing was written; --write writes it",
    ]
    assert file.read_text() == FILE


@pytest.mark.parametrize("name", ["requirements.txt", "REQS.TXT", "environment"])
def test_write_writes_the_edit_and_then_nothing_is_wrong(name: str, envlock: Program) -> None:
    file = envlock.here / name
    file.write_bytes(FILE.replace("\n", "\r\n").encode())
    done = envlock("fix", name, "--write", "--json")
    assert (done.code, done.data["changed"]) == (0, True)
    assert file.read_bytes() == FILE.replace("== 2.0.2", "== 1.26.4").replace("\n", "\r\n").encode()
    again = envlock("fix", name)
    assert (again.code, again.out) == (0, f"nothing is wrong by what envlock knows: {name}\n")


def test_a_file_is_for_the_python_that_is_configured(envlock: Program) -> None:
    (envlock.here / "requirements.txt").write_text("bystander==1.0\n")
    (envlock.here / ".python-version").write_text("3.13.9\n")
    place = find_interpreter(None).platform
    for configured, said in (("", "3.13"), ("3.14.9", "3.14")):
        done = envlock.with_env(ENVLOCK_PYTHON=configured)("fix", "requirements.txt")
        note = f"requirements.txt: today's resolve for Python {said} on {place} takes "
        assert done.err.startswith(note)


def test_what_an_installer_would_get_wrong_today_is_bound_by_a_new_line(
    tmp_path: Path, envlock: Program
) -> None:
    """Nothing in the file is wrong, but this TensorFlow lets NumPy 2 in."""
    source = {"tensorflow.py": ""}
    build_wheel(
        tmp_path / "wheels", "tensorflow", "2.15.1", requires=["h5py", "numpy"], files=source
    )
    (envlock.here / "requirements.txt").write_text("tensorflow==2.15.1")
    assert envlock("fix", "requirements.txt", "--write").code == 0
    assert (envlock.here / "requirements.txt").read_text() == (
        "tensorflow==2.15.1\nnumpy==1.26.4  # numpy2-tf-abi\n"
    )


@pytest.mark.parametrize("name", ["environment.yml", "Env.YML", "conda.txt"])
def test_an_environment_file_is_edited_in_place(name: str, envlock: Program) -> None:
    file = envlock.here / name
    text = (
        "name: x\ndependencies:\n  - python=3.11\n  - pip:\n"
        "    - tensorflow==2.15.1\n    - numpy==2.0.2  # no\n"
    )
    file.write_text(text)
    assert envlock("fix", name, "--write").code == 0
    assert file.read_text() == text.replace("2.0.2", "1.26.4")


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("r.txt", "tensorflow==2.15.1\nnumpy>=2\n", "tensorflow==2.15.1\nnumpy==1.26.4\n"),
        ("r.txt", "tensorflow==2.15.*\nnumpy==2.0.*\n", "tensorflow==2.15.*\nnumpy==1.26.4\n"),
        (
            "r.yml",
            "dependencies:\n  - python=3.11\n  - tensorflow=2.15\n  - numpy=2.0\n",
            "dependencies:\n  - python=3.11\n  - tensorflow=2.15\n  - numpy=1.26.4\n",
        ),
    ],
)
def test_ranges_that_no_installer_can_meet_are_cured_by_the_rule_that_they_break(
    file: str, before: str, after: str, envlock: Program
) -> None:
    (envlock.here / file).write_text(before)
    assert "numpy2-tf-abi" in envlock("diagnose", file).out
    done = envlock("fix", file, "--write", "--python", its_python().path)
    assert (done.code, (envlock.here / file).read_text()) == (0, after), done.out + done.err


def test_a_file_that_nothing_fits_is_never_called_fine(envlock: Program) -> None:
    """No rule is against it: there is no such bystander."""
    (envlock.here / "r.txt").write_text("bystander==3.0\nnumpy\n")
    done = envlock("fix", "r.txt", "--dry-run")
    assert done.code == 3
    assert "r.txt: nothing fits what it asks for" in done.err
    assert "bystander==3.0" in done.err
    assert done.out == ""


def test_two_owners_in_a_file_are_one_line_less(envlock: Program) -> None:
    text = "tensorflow==2.15.1\ntensorflow-cpu==2.15.0\nnumpy==1.26.4\n"
    (envlock.here / "r.txt").write_text(text)
    assert envlock("fix", "r.txt", "--write").code == 0
    assert (envlock.here / "r.txt").read_text() == text.replace("tensorflow-cpu==2.15.0\n", "")


def test_a_lock_with_hashes_is_not_edited(envlock: Program) -> None:
    text = "tensorflow==2.15.1 --hash=sha256:00\nnumpy==2.0.2 \\\n  --hash=sha256:00\n"
    (envlock.here / "requirements.txt").write_text(text)
    done = envlock("fix", "requirements.txt", "--write")
    assert done.code == 2
    assert "the lines of numpy have hashes, so the file is a lock" in done.err
    assert (envlock.here / "requirements.txt").read_text() == text
