"""Files as a git revision has them, read so that nothing of the repository runs.

What a stranger's repository configures may be a command: hooks, filters,
monitors, helpers, remotes. `rev-parse` and `cat-file` use no filter and start
no pager; what git could start besides is switched off, and nothing is fetched.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from envlock.errors import UsageError, WorkError
from envlock.system.looking import on_path
from envlock.system.processes import Completed, run

_OPTIONS = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.sshCommand=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "safe.bareRepository=explicit"),
)
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MOST = 16 << 20  # bytes, as of a file on disk
_SECONDS = 30.0
_BACK = 10  # commits that are looked into
_MARK = re.compile(r"^<<<<<<< ", re.MULTILINE)


def text_at(revision: str, path: str) -> str:
    """Return the text of a file as a revision has it.

    ``path`` is from the top of the repository, or with ``./`` from this folder.

    Raises:
        UsageError: there is no such revision or file, or it is no text of a lock's size.
        WorkError: git is not here, or takes too long.
    """
    name = f"{revision}:{path}"
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", name)
    words = found.stdout.split()
    if found.returncode != 0 or not words or not _OBJECT.fullmatch(words[-1]):
        said = found.stderr.strip().removeprefix("fatal: ").partition("\n")[0]
        raise UsageError(f"{name}: {said or 'git has no such revision, or no such file in it'}")
    size = _git("cat-file", "-s", words[-1]).stdout.strip()
    if not size.isdecimal() or int(size) > _MOST:
        raise UsageError(
            f"{name}: more than {_MOST >> 20} MB, or not to be read; no lock is so long"
        )
    done = _git("cat-file", "blob", words[-1])
    if done.returncode != 0:
        raise UsageError(f"{name}: it is no file")
    return done.stdout


def before_merge(paths: Iterable[Path]) -> str:
    """Return the command of git that brings back files in which a merge left both versions.

    A merge that goes on has their own side; one that was committed has it in
    the commit before. Without either, "".
    """
    names = [f"./{Path(os.path.relpath(each)).as_posix()}" for each in paths]
    words = ("--", *(name.removeprefix("./") for name in names))
    with suppress(WorkError):  # no git
        if all(_known(f":2:{name}") for name in names):
            return shlex.join(["git", "checkout", "--ours", *words])
        for revision in ("HEAD", *(f"HEAD~{number}" for number in range(1, _BACK))):
            if not all(_known(f"{revision}:{name}") for name in names):
                return ""
            texts = (text_at(revision, name) for name in names)
            if not any(_MARK.search(text) for text in texts):
                return shlex.join(["git", "checkout", revision, *words])
    return ""


def _known(name: str) -> bool:
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", name)
    return _git(*words).returncode == 0


def top() -> str:
    """Return the folder at the top of the repository that this folder is in, "" for none."""
    return _git("rev-parse", "--show-toplevel").stdout.removesuffix("\n")


def _git(*words: str) -> Completed:
    program = on_path("git")
    if program is None:
        raise WorkError("git is not on PATH, and a revision can be read by nothing else")
    done = run([program, *_OPTIONS, *words], env={**os.environ, **_ENVIRONMENT}, timeout=_SECONDS)
    if done.timed_out:
        raise WorkError(f"git {words[0]} took more than {_SECONDS:.0f} seconds")
    return done
