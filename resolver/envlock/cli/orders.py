"""Options, environment and configuration files, settled; and the words that say it again."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock.choices import PROBE_SECONDS, Accelerator, EngineName, Format
from envlock.cli.options import (
    EnvironmentOptions,
    IndexOptions,
    LockFileOptions,
    RequestOptions,
)
from envlock.cli.output import PLACES, talk
from envlock.config import Config, load_config, project_sources
from envlock.documents import read_toml
from envlock.environment.inspect import meant
from envlock.errors import UsageError
from envlock.index.hosts import as_netloc, is_secure, split, trusted_host
from envlock.index.origin import source_of
from envlock.index.secrets import learn_url, redact, strip_credentials
from envlock.index.settings import IndexOverrides, load_settings, placed
from envlock.model import IndexSettings
from envlock.progress import Progress
from envlock.request.words import parse_date
from envlock.system import read_text
from envlock.system.looking import current_folder, exists

_PROJECT = "pyproject.toml"

_Place = TypeVar("_Place", bound=EnvironmentOptions)


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
        extra_index_urls=tuple(dict.fromkeys((*config.extra_index_urls, *index.extra_index_url))),
        find_links=tuple(dict.fromkeys((*config.find_links, *index.find_links))),
        no_index=index.no_index or None,
        trusted_hosts=index.trusted_host,
        cert=index.cert,
        client_cert=index.client_cert,
        keyring_provider=index.keyring_provider,
        refresh=index.refresh,
        no_cache=index.no_cache,
        offline=index.offline or config.offline,
    )
    settings = load_settings(os.environ, overrides=overrides)
    settings = replace(
        settings,
        index_strategy=index.index_strategy or config.index_strategy,
        sources=placed(config.sources, settings),
    )
    tell_places(settings, config)
    return settings


def configured_settings(index: IndexOptions) -> IndexSettings:
    """The index settings of a command that takes no request."""
    return index_settings(index, load_config(current_folder(), os.environ))


def configured_no_imports() -> tuple[str, ...]:
    """Return the packages of a request that a proof does not import, as is configured."""
    return load_config(current_folder(), os.environ).no_imports


def environment_folder(typed: Path | None) -> Path:
    """Return the folder of the environment: as it was typed, or is configured, or .venv."""
    found = typed or load_config(current_folder(), os.environ).env or Path(".venv")
    return Path(here(found))


def changing(place: _Place) -> _Place:
    """Return how an environment is changed, as it was typed or is configured."""
    config = load_config(current_folder(), os.environ)
    return replace(
        place,
        inexact=place.inexact or config.inexact,
        no_pip=place.no_pip or config.no_pip,
    )


def configured_lock() -> Path | None:
    """Return the lock that is configured, where it is there."""
    found = load_config(current_folder(), os.environ).output
    return Path(here(found)) if found is not None and exists(found) else None


def environment_meant(typed: Path | None, progress: Progress) -> Path:
    """Return the environment that a command looks into: typed, configured or .venv, or active.

    Raises:
        UsageError: there is none.
    """
    return typed or meant(environment_folder(None), progress)


def project_name() -> str:
    """What the environment is called: as the project here, whose folder may be called anything."""
    project = Path(_PROJECT)
    table = (
        read_toml(str(project), read_text(project)).get("project") if project.is_file() else None
    )
    name = table.get("name") if isinstance(table, dict) else None
    return canonicalize_name(name) if isinstance(name, str) and name else "envlock"


def request_words(
    request: RequestOptions, index: IndexOptions, settled: Settled
) -> tuple[str, ...]:
    """Return what asks for the same again, without credentials, Python, platforms and files."""
    words = [*request.requirements]
    words += repeated("-r", map(here, request.requirement_file))
    words += repeated("-c", map(here, request.constraint_file))
    words += repeated("--extra", request.extra) + repeated("--group", request.group)
    words += ["--all-extras"] if request.all_extras else []
    words += repeated("--no-extra", request.no_extra)
    words += ["--all-groups"] if request.all_groups else []
    words += repeated("--no-group", request.no_group)
    if settled.accelerator is not Accelerator.AUTO:
        words += ["--accelerator", settled.accelerator.value]
    if settled.engine is not EngineName.PIPTOOLS:
        words += ["--engine", settled.engine.value]
    if settled.exclude_newer is not None:
        words += ["--exclude-newer", settled.exclude_newer.isoformat().replace("+00:00", "Z")]
    words += repeated("--needs", [",".join(needs(request))] if request.needs else [])
    words += repeated("--no-imports", request.no_imports)
    words += repeated("--allow-build", request.allow_build)
    words += ["--fresh"] if request.fresh else []
    words += repeated("--evidence", map(here, request.evidence))
    words += repeated("--rules", map(here, request.rules))
    words += repeated("--index-url", [index.index_url] if index.index_url else [])
    words += repeated("--extra-index-url", index.extra_index_url)
    words += repeated("--index-strategy", [index.index_strategy] if index.index_strategy else [])
    words += repeated("--find-links", index.find_links)
    words += ["--no-index"] if index.no_index else []
    return tuple(strip_credentials(word) if "://" in word else word for word in words)


def repeated(flag: str, values: Iterable[str]) -> list[str]:
    """Return an option with each of its values."""
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


def tell_places(settings: IndexSettings, config: Config) -> None:
    """Name on standard error the indexes that a project's file chose and these settings use.

    Raises:
        UsageError: one is neither encrypted nor on a host that the user trusts.
    """
    used = {settings.index_url, *settings.extra_index_urls, *settings.find_links}
    for where, values in config.places.items():
        for value in values:
            learn_url(value)
            if used.isdisjoint(_forms(value)):
                continue
            refuse_unencrypted(where, value, settings.trusted_hosts)
            tell_place(where, value)
    _tell_sources(settings)


def _tell_sources(settings: IndexSettings) -> None:
    """Name the packages that a project's file holds to an index, also to one of the user's."""
    where, held = project_sources(Path.cwd())
    written: dict[str, list[str]] = {}
    for name, place in held:
        # As the settings have it, unless a variable or the user's file says something else of it.
        url = source_of(settings, name)
        if url is not None and (name, url) in placed(((name, place),), settings):
            written.setdefault(place if "://" in place else url, []).append(name)
    for url, names in written.items():
        refuse_unencrypted(where, url, settings.trusted_hosts)
        verb = "comes" if len(names) == 1 else "come"
        tell_place(where, url, f"{', '.join(names)} {verb}")


def tell_place(where: str, value: str, what: str = "packages come") -> None:
    """Say once that packages come from a place that a file names, whatever else is said."""
    place = {"from": where, "place": redact(value, certain=True)}
    if place not in PLACES:
        PLACES.append(place)
        talk(f"{where}: {what} from {place['place']}")


def _forms(value: str) -> tuple[str, ...]:
    return (value, value.rstrip("/"), Path(value).absolute().as_uri())


def refuse_unencrypted(where: str, value: str, trusted: Iterable[str]) -> None:
    """Refuse an address that a file chose, where nobody encrypts what comes from it.

    Raises:
        UsageError: it is neither https nor on a host that the user trusts.
    """
    if "://" not in value:
        return
    parts = split(value)
    if parts.scheme == "file" or is_secure(parts, map(trusted_host, trusted)):
        return
    host = as_netloc(parts.hostname or "", parts.port)
    raise UsageError(
        f"{where}: {redact(value)} is not encrypted (https), and a file does not decide"
        " that this does not matter",
        f"--trusted-host {host}",
    )


def seconds(text: str) -> float:
    """Read a time limit.

    Raises:
        UsageError: it is no time.
    """
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise UsageError(f"--timeout {text}: not a number of seconds", f"--timeout {PROBE_SECONDS}")
    return number
