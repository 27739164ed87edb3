"""Commands that install, in lines of a shell: of an image, a Makefile, a notebook, a script. Pure.

Sources: ``pip install --help``, ``conda install --help``, ``uv pip install
--help``: which options have a value. Nothing is run; a variable is known where
the file itself gives it a value.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from envlock.errors import UsageError
from envlock.formats.declarations import By, Declaration, place
from envlock.formats.faults import shown
from envlock.formats.requirements import joined_lines

_PIP = re.compile(r"(?:.*/)?pip(?:3(?:\.\d+)?)?(?:\.exe)?")
_CONDA = re.compile(r"(?:.*/)?(?:conda|mamba|micromamba)(?:\.exe|\.bat)?")
_PYTHON = re.compile(r"(?:.*/)?(?:python|py)[\d.]*(?:\.exe)?")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_SHORT = re.compile(r"-[rc][^-].*")
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
#: Where one command of a line ends and another begins.
_ENDS = frozenset({"&&", "||", ";", "|", "&", "(", ")", "{", "}", "then", "do", "else"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: What may stand before the program.
_BEFORE = frozenset({"sudo", "env", "exec", "time", "nohup", "!", "-E", "-H", "run"})
#: Options of pip with a value of their own, that ask for no package.
_VALUED = _words(
    "--abi --cache-dir --cert --client-cert --config-setting --config-settings"
    " --exists-action --extra-index-url --find-links --global-option --implementation"
    " --index-url --install-option --keyring-provider --log --no-binary --only-binary"
    " --platform --prefix --progress-bar --proxy --python --python-version --report"
    " --resume-retries --retries --root --src --target --timeout --trusted-host"
    " --upgrade-strategy --use-deprecated --use-feature --index --default-index"
    " --torch-backend --link-mode --index-strategy --exclude-newer -C -f -i -p -t -b"
)
#: Those that ask for something, as a line of a requirements file says it.
_ASKING = {
    "-r": "-r",
    "--requirement": "-r",
    "-c": "-c",
    "--constraint": "-c",
    "-e": "-e",
    "--editable": "-e",
}
#: The same of conda.
_CONDA_VALUED = _words(
    "-n --name -p --prefix -c --channel --solver --experimental-solver --subdir --platform"
    " --repodata-fn --revision"
)
_CONDA_ASKING = {"-f": "-r", "--file": "-r"}
_LONGEST = 20_000  # characters of a line that are looked at


class Words(Struct, frozen=True, kw_only=True):
    """One command as a shell takes it apart; ``sent`` is where its output goes."""

    words: tuple[str, ...]
    sent: tuple[str, ...] = ()


def of_script(path: Path, text: str) -> Iterator[Declaration]:
    """Yield what the commands of a script or a Makefile install."""
    for number, line in joined_lines(text.splitlines(), glue=" "):
        yield from installs(line.lstrip("\t @-$"), place(path, number))


def installs(
    line: str, where: str, variables: Mapping[str, str] | None = None
) -> Iterator[Declaration]:
    """Yield what the commands in one line of a shell install."""
    for command in commands(line[:_LONGEST]):
        yield from _installed(_filled(command, variables or {}), where)


def commands(line: str) -> Iterator[Words]:
    """Yield the commands of a line, as far as quotes go; a line that is no shell's has none."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|<>()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    sent: list[str] = []
    try:
        tokens = [*lexer]
    except ValueError:  # a quote that does not end: prose, or another language
        tokens = []
    waiting = iter(tokens)
    for token in waiting:
        if token.startswith("#"):
            break
        if token in _ENDS or set(token) <= set(";&|"):
            yield Words(words=tuple(words), sent=tuple(sent))
            words, sent = [], []
        elif token and set(token) <= set("<>&"):
            sent.append(next(waiting, ""))
        else:
            words.append(token)
    yield Words(words=tuple(words), sent=tuple(sent))


def fill(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with the variables that are known in their places."""
    return _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), text)


def _filled(command: Words, variables: Mapping[str, str]) -> Words:
    return Words(words=tuple(fill(word, variables) for word in command.words), sent=command.sent)


def _installed(command: Words, where: str) -> Iterator[Declaration]:
    words = [*command.words]
    while words and (words[0] in _BEFORE or _ASSIGNED.match(words[0])):
        words.pop(0)
    verb = _verb(words)
    if verb is None:
        return
    by, rest = verb
    yield from _asked(by, rest, where)
    for name in command.sent:
        if name.startswith("="):
            yield Declaration(
                where=where,
                text="",
                by=by,
                fault=UsageError(
                    f"a shell writes to a file for {shown(f'>{name}')}: no bound is left",
                    "put the requirement in quotes",
                ),
            )


def _verb(words: list[str]) -> tuple[By, list[str]] | None:
    """Who installs, and the words behind the verb; None: the command installs nothing."""
    match words:
        case [program, "-m", "uv", *rest] if _PYTHON.fullmatch(program):
            return _verb(["uv", *rest])
        case [program, "-m", "pip", *rest] if _PYTHON.fullmatch(program):
            return _verb(["pip", *rest])
        case ["uv", "pip", "install", *rest]:
            return By.PIP, rest
        case [program, *rest]:
            by = By.CONDA if _CONDA.fullmatch(program) else By.PIP
            verbs = {"install", "create"} if by is By.CONDA else {"install"}
            while rest and rest[0].startswith("-"):
                rest.pop(0)
            known = by is By.CONDA or _PIP.fullmatch(program)
            return (by, rest[1:]) if known and rest and rest[0] in verbs else None
        case _:
            return None


def _asked(by: By, words: Sequence[str], where: str) -> Iterator[Declaration]:
    """What the words behind the verb ask for."""
    of_pip = by is By.PIP
    asking, valued = (_ASKING, _VALUED) if of_pip else (_CONDA_ASKING, _CONDA_VALUED)
    waiting = iter(words)
    for word in waiting:
        name, equals, value = word.partition("=")
        if of_pip and _SHORT.fullmatch(word):
            yield Declaration(where=where, text=f"{word[:2]} {word[2:]}")
        elif name in asking:
            value = value if equals else next(waiting, "")
            yield Declaration(where=where, text=f"{asking[name]} {value}")
        elif word in valued:
            next(waiting, None)
        elif word and not word.startswith("-"):
            yield _wanted(word, where, by)


def _wanted(word: str, where: str, by: By) -> Declaration:
    """A requirement; of one with a variable that nobody set, the name alone."""
    unknown = _VARIABLE.search(word)
    if unknown is None:
        return Declaration(where=where, text=word, by=by)
    name = re.split(r"[=<>!~\[$ ]", word, maxsplit=1)[0]
    fault = UsageError(f"{shown(word)}: the file does not say what ${unknown[1]} is")
    return Declaration(where=where, text=name, by=by, fault=fault)
