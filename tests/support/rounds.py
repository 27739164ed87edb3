"""Rounds of `support.wreck`: a kill, a change of the user's, a command; or several at once.

Each returns what was wrong, () for nothing: something of the user's is gone,
or environment and lock disagree without a word.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from support.patients import site_of
from support.program import snapshot
from support.wreck import CREATE_NEW, CREATE_OLD, NEW, OLD, Pins, Ran, Wreck

ILL: Pins = {
    "bystander": "1.0",
    "h5py": "3.11.0",
    "numpy": "2.0.2",
    "tensorflow": "2.15.1",
    "tensorflow-cpu": "2.15.0",
    "tool": "1.0",
}
WELL: Pins = {
    "bystander": "1.0",
    "h5py": "3.11.0",
    "numpy": "1.26.4",
    "tensorflow": "2.15.1",
    "tool": "1.0",
}
Files = dict[str, bytes | str | None]
Pair = tuple[Pins | None, Pins | None]


@dataclass(frozen=True, kw_only=True)
class Act:
    """A command that is killed: where it begins, and the environment and lock that it ends with."""

    state: str
    words: tuple[str, ...]
    before: Pair
    after: Pair


ACTS: Mapping[str, Act] = {
    "create": Act(state="environment", words=CREATE_NEW, before=(OLD, OLD), after=(NEW, NEW)),
    "first create": Act(state="nothing", words=CREATE_NEW, before=(None, None), after=(NEW, NEW)),
    "sync": Act(
        state="environment", words=("sync", "new.txt"), before=(OLD, OLD), after=(NEW, OLD)
    ),
    "fix": Act(
        state="patient", words=("fix", "--yes", ".venv"), before=(ILL, None), after=(WELL, None)
    ),
}
LOOKING = (("history", ".venv"), ("diagnose", ".venv"), ("fix", "--dry-run", ".venv"))
NEXT = {
    "create": (CREATE_NEW, CREATE_OLD, ("sync", "new.txt"), *LOOKING),
    "first create": (CREATE_NEW, *LOOKING),
    "sync": (("sync", "new.txt"), ("sync", "old.txt"), CREATE_NEW, *LOOKING),
    "fix": (("fix", "--yes", ".venv"), ("fix", "--undo", ".venv"), *LOOKING),
}
#: What a command leaves when it succeeds, the lock None where it is not its own.
ENDS: Mapping[tuple[str, ...], tuple[Pins, Pins | None]] = {
    CREATE_NEW: (NEW, NEW),
    CREATE_OLD: (OLD, OLD),
    ("sync", "new.txt"): (NEW, None),
    ("sync", "old.txt"): (OLD, None),
    ("fix", "--yes", ".venv"): (WELL, None),
}


def _add(*parts: str) -> Callable[[Wreck, str], None]:
    def change(wreck: Wreck, token: str) -> None:
        file = wreck.env.joinpath(*parts)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(token)

    return change


def _in_site(*parts: str) -> Callable[[Wreck, str], None]:
    def change(wreck: Wreck, token: str) -> None:
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        _add("lib", version, "site-packages", *parts)(wreck, token)

    return change


def _rebuild(wreck: Wreck, token: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", wreck.env], check=True)
    (wreck.env / "mine.txt").write_text(token)
    (site_of(wreck.env) / "mine.py").write_text(token)


def _remove(wreck: Wreck, _token: str) -> None:
    shutil.rmtree(wreck.env, ignore_errors=True)


def _remove_and_rebuild(wreck: Wreck, token: str) -> None:
    _remove(wreck, token)
    _rebuild(wreck, token)


def _empty_and_rebuild(wreck: Wreck, token: str) -> None:
    """As ``rm -rf .venv/*`` does: hidden entries stay."""
    if wreck.env.is_dir():
        for child in wreck.env.iterdir():
            if child.name.startswith("."):
                continue
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
    _rebuild(wreck, token)


def _move(wreck: Wreck, token: str) -> None:
    if wreck.env.is_dir():
        (wreck.env / "mine.txt").write_text(token)
        wreck.env.rename(wreck.project / "elsewhere")


def _move_and_rebuild(wreck: Wreck, token: str) -> None:
    _move(wreck, token)
    _rebuild(wreck, token)


def _edit_lock(wreck: Wreck, token: str) -> None:
    lock = wreck.project / "requirements.txt"
    if lock.is_file():
        lock.write_text(f"{lock.read_text()}# {token}\n")


#: Name, what is done, and whether the environment is the user's own after it.
CHANGES: tuple[tuple[str, Callable[[Wreck, str], None], bool], ...] = (
    ("nothing", lambda _wreck, _token: None, False),
    ("a file at the top", _add("mine.txt"), False),
    ("a folder at the top", _add("notes", "mine.txt"), False),
    ("a module", _in_site("mine.py"), False),
    ("a file in a package", _in_site("tool", "more.txt"), False),
    ("a program", _add("bin", "mine.sh"), False),
    ("rebuilt over it", _rebuild, True),
    ("removed", _remove, True),
    ("removed and rebuilt", _remove_and_rebuild, True),
    ("emptied and rebuilt", _empty_and_rebuild, True),
    ("moved away", _move, True),
    ("moved away and rebuilt", _move_and_rebuild, True),
    ("the lock edited", _edit_lock, False),
)


def killed(wreck: Wreck, act: str, steps: int) -> list[str]:
    """Kill a command at a random step, change something as a user, run another, and judge."""
    chance = wreck.chance
    name, change, own = chance.choice(CHANGES)
    at, linger = chance.randint(1, steps), chance.choice((0.0, 0.005, 0.02, 0.08))
    words = chance.choice(NEXT[act])
    return killed_at(wreck, act, at=at, linger=linger, change=(name, change, own), words=words)


def killed_at(
    wreck: Wreck,
    act: str,
    *,
    at: int,
    linger: float,
    change: tuple[str, Callable[[Wreck, str], None], bool],
    words: tuple[str, ...],
) -> list[str]:
    """Kill a command at a step, change something, run another command, and judge."""
    what, (name, do, own) = ACTS[act], change
    if what.state == "patient":
        _know(wreck)
    wreck.restore(what.state)
    first = wreck.run(*what.words, at=at, linger=linger)
    wreck.killed += first.code == -signal.SIGKILL
    token = f"token-{wreck.runs}-{os.getpid()}"
    do(wreck, token)
    has_token = wreck.has(token)
    after = wreck.run(*words)
    faults = [*_judge(wreck, what, after, (name, token), own=own)]
    # A lock is envlock's own, and `create` writes it anew.
    rewritten = name == "the lock edited" and words[0] == "create" and after.code == 0
    if has_token and not rewritten and not wreck.has(token):
        faults.append("what the user put there is gone")
    if (own and name.endswith("rebuilt")) or name == "rebuilt over it":
        faults += _rebuilt_stays(wreck, after)
    story = f"{act} killed at {at} ({first.code}, {linger}); {name}; {' '.join(words)} {after.code}"
    return [f"{story}: {fault}\n{first.said}---\n{after.said}" for fault in faults]


def _rebuilt_stays(wreck: Wreck, after: Ran) -> list[str]:
    there = (wreck.env / "mine.txt").is_file() and (site_of(wreck.env) / "mine.py").is_file()
    return [] if there else [f"the user's environment is gone: {after.said}"]


def _judge(wreck: Wreck, act: Act, after: Ran, change: tuple[str, str], *, own: bool) -> list[str]:
    faults = []
    name, token = change
    if after.code not in {0, 1, 2}:
        faults.append("it failed")
    if not wreck.settled():
        faults.append("something of it is left unfinished")
    if own:
        return faults
    if act.state == "patient":
        return [*faults, *_neither(wreck, token)]
    try:
        found = wreck.pins(), wreck.locked()
    except (AssertionError, OSError) as error:
        return [*faults, f"not whole: {error}"]
    pairs = [act.before, act.after]
    if after.code == 0 and after.words in ENDS:
        pins, lock = ENDS[after.words]
        pairs = [(pins, lock)] if lock else [(pins, old) for _, old in pairs]
    told = name == "the lock edited" and "it was changed since" in after.said
    if found not in pairs and not told:
        faults.append(f"environment and lock disagree: {found}")
    return faults


def _neither(wreck: Wreck, token: str) -> list[str]:
    """Whether the environment that was fixed is, file by file, neither as before nor fixed."""
    now = _files(wreck, token)
    if now in (wreck.known["patient"], wreck.known["well"]):
        return []
    nearest = min(wreck.known.values(), key=lambda each: len(_differing(now, each)))
    return [f"neither as before nor fixed: {_differing(now, nearest)[:9]}"]


def _know(wreck: Wreck) -> None:
    """Remember the two states that an environment which is fixed may end in."""
    if "well" not in wreck.known:
        wreck.restore("patient")
        wreck.known["patient"] = _files(wreck, "")
        done = wreck.run("fix", "--yes", ".venv")
        assert done.code == 0, done.said
        wreck.known["well"] = _files(wreck, "")


def _differing(one: Files, other: Files) -> list[str]:
    return [name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]


def _files(wreck: Wreck, token: str) -> Files:
    """The files of the environment but for bytecode and those with a token."""
    return {
        name: content
        for name, content in snapshot(wreck.env).items()
        if content is not None
        and not name.endswith(".pyc")
        and not (token and isinstance(content, bytes) and token.encode() in content)
    }


TOGETHER = (
    (CREATE_NEW, CREATE_OLD),
    (("sync", "new.txt"), ("sync", "old.txt")),
    (CREATE_NEW, CREATE_OLD, CREATE_NEW),
    (("sync", "new.txt"), CREATE_OLD, ("sync", "old.txt")),
    (CREATE_OLD, ("sync", "new.txt")),
)
FIXES = (
    (("fix", "--yes", ".venv"), ("fix", "--yes", ".venv")),
    (("fix", "--yes", ".venv"), ("fix", "--undo", ".venv"), ("history", ".venv")),
    (("fix", "--yes", ".venv"), ("sync", "new.txt", "--force"), ("fix", "--yes", ".venv")),
)


def together(wreck: Wreck, *, fixes: bool) -> list[str]:
    """Run two or three commands at once, each with a home and caches of its own, and judge."""
    chance = wreck.chance
    group = chance.choice(FIXES if fixes else TOGETHER)
    state = "patient" if fixes else chance.choice(("environment", "environment", "nothing"))
    wreck.restore(state)
    if state != "environment":
        for file in ("new.txt", "old.txt"):
            shutil.copy2(wreck.states / "environment" / file, wreck.project)
    killed = chance.random() < 0.2
    running = []
    for number, words in enumerate(group):
        at = chance.randint(1, 60) if killed and number == 0 else 0
        running.append(wreck.start(*words, home=f"home-{number}", at=at))
        time.sleep(chance.choice((0.0, 0.0, 0.05, 0.2)))
    ended = [each.wait() for each in running]
    wreck.killed += sum(each.code == -signal.SIGKILL for each in ended)
    faults = []
    for each in ended:
        refused = each.words[1] == "--undo" and each.code == 2
        nothing = state == "nothing" and each.words[0] in {"history", "fix"}
        if each.code not in {0, -signal.SIGKILL} and not refused and not nothing:
            faults.append(f"{' '.join(each.words)} failed with {each.code}")
    after = wreck.run("history", ".venv")
    faults += _crowd_judged(wreck, group, ended)
    return [
        f"{state}: {[(e.words, e.code) for e in ended]}: {fault}\n"
        + "---\n".join(each.said for each in (*ended, after))
        for fault in faults
    ]


def _crowd_judged(wreck: Wreck, group: tuple[tuple[str, ...], ...], ended: list[Ran]) -> list[str]:
    try:
        pins, lock = wreck.pins(), wreck.locked()
    except (AssertionError, OSError) as error:
        # The patient was never whole; a fix restores what was wrong with it too.
        return [] if any(words[0] == "fix" for words in group) else [f"not whole: {error}"]
    possible = [OLD, NEW, ILL, WELL]
    if any(each.code == -signal.SIGKILL for each in ended):
        possible.append({})
    if pins not in possible and pins is not None:
        return [f"neither of them: {pins}"]
    if pins is None and not any(each.code == -signal.SIGKILL for each in ended):
        return ["no environment"]
    if all(words[0] == "create" for words in group) and pins != lock:
        return [f"environment and lock disagree: {pins} {lock}"]
    return [] if wreck.settled() else ["something of it is left unfinished"]


def steps_of(wreck: Wreck, act: str) -> int:
    """Count the steps of a command that is not killed."""
    wreck.restore(ACTS[act].state)
    done = wreck.run(*ACTS[act].words)
    assert done.code == 0, done.said
    return done.steps
