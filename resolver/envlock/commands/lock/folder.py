"""What was not typed, as the folder has it: its project, its files, the lock that is there."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from envlock.choices import (
    STANDARD_OUTPUT,
    Accelerator,
    EngineName,
    Format,
    IndexStrategy,
    Manager,
)
from envlock.cli.options import CondaOptions, IndexOptions, LockFileOptions, RequestOptions
from envlock.cli.orders import Settled, here
from envlock.cli.output import tell_source
from envlock.conda.channels import strip_channel
from envlock.config import Config, Recordings, SaidBy, load_config, recalling
from envlock.config.keys import KEYS
from envlock.errors import UsageError
from envlock.formats.registry import LOCKS, FileFormat, format_at
from envlock.index.secrets import strip_credentials
from envlock.locking.beside import Beside, locks_in, look
from envlock.progress import Progress
from envlock.request.folder import asking_file
from envlock.request.words import ORIGIN
from envlock.system.looking import current_folder
from envlock.targets.platforms import read_platforms

#: What a lock is for, whatever it is asked for: taken from it though words are typed.
_OF_FILE = frozenset({"python", "platform", "format", "universal"})

_FILE_LINE = re.compile(r"(-r|-c|--requirement|--constraint) (.*)")


class Typed(Struct, frozen=True, kw_only=True):
    """What was typed for a lock, a group of options each.

    ``bounds`` are constraints besides those of files; ``origin`` is where the
    words are from, and ``bounded`` where those are.
    """

    request: RequestOptions
    index: IndexOptions
    conda: CondaOptions = CondaOptions()
    files: LockFileOptions = LockFileOptions()
    origin: str = ORIGIN
    bounds: tuple[str, ...] = ()
    bounded: str = ""


class Understood(Struct, frozen=True, kw_only=True):
    """What was typed with what was not; ``typed`` stands for both.

    ``project`` is the request that the folder itself makes, as it would be
    typed; ``lock`` is the one that is there.
    """

    typed: Typed
    config: Config
    project: tuple[str, ...]
    lock: Beside | None = None


def understand(verb: str, typed: Typed, progress: Progress) -> Understood:
    """Fill in what was not typed, and tell from where the request is.

    Raises:
        UsageError: a file of the folder cannot be read, or a setting makes no sense.
    """
    folder = current_folder()
    config = load_config(folder, os.environ)
    typed = _with_output(verb, typed, config)
    lock = _lock(verb, typed, config)
    if lock is not None:
        config = recalling(config, _recordings(lock, typed), folder)
    typed = _with_settings(verb, typed, config)
    project = _project(typed, config)
    filled = _with_request(verb, typed, config, project, lock)
    if typed.request.requirements and not typed.request.requirement_file:
        _tell_unread(project, progress)
    _tell(typed, filled, config, lock, progress)
    files, words = _apart(project[1] if project else ())
    said = (*(f"-r {here(each)}" for each in files["-r"]), *words)
    return Understood(typed=filled, config=config, project=said, lock=lock)


def _lock(verb: str, typed: Typed, config: Config) -> Beside | None:
    """The lock that is there: the one that ``-o`` names, else the first of a fitting kind."""
    if verb == "docker":  # it is beside the Dockerfile
        return None
    output = typed.files.output
    if output is not None:
        found = None if output == STANDARD_OUTPUT else look(output)
        return found if found is not None and found.ours else None
    of_conda = _said_of_conda(typed, config)
    formats = typed.files.format or (config.formats if config.of_folder("formats") else ())
    inputs = {path.resolve() for path in typed.request.requirement_file}
    return next(
        (
            each
            for each in locks_in(Path())
            if of_conda in {None, each.of_conda}
            and (not formats or each.format in formats)
            and each.path.resolve() not in inputs
        ),
        None,
    )


def _said_of_conda(typed: Typed, config: Config) -> bool | None:
    """Whether it was said that packages come from conda, or from PyPI alone; None: neither."""
    if typed.conda.manager is not None:
        return typed.conda.manager is not Manager.PIP
    if typed.conda.channel or any(map(is_environment, typed.request.requirement_file)):
        return True
    if config.manager is not None:
        return config.manager is not Manager.PIP
    return False if typed.request.requirements or typed.request.requirement_file else None


def is_environment(path: Path) -> bool:
    """Whether a file is an environment.yml."""
    return format_at(path) is FileFormat.ENVIRONMENT


def is_for_conda(request: RequestOptions, conda: CondaOptions) -> bool:
    """Tell whether packages come from conda: as was said, or an environment file is read."""
    if conda.manager is not None:
        return conda.manager is not Manager.PIP
    if conda.channel:
        return True
    return any(map(is_environment, request.requirement_file))


def _recordings(lock: Beside, typed: Typed) -> Recordings:
    """What counts of a lock: all of it where nothing else is asked for, else what it is for."""
    options = {**lock.asked.options}
    if lock.python and not lock.of_conda:
        options["python"] = (lock.python,)
    if typed.request.requirements:
        options = {key: texts for key, texts in options.items() if key in _OF_FILE}
    return Recordings(path=lock.path, options=options)


def _with_output(verb: str, typed: Typed, config: Config) -> Typed:
    """What was typed, with the name of the lock where one is configured."""
    if verb == "docker" or typed.files.output is not None or config.output is None:
        return typed
    return replace(typed, files=replace(typed.files, output=Path(here(config.output))))


def _with_settings(verb: str, typed: Typed, config: Config) -> Typed:
    """What was typed, with what is configured of it that is no request."""
    request, conda, files = typed.request, typed.conda, typed.files
    # An image is made of pip's packages alone.
    manager = conda.manager or (Manager.PIP if verb == "docker" else config.manager)
    places = request.platform or config.platforms
    several = config.universal and verb == "lock" and len(places) > 1
    return replace(
        typed,
        request=replace(
            request,
            needs=request.needs or config.needs,
            no_imports=request.no_imports or config.no_imports,
            allow_build=request.allow_build or config.allow_build,
            fresh=request.fresh or (config.fresh and not request.needs),
        ),
        conda=replace(conda, manager=manager),
        files=replace(files, universal=files.universal or several),
    )


_Asked = tuple[str, tuple[str, ...]]


def _project(typed: Typed, config: Config) -> _Asked | None:
    """The request that the folder makes; a file that cannot be read is none where words stand."""
    try:
        return _of_folder(typed, config)
    except UsageError:
        if typed.request.requirements or typed.request.requirement_file:
            return None
        raise


def _of_folder(typed: Typed, config: Config) -> _Asked | None:
    """The request that the folder makes, with its place; None: none."""
    if config.requirements and config.of_folder("requirements"):
        return config.where("requirements"), config.requirements
    manager, options = typed.conda.manager, typed.request
    conda = None if manager is None else manager is not Manager.PIP
    more = bool(options.extra or options.group or config.extras or config.groups)
    for folder in dict.fromkeys((Path(), *_project_folder())):
        found = asking_file(folder, conda=conda, more=more)
        if found is not None:
            return here(found), (f"-r {here(found)}",)
    return None


def _project_folder() -> tuple[Path, ...]:
    """The folder of the nearest pyproject.toml upward."""
    start = current_folder()
    return next(
        ((each,) for each in (start, *start.parents) if (each / "pyproject.toml").is_file()), ()
    )


def _with_request(
    verb: str, typed: Typed, config: Config, project: _Asked | None, lock: Beside | None
) -> Typed:
    """What was typed, with the request where none was, and with the bounds that are configured."""
    request = typed.request
    if not (request.requirements or request.requirement_file):
        where, lines = _choose(config, project)
        by_lock = lock is not None and where == config.where("requirements")
        typed = _with_lines(typed, lines, ORIGIN if by_lock else where)
    typed = _with_extras(verb, typed, config)
    files, words = _apart(config.constraints)
    return replace(
        typed,
        request=replace(
            typed.request, constraint_file=(*typed.request.constraint_file, *files["-c"])
        ),
        bounds=words,
        bounded=config.where("constraints"),
    )


def _choose(config: Config, project: _Asked | None) -> _Asked:
    """What is asked for: files that the lock was made from, else the folder, else what is left."""
    recorded = config.requirements
    files = [line for line in recorded if _FILE_LINE.fullmatch(line)]
    there = files and all(Path(line.partition(" ")[2]).is_file() for line in files)
    own = "requirements" in config.said and config.said["requirements"].by is SaidBy.LOCK
    if project is not None and not (own and there):
        return project
    return config.where("requirements"), recorded


def _with_lines(typed: Typed, lines: Iterable[str], where: str) -> Typed:
    files, words = _apart(lines)
    request = replace(
        typed.request,
        requirements=words,
        requirement_file=files["-r"],
        constraint_file=(*typed.request.constraint_file, *files["-c"]),
    )
    return replace(typed, request=request, origin=where or ORIGIN)


def _apart(lines: Iterable[str]) -> tuple[dict[str, tuple[Path, ...]], tuple[str, ...]]:
    """The files that lines name, by the option, and the other lines."""
    files: dict[str, tuple[Path, ...]] = {"-r": (), "-c": ()}
    words: list[str] = []
    for line in lines:
        match = _FILE_LINE.fullmatch(line)
        if match is None:
            words.append(line)
        else:
            option = match[1].lstrip("-")[:1]
            files[f"-{option}"] += (Path(here(Path(match[2]))),)
    return files, tuple(words)


def _with_extras(verb: str, typed: Typed, config: Config) -> Typed:
    """The extras and groups that are configured, where a project is read."""
    options = typed.request
    if not any(format_at(path) is FileFormat.PYPROJECT for path in options.requirement_file):
        return typed
    apart = verb == "lock" and not (options.extra or options.group)
    request = replace(
        options,
        extra=options.extra or config.extras,
        group=options.group or config.groups,
        all_extras=options.all_extras or (apart and config.all_extras),
        all_groups=options.all_groups or (apart and config.all_groups),
    )
    return replace(
        typed,
        request=replace(
            request,
            no_extra=options.no_extra or (config.no_extra if request.all_extras else ()),
            no_group=options.no_group or (config.no_group if request.all_groups else ()),
        ),
    )


def _tell(
    typed: Typed, filled: Typed, config: Config, lock: Beside | None, progress: Progress
) -> None:
    """Say once from where the request is, and what the lock adds to what was typed."""
    files = filled.request.requirement_file
    if typed.request.requirements or typed.request.requirement_file:
        pass
    elif files:
        tell_source("request", " and ".join(map(str, files)), progress)
    elif filled.request.requirements:
        by_lock = config.by("requirements") is SaidBy.LOCK
        where = str(lock.path) if lock and by_lock else config.where("requirements")
        tell_source("request", where or filled.origin, progress)
    for note in config.notes:
        progress.note(note)
    if lock is not None:
        for text in _taken(typed, config):
            tell_source(text, str(lock.path), progress)
    if typed.request.python is None and config.by("python") is SaidBy.FOLDER:
        tell_source(f"Python {config.python}", config.where("python"), progress)


def _tell_unread(project: _Asked | None, progress: Progress) -> None:
    """Say that words were typed in place of what the folder asks for, unless that is told anyway.

    A requirements.txt that asks for packages is in the way of the lock.
    """
    if project is not None and Path(project[0]).name != LOCKS[Format.REQUIREMENTS].filename:
        progress.note(f"{project[0]} is not read, since words were typed")


def _taken(typed: Typed, config: Config) -> list[str]:
    """What of a lock counts because nobody types it, in words."""
    options = typed.request
    flags: Mapping[str, object] = {
        "python": options.python,
        "accelerator": options.accelerator,
        "exclude_newer": options.exclude_newer,
        "extras": options.extra,
        "groups": options.group,
        "needs": options.needs,
        "no_imports": options.no_imports,
        "allow_build": options.allow_build,
        "constraints": options.constraint_file,
    }
    found: list[str] = []
    for field, said in config.said.items():
        if said.by is not SaidBy.LOCK or field not in flags or flags[field]:
            continue
        value = getattr(config, field)
        if field == "python" and value == f"{sys.version_info[0]}.{sys.version_info[1]}":
            continue
        words = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        found.append(f"{'Python' if field == 'python' else field.replace('_', '-')} {words}")
    return found


def recorded(
    verb: str, typed: Typed, understood: Understood, settled: Settled
) -> dict[str, tuple[str, ...]]:
    """Return what a lock records of what was typed: what the folder does not say by itself."""
    config, request, index = understood.config, understood.typed.request, understood.typed.index
    of_conda = is_for_conda(request, understood.typed.conda)
    platforms = settled.platforms if verb == "lock" else ()
    settings: dict[str, Iterable[object]] = {
        "accelerator": _unless(settled.accelerator, Accelerator.AUTO),
        "engine": _unless(settled.engine, EngineName.PIPTOOLS),
        "exclude-newer": _date(settled),
        "format": settled.formats,
        "platform": sorted(each.option for each in read_platforms(platforms)),
        "extras": request.extra,
        "groups": request.group,
        "all-extras": ["true"] if request.all_extras else (),
        "no-extra": request.no_extra,
        "all-groups": ["true"] if request.all_groups else (),
        "no-group": request.no_group,
        "needs": request.needs,
        "no-imports": request.no_imports,
        "allow-build": request.allow_build,
        "universal": ["true"] if understood.typed.files.universal else (),
        "python": _unless(settled.python if of_conda else None, None),
        "manager": _unless(understood.typed.conda.manager if of_conda else None, None),
        "requirements": _lines(understood),
    }
    places: dict[str, Iterable[object]] = {
        "rules": map(here, request.rules),
        "evidence": map(here, request.evidence),
        "channels": map(strip_channel, typed.conda.channel),
        "index-url": _unless(index.index_url, None),
        "extra-index-url": index.extra_index_url,
        "find-links": index.find_links,
        "index-strategy": _unless(index.index_strategy, None),
        "constraints": (f"-c {here(each)}" for each in typed.request.constraint_file),
    }
    texts = {key: _texts(values) for key, values in settings.items()}
    texts |= {key: _texts(values) or _known(understood, key) for key, values in places.items()}
    return {
        key: each for key, each in texts.items() if each and not _said_by_folder(key, each, config)
    }


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    """Values as a lock has them: without credentials."""
    texts = map(str, values)
    return tuple(strip_credentials(each) if "://" in each else each for each in texts)


def with_places(understood: Understood) -> tuple[RequestOptions, IndexOptions]:
    """Return the options with what only the lock says of places, so that they ask for the same.

    The words that the project's own settings say are left to these.
    """
    request, index = understood.typed.request, understood.typed.index
    if understood.config.by("requirements") is SaidBy.PROJECT and not _lines(understood):
        request = replace(request, requirements=(), requirement_file=())
    known = partial(_known, understood)
    request = replace(
        request,
        rules=request.rules or tuple(map(Path, known("rules"))),
        evidence=request.evidence or tuple(map(Path, known("evidence"))),
    )
    strategy = next(iter(known("index-strategy")), None)
    index = replace(
        index,
        index_url=index.index_url or next(iter(known("index-url")), None),
        extra_index_url=index.extra_index_url or known("extra-index-url"),
        find_links=index.find_links or known("find-links"),
        index_strategy=index.index_strategy or (IndexStrategy(strategy) if strategy else None),
    )
    return request, index


def _unless(value: object, usual: object) -> tuple[str, ...]:
    return () if value is usual else (str(value),)


def _date(settled: Settled) -> tuple[str, ...]:
    date = settled.exclude_newer
    return () if date is None else (date.isoformat().replace("+00:00", "Z"),)


def _known(understood: Understood, key: str) -> tuple[str, ...]:
    """What the lock that is there was made with, where that counts."""
    counts = understood.config.by(_field(key)) is SaidBy.LOCK
    return understood.lock.asked.options.get(key, ()) if understood.lock and counts else ()


def _field(key: str) -> str:
    return KEYS[key].field


def _lines(understood: Understood) -> tuple[str, ...]:
    """The request as lines, unless it is the folder's own."""
    request = understood.typed.request
    lines = (*(f"-r {here(each)}" for each in request.requirement_file), *request.requirements)
    return () if sorted(lines) == sorted(understood.project) else lines


def _said_by_folder(key: str, texts: tuple[str, ...], config: Config) -> bool:
    """Whether a file of the folder says the same: then it need not be remembered."""
    field = _field(key)
    if config.by(field) not in {SaidBy.PROJECT, SaidBy.FOLDER}:
        return False
    value = getattr(config, field)
    said_there = tuple(map(str, value)) if isinstance(value, tuple) else (str(value),)
    return said_there == texts or (value is True and texts == ("true",))
