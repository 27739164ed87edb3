"""What was printed to be typed next is typed, where it was printed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.program import Done, Program, snapshot

#: Lines that say what to type, in errors, findings and results.
_WAY = re.compile(r"^\s*(?:try|or|next):? +(?P<way>\S.*)$", re.MULTILINE)
_LINE = re.compile(r"in (?P<file>\S+?)(?::\d+)?(?: \[[^\]]+\])?, (?P<what>.+)")
_CHANGE = re.compile(r"change (?P<old>.+) to (?P<new>.+)")
_REMOVE = re.compile(r"remove (?P<old>.+)")
_WRITE = re.compile(r"write (?P<new>.+)")
_PROGRAMS = re.compile(r"(?:/\S+|envlock|source|mkdir|rm|mv|chmod|export|unset|conda|git)(?: |$)")
#: A word that stands for what only the user knows.
_OPEN = re.compile(r"(?<![\w-])(?:[A-Z]{3,}|…)(?![\w=-])")
USAGE = 2


@dataclass(frozen=True, kw_only=True)
class State:
    """A folder, and what is typed in it.

    ``before`` is typed first, to make the state, and then what ``lost`` matches goes.
    A merge in git broke off at the file ``merging``, whose own side is ``ours``;
    where it was committed all the same, the commit before has ``committed``.
    """

    words: str
    files: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    lost: str = ""
    merging: str = ""
    ours: str = ""
    committed: dict[str, str] = field(default_factory=dict)


def ways(done: Done) -> list[str]:
    """What a run says to type or to write next."""
    return [each["way"].strip() for each in _WAY.finditer(f"{done.out}\n{done.err}")]


def is_command(way: str) -> bool:
    """Whether it can be typed as it is, with nothing to fill in."""
    typed = way.partition("  # ")[0]
    return bool(_PROGRAMS.match(typed)) and not _OPEN.search(typed)


def prepare(program: Program, state: State) -> Done:
    """Make a state and type what is typed in it."""
    _write(program.here, state.committed)
    if state.committed:
        _git(program, "init", "--quiet")
        _commit(program)
    _write(program.here, state.files)
    if state.committed:
        _commit(program)
    for words in state.before:
        assert program(*shlex.split(words)).code != USAGE, words
    for path in program.here.rglob(state.lost) if state.lost else ():
        path.unlink()
    if state.merging:
        _merge(program, state)
    return program(*shlex.split(state.words))


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _merge(program: Program, state: State) -> None:
    """Make git know a file as one that a merge left undecided."""
    _git(program, "init", "--quiet")
    sides = ("", state.ours, "theirs\n")
    objects = [_git(program, "hash-object", "-w", "--stdin", text=side) for side in sides]
    lines = (f"100644 {each} {i}\t{state.merging}\n" for i, each in enumerate(objects, start=1))
    _git(program, "update-index", "--index-info", text="".join(lines))


def _commit(program: Program) -> None:
    who = ("-c", "user.name=one", "-c", "user.email=one@example.org")
    _git(program, "add", "--all")
    _git(program, *who, "commit", "--quiet", "--no-verify", "-m", "as it is")


def _git(program: Program, *words: str, text: str = "") -> str:
    called = [str(shutil.which("git")), "-C", str(program.here), *words]
    done = subprocess.run(called, input=text, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Put a folder back afterwards as it was."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place, "copy")
        shutil.copytree(folder, copy, symlinks=True)
        try:
            yield
        finally:
            for each in folder.iterdir():
                shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
            shutil.copytree(copy, folder, symlinks=True, dirs_exist_ok=True)


def follow(program: Program, typed: str, first: Done, way: str) -> None:
    """Do what was said; it is understood, changes something, and the same is not said again."""
    with kept(program.here):
        before = snapshot(program.here)
        if is_command(way):
            _check(program, first, way, _typed(program, way), before)
        elif edit := _LINE.fullmatch(way):
            _edit(program.here / edit["file"], edit["what"])
            assert snapshot(program.here) != before, f"changes nothing: {way}"
            again = program(*shlex.split(typed))
            assert (again.out, _cause(again)) != (first.out, _cause(first)), f"{way}: {again}"


def _typed(program: Program, way: str) -> Done:
    words = shlex.split(way, comments=True)
    if words[0] == "envlock":
        return program(*words[1:])
    return program.run(["bash", "-c", way], stdin=subprocess.DEVNULL)


def _check(program: Program, first: Done, way: str, done: Done, before: object) -> None:
    said = f"{way}\n{done.out}{done.err}"
    assert done.code not in {USAGE, 126, 127}, said
    if snapshot(program.here) == before:
        assert done.out != first.out, f"changes nothing: {said}"
        assert not _cause(first) or _cause(done) != _cause(first), f"the same again: {said}"


def _cause(done: Done) -> str:
    return next((line for line in done.err.splitlines() if line.startswith("error: ")), "")


def _edit(path: Path, what: str) -> None:
    text = path.read_text(encoding="utf-8")
    if change := _CHANGE.fullmatch(what):
        assert change["old"] != change["new"], what
        bare = r"\s*".join(map(re.escape, re.findall(r"[\w.*-]+|\S", change["old"])))
        new, count = re.subn(bare, lambda _: change["new"], text)
        assert count, what
    elif remove := _REMOVE.fullmatch(what):
        new = text.replace(remove["old"], "")
    elif write := _WRITE.fullmatch(what):
        new = text
        for each in write["new"].split(" and "):
            name = re.match(r"[\w.-]+", each)
            assert name, what
            new, count = re.subn(rf"(?m)\b{name[0]}\b[^\n,\]]*", each, new)
            assert count, what
    else:
        return
    path.write_text(new, encoding="utf-8")
