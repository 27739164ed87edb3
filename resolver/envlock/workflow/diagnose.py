"""`envlock diagnose`: what is wrong, and why."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.version import Version

from envlock import standards
from envlock.diagnose import UNEXPLAINED, VERIFY, Loads, diagnose, loads, model_findings, troubled
from envlock.errors import UsageError
from envlock.examine.gathered import Given, merge
from envlock.findings import Examined, Finding, Kind
from envlock.model import Platform, Remedy, RemedyKind
from envlock.progress import Progress
from envlock.rules import database
from envlock.system import Ends
from envlock.system.looking import exists, is_file, is_folder, named

if TYPE_CHECKING:
    from envlock.environment.commands import Commands

STDIN = "-"

#: What the last line of a traceback begins with, or the line of a program that failed.
_ERROR = re.compile(r"^\s*(?:[\w.]*(?:Error|Exception|Warning)|error|ERROR): ")
_INTERPRETER = re.compile(r"python[\d.]*(?:\.exe)?", re.IGNORECASE)
#: Endings of the files that `envlock fix` changes.
_SYSTEMS = {
    "darwin": "macos",
    "linux": "linux",
    "mac": "macos",
    "macos": "macos",
    "osx": "macos",
    "win": "windows",
    "win32": "windows",
    "windows": "windows",
}
_MACHINES = {"64": "x86_64", "amd64": "x86_64", "x64": "x86_64"}


class DiagnoseOrder(Struct, frozen=True, kw_only=True):
    """What is examined.

    ``what`` are folders of environments, interpreters, files, and ``-`` for
    ``stdin``; nothing means the active environment, unless there is a model.
    """

    what: Sequence[str] = ()
    stdin: Ends | None = None
    model: Path | None = None
    python: str | None = None
    platform: str | None = None
    rules: Sequence[Path] = ()


class Diagnosis(Struct, frozen=True, kw_only=True):
    """What was found; ``examined`` is None where there is a model alone.

    ``fixable`` is the one environment or file among what was examined that
    `envlock fix` changes, as it was named: nothing for the active environment.
    """

    findings: tuple[Finding, ...]
    examined: Examined | None = None
    model: Loads | None = None
    fixable: tuple[str, ...] | None = None

    @property
    def troubled(self) -> bool:
        """Whether something is wrong with what was examined."""
        return troubled(self.findings, self.examined.text if self.examined else "")


def diagnose_all(order: DiagnoseOrder, progress: Progress) -> Diagnosis:
    """Examine everything that was named, as one, and say what is wrong.

    Raises:
        UsageError: something cannot be read, or is no environment, no Python
            version or no platform.
    """
    rules = database.load(order.rules).rules
    model = None if order.model is None else _model(order.model)
    if model is not None and not order.what:
        return Diagnosis(findings=(), model=model)
    given = Given(python=_python(order.python), platform=_platform(order.platform))
    parts: list[Examined] = []
    others: list[Finding] = []
    commands: Commands | None = None
    for name in order.what or (None,):
        if name == STDIN:
            parts.append(_of_stdin(order.stdin, given))
        elif name is not None and is_text(name):
            parts.append(_text(name, given))
        elif name is None or _is_environment(named(Path(name))):
            path = None if name is None else Path(name)
            examined, found, commands = _environment(path, given, progress)
            parts.append(examined)
            others += found
        else:
            parts.append(_file(Path(name), given))
    whole = merge(parts)
    if model is not None:
        others += model_findings(model, whole, rules)
    findings = diagnose(whole, rules, others)
    return Diagnosis(
        findings=tuple(_typed(each, commands) for each in findings),
        examined=whole,
        model=model,
        fixable=_fixable(order.what, parts) if {f.id for f in findings} - {UNEXPLAINED} else None,
    )


def _model(path: Path) -> Loads:
    from envlock.formats.model_file import examine_model  # noqa: PLC0415  (environments need none of it)

    return loads(examine_model(path))


def is_text(word: str) -> bool:
    """Tell whether a word that was typed is what an error says, and no name of a file."""
    return bool("\n" in word or _ERROR.search(word)) and "\0" not in word and not exists(Path(word))


def _text(word: str, given: Given) -> Examined:
    from envlock.examine.files import examine_content  # noqa: PLC0415  (as above)

    return examine_content(word, "the text that was typed", given)


def _file(path: Path, given: Given) -> Examined:
    from envlock.examine.files import examine_path  # noqa: PLC0415  (as above)

    return examine_path(path, given)


def _of_stdin(read: Ends | None, given: Given) -> Examined:
    from envlock.examine.files import examine_content, examine_part  # noqa: PLC0415  (as above)
    from envlock.formats.reading import cut, decode  # noqa: PLC0415  (as above)

    text, origin = decode(read.content if read else b""), "standard input"
    if read is not None and read.size:
        return examine_part(text, cut(read), origin, given)
    return examine_content(text, origin, given)


def _fixable(what: Sequence[str], parts: Sequence[Examined]) -> tuple[str, ...] | None:
    if not what:
        return ()
    from envlock.formats.registry import Can, can, format_at  # noqa: PLC0415  (as above)

    found = [
        name
        for name, part in zip(what, parts, strict=True)
        if part.kind is Kind.ENVIRONMENT
        or (part.kind is Kind.FILE and not part.complete and can(format_at(Path(name)), Can.EDIT))
    ]
    return (found[0],) if len(found) == 1 else None


def _is_environment(path: Path) -> bool:
    if is_folder(path):
        return True
    if path.is_symlink() and not exists(path):  # of an environment that lost its Python
        return bool(_INTERPRETER.fullmatch(path.name))
    return is_file(path) and bool(_INTERPRETER.fullmatch(path.name))


def _environment(
    path: Path | None, given: Given, progress: Progress
) -> tuple[Examined, tuple[Finding, ...], Commands]:
    from envlock.environment.commands import Commands  # noqa: PLC0415  (20 ms for files alone)
    from envlock.environment.inspect import find_environment  # noqa: PLC0415  (as above)
    from envlock.environment.state import examine_environment  # noqa: PLC0415  (as above)
    from envlock.workflow.cases import owned_by_conda  # noqa: PLC0415  (as above)

    _recover(path, progress)
    state = examine_environment(path)
    examined = replace(
        state.examined,
        python=given.python or state.examined.python,
        platform=given.platform or state.examined.platform,
    )
    commands = Commands(
        python=find_environment(path),
        pip="pip" in examined.packages,
        prefix=Path(examined.origin),
        by_conda=owned_by_conda(Path(examined.origin)),
    )
    return examined, state.findings, commands


def _recover(path: Path | None, progress: Progress) -> None:
    """Put right what an envlock that was stopped left, before it is taken for what is wrong."""
    from envlock.environment.inspect import place_of  # noqa: PLC0415  (as above)
    from envlock.environment.journal import unsettled  # noqa: PLC0415  (as above)

    place = place_of(path)
    if place is not None and unsettled(place):
        from envlock.environment.recovery import recover  # noqa: PLC0415  (seldom needed)

        recover(place, progress)


def _typed(finding: Finding, commands: Commands | None) -> Finding:
    """A finding whose remedies are commands for the environment that was examined."""
    if commands is None:
        return finding
    remedies = tuple(_command(each, commands) for each in finding.remedies)
    consequences = tuple(_typed(each, commands) for each in finding.consequences)
    return replace(finding, remedies=remedies, consequences=consequences)


def _command(remedy: Remedy, commands: Commands) -> Remedy:
    if remedy.kind == RemedyKind.INSTALL:
        return Remedy(kind=RemedyKind.COMMAND, text=commands.install(*remedy.text.split()))
    if remedy == VERIFY:
        return replace(remedy, text=f"{remedy.text} {shlex.quote(str(commands.prefix))}")
    return remedy


def _python(text: str | None) -> Version | None:
    if text is None:
        return None
    version = standards.version(text)
    if version is None or len(version.release) < 2:  # noqa: PLR2004  (X.Y)
        raise UsageError(f"--python {text}: a version such as 3.10 is needed", "--python 3.10")
    return version


def _platform(text: str | None) -> Platform | None:
    if text is None:
        return None
    name, _, machine = text.lower().replace("_", "-", 1).partition("-")
    system = _SYSTEMS.get(name)
    if system is None:
        raise UsageError(
            f"--platform {text}: linux, macos or windows is needed, with a machine or without",
            "--platform linux",
            "--platform macos-arm64",
        )
    machine = machine.replace("-", "_")
    return Platform(system=system, machine=_MACHINES.get(machine, machine))
