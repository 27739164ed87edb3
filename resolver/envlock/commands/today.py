"""What a file that asks for packages will become: the one judgement of `diagnose` and `fix`.

A request names few of the packages that it brings, so what it breaks shows in
the set that an installer takes of it today, for one Python on one platform:
those that `envlock lock` takes too, where nobody names others.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from functools import cache

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.choices import EngineName
from envlock.cli.options import IndexOptions
from envlock.cli.orders import index_settings
from envlock.config import load_config
from envlock.diagnose.deduced import usual_platform
from envlock.engine import ENGINES
from envlock.errors import EnvlockError
from envlock.findings import NOT_INSTALLABLE, Examined, Finding, Kind
from envlock.index.filenames import admitted, releases
from envlock.index.origin import indexes
from envlock.index.pages import Index
from envlock.model import (
    IndexSettings,
    Remedy,
    RemedyKind,
    Severity,
    Stage,
    Target,
)
from envlock.progress import Progress
from envlock.request.words import applicable
from envlock.resolve import Question, Tools, merge
from envlock.resolve.today import Impossible, Obstacle, Today, today
from envlock.rules.frameworks import frameworks
from envlock.system import OutOfTime, keep_recent, kept_folder, load_recent, within
from envlock.system.looking import current_folder
from envlock.targets.find import TargetTerms, find
from envlock.targets.platforms import NamedPlatform
from envlock.versions import minor_of
from envlock.words import counted

#: How long is looked for what an installer takes: who asks what is wrong waits for it.
_SECONDS = 30.0

#: How long is believed that a package is source alone, in seconds.
_DAY = 86400.0

_SHOWN = 4  # packages that are named


class Meant(Struct, frozen=True, kw_only=True):
    """Where a file is judged: the indexes, the Python that was named, and the usual one."""

    settings: IndexSettings
    python: str | None = None
    usual: str | None = None


class Judged(Struct, frozen=True, kw_only=True):
    """What is judged in place of a file: the set that is taken of it, or the file as it is.

    ``pins`` is None where that set is not known; ``note`` then says why, and
    ``is_known`` whether it was looked for and found.
    ``obstacle`` is the finding that there is none, ``pythons`` the
    others on which nothing of that is in the way. ``unread`` packages are
    source alone, so that only building them tells what they bring.
    """

    examined: Examined
    pins: Mapping[NormalizedName, Version] | None = None
    obstacle: Finding | None = None
    pythons: tuple[str, ...] = ()
    unread: tuple[NormalizedName, ...] = ()
    note: str = ""
    is_known: bool = True

    @property
    def notes(self) -> tuple[str, ...]:
        """What is told of how it was judged."""
        return (self.note,) if self.note else ()

    def telling(self, finding: Finding, named: Examined) -> Finding:
        """A finding that says what is taken of the packages that a file does not pin."""
        if self.pins is None:
            return finding
        taken = [
            f"{name} {version}"
            for name, version in finding.packages.items()
            if version is not None and name not in named.packages
        ]
        said = f" Today's resolve takes {' and '.join(taken)}." if taken else ""
        under = tuple(self.telling(each, named) for each in finding.consequences)
        return replace(finding, because=f"{finding.because}{said}", consequences=under)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with it whatever the rules say."""
        return () if self.obstacle is None else (self.obstacle,)


def tools_for(
    settings: IndexSettings,
    engine: EngineName,
    progress: Progress,
    names: Iterable[NormalizedName] = (),
) -> Tools:
    """Who solves: an engine, and the index pages that these settings name; some are read at once.

    Raises:
        IndexFailure: one of these pages cannot be read.
    """
    index = Index(settings, progress=progress)
    index.read(names)
    return Tools(
        engine=ENGINES[engine if not settings.offline else EngineName.UV](),
        releases=cache(lambda name: releases(admitted(index.files(name), None))),
        progress=progress,
        pinned=index.pinned,
    )


def target_of(examined: Examined, meant: Meant) -> Target:
    """Return the target that a file is judged for, as `envlock lock` has it.

    Raises:
        InterpreterMissing: what was named as a Python is none, or not here.
    """
    said = None if examined.python is None else minor_of(examined.python)
    python = meant.python or said or meant.usual
    place = None
    if examined.platform is not None:
        known = usual_platform(examined.platform)
        place = NamedPlatform(platform=known, option=str(known))
    return find(python, place, TargetTerms())


def is_request(examined: Examined) -> bool:
    """Whether something asks for packages that pip installs, and is no list of what is there."""
    return examined.kind is Kind.FILE and bool(examined.asked) and not examined.text


def of_file(
    examined: Examined, index: IndexOptions, python: str | None, progress: Progress
) -> Judged:
    """Judge a file as it was asked on the command line.

    Whatever keeps what is taken of it from being known is a note, and so is the
    end of the time for it: then the file is judged by its own lines.
    """
    try:
        config = load_config(current_folder(), os.environ)
        settings = index_settings(index, config)
        meant = Meant(settings=settings, python=python, usual=config.python)
        return judged_in_time(examined, target_of(examined, meant), settings, progress)
    except EnvlockError as error:
        return _unknown(examined, error.message.partition("\n")[0])


def judged_in_time(
    examined: Examined, target: Target, settings: IndexSettings, progress: Progress
) -> Judged:
    """Judge a file as `judged` does, or at the end of the time for it by its own lines.

    Raises:
        UsageError: as `judged`.
        WorkError: as `judged`.
    """
    try:
        with within(_SECONDS):
            return judged(examined, target, settings, progress)
    except OutOfTime:
        return _unknown(examined, f"no answer after {_SECONDS:g} s")


def _unknown(examined: Examined, why: str) -> Judged:
    return Judged(
        examined=examined,
        is_known=False,
        note=f"{examined.origin}: judged by its own lines and what is declared of them, since"
        f" what an installer takes today is not known: {why}",
    )


def judged(
    examined: Examined, target: Target, settings: IndexSettings, progress: Progress
) -> Judged:
    """Say what an installer takes of a file today.

    Raises:
        UsageError: a marker of the file cannot be judged.
        WorkError: the index or uv failed.
    """
    if not is_request(examined):
        return Judged(examined=examined)
    question = Question(
        requirements=merge(applicable(examined.asked, target)),
        constraints=merge(applicable(examined.bounds, target)),
        rules=(),
        target=target,
        settings=settings,
    )
    if not question.requirements:
        return Judged(examined=examined)
    found = _today(question, progress)
    if isinstance(found, Impossible):
        obstacle = _not_installable(found, examined, target)
        if not found.pythons:  # so its lines have to change, and they are judged as `fix` does
            examined = replace(examined, python=target.python)
        return Judged(
            examined=examined, obstacle=obstacle, pythons=found.pythons, unread=found.unread
        )
    pins = {each.name: each.version for each in found.packages}
    return Judged(
        examined=_taken(examined, pins, found, target),
        pins=pins,
        unread=found.unread,
        note=_told(examined, found, target),
    )


def _today(question: Question, progress: Progress) -> Today | Impossible:
    """What is taken; which packages are source alone is kept, as each of them costs a solve."""
    settings = question.settings
    tools = tools_for(settings, EngineName.UV, progress, question.requirements)
    fresh = settings.refresh or settings.no_cache
    place = None if fresh else kept_folder("today")
    file = None if place is None else place / f"{_digest(question)}.json"
    kept = frozenset(load_recent(file, list[NormalizedName], _DAY) or ())
    unread = set(kept)
    try:
        return today(question, tools, unread)
    finally:
        if file is not None and unread != kept:
            keep_recent(file, sorted(unread))


def _digest(question: Question) -> str:
    """What says that the same is asked of the same indexes."""
    asked = (
        sorted(map(str, question.requirements.values())),
        sorted(map(str, question.constraints.values())),
        f"{question.target.python} {question.target.platform}",
        [*indexes(question.settings), *question.settings.find_links],
    )
    return hashlib.sha256(repr(asked).encode()).hexdigest()


def _taken(
    examined: Examined, pins: Mapping[NormalizedName, Version], found: Today, target: Target
) -> Examined:
    """The set in place of the file; what was left out of it is as the file has it."""
    unread = {n: v for n, v in examined.packages.items() if n in found.unread}
    loose = {n: v for n, v in examined.loose.items() if n in found.unread and n not in unread}
    return replace(
        examined,
        packages={**pins, **unread},
        loose=loose,
        complete=True,
        python=target.python,
        platform=target.platform,
        manager=examined.manager or "pip",
        built={each.name: each.version for each in found.dated},
    )


def _told(examined: Examined, found: Today, target: Target) -> str:
    more = ""
    if found.unread:
        names = ", ".join(found.unread[:_SHOWN])
        more = f"; what {names} would bring is not known, as only building it tells"
    return (
        f"{examined.origin}: today's resolve for Python {target.minor} on {target.platform} takes"
        f" {counted(len(found.packages), 'package')}{more}"
    )


def _not_installable(found: Impossible, examined: Examined, target: Target) -> Finding:
    """The finding that a file cannot be installed, with every cause."""
    of_framework = {name for each in frameworks() for name in each.members}
    obstacles = sorted(found.obstacles, key=lambda each: of_framework.isdisjoint(_names(each)))
    about = {n: examined.packages.get(n) for each in obstacles for n in _names(each)}
    remedies = [
        Remedy(kind=RemedyKind.ADVICE, text=f"take Python {minor}") for minor in found.pythons[:1]
    ]
    causes = "; ".join(each.text.rstrip(".") for each in obstacles[:_SHOWN])
    if more := obstacles[_SHOWN:]:
        causes += f"; the same of {', '.join(n for each in more for n in _names(each))}"
    return Finding(
        id=NOT_INSTALLABLE,
        title=f"it cannot be installed on Python {target.minor}",
        severity=Severity.BREAKS,
        because=f"{causes}.",
        packages=about,
        stage=Stage.INSTALL,
        remedies=tuple(remedies),
    )


def _names(obstacle: Obstacle) -> tuple[NormalizedName, ...]:
    return tuple(each.name for each in obstacle.about)
