"""The options that several commands share, each written once.

typer reads a command's options from its signature. `grouped` writes that
signature from dataclasses, so that a command takes one value for each group
instead of thirty parameters.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from envlock.engine.interface import EngineName
from envlock.model import Accelerator
from envlock.write.interface import Format


@dataclass(frozen=True, kw_only=True)
class RequestOptions:
    """What is wanted, and for which Python."""

    requirements: Annotated[
        list[str],
        typer.Argument(
            metavar="[REQUIREMENT]...", help="Requirements; none means tensorflow and h5py."
        ),
    ] = field(default_factory=list)
    requirement_file: Annotated[
        list[Path],
        typer.Option(
            "-r",
            "--requirement",
            metavar="FILE",
            help="Read a requirements file or pyproject.toml.",
        ),
    ] = field(default_factory=list)
    constraint_file: Annotated[
        list[Path],
        typer.Option(
            "-c", "--constraint", metavar="FILE", help="Bound versions by a constraints file."
        ),
    ] = field(default_factory=list)
    extra: Annotated[
        list[str],
        typer.Option("--extra", metavar="NAME", help="Take an extra of pyproject.toml too."),
    ] = field(default_factory=list)
    group: Annotated[
        list[str],
        typer.Option(
            "--group", metavar="NAME", help="Take a dependency group of pyproject.toml too."
        ),
    ] = field(default_factory=list)
    python: Annotated[
        str | None,
        typer.Option("-p", "--python", metavar="PYTHON", help="A version such as 3.10, or a path."),
    ] = None
    accelerator: Annotated[
        Accelerator | None, typer.Option("--accelerator", help="Which TensorFlow build to take.")
    ] = None
    engine: Annotated[
        EngineName | None,
        typer.Option("--engine", help="Which program solves.  [default: pip-tools]"),
    ] = None
    exclude_newer: Annotated[
        str | None,
        typer.Option(
            "--exclude-newer",
            metavar="DATE",
            help="Leave out what was uploaded after DATE (2024-01-31, 7d).",
        ),
    ] = None
    rules: Annotated[
        list[Path], typer.Option("--rules", metavar="DIR", help="Add the rules of a folder.")
    ] = field(default_factory=list)
    upgrade: Annotated[
        bool, typer.Option("-U", "--upgrade", help="Do not keep the pins of an existing lock.")
    ] = False
    upgrade_package: Annotated[
        list[str],
        typer.Option(
            "-P", "--upgrade-package", metavar="NAME", help="Do not keep the pin of one package."
        ),
    ] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class IndexOptions:
    """Where packages come from; what is not said is as pip is configured."""

    index_url: Annotated[
        str | None, typer.Option("-i", "--index-url", metavar="URL", help="The package index.")
    ] = None
    extra_index_url: Annotated[
        list[str], typer.Option("--extra-index-url", metavar="URL", help="One more index.")
    ] = field(default_factory=list)
    find_links: Annotated[
        list[str],
        typer.Option("-f", "--find-links", metavar="PLACE", help="A folder or page with files."),
    ] = field(default_factory=list)
    no_index: Annotated[bool, typer.Option("--no-index", help="Use find-links only.")] = False
    trusted_host: Annotated[
        list[str], typer.Option("--trusted-host", metavar="HOST", help="A host without valid TLS.")
    ] = field(default_factory=list)
    cert: Annotated[str | None, typer.Option("--cert", metavar="FILE", help="CA certificates.")] = (
        None
    )
    client_cert: Annotated[
        str | None,
        typer.Option("--client-cert", metavar="FILE", help="Certificate and key of the client."),
    ] = None
    keyring_provider: Annotated[
        str | None,
        typer.Option(
            "--keyring-provider", metavar="KIND", help="auto, subprocess, import or disabled."
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class LockFileOptions:
    """Which lock files are written, and where."""

    format: Annotated[
        list[Format],
        typer.Option("--format", help="Lock format, repeatable.  [default: requirements]"),
    ] = field(default_factory=list)
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Name of the lock, for one format."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class TalkOptions:
    """How much is said, and how."""

    json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say only errors and results.")] = (
        False
    )
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say each step.")] = False


@dataclass(frozen=True, kw_only=True)
class EnvironmentOptions:
    """Where the environment is built."""

    env: Annotated[
        Path, typer.Option("--env", metavar="DIR", help="Folder of the environment.")
    ] = Path(".venv")
    force: Annotated[
        bool, typer.Option("--force", help="Replace an environment that envlock did not make.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """What is proved, and how long it may take."""

    probe: Annotated[
        list[Path],
        typer.Option("--probe", metavar="FILE", help="Run a script of your own as one more level."),
    ] = field(default_factory=list)
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", help="Time limit of the proof.")
    ] = 600.0


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take option groups: its dataclass parameters become their fields."""
    groups: dict[str, type[Any]] = {}
    parameters: list[inspect.Parameter] = []
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if dataclasses.is_dataclass(kind):
            groups[name] = kind  # type: ignore[assignment]
            parameters.extend(_parameters(kind))
        else:
            parameters.append(
                parameter.replace(annotation=kind, kind=inspect.Parameter.KEYWORD_ONLY)
            )

    def call(**values: object) -> None:
        arguments: dict[str, object] = {}
        for name, group in groups.items():
            keys = [item.name for item in dataclasses.fields(group)]
            arguments[name] = group(**{key: values.pop(key) for key in keys})
        command(**arguments, **values)

    call.__name__ = command.__name__
    call.__doc__ = command.__doc__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {item.name: item.annotation for item in parameters}
    return call


def _parameters(group: Any) -> list[inspect.Parameter]:  # noqa: ANN401  (any dataclass)
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            item.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[item.name],
            default=item.default if item.default is not dataclasses.MISSING else [],
        )
        for item in dataclasses.fields(group)
    ]
