"""`envlock diagnose`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.version import Version

from envlock import standards
from envlock.causes import Cause
from envlock.choices import ReportFormat
from envlock.cli.options import IndexOptions, ReportOptions, TalkOptions, refuse_two_reports
from envlock.cli.output import Lines, say, say_json
from envlock.cli.output import talk as tell
from envlock.commands.diagnose import DiagnosedThings
from envlock.commands.diagnose.folder import with_projects
from envlock.commands.diagnose.told import told
from envlock.commands.unread import refuse_unread
from envlock.diagnose import (
    OUTSIDE,
    UNEXPLAINED,
    Loads,
    Looked,
    diagnose,
    model_findings,
    outside,
    report,
    troubled,
)
from envlock.errors import ExitCode, UsageError
from envlock.examine.files import examine_content, examine_part, examine_path
from envlock.examine.gathered import Given, merge
from envlock.findings import (
    CONFLICT,
    NOT_INSTALLABLE,
    PYTHONPATH_LEAK,
    Examined,
    Finding,
    Kind,
    by_its_lines,
)
from envlock.formats.reading import cut, decode
from envlock.formats.registry import Can, FileFormat, can, format_at
from envlock.formats.registry import named as named_format
from envlock.model import Platform, Remedy, RemedyKind, Rule, Severity
from envlock.progress import Progress
from envlock.rules import database
from envlock.rules.frameworks import is_foreign
from envlock.system import Ends, read_standard_input
from envlock.system.looking import exists, is_file, is_folder, named
from envlock.system.reading import leads_out
from envlock.system.typed import as_typed
from envlock.targets.platforms import read_platform

if TYPE_CHECKING:
    from envlock.commands.today import Judged


def run(own: DiagnosedThings, form: ReportOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Do `envlock diagnose`."""
    refuse_two_reports(form, talk)
    project, folder = with_projects(own.what, _given(own))
    order = DiagnoseOrder(
        what=project.files,
        folder=folder,
        read=project.read,
        notes=project.notes,
        stdin=read_standard_input() if STDIN in own.what else None,
        model=own.model,
        python=own.python,
        platform=own.platform,
        environment=own.environment,
        rules=own.rules,
        index=index,
    )
    found = diagnose_all(order, Lines(verbose=False))
    code = ExitCode.of(problem=found.troubled)
    if talk.json:
        content = {
            "findings": report.findings_data(found.findings),
            "has_none": found.examined is not None and is_foreign(found.examined.packages),
            "examined": report.examined_data(found.examined) if found.examined else None,
            "model": report.loads_data(found.model) if found.model else None,
        }
        say_json("diagnose", content, exit_code=code)
        return code
    if form.format is ReportFormat.GITHUB:
        from envlock.commands.diagnose.github import tell_diagnosis  # noqa: PLC0415  (for CI alone)

        tell_diagnosis(own.what, found.findings)
        return code
    if found.examined is not None and not talk.quiet:
        tell("\n".join((report.examined_text(found.examined), *found.examined.notes)))
    say(told(found, verbose=talk.verbose))
    return code


STDIN = "-"

#: Words of the shortest sentence; a file that is called so has the ending of one.
_SENTENCE = 3

#: What the last line of a traceback begins with, or the line of a program that failed.
_ERROR = re.compile(r"^\s*(?:[\w.]*(?:Error|Exception|Warning)|error|ERROR): ")

#: How a note on a line of a file begins.
_PLACE = re.compile(r"[^:\n]+(?::\d+)?(?=:)")

_INTERPRETER = re.compile(r"python[\d.]*(?:\.exe)?", re.IGNORECASE)

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
    Where they are those of a project, ``folder`` is its own, ``read`` has what
    was examined of them, and ``notes`` say what its other files tell. ``index``
    says where is looked for what an installer would take of a file: without it
    files are judged by their own lines.
    """

    what: Sequence[str] = ()
    folder: str = ""
    read: Mapping[str, Examined] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stdin: Ends | None = None
    model: Path | None = None
    python: str | None = None
    platform: str | None = None
    environment: str | None = None
    rules: Sequence[Path] = ()
    index: IndexOptions | None = None


class Diagnosis(Struct, frozen=True, kw_only=True):
    """What was found; ``examined`` is None where there is a model alone.

    ``next`` are the words of the command that goes on from here: `envlock fix`
    where other versions cure what is found, of the one thing that it changes.
    """

    findings: tuple[Finding, ...]
    examined: Examined | None = None
    model: Loads | None = None
    next: tuple[str, ...] = ()

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
    known = database.load(order.rules)
    models = _models(order)
    looked = _look(models, known)
    order = replace(order, what=tuple(each for each in order.what if not _is_model(each)))
    if models and not order.what:
        return _of_models(looked, known)
    seen = _seen(order, progress)
    whole, others = seen.whole, [*looked.findings, *seen.findings]
    rules = known.everything if whole.text or looked.findings else known.rules
    if looked.model is not None:
        others += model_findings(looked.model, whole, rules)
    judged = _judged(order, whole, progress)
    subject = whole if judged is None else judged.examined
    others += [] if judged is None else judged.findings
    if looked.model is None and not others:
        refuse_unread(seen.parts)
    findings = diagnose(subject, rules, [*others, *_strange(whole, rules, seen.parts)])
    fixable = _fixable(order.what, seen.parts)
    if fixable is not None:  # what a text alone shows is nothing that `envlock fix` would find
        bare = replace(subject, text="", uses=())
        alone = diagnose(bare, known.rules, others) if whole.text or whole.uses else findings
        fixable = fixable if any(map(_is_curable, alone)) else None
    reword = seen.typed or partial(_written_in, fixable[0] if fixable else None)
    findings = tuple(_reworded(each, reword) for each in findings)
    if judged is not None:
        findings = tuple(judged.telling(each, whole) for each in findings)
        whole = replace(whole, notes=(*whole.notes, *judged.notes))
    if order.index is not None and (judged is None or judged.pins is None):
        whole = replace(whole, notes=(*whole.notes, *_of_conda(order.what)))
    if any(leads_out(Path(each)) for each in order.what if each != STDIN and not is_text(each)):
        findings = tuple(_unquoted(each, whole.text) for each in findings)
        whole = replace(whole, notes=tuple(map(_place_of_note, whole.notes)))
    return Diagnosis(
        findings=findings,
        examined=whole,
        model=looked.model,
        next=_next(order, fixable, judged, findings, is_file=seen.typed is None),
    )


class _Seen(Struct, frozen=True, kw_only=True):
    """What was looked at, part by part and as one; how remedies are typed in an environment."""

    whole: Examined
    parts: tuple[Examined, ...]
    findings: tuple[Finding, ...] = ()
    typed: Callable[[Remedy], Remedy] | None = None


def _seen(order: DiagnoseOrder, progress: Progress) -> _Seen:
    given = _given(order)
    parts: list[Examined] = []
    others: list[Finding] = []
    typed: Callable[[Remedy], Remedy] | None = None
    for name in order.what or (None,):
        if name is None or _is_environment(name):
            path = None if name is None else Path(name)
            examined, found, typed = _environment(path, given, progress)
            parts.append(examined)
            others += found
        else:
            parts.append(order.read.get(name) or _written(name, order.stdin, given))
    whole = merge(parts)
    if order.folder:
        whole = replace(whole, origin=order.folder, notes=(*order.notes, *whole.notes))
    return _Seen(whole=whole, parts=tuple(parts), findings=tuple(others), typed=typed)


def _of_conda(what: Iterable[str]) -> tuple[str, ...]:
    """The notes on files of conda's among what was named."""
    files = (each for each in what if each != STDIN and not is_text(each) and is_file(Path(each)))
    return tuple(
        by_its_lines(each) for each in files if format_at(Path(each)) is FileFormat.ENVIRONMENT
    )


def _judged(order: DiagnoseOrder, whole: Examined, progress: Progress) -> Judged | None:
    """What an installer would take of a file that asks for packages; None: it is no such file."""
    if order.index is None or not whole.asked or whole.text:
        return None
    from envlock.commands import today  # noqa: PLC0415  (0.1 s, of a solver)

    return today.of_file(whole, order.index, order.python, progress)


def _next(
    order: DiagnoseOrder,
    fixable: tuple[str, ...] | None,
    judged: Judged | None,
    findings: Iterable[Finding],
    *,
    is_file: bool,
) -> tuple[str, ...]:
    """The words of the next command, () where there is none to type.

    `envlock fix` chooses other versions where a rule says which are wrong, also
    of a file that cannot be installed; where none does, only a lock can be tried.
    """
    python = ("--python", order.python) if order.python and is_file else ()
    if judged is not None and judged.obstacle is not None:
        if len(order.what) != 1 or order.what[0] == STDIN:
            return ()
        other = ("--python", judged.pythons[0]) if judged.pythons else python
        curable = judged.pythons or any(_is_curable(each, _OF_INSTALLERS) for each in findings)
        verb = ("fix",) if curable and fixable is not None else ("lock", "-r")
        return ("envlock", *verb, *order.what, *other)
    # No version cures lines that exclude each other: the finding says which to leave out.
    clash = any(each.id == NOT_INSTALLABLE for each in findings)
    return () if fixable is None or clash else ("envlock", "fix", *fixable, *python)


def _models(order: DiagnoseOrder) -> list[Path]:
    """The model files that were named."""
    named = [Path(each) for each in order.what if _is_model(each)]
    return [*named, *([order.model] if order.model is not None else [])]


def _look(models: Sequence[Path], known: database.Database) -> Looked:
    """What is seen of model files."""
    if not models:
        return Looked()
    from envlock.commands.diagnose.model import look  # noqa: PLC0415  (environments need none of it)

    return look(models, known.everything)


def _of_models(looked: Looked, known: database.Database) -> Diagnosis:
    """What is said where nothing but model files was named."""
    nothing = Examined(kind=Kind.MODEL, origin="")
    findings = diagnose(nothing, known.everything, looked.findings) if looked.findings else ()
    reworded = tuple(_reworded(each, partial(_written_in, None)) for each in findings)
    return Diagnosis(findings=reworded, model=looked.model)


def _strange(examined: Examined, rules: Iterable[Rule], parts: Iterable[Examined]) -> list[Finding]:
    """What a text says of another Python than the one that was examined."""
    if not examined.text:
        return []
    home = next((each.origin for each in parts if each.kind is Kind.ENVIRONMENT), "")
    found = outside(examined.text, _known_names(examined, rules), home, os.environ)
    return [found] if found is not None else []


def _is_curable(finding: Finding, but: frozenset[str] = frozenset()) -> bool:
    """Whether a change of packages cures a finding that breaks, or one that comes of it."""
    own = finding.severity is Severity.BREAKS and finding.cause is Cause.VERSION
    own = own and [each.kind for each in finding.remedies[:1]] != [RemedyKind.SETTING]
    return (own and finding.id not in _NOT_OF_PACKAGES | but) or any(
        _is_curable(each, but) for each in finding.consequences
    )


def _reworded(finding: Finding, reword: Callable[[Remedy], Remedy]) -> Finding:
    """A finding whose remedies say what is typed, and where."""
    return replace(
        finding,
        remedies=tuple(map(reword, finding.remedies)),
        consequences=tuple(_reworded(each, reword) for each in finding.consequences),
    )


def _unquoted(finding: Finding, text: str) -> Finding:
    """A finding by its place alone, since a link led out of the project to the text."""
    first = finding.evidence.partition("\n")[0].strip()
    lines = (n for n, line in enumerate(text.splitlines(), 1) if first and first in line)
    number = next(lines, None)
    own = finding.id == UNEXPLAINED
    return replace(
        finding,
        evidence=f"line {number}, which is not told: a link led to it" if number else "",
        because="An error was raised, and no rule that envlock has explains it."
        if own
        else finding.because,
        remedies=finding.remedies[-1:] if own else finding.remedies,
        consequences=tuple(_unquoted(each, text) for each in finding.consequences),
    )


def _place_of_note(note: str) -> str:
    """A note on a file without what it quotes: the file and its line."""
    place = _PLACE.match(note)
    return f"{place[0]}: not told, as a link led to it" if place else "a note is not told"


def _written_in(file: str | None, remedy: Remedy) -> Remedy:
    """A remedy where no environment was examined, so that no command can be known to work."""
    if remedy.kind == RemedyKind.COMMAND:
        return replace(remedy, text=as_typed(remedy.text))
    if remedy.kind != RemedyKind.INSTALL:
        return remedy
    named = " and ".join(remedy.text.split())
    said = f"in {file}, write {named}" if file else f"where this ran, install {named}"
    return Remedy(kind=RemedyKind.ADVICE, text=said)


#: Findings that no change of packages cures.
_NOT_OF_PACKAGES = frozenset({UNEXPLAINED, OUTSIDE, PYTHONPATH_LEAK})

#: Findings of what packages declare, which name no version that is wrong.
_OF_INSTALLERS = frozenset({CONFLICT, NOT_INSTALLABLE})


def _known_names(examined: Examined, rules: Iterable[Rule]) -> frozenset[str]:
    """The packages that are known by name: those that were examined or that a rule speaks of."""
    spoken = (when.package for rule in rules for case in rule.cases for when in case.when)
    return frozenset((*examined.packages, *spoken))


def is_text(word: str) -> bool:
    """Tell whether a word that was typed is what an error says, and no name of a file.

    A sentence is, since people leave out the class that it begins with.
    """
    if "\0" in word or exists(Path(word)):
        return False
    if "\n" in word or _ERROR.search(word):
        return True
    return len(word.split()) >= _SENTENCE and named_format(Path(word)) is None


def _written(name: str, read: Ends | None, given: Given) -> Examined:
    """What a file says, a text that was typed, or standard input."""
    if is_text(name):
        return examine_content(name, "the text that was typed", given)
    if name != STDIN:
        return examine_path(Path(name), given)
    text, origin = decode(read.content if read else b""), "standard input"
    if read is not None and read.size:
        return examine_part(text, cut(read), origin, given)
    return examine_content(text, origin, given)


def _fixable(what: Sequence[str], parts: Sequence[Examined]) -> tuple[str, ...] | None:
    if not what:
        return ()
    found = [
        name
        for name, part in zip(what, parts, strict=True)
        if part.kind is Kind.ENVIRONMENT
        or (part.kind is Kind.FILE and _is_asked(part) and can(format_at(Path(name)), Can.EDIT))
    ]
    return (found[0],) if len(found) == 1 else None


def _is_asked(part: Examined) -> bool:
    return bool(part.asked) or not part.complete


def _environment(
    path: Path | None, given: Given, progress: Progress
) -> tuple[Examined, tuple[Finding, ...], Callable[[Remedy], Remedy]]:
    from envlock.commands.diagnose import environment  # noqa: PLC0415  (20 ms for files alone)

    return environment.examine(path, given, progress)


def _is_model(name: str) -> bool:
    """Whether a word that was typed names a saved model, by its ending or its first bytes."""
    if name == STDIN or is_text(name):
        return False
    path = named(Path(name))
    if is_folder(path):
        return is_file(path / "saved_model.pb")
    return named_format(path) is FileFormat.MODEL and is_file(path)


def _is_environment(name: str) -> bool:
    if name == STDIN or is_text(name):
        return False
    path = named(Path(name))
    if is_folder(path):
        return True
    # Of an environment that lost its Python, it is a link that leads nowhere.
    there = is_file(path) or (path.is_symlink() and not exists(path))
    return there and bool(_INTERPRETER.fullmatch(path.name))


def _given(said: DiagnosedThings | DiagnoseOrder) -> Given:
    system = _platform(said.platform)
    return Given(python=_python(said.python), platform=system, environment=said.environment)


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
    name, _, machine = text.lower().replace("-", "_").partition("_")
    system = _SYSTEMS.get(name)
    if system is None:  # a system alone, or a machine that no lock is for, has no name there
        return read_platform(text).platform
    return Platform(system=system, machine=_MACHINES.get(machine, machine))
