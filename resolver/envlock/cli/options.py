"""The options that several commands share, each written once."""

# ruff: noqa: RUF009  (these calls make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envlock.choices import Accelerator, EngineName, Format, Manager
from envlock.cli.arguments import flag, option, repeated, words


@dataclass(frozen=True, kw_only=True)
class RequestOptions:
    """What is wanted, and for which Python."""

    requirements: tuple[str, ...] = words(
        "REQUIREMENT", says="Such as tensorflow==2.15.1; none means tensorflow and h5py."
    )
    requirement_file: tuple[Path, ...] = repeated(
        "-r",
        "--requirement",
        metavar="FILE",
        says="Take the requirements of a file: requirements.in, pyproject.toml. Repeatable.",
    )
    constraint_file: tuple[Path, ...] = repeated(
        "-c",
        "--constraint",
        metavar="FILE",
        says="Bound versions by a constraints file. Repeatable.",
    )
    extra: tuple[str, ...] = repeated(
        "--extra", metavar="NAME", says="Take an extra of pyproject.toml too. Repeatable."
    )
    group: tuple[str, ...] = repeated(
        "--group", metavar="NAME", says="Take a dependency group of pyproject.toml too. Repeatable."
    )
    python: str | None = option(
        "-p",
        "--python",
        metavar="PYTHON",
        says="A version such as 3.10, or a path.  [default: the one that runs envlock]",
    )
    platform: tuple[str, ...] = repeated(
        "--platform",
        metavar="PLATFORM",
        says="Lock for it, not for this machine: linux-x86_64, linux-aarch64, macos-arm64,"
        " macos-x86_64, windows-x86_64. Repeatable.",
    )
    accelerator: Accelerator | None = option(
        "--accelerator",
        metavar="KIND",
        says=f"Which TensorFlow build to take: {', '.join(Accelerator)}.  [default: auto]",
    )
    engine: EngineName | None = option(
        "--engine",
        metavar="NAME",
        says=f"Which program solves: {', '.join(EngineName)}.  [default: pip-tools]",
    )
    exclude_newer: str | None = option(
        "--exclude-newer",
        metavar="DATE",
        says="Leave out what was uploaded after DATE (2024-01-31, or 7d: seven days ago).",
    )
    rules: tuple[Path, ...] = repeated(
        "--rules", metavar="DIR", says="Add the rules of a folder. Repeatable."
    )
    needs: tuple[str, ...] = repeated(
        "--needs",
        metavar="LEVELS",
        says="Take the newest release that is proved to have these: resume,savedmodel.",
    )
    fresh: bool = flag("--fresh", says="Solve, though a set of pins is proved already.")
    evidence: tuple[Path, ...] = repeated(
        "--evidence", metavar="DIR", says="Take the evidence of a folder too. Repeatable."
    )
    upgrade: bool = flag("-U", "--upgrade", says="Do not keep the pins of an existing lock.")
    upgrade_package: tuple[str, ...] = repeated(
        "-P",
        "--upgrade-package",
        metavar="NAME",
        says="Do not keep the pin of one package. Repeatable.",
    )


@dataclass(frozen=True, kw_only=True)
class CondaOptions:
    """Whether packages come from conda, and from which channels."""

    manager: Manager | None = option(
        "--manager",
        metavar="NAME",
        says=f"Who installs: {', '.join(Manager)}.  [default: pip; conda for an environment.yml]",
    )
    channel: tuple[str, ...] = repeated(
        "--channel",
        metavar="CHANNEL",
        says="Where conda packages come from, before the channels of files. Repeatable."
        "  [default: conda-forge]",
    )


def is_for_conda(request: RequestOptions, conda: CondaOptions) -> bool:
    """Tell whether packages come from conda: as was said, or an environment file is read."""
    if conda.manager is not None:
        return conda.manager is not Manager.PIP
    files = any(path.suffix.lower() in {".yml", ".yaml"} for path in request.requirement_file)
    return files or bool(conda.channel)


@dataclass(frozen=True, kw_only=True)
class IndexOptions:
    """Where packages come from; what is not said is as pip is configured."""

    index_url: str | None = option("-i", "--index-url", metavar="URL", says="The package index.")
    extra_index_url: tuple[str, ...] = repeated(
        "--extra-index-url", metavar="URL", says="One more index. Repeatable."
    )
    find_links: tuple[str, ...] = repeated(
        "-f", "--find-links", metavar="PLACE", says="A folder or page with files. Repeatable."
    )
    no_index: bool = flag("--no-index", says="Use --find-links only.")
    trusted_host: tuple[str, ...] = repeated(
        "--trusted-host", metavar="HOST", says="A host without valid TLS. Repeatable."
    )
    cert: str | None = option("--cert", metavar="FILE", says="CA certificates to trust.")
    client_cert: str | None = option(
        "--client-cert", metavar="FILE", says="Certificate and key of the client."
    )
    keyring_provider: str | None = option(
        "--keyring-provider", metavar="KIND", says="auto, subprocess, import or disabled."
    )


@dataclass(frozen=True, kw_only=True)
class LockFileOptions:
    """Which lock files are written."""

    format: tuple[Format, ...] = repeated(
        "--format",
        metavar="FORMAT",
        says=f"One of {', '.join(Format)}. Repeatable.  [default: requirements]",
    )
    output: Path | None = option(
        "-o", "--output", metavar="FILE", says="Name of the lock, for one format."
    )


@dataclass(frozen=True, kw_only=True)
class EnvironmentOptions:
    """Where the environment is built."""

    env: Path = option("--env", metavar="DIR", default=Path(".venv"), says="[default: .venv]")
    force: bool = flag("--force", says="Replace what is there, though envlock did not make it.")


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """What is proved, and how long it may take."""

    probe: tuple[Path, ...] = repeated(
        "--probe", metavar="FILE", says="Run a script of your own too. Repeatable."
    )
    timeout: str = option(
        "--timeout",
        metavar="SECONDS",
        default="600",
        says="Time limit of each script.  [default: 600]",
    )


@dataclass(frozen=True, kw_only=True)
class JsonOption:
    """How the answer looks."""

    json: bool = flag("--json", says="Print one JSON object on stdout.")


@dataclass(frozen=True, kw_only=True)
class TalkOptions(JsonOption):
    """How much is said, and how."""

    quiet: bool = flag("-q", "--quiet", says="Say only errors and results.")
    verbose: bool = flag("-v", "--verbose", says="Say each step, and what programs say.")
