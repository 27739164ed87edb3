"""The command line: arguments in, one command called, an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from envlock import __version__
from envlock.choices import Colour
from envlock.cli import before
from envlock.cli.arguments import Command, announce, flag, option, register
from envlock.cli.colors import choose
from envlock.cli.help import GroupedProgram
from envlock.cli.output import PLAIN, forget, say, talk, tell_work
from envlock.cli.process import Unprintable, forget_changes, interruption
from envlock.errors import EnvlockError

_SETTINGS = {"help_option_names": ["-h", "--help"]}

#: Every command, with its declaration in a room of `envlock.commands`.
COMMANDS = {
    "create": "environments.CREATE",
    "lock": "lock.LOCK",
    "docker": "docker.DOCKER",
    "sync": "environments.SYNC",
    "bundle": "bundle.BUNDLE",
    "export": "files.EXPORT",
    "diff": "files.DIFF",
    "tree": "packages.TREE",
    "list": "packages.LIST",
    "why": "packages.WHY",
    "add": "project.ADD",
    "remove": "project.REMOVE",
    "run": "project.RUN",
    "kernel": "project.KERNEL",
    "verify": "environments.VERIFY",
    "diagnose": "diagnose.DIAGNOSE",
    "fix": "fix.FIX",
    "history": "fix.HISTORY",
    "bisect": "bisect.BISECT",
    "releases": "knowledge.RELEASES",
    "capabilities": "matrix.CAPABILITIES",
    "rules list": "knowledge.RULES_LIST",
    "rules show": "knowledge.RULES_SHOW",
    "rules check": "knowledge.RULES_CHECK",
    "rules constraints": "knowledge.RULES_CONSTRAINTS",
    "rules schema": "knowledge.RULES_SCHEMA",
    "cache dir": "cache.DIR",
    "cache size": "cache.SIZE",
    "cache clean": "cache.CLEAN",
    "config schema": "knowledge.CONFIG_SCHEMA",
    "json schema": "knowledge.JSON_SCHEMA",
    "matrix run": "matrix.RUN",
    "matrix check": "matrix.CHECK",
    "matrix report": "matrix.REPORT",
}
_GROUPS = {
    "rules": "Show and check what package metadata does not say.",
    "cache": "Say where caches are and how large, and empty them.",
    "config": "Describe the configuration.",
    "json": "Describe what --json prints.",
    "matrix": "Run many releases, record what they do, and show it.",
}
#: The commands that pass on what is typed to another program.
_PASSING = frozenset({"run"})
#: The option by which a command is told to say less.
TALK = "quiet"
#: The variable by which a shell asks what a word may become.
_COMPLETION = "_ENVLOCK_COMPLETE"


def _version(value: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if value:
        say(f"envlock {__version__}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("-V", "--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
    directory: Annotated[
        str | None, option("-C", "--directory", metavar="DIR", says="Work in this folder.")
    ] = None,
    color: Annotated[
        str | None,
        option("--color", metavar="WHEN", says=f"{', '.join(Colour)}.  [default: auto]"),
    ] = None,
    no_progress: Annotated[bool, flag("--no-progress", says="Show no progress.")] = False,
    log: Annotated[
        str | None, option("--log", metavar="FILE", says="Add each request and program to a file.")
    ] = None,
    quiet: Annotated[bool, flag("-q", "--quiet", says="Say only errors and results.")] = False,
    verbose: Annotated[
        bool, flag("-v", "--verbose", says="Say each step; -vv each request and program.")
    ] = False,
) -> None:
    """Locks for TensorFlow, Keras and h5py that run, and the proof."""
    del version, directory, color, no_progress, log, quiet, verbose  # see `cli.before`


def _app(typed: Sequence[str]) -> typer.Typer:
    """Build the command line; where a command was typed, it or its group alone.

    Building every command takes a third of the time of a start, so where an
    option comes first (``--help``, ``--version``), they are only listed.
    """
    first = next(iter(typed), "" if _COMPLETION in os.environ else "--help")
    add = announce if first.startswith("-") and first != "--" else register
    chosen = {name: place for name, place in COMMANDS.items() if name.split()[0] == first}
    app = typer.Typer(
        name="envlock",
        cls=GroupedProgram,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=_SETTINGS,
        epilog="Exit codes: 0 done, nothing wrong; 1 something is wrong with what was examined; "
        "2 usage; 3 no resolution; 4 the work could not be done; 130 interrupted.",
    )
    app.callback()(_root)
    groups = {"": app}
    for name, place in (chosen or COMMANDS).items():
        group, _, own = name.rpartition(" ")
        if group not in groups:
            says = _GROUPS[group]
            groups[group] = typer.Typer(
                help=says, rich_markup_mode=None, context_settings=_SETTINGS
            )
            app.add_typer(groups[group], name=group)
        add(groups[group], own, _command(place))
    return app


def run(typed: Sequence[str]) -> int:
    """Do what was typed after ``envlock`` and return the exit code.

    Anything else than an `EnvlockError` or a fault in the arguments is a
    defect and stays a traceback.
    """
    forget()
    forget_changes()
    _learn(typed)
    try:
        return _run(typed)
    except Unprintable as error:
        return _complain(error, typed)


def _learn(typed: Sequence[str]) -> None:
    """Take note of the credentials in what was typed, whichever option they were typed for."""
    urls = [word for word in typed if "://" in word or "@" in word]
    if urls:
        from envlock.index.secrets import learn, secrets_of  # noqa: PLC0415  (--help has none)

        for url in urls:
            for secret in secrets_of(url[url.find("=") + 1 :] if url.startswith("-") else url):
                learn(secret)


def interrupted(typed: Sequence[str]) -> int:
    """Tell that somebody pressed Ctrl-C when no command was at work, and return the exit code."""
    return _complain(interruption(), typed)


def _run(typed: Sequence[str]) -> int:
    try:
        typed = _settled(typed)
    except EnvlockError as error:
        return _complain(error, ())
    app = _app(typed)
    try:
        code: int = app(list(typed) or ["--help"], prog_name="envlock", standalone_mode=False)
    except EnvlockError as error:
        _tell_troubles(typed)
        links = sys.modules.get("envlock.system.reading")
        return _complain(links.discreet(error) if links else error, typed)
    except typer.TyperException as fault:
        return _complain(fault, typed)
    _tell_troubles(typed)
    return code


def _settled(typed: Sequence[str]) -> Sequence[str]:
    """Do what options of every command say, and return the command that is left.

    Raises:
        UsageError: one of them makes no sense.
        WorkError: what is told cannot be logged.
    """
    found = before.read(typed, _PASSING)
    choose(found.color)
    PLAIN.extend([] if found.progress else [True])
    tell_work(found.loud, found.log)
    before.go_to(found.directory)
    command = [*_as_options([*found.command])]
    place = COMMANDS.get(" ".join(command[:1]))
    if found.talk and place is not None and TALK in _command(place).options:
        command[1:1] = found.talk
    return command


def _command(place: str) -> Command:
    room, _, declared = place.partition(".")
    found: Command = getattr(import_module(f"envlock.commands.{room}"), declared)
    return found


def _as_options(typed: Sequence[str]) -> Sequence[str]:
    """``help COMMAND`` and ``version`` as the options that say the same."""
    if typed[:1] == ["help"]:
        return [*typed[1:], "--help"]
    return ["--version"] if [*typed] == ["version"] else typed


def _tell_troubles(typed: Sequence[str]) -> None:
    """Say once which caches could not be used; what was not imported had none to use."""
    caches = sys.modules.get("envlock.system.caches")
    if caches is not None and not {"-q", "--quiet"} & set(typed):
        for sentence in caches.cache_troubles():
            talk(sentence)


def _complain(error: EnvlockError | typer.TyperException, typed: Sequence[str]) -> int:
    from envlock.cli import advice  # noqa: PLC0415  (for errors only)

    return advice.complain(error, _app(typed), typed)
