"""From parsed options to what the workflows take: config, files, header command."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envlock.choices import STANDARD_OUTPUT, Accelerator, EngineName, Format
from envlock.cli.options import IndexOptions, LockFileOptions, RequestOptions
from envlock.cli.outputs import output_files
from envlock.cli.places import tell_places
from envlock.config import Config, load_config
from envlock.documents import read_toml
from envlock.errors import UsageError
from envlock.index.redact import strip_credentials
from envlock.index.settings import IndexOverrides, load_settings
from envlock.index.sources import placed
from envlock.model import IndexSettings, Request
from envlock.progress import Progress
from envlock.request.words import parse_date, parse_names, parse_words
from envlock.system import read_text
from envlock.system.looking import current_folder
from envlock.targets.platforms import Place, read_platforms
from envlock.workflow.lock import LockOrder

if TYPE_CHECKING:
    from envlock.request.files import ParsedFile

_PROJECT = "pyproject.toml"


class Settled(Struct, frozen=True, kw_only=True):
    """The options once flags, environment and config files have had their say."""

    accelerator: Accelerator
    engine: EngineName
    python: str | None
    exclude_newer: datetime | None
    rules: tuple[Path, ...]
    formats: tuple[Format, ...]
    platforms: tuple[str, ...]


def settle(request: RequestOptions, files: LockFileOptions, config: Config) -> Settled:
    """Flags over environment over project over user over default.

    Raises:
        UsageError: the date is none.
    """
    date = request.exclude_newer or config.exclude_newer
    return Settled(
        accelerator=request.accelerator or config.accelerator,
        engine=request.engine or config.engine,
        python=request.python or config.python,
        exclude_newer=parse_date(date, now=datetime.now(UTC)) if date else None,
        rules=(*config.rules, *request.rules),
        formats=tuple(dict.fromkeys(files.format)) or config.formats,
        platforms=request.platform or config.platforms,
    )


def create_order(
    request: RequestOptions, index: IndexOptions, files: LockFileOptions, progress: Progress
) -> LockOrder:
    """Everything that `envlock create` locks by.

    Raises:
        UsageError: an option or an input file makes no sense, or a platform is named.
    """
    (order, *_) = lock_orders("create", request, index, files, progress)
    if STANDARD_OUTPUT in order.outputs:
        raise UsageError(
            "-o -: the lock of an environment is a file; only envlock lock prints one",
            "leave -o out",
        )
    if order.platform is not None:
        raise UsageError(
            f"--platform {request.platform[0]}: an environment is built and proved on this machine;"
            " a lock can be for another one",
            order.command,
        )
    return replace(order, builds=True)


def lock_orders(
    verb: str,
    request: RequestOptions,
    index: IndexOptions,
    files: LockFileOptions,
    progress: Progress,
) -> tuple[LockOrder, ...]:
    """Everything that `envlock lock` locks by, for this machine or each platform that is named.

    Raises:
        UsageError: an option or an input file makes no sense.
    """
    config = load_config(current_folder(), os.environ)
    settled = settle(request, files, config)
    asked, pythons = _read(request, settled, progress)
    order = LockOrder(
        request=asked,
        settings=index_settings(index, config),
        outputs={},
        command="",
        name=project_name(),
        verb=verb,
        python=settled.python,
        requires_python=pythons,
        engine=settled.engine,
        rules=settled.rules,
        upgrade=request.upgrade,
        upgrade_packages=parse_names(request.upgrade_package),
        fresh=request.fresh,
        evidence=(*config.evidence, *request.evidence),
    )
    # What is built, or goes into an image, is not for the platforms of the project's locks.
    places = read_platforms(settled.platforms if verb == "lock" else request.platform)

    def of(place: Place | None) -> LockOrder:
        several = len(places) > 1
        outputs = output_files(request, files, settled.formats, place, several=several)
        named = next(iter(outputs)) if files.output not in {None, STANDARD_OUTPUT} else None
        command = _command(request, index, settled, place, named)
        return replace(order, platform=place, outputs=outputs, command=command)

    return tuple(map(of, places)) if places else (of(None),)


def needs(request: RequestOptions) -> tuple[str, ...]:
    """The capabilities that are needed, from one word with commas or several.

    Raises:
        UsageError: they are to be answered from evidence that is to be left aside.
    """
    names = tuple(dict.fromkeys(n.strip() for word in request.needs for n in word.split(",")))
    if names and request.fresh:
        raise UsageError(
            f"--needs {','.join(names)} is answered from what was proved, and --fresh leaves that"
            " aside",
            "leave --fresh out",
        )
    return names


def index_settings(index: IndexOptions, config: Config) -> IndexSettings:
    """What pip is configured for, envlock's own configuration over it, the flags over both.

    What a project's file chose of it is told.
    """
    overrides = IndexOverrides(
        index_url=index.index_url or config.index_url,
        extra_index_urls=(*config.extra_index_urls, *index.extra_index_url),
        find_links=(*config.find_links, *index.find_links),
        no_index=index.no_index or None,
        trusted_hosts=index.trusted_host,
        cert=index.cert,
        client_cert=index.client_cert,
        keyring_provider=index.keyring_provider,
        refresh=index.refresh,
        no_cache=index.no_cache,
    )
    settings = load_settings(os.environ, overrides=overrides)
    settings = replace(
        settings,
        index_strategy=index.index_strategy or config.index_strategy,
        sources=placed(config.sources, settings),
    )
    tell_places(settings)
    return settings


def configured_settings(index: IndexOptions) -> IndexSettings:
    """The index settings of a command that takes no request."""
    return index_settings(index, load_config(current_folder(), os.environ))


def _read(
    options: RequestOptions, settled: Settled, progress: Progress
) -> tuple[Request, SpecifierSet]:
    """The words and files of a request, and the Pythons that its projects are for.

    What was read and left out is told.
    """
    files, bounds = _files(options)
    for parsed in (*files, *bounds):
        for note in parsed.notes:
            progress.note(note)
    words = parse_words(options.requirements) if options.requirements or not files else ()
    pythons = SpecifierSet()
    for parsed in files:
        pythons &= parsed.requires_python or SpecifierSet()
    return Request(
        requirements=(*(item for parsed in files for item in parsed.requirements), *words),
        constraints=tuple(item for parsed in (*files, *bounds) for item in parsed.constraints),
        accelerator=settled.accelerator,
        exclude_newer=settled.exclude_newer,
        needs=needs(options),
    ), pythons


def _files(options: RequestOptions) -> tuple[list[ParsedFile], list[ParsedFile]]:
    """What the files given to -r and to -c hold."""
    if not (options.requirement_file or options.constraint_file or options.extra or options.group):
        return [], []
    from envlock.formats.detect import (  # noqa: PLC0415  (10 ms that words do not need)
        FileFormat,
        format_at,
    )
    from envlock.request.files import (  # noqa: PLC0415  (as above)
        read_constraints_file,
        read_request_file,
    )

    for flag, names in (("--extra", options.extra), ("--group", options.group)):
        if names and FileFormat.PYPROJECT not in map(format_at, options.requirement_file):
            raise UsageError(
                f"{flag} {names[0]} is of a {_PROJECT}, and none is read", f"-r {_PROJECT}"
            )
    return [
        read_request_file(path, extras=options.extra, groups=options.group)
        for path in options.requirement_file
    ], [read_constraints_file(path) for path in options.constraint_file]


def project_name() -> str:
    """What the environment is called: as the project here, whose folder may be called anything."""
    project = Path(_PROJECT)
    table = (
        read_toml(str(project), read_text(project)).get("project") if project.is_file() else None
    )
    name = table.get("name") if isinstance(table, dict) else None
    return canonicalize_name(name) if isinstance(name, str) and name else "envlock"


def _command(
    request: RequestOptions,
    index: IndexOptions,
    settled: Settled,
    place: Place | None,
    output: Path | None,
) -> str:
    """The command that makes the same lock again, up to its ``--python``."""
    words = ["envlock", "lock", *request_words(request, index, settled)]
    words += _repeat("--format", settled.formats)
    words += ["-o", here(output)] if output else []
    words += ["--platform", place.option] if place else []
    return shlex.join(words)


def request_words(
    request: RequestOptions, index: IndexOptions, settled: Settled
) -> tuple[str, ...]:
    """Return what asks for the same again, without credentials, Python, platforms and files."""
    words = [*request.requirements]
    words += _repeat("-r", map(here, request.requirement_file))
    words += _repeat("-c", map(here, request.constraint_file))
    words += _repeat("--extra", request.extra) + _repeat("--group", request.group)
    if settled.accelerator is not Accelerator.AUTO:
        words += ["--accelerator", settled.accelerator.value]
    if settled.engine is not EngineName.PIPTOOLS:
        words += ["--engine", settled.engine.value]
    if settled.exclude_newer is not None:
        words += ["--exclude-newer", settled.exclude_newer.isoformat().replace("+00:00", "Z")]
    words += _repeat("--needs", [",".join(needs(request))] if request.needs else [])
    words += ["--fresh"] if request.fresh else []
    words += _repeat("--evidence", map(here, request.evidence))
    words += _repeat("--rules", map(here, request.rules))
    words += _repeat("--index-url", [index.index_url] if index.index_url else [])
    words += _repeat("--extra-index-url", index.extra_index_url)
    words += _repeat("--index-strategy", [index.index_strategy] if index.index_strategy else [])
    words += _repeat("--find-links", index.find_links)
    words += ["--no-index"] if index.no_index else []
    return tuple(strip_credentials(word) if "://" in word else word for word in words)


def _repeat(flag: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]


def here(path: Path) -> str:
    """Return a path as a lock names it: from the current folder where it is inside.

    Raises:
        UsageError: its name is not text, and a lock is.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UsageError(f"{path}: this name is not UTF-8, so no lock can name it") from None
    if path.is_absolute() and path.is_relative_to(current_folder()):
        path = path.relative_to(current_folder())
    return path.as_posix()
