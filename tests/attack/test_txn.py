"""One way to change an environment: nothing is lost when envlock is killed, or two work at once.

The long version is ``python tests/attack/marathon.py --kills 300 --rounds 200``.
"""

from __future__ import annotations

import errno
import getpass
import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from envlock.environment import holding, replacement
from envlock.environment.holding import alone
from envlock.environment.journal import Event, Journal, fixes, new_journal, trial_folder, unsettled
from envlock.environment.place import made_by_envlock
from envlock.environment.recovery import recover
from envlock.errors import UsageError, WorkError
from envlock.progress import Silent
from envlock.targets.interpreters import find_interpreter
from support.mounts import fill, read_only, small_disk
from support.pace import wait_until
from support.places import fresh_environment
from support.program import Program, snapshot
from support.rounds import killed, steps_of, together
from support.users import NOBODY, as_nobody, need_root
from support.wreck import OLD, Wreck, wreck

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and locks")


class Notes(Silent):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wreck]:
    with wreck(tmp_path_factory.mktemp("wreck"), seed=11) as made:
        yield made


# In the process: a small environment without packages.


def put(folder: Path, content: str) -> None:
    """Put what every environment has into a folder."""
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "bin" / "python").write_text(content)
    (folder / "pyvenv.cfg").write_text(f"home = {content}\n")


def content(folder: Path) -> str:
    return (folder / "bin" / "python").read_text()


def stopped(folder: Path, do: Callable[[Path], None] = lambda _: None, *, build: str = "") -> None:
    """Build an environment in a process that is killed once it has done something."""
    pid = os.fork()
    if pid == 0:
        with fresh_environment(folder, Silent(), force=True) as place:
            if build:
                put(place.folder, build)
                config = place.folder / "pyvenv.cfg"
                config.write_text(f"{config.read_text()}envlock = {place.id}\n")
                place.journal.write(Event.VENV)
            do(folder)
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_folders_that_are_named_like_left_overs_are_the_users(tmp_path: Path) -> None:
    for name in (".venv.before-envlock", ".venv.replaced-by-envlock", "..venv.envlock-trial"):
        put(tmp_path / name, "mine")
    put(tmp_path / ".venv", "made by hand")
    before = snapshot(tmp_path)
    with pytest.raises(UsageError), fresh_environment(tmp_path / ".venv", Silent()):
        pass
    assert snapshot(tmp_path) == before
    assert not (tmp_path / ".venv" / ".envlock").exists()


def test_after_a_kill_the_next_one_brings_back_what_there_was(tmp_path: Path) -> None:
    put(tmp_path / ".venv", "old")
    before = snapshot(tmp_path)
    stopped(tmp_path / ".venv", build="new")
    assert content(tmp_path / ".venv") == "new"
    notes = Notes()
    recover(tmp_path / ".venv", notes, wait=True)
    assert snapshot(tmp_path) == before
    assert notes.told == [
        f"{tmp_path / '.venv'}: an installation that was stopped has been rolled back"
    ]
    assert sorted(each.name for each in (tmp_path / ".venv").iterdir()) == ["bin", "pyvenv.cfg"]


def test_after_a_kill_a_place_that_was_missing_is_missing_again(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er" / ".venv"
    stopped(folder, build="new")
    recover(folder, Silent(), wait=True)
    assert [*tmp_path.iterdir()] == []


def test_what_was_made_by_hand_after_a_kill_is_left_and_the_old_kept(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    put(folder, "old")
    stopped(folder, build="half")
    put(folder, "made by hand")
    (folder / "precious.txt").write_text("mine")
    notes = Notes()
    recover(folder, notes, wait=True)
    kept = folder / ".envlock" / "kept" / "0001"
    assert notes.told[0] == (
        f"{folder}: it was made anew after an envlock that was stopped; what was there before"
        f" is kept in {kept}"
    )
    assert (content(folder), content(kept)) == ("made by hand", "old")
    assert (folder / "precious.txt").read_text() == "mine"
    said = "no environment has: precious.txt; it is left as it is"
    with pytest.raises(UsageError, match=said), fresh_environment(folder, notes, force=True):
        pass


def test_files_that_came_into_what_was_half_built_are_not_removed_with_it(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    put(folder, "old")
    stopped(folder, build="new")
    (folder / "notes.txt").write_text("mine")
    (folder / "bin" / "mine.sh").write_text("mine too")
    notes = Notes()
    recover(folder, notes, wait=True)
    kept = folder / ".envlock" / "kept" / "0001"
    assert content(folder) == "old"
    assert (folder / "notes.txt").read_text() == "mine"
    assert (kept / "bin" / "mine.sh").read_text() == "mine too"
    assert notes.told[0] == (
        f"{folder}: bin/mine.sh: envlock did not make this, and keeps it in {kept}"
    )


def test_what_is_no_environments_stays_where_it_is_when_one_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    with fresh_environment(folder, Silent()) as place:
        put(place.folder, "old")
        (folder / "pyvenv.cfg").write_text(f"{replacement.KEY} = {place.id}\n")
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "a.txt").write_text("mine")
    (folder / "bin" / "mine.sh").write_text("mine too")
    with fresh_environment(folder, Silent()) as place:
        put(place.folder, "new")
    assert content(folder) == "new"
    assert (folder / "notebooks" / "a.txt").read_text() == "mine"
    assert (folder / ".envlock" / "kept" / "0001" / "bin" / "mine.sh").read_text() == "mine too"


def test_files_are_written_with_the_environment_or_not_at_all(tmp_path: Path) -> None:
    folder, lock, new = tmp_path / ".venv", tmp_path / "lock.txt", tmp_path / "new.txt"
    put(folder, "old")
    lock.write_text("old lock\n")
    before = snapshot(tmp_path)
    with (
        suppress(KeyboardInterrupt),
        fresh_environment(folder, Silent(), force=True) as place,
    ):
        place.write({lock: "new lock\n", new: "new\n"})
        assert lock.read_text() == "new lock\n"
        raise KeyboardInterrupt
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("moved", [False, True])
def test_after_a_kill_files_are_those_of_the_environment(tmp_path: Path, *, moved: bool) -> None:
    project = tmp_path / "project"
    put(project / ".venv", "old")
    for name in ("lock.txt", "mine.txt"):
        (project / name).write_text("old")
    pid = os.fork()
    if pid == 0:
        with fresh_environment(project / ".venv", Silent(), force=True) as place:
            names = ("lock.txt", "mine.txt", "new.txt")
            place.write({project / name: "new" for name in names})
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    (project / "mine.txt").write_text("by hand")
    if moved:
        project = project.rename(tmp_path / "elsewhere")
    notes = Notes()
    recover(project / ".venv", notes, wait=True)
    assert (project / "lock.txt").read_text() == "old"
    assert (project / "mine.txt").read_text() == "by hand"
    assert not (project / "new.txt").exists()
    if not moved:
        assert notes.told[0] == f"{project / 'mine.txt'}: it was changed since, and stays as it is"


def test_what_cannot_be_removed_is_told_and_fails_nothing(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    put(folder, "old")
    held = folder / "bin" / "pip"
    held.touch()
    if shutil.which("chattr") is None or not immutable(held):
        pytest.skip("this file system, or user, cannot make a file immutable")
    notes = Notes()
    try:
        with fresh_environment(folder, notes, force=True) as place:
            put(place.folder, "new")
        told = notes.told[-1]
        with pytest.raises(KeyboardInterrupt), fresh_environment(folder, notes, force=True):
            raise KeyboardInterrupt
        with fresh_environment(folder, notes, force=True) as place:
            put(place.folder, "newer")
    finally:
        (kept,) = folder.rglob(held.name)
        subprocess.run(["/usr/bin/chattr", "-i", kept], check=True)
    assert content(folder) == "newer"
    assert told.startswith(f"{folder}: what was replaced cannot be removed: cannot remove ")
    assert told.endswith("Operation not permitted; the next envlock tries it again")
    recover(folder, notes, wait=True)
    assert not unsettled(folder)


def immutable(path: Path) -> bool:
    return subprocess.run(["/usr/bin/chattr", "+i", path], check=False).returncode == 0


@pytest.mark.parametrize("when", ["at its last line", "while what was replaced is removed"])
def test_ctrl_c_after_the_last_line_takes_nothing_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    folder = tmp_path / ".venv"
    put(folder, "old")

    def interrupted(journal: Journal, event: Event, **facts: object) -> None:
        write(journal, event, **facts)
        if event is Event.COMMIT:
            raise KeyboardInterrupt

    def removed(*_: object) -> None:
        raise KeyboardInterrupt

    write = Journal.write
    if when == "at its last line":
        monkeypatch.setattr(Journal, "write", interrupted)
    else:
        monkeypatch.setattr(replacement, "finish", removed)
    failed = True
    with suppress(KeyboardInterrupt):
        with fresh_environment(folder, Silent(), force=True) as place:
            put(place.folder, "new")
        failed = False
    monkeypatch.undo()
    assert not failed
    recover(folder, Silent(), wait=True)
    assert (content(folder), unsettled(folder)) == ("new", False)


def test_a_mount_point_is_changed_from_inside(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    folder.mkdir()
    with small_disk(folder, 512):
        for text in ("old", "new"):
            with fresh_environment(folder, Silent(), force=True) as place:
                put(place.folder, text)
        with pytest.raises(KeyboardInterrupt), fresh_environment(folder, Silent(), force=True):
            raise KeyboardInterrupt
        assert content(folder) == "new"


@pytest.mark.parametrize("free", range(0, 40, 4))
def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path, free: int) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, 400):
        put(disk / ".venv", "old")
        (disk / "lock.txt").write_text("old")
        full = fill(disk, but=free)
        full.rename(disk / ".fill")
        before = snapshot(disk / ".venv")
        try:
            with fresh_environment(disk / ".venv", Silent(), force=True) as place:
                put(place.folder, "new")
                place.write({disk / "lock.txt": "new" * 2000})
        except (WorkError, OSError):
            assert (disk / "lock.txt").read_text() == "old"
            assert snapshot(disk / ".venv") == before
        else:
            assert content(disk / ".venv") == "new"
            assert (disk / "lock.txt").read_text() == "new" * 2000
        (disk / ".fill").unlink()
        recover(disk / ".venv", Silent(), wait=True)
        assert not unsettled(disk / ".venv")


def test_an_environment_that_was_made_anew_over_envlocks_is_the_users(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    with fresh_environment(folder, Silent()) as place:
        place.venv(find_interpreter(sys.executable))
    assert made_by_envlock(folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    assert not made_by_envlock(folder)


def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_descriptor: int, _what: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    notes, folder = Notes(), tmp_path / ".venv"
    with fresh_environment(folder, notes) as place:
        put(place.folder, "new")
    assert notes.told[0] == (
        f"{folder}: the file system has no locks, so nothing keeps two envlocks from changing"
        " this environment at once"
    )
    assert content(folder) == "new"


def test_who_waits_is_told_at_once_for_whom_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".venv"
    folder.mkdir()
    monkeypatch.setattr(sys, "argv", ["envlock", "sync", "--index-url", "http://a:b@c/"])
    ready = tmp_path / "ready"
    pid = os.fork()
    if pid == 0:
        with alone(folder, Silent()):
            ready.touch()
            time.sleep(10)
        os._exit(0)
    wait_until(ready.exists)
    who = f"`envlock sync` (process {pid} of {getpass.getuser()} on {platform.node()})"
    notes = Notes()
    monkeypatch.setattr(holding, "PATIENCE", 0.2)
    with pytest.raises(WorkError) as caught, alone(folder, notes):
        pass
    assert notes.told == [f"{folder}: waiting for {who}, which is at work there"]
    assert caught.value.message == f"{folder}: {who} is still at work there after 0 s"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with alone(folder, notes):
        pass
    assert [*folder.iterdir()] == []


def test_an_installer_that_outlives_its_envlock_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    put(folder, "old")
    late = (
        "import sys, time, pathlib; time.sleep(0.5); pathlib.Path(sys.argv[1]).write_text('late')"
    )

    def install(where: Path) -> None:
        with holding.at_work(where) as held:
            assert held is not None
            words = [sys.executable, "-c", late, str(where / "bin" / "python")]
            subprocess.Popen(words, pass_fds=(held,), start_new_session=True)
            os.kill(os.getpid(), signal.SIGKILL)

    stopped(folder, install, build="half")
    notes = Notes()
    with fresh_environment(folder, notes, force=True) as place:
        put(place.folder, "new")
    assert notes.told[0] == (
        f"{folder}: waiting for an installer that an envlock which is gone left at work there"
    )
    time.sleep(0.1)
    assert content(folder) == "new"


def test_a_journal_of_a_strangers_folder_reaches_nothing_outside(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "clone" / ".venv"
    home.mkdir()
    (home / "mine.txt").write_text("mine")
    (home / "0001" / "old").mkdir(parents=True)
    (home / "0001" / "old" / "mine.txt").write_text("mine")
    put(folder, "cloned")
    journal = new_journal(folder)
    digest = hashlib.sha256(b"mine").hexdigest()
    file = {"path": str(home / "mine.txt"), "near": "../../home/mine.txt", "before": None}
    journal.write(Event.REPLACE, id="x", names=[], stayed=[])
    journal.write(Event.FILES, files=[{**file, "after": digest}])
    journal.write(Event.FILES, files=[{"path": 3}])
    (journal.folder / "aside").symlink_to(home)
    other = new_journal(folder)
    config = folder / "pyvenv.cfg"
    identity = [hashlib.sha256(config.read_bytes()).hexdigest(), config.stat().st_mtime_ns]
    other.write(Event.SNAPSHOT, identity=identity, steps=[])
    other.write(Event.BEGIN, entries=["../../home/mine.txt", str(home / "mine.txt")])
    (folder / ".envlock" / "lock").symlink_to(home / "mine.txt")
    (folder / ".envlock" / "0009").symlink_to(home / "0001")
    before = snapshot(home)
    with pytest.raises(WorkError, match="cannot open"):
        recover(folder, Silent(), wait=True)
    (folder / ".envlock" / "lock").unlink()
    recover(folder, Silent(), wait=True)
    assert snapshot(home) == before
    assert not unsettled(folder)


STEP = '{"package": "a", "before": "x", "after": "1", "because": "", "rules": []}'
LINES = [
    *('{"event": []}', '{"event": {}}', '"replace"', "[" * 9999, '{"event": "begin"}', "1" * 9999),
    r'{"event": "\ud800", "time": ""}',
    '{"event": "snapshot", "time": "", "steps": [{"package": 3}]}',
    f'{{"event": "snapshot", "time": "", "steps": [{STEP}]}}',
    '{"event": "snapshot", "steps": []}\n{"event": "commit"}',
    '{"event": "replace", "time": "", "id": 3, "stayed": 3}',
    '{"event": "replace", "time": "", "id": "", "stayed": [[]]}',
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_envlock_did_not_write_is_none(tmp_path: Path, line: str) -> None:
    folder = tmp_path / ".venv"
    put(folder, "cloned")
    journal = new_journal(folder)
    journal.path.write_text(f"{line}\n")
    assert (journal.lines(), fixes(folder), journal.steps()) == ([], (), ())
    recover(folder, Silent(), wait=True)
    assert not (folder / ".envlock").exists()


@pytest.mark.parametrize("text", ["[" * 9999, "1" * 9999, '{"envlock":', '["envlock"]', "\xff"])
def test_a_marker_that_envlock_did_not_write_marks_nothing(tmp_path: Path, text: str) -> None:
    put(tmp_path, "cloned")
    (tmp_path / "envlock.json").write_bytes(text.encode("latin-1"))
    assert not made_by_envlock(tmp_path)


def test_names_that_are_no_text_come_through_a_journal(tmp_path: Path) -> None:
    journal, name = new_journal(tmp_path), os.fsdecode(b"notes-\xff")
    journal.write(Event.REPLACE, id="x", names=[], stayed=[name])
    assert journal.first()["stayed"] == [name]


def test_what_is_kept_or_put_back_follows_no_link_of_a_strangers(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "clone"
    (home / "bin").mkdir(parents=True)
    (home / "key").write_text("secret")
    folder, lock = project / ".venv", project / "lock.txt"
    put(folder, "cloned")
    lock.write_text("lock")
    (folder / "bin" / "evil.sh").write_text("evil")
    journal = new_journal(folder)
    journal.write(Event.REPLACE, id="x", names=[], stayed=[])
    digest = hashlib.sha256(b"lock").hexdigest()
    file = {"path": "/x", "near": "../lock.txt", "before": "0", "after": digest}
    journal.write(Event.FILES, files=[file])
    (journal.folder / "old" / "bin").mkdir(parents=True)
    (journal.folder / "files").mkdir()
    (journal.folder / "files" / "0").symlink_to(home / "key")
    os.utime(journal.path, (0, 0))
    (folder / ".envlock" / "kept" / "0001").mkdir(parents=True)
    (folder / ".envlock" / "kept" / "0001" / "bin").symlink_to(home / "bin")
    (folder / "pyvenv.cfg").write_text("envlock = x\n")
    recover(folder, Silent(), wait=True)
    assert snapshot(home) == {"bin": None, "key": b"secret"}
    assert lock.read_text() == "lock"
    assert (folder / ".envlock" / "kept" / "0001.1" / "bin" / "evil.sh").read_text() == "evil"


@pytest.mark.skipif(sys.platform != "linux", reason="a descriptor has a name in /proc there")
def test_what_is_renamed_is_on_disk_before_the_line_that_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, synced, sync = tmp_path / ".venv", list[str](), os.fsync
    put(folder, "old")

    def seen(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(tmp_path)
        synced.append(path.as_posix())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    with fresh_environment(folder, Silent(), force=True) as place:
        put(place.folder, "new")
        place.write({tmp_path / "lock.txt": "new"})
    own, journal = ".venv/.envlock", ".venv/.envlock/0001"
    assert [each for each in synced if ".txt." not in each and ".json." not in each] == [
        *(own, ".venv"),  # the folder of the journal
        *(f"{journal}/journal.jsonl", journal),  # replace
        *(f"{journal}/aside", ".venv", journal),  # all of it is aside, and that is what it says
        f"{journal}/journal.jsonl",  # files
        *(".", ".venv"),  # they are written, and the environment is there
        f"{journal}/journal.jsonl",  # commit
    ]


# With the real program.


def _journal_of_root(own: Path) -> None:
    (own / "0001" / "old").mkdir(parents=True)
    line = '{"event": "replace", "time": "", "id": "x", "names": [], "stayed": []}\n'
    (own / "0001" / "journal.jsonl").write_text(line)
    os.chown(own, NOBODY, NOBODY)


@pytest.mark.parametrize(
    ("make", "says", "way"),
    [
        (
            Path.mkdir,
            "{own} belongs to root, and you may not write there",
            "sudo chown -R $(id -u) {own}",
        ),
        (
            _journal_of_root,
            "{own}/0001 belongs to root, and you may not write there",
            "sudo chown -R $(id -u) {own}",
        ),
        (
            lambda own: own.parent.chmod(0o555),
            "{env} is yours, and is let be read alone",
            "chmod -R u+rwX {env}",
        ),
        (
            Path.touch,
            "{own} is a file, where envlock keeps what it knows of an environment",
            "mv {own} OTHER",
        ),
    ],
    ids=["another's", "another's journal", "read-only", "a file"],
)
def test_what_envlock_keeps_and_this_user_may_not_write_is_told_before_anything_is_done(
    program: Program, make: Callable[[Path], None], says: str, way: str
) -> None:
    need_root()
    env = program.here / ".venv"
    put(env, "mine")
    for each in (env, env / "bin", env / "bin" / "python", env / "pyvenv.cfg"):
        os.chown(each, NOBODY, NOBODY)
    make(env / ".envlock")
    before = snapshot(env)
    done = as_nobody(program, "fix", "--undo", ".venv")
    known = {"own": env / ".envlock", "env": env}
    assert (done.code, done.err) == (
        4,
        f"error: {says.format(**known)}\n  try: {way.format(**known)}\n",
    )
    assert snapshot(env) == before
    # Who only looks is let, whatever it is.
    assert as_nobody(program, "history", ".venv").code == 0


def test_what_is_already_equal_is_recovered_first(project: Wreck) -> None:
    project.restore("environment")
    folder = project.env
    stopped(folder, build="half")
    done = project.run("sync", "old.txt")
    assert f"{folder}: an installation that was stopped has been rolled back\n" in done.said
    assert "environment  .venv was already equal to old.txt\n" in done.said
    assert (done.code, project.pins(), project.settled()) == (
        0,
        {"extra": "1.0", "tool": "1.0"},
        True,
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("create", "tool"), 0),
        (("sync", "new.txt"), 0),
        (("fix", "--yes"), 0),
        (("fix", "--undo"), 2),
    ],
)
def test_every_command_that_changes_waits_for_who_is_at_it(
    project: Wreck, words: tuple[str, ...], code: int
) -> None:
    project.restore("environment")
    with alone(project.env, Silent()):
        run = project.start(*words)
        wait_until(lambda: run.log.exists() and "waiting" in run.log.read_text())
        assert project.pins() == OLD
    done = run.wait()
    assert done.code == code
    assert done.said.startswith(f"{project.env}: waiting for `envlock")


@pytest.mark.parametrize(
    "words", [("history",), ("diagnose",), ("fix", "--dry-run"), ("sync", "old.txt")]
)
def test_the_trial_of_a_killed_fix_is_removed_by_the_next_command(
    project: Wreck, words: tuple[str, ...]
) -> None:
    project.restore("environment")
    (trial_folder(project.env) / "copy").mkdir(parents=True)
    project.run(*words)
    assert not (project.env / ".envlock").exists()


@pytest.mark.parametrize("words", [("history",), ("diagnose",), ("fix", "--dry-run"), ("verify",)])
def test_who_only_looks_needs_nothing_that_can_be_written(
    project: Wreck, words: tuple[str, ...]
) -> None:
    project.restore("environment")
    with small_disk(project.env, 4000):
        state = project.states / "environment" / ".venv"
        subprocess.run(["/bin/cp", "-a", f"{state}/.", project.env], check=True)
        trial_folder(project.env).mkdir(parents=True)
        with read_only(project.env):
            done = project.run(*words)
        assert done.said.startswith(
            f"{project.env}: an envlock was stopped while it changed this, and it may not be"
            f" written here; `envlock history {project.env}` puts it right where it may\n"
        )
        assert done.code in {0, 1}


def test_whatever_a_kill_leaves_and_a_user_does_nothing_is_lost(project: Wreck) -> None:
    faults = []
    for act in ("create", "first create", "sync"):
        steps = steps_of(project, act)
        for _ in range(2):
            faults += killed(project, act, steps)
    assert faults == []


def test_several_at_once_with_caches_of_their_own_wait_for_each_other(project: Wreck) -> None:
    faults = []
    for _ in range(2):
        faults += together(project, fixes=False)
    assert faults == []
