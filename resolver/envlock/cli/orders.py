"""From parsed options to what the workflows take: config, files, header command."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import canonicalize_name

from envlock.choices import Accelerator, EngineName, Format
from envlock.cli.options import IndexOptions, LockFileOptions, ProbeOptions, RequestOptions
from envlock.config import Config, load_config
from envlock.errors import UsageError
from envlock.index.redact import strip_credentials
from envlock.index.settings import IndexOverrides, load_settings
from envlock.model import IndexSettings, Request
from envlock.progress import Progress
from envlock.request import (
    parse_date,
    parse_names,
    parse_requirements,
    parse_words,
    read_request_file,
)
from envlock.workflow.lock import LockOrder
from envlock.workflow.verify import ProofOrder
from envlock.write import default_filename, format_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """The options once flags, environment and config files have had their say."""

    accelerator: Accelerator
    engine: EngineName
    python: str | None
    exclude_newer: str | None
    rules: tuple[Path, ...]
    formats: tuple[Format, ...]


def settle(request: RequestOptions, files: LockFileOptions, config: Config) -> Settled:
    """Flags over environment over project over user over default."""
    return Settled(
        accelerator=request.accelerator or config.accelerator,
        engine=request.engine or config.engine,
        python=request.python or config.python,
        exclude_newer=request.exclude_newer or config.exclude_newer,
        rules=(*config.rules, *request.rules),
        formats=tuple(dict.fromkeys(files.format)) or config.formats,
    )


def lock_order(
    verb: str,
    request: RequestOptions,
    index: IndexOptions,
    files: LockFileOptions,
    progress: Progress,
) -> LockOrder:
    """Everything that `envlock lock` and `envlock create` lock by.

    Raises:
        UsageError: an option or an input file makes no sense.
    """
    config = load_config(Path.cwd(), os.environ)
    settled = settle(request, files, config)
    date = (
        parse_date(settled.exclude_newer, now=datetime.now(UTC)) if settled.exclude_newer else None
    )
    outputs = _outputs(request, files, settled.formats)
    return LockOrder(
        request=replace(
            _read(request, progress), accelerator=settled.accelerator, exclude_newer=date
        ),
        settings=index_settings(index, config),
        outputs=outputs,
        command=_command(request, index, settled, files, date),
        name=canonicalize_name(Path.cwd().name or "envlock") or "envlock",
        verb=verb,
        python=settled.python,
        engine=settled.engine,
        rules=settled.rules,
        upgrade=request.upgrade,
        upgrade_packages=parse_names(request.upgrade_package),
    )


def index_settings(index: IndexOptions, config: Config) -> IndexSettings:
    """What pip is configured for, envlock's own configuration over it, the flags over both."""
    overrides = IndexOverrides(
        index_url=index.index_url or config.index_url,
        extra_index_urls=(*config.extra_index_urls, *index.extra_index_url),
        find_links=(*config.find_links, *index.find_links),
        no_index=index.no_index or None,
        trusted_hosts=tuple(index.trusted_host),
        cert=index.cert,
        client_cert=index.client_cert,
        keyring_provider=index.keyring_provider,
    )
    return load_settings(os.environ, overrides=overrides)


def configured_settings(index: IndexOptions) -> IndexSettings:
    """The index settings of a command that takes no request."""
    return index_settings(index, load_config(Path.cwd(), os.environ))


def proof_order(probes: ProbeOptions) -> ProofOrder:
    """What is proved beside the probes, and how long it may take."""
    for script in probes.probe:
        if not script.is_file():
            raise UsageError(f"--probe {script}: no such file")
    return ProofOrder(scripts=tuple(probes.probe), timeout=probes.timeout)


def _read(options: RequestOptions, progress: Progress) -> Request:
    """The words and files of a request; what was read and left out is told."""
    files = [
        read_request_file(path, extras=options.extra, groups=options.group)
        for path in options.requirement_file
    ]
    bounds = [parse_requirements(path, constraint=True) for path in options.constraint_file]
    for parsed in (*files, *bounds):
        for note in parsed.notes:
            progress.note(note)
    words = options.requirements or not files
    return Request(
        requirements=(
            *(item for parsed in files for item in parsed.requirements),
            *(parse_words(options.requirements) if words else ()),
        ),
        constraints=tuple(item for parsed in (*files, *bounds) for item in parsed.constraints),
    )


def _outputs(
    request: RequestOptions, files: LockFileOptions, formats: tuple[Format, ...]
) -> Mapping[Path, Format]:
    inputs = {path.resolve() for path in (*request.requirement_file, *request.constraint_file)}
    if files.output is not None:
        if len(formats) > 1:
            raise UsageError("-o names one file, and several formats are asked for", "leave -o out")
        kind = formats[0] if formats else format_of(files.output) or Format.REQUIREMENTS
        outputs = {files.output: kind}
    else:
        outputs = {Path(default_filename(kind)): kind for kind in formats or (Format.REQUIREMENTS,)}
        plain = Path(default_filename(Format.REQUIREMENTS))
        if plain in outputs and plain.resolve() in inputs:
            del outputs[plain]
            outputs = {Path("requirements.lock"): Format.REQUIREMENTS, **outputs}
    for path in outputs:
        if path.resolve() in inputs:
            raise UsageError(f"{path} is an input; the lock would overwrite it", "-o OTHER-NAME")
        if not path.parent.is_dir():
            raise UsageError(f"{path}: there is no folder {path.parent}")
    return outputs


def _command(
    request: RequestOptions,
    index: IndexOptions,
    settled: Settled,
    files: LockFileOptions,
    date: datetime | None,
) -> str:
    """The command that makes the same lock again, without credentials or absolute paths."""
    words = ["envlock", "lock", *request.requirements]
    words += _repeat("-r", request.requirement_file) + _repeat("-c", request.constraint_file)
    words += _repeat("--extra", request.extra) + _repeat("--group", request.group)
    if settled.python is not None:
        words += ["--python", settled.python]
    if settled.accelerator is not Accelerator.AUTO:
        words += ["--accelerator", settled.accelerator.value]
    if request.engine is not None:
        words += ["--engine", request.engine.value]
    if date is not None:
        words += ["--exclude-newer", date.isoformat().replace("+00:00", "Z")]
    words += _repeat("--rules", request.rules)
    words += _repeat("--index-url", [index.index_url] if index.index_url else [])
    words += _repeat("--extra-index-url", index.extra_index_url)
    words += _repeat("--find-links", index.find_links)
    words += ["--no-index"] if index.no_index else []
    words += _repeat("--format", [kind.value for kind in files.format])
    words += ["-o", files.output.as_posix()] if files.output else []
    return shlex.join(strip_credentials(word) if "://" in word else word for word in words)


def _repeat(flag: str, values: list[Path] | list[str]) -> list[str]:
    return [
        word
        for value in values
        for word in (flag, value.as_posix() if isinstance(value, Path) else value)
    ]
