"""Faults of the arguments in envlock's words, and remedies that can be pasted.

Imported for errors only.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from envlock.cli import github
from envlock.cli.meant import meant
from envlock.cli.output import say_error
from envlock.cli.process import Unprintable
from envlock.errors import Conflicted, EnvlockError, PythonGone, UsageError
from envlock.index.secrets import redact, strip_credentials
from envlock.system.revisions import before_merge
from envlock.system.typed import as_typed, words_of

#: What a way out of a refusal says itself, as far as it is to be said.
_ASKS = frozenset(
    {
        *("--requirement", "--extra", "--group", "--python", "--platform"),
        *("--accelerator", "--exclude-newer", "--check"),
    }
)
#: Where packages come from, which every command that asks for some has alike.
_FROM = frozenset(
    {
        *("--index-url", "--extra-index-url", "--index-strategy", "--find-links", "--no-index"),
        *("--trusted-host", "--cert", "--client-cert", "--keyring-provider", "--offline"),
    }
)
#: The commands that ask for packages, by their options.
_ASKING = frozenset({"bisect", "bundle", "create", "docker", "fix", "lock", "sync"})
#: What deletes, so that whoever proposes it says so behind it.
_FORCE = "--force"
_COMMENT = "  # "
_DELETES = f"{_COMMENT}{_FORCE} deletes the environment that is there"


def complain(
    error: EnvlockError | typer.TyperException, app: typer.Typer, typed: Sequence[str]
) -> int:
    """Tell an error and what to type next, and return its exit code."""
    name, _ = _find(app, typed)
    if isinstance(error, typer.TyperException):
        error = _usage_error(error, name, typed)
    sound = _without_fault(app, typed, str(getattr(error, "message", "")))
    remedies = [pasted(app, sound, remedy) for remedy in _remedies(error)]
    if getattr(error, "carries", False):
        remedies = [carried(app, typed, remedy) for remedy in remedies]
    remedies = [as_typed(each) for each in remedies]
    as_json = "--json" in typed and not isinstance(error, Unprintable)
    if github.asked_for(typed) and not isinstance(error, Unprintable):
        github.annotate_error(error, remedies)
    commands = [words for each in remedies if (words := words_of(each))]
    say_error(error, name, remedies, commands if as_json else None)
    return error.exit_code


def _remedies(error: EnvlockError) -> Sequence[str]:
    if isinstance(error, PythonGone):
        from envlock.environment.place import remedies  # noqa: PLC0415  (30 ms, seldom needed)

        return remedies(error)
    if isinstance(error, Conflicted):
        return [*_after_merge(error)]
    return error.remedies


def _after_merge(error: Conflicted) -> Iterator[str]:
    """How a file of before a merge comes back, and is made anew where envlock wrote it."""
    files = [each for each in error.files if each.is_file()]
    back = before_merge(files) if files else ""
    if error.again and files:
        names = shlex.join(each.as_posix() for each in files)
        yield f"{back or f'rm {names}'} && {error.again}"
    elif files:
        names = " and ".join(map(str, files))
        yield f"edit {names}: keep what is wanted of both, without the lines of <, = and >"
        yield from [back] if back else []


def _without_fault(app: typer.Typer, typed: Sequence[str], message: str) -> Sequence[str]:
    """What was typed, without the value of an option that an error is about: no remedy keeps it.

    An error is about one where it begins with it.
    """
    name, _, rest = message.partition(" ")
    value = rest.partition(":")[0]
    if not name.startswith("-") or not value:
        return typed
    _, command = _find(app, typed)
    names = next((param.opts for param in command.params if name in param.opts), [name])
    kept: list[str] = []
    for word in typed:
        option, equals, text = word.partition("=")
        apart = kept[-1:] != [] and kept[-1] in names
        inside = word if apart else text if equals and option in names else ""
        values = [inside] if inside == value else inside.split(",")
        if value not in values:
            kept.append(word)
            continue
        values.remove(value)
        joined = ",".join(values)
        if values:
            kept.append(joined if apart else f"{option}={joined}")
        elif apart:
            kept.pop()
    return kept


def _usage_error(fault: typer.TyperException, name: str, typed: Sequence[str]) -> UsageError:
    """Return what typer found wrong with the arguments of a command as an error of envlock."""
    other = None if name or not typed else meant(typed)
    if other is not None:
        message = f"there is no command {typed[0]}; what is called so elsewhere is {other} here"
        return UsageError(message, shlex.join(["envlock", *other.split(), *typed[1:]]))
    message = fault.format_message().replace(": Value error, ", ": ").rstrip(".")
    path = f"envlock {name}".rstrip()
    return UsageError(f"{message[:1].lower()}{message[1:]}", f"{path} --help")


def pasted(app: typer.Typer, typed: Sequence[str], remedy: str) -> str:
    """Return a remedy as a whole command: options with a value each join what was typed.

    There it takes the place of the same option, if that can have one value only
    or has the same address without credentials. What was to be deleted at one
    place is not to be at another. Where something that was typed looks like a
    secret the option stands alone: hidden it could not be typed, and shown it
    would be in every log.
    """
    option, _, _ = remedy.partition(_COMMENT)
    name, *value = option.split() or [""]
    if not name.startswith("-") or not all(each.startswith("-") for each in value[1::2]):
        return remedy
    called, command = _find(app, typed)
    options = (param for param in command.params if name in param.opts)
    spellings = next((o.opts for o in options if not (o.multiple or o.is_flag)), ())
    elsewhere = {_FORCE} if name == "--env" else set()
    kept: list[str] = ["envlock"]
    words = iter(_without(typed, name, "".join(value[:1])))
    for word in words:
        if word in spellings:
            next(words, None)
        elif word.partition("=")[0] not in {*spellings, *elsewhere}:
            kept.append(word)
    whole = shlex.join(kept)
    if redact(whole) != redact(whole, certain=True):
        return f"the same with {remedy}"
    if not command.allow_interspersed_args:  # what follows is another program's
        first = 1 + len(called.split())
        return shlex.join([*kept[:first], *option.split(), *kept[first:]])
    return f"{whole} {remedy}{_DELETES if _FORCE in kept else ''}"


def carried(app: typer.Typer, typed: Sequence[str], way: str) -> str:
    """Return a way out of a refusal with what was typed beside the packages: indexes, outputs.

    It was solved with these, so without them it may have no answer. Another
    command gets what says where packages come from.
    """
    name, command = _find(app, typed)
    words = way.split()
    same = words[: 1 + len(name.split())] == ["envlock", *name.split()]
    if not same and not (words[:1] == ["envlock"] and _ASKING.intersection(words[1:2])):
        return way
    way, mark, comment = way.partition(_COMMENT)
    said = {word.partition("=")[0] for word in words}
    more = [
        word
        for opts, given in _options(command.params, typed)
        if not said & opts and not _ASKS & opts and (same or _FROM & opts)
        for word in given
    ]
    deletes = _DELETES if _FORCE in more else ""
    return f"{way} {shlex.join(more)}".rstrip() + (deletes or f"{mark}{comment}")


def _options(params: Sequence[Any], typed: Sequence[str]) -> Iterator[tuple[set[str], list[str]]]:
    """The options that were typed, each with all of its spellings and with its value."""
    known = {opt: param for param in params for opt in (*param.opts, *param.secondary_opts)}
    words = iter(typed)
    for word in words:
        if word == "--":
            return
        option, given = known.get(word.partition("=")[0]), [word]
        if option is None and word[:1] == "-":  # a letter with its value behind it
            option = known.get(word[:2])
            if option is None or option.is_flag:
                continue
        elif option is not None and not option.is_flag and "=" not in word:
            given += [value for value in [next(words, None)] if value is not None]
        if option is not None:
            yield {*option.opts, *option.secondary_opts}, given


def _without(typed: Sequence[str], name: str, value: str) -> Sequence[str]:
    """What was typed, without an option that names the place which the remedy names anew."""
    if "://" not in value or "@" not in value:
        return typed
    place = strip_credentials(value).rstrip("/")
    kept: list[str] = []
    for word in typed:
        if "://" in word and strip_credentials(word).rstrip("/") == place and kept[-1:] == [name]:
            kept.pop()
        elif "://" not in word or strip_credentials(word).rstrip("/") != f"{name}={place}":
            kept.append(word)
    return kept


def _find(app: typer.Typer, typed: Sequence[str]) -> tuple[str, Any]:
    command: Any = typer.main.get_command(app)
    names: list[str] = []
    for word in typed:
        inner = getattr(command, "commands", {})
        if word in inner:
            names.append(word)
            command = inner[word]
    return " ".join(names), command
