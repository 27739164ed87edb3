"""The options that several commands share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct
from typer.models import OptionInfo

from envlock.choices import (
    PROBE_SECONDS,
    Accelerator,
    EngineName,
    Format,
    IndexStrategy,
    Manager,
    ReportFormat,
)
from envlock.cli.arguments import flag, option, words
from envlock.errors import UsageError

RuleFolders = Annotated[
    tuple[Path, ...],
    option("--rules", metavar="DIR", says="Add the rules of a folder. Repeatable."),
]


def python_option(default: str) -> OptionInfo:
    """Describe the option for an interpreter; ``default`` says which it is otherwise."""
    says = f"A version such as 3.10, or a path.  [default: {default}]"
    return option("-p", "--python", metavar="PYTHON", says=says)


def no_imports_option(says: str) -> OptionInfo:
    """Describe the option for packages that a proof does not import."""
    return option("--no-imports", metavar="NAME", says=f"{says} Repeatable.")


def engine_option(default: EngineName) -> OptionInfo:
    """Describe the option for an engine."""
    says = f"Which program solves: {', '.join(EngineName)}.  [default: {default}]"
    return option("--engine", metavar="NAME", says=says)


class RequestOptions(Struct, frozen=True, kw_only=True):
    """What is wanted, and for which Python."""

    requirements: Annotated[
        tuple[str, ...],
        words("REQUIREMENT", says="Such as tensorflow==2.15.1; none means tensorflow and h5py."),
    ] = ()
    requirement_file: Annotated[
        tuple[Path, ...],
        option(
            "-r",
            "--requirement",
            metavar="FILE",
            says="Take the requirements of a file: requirements.in, pyproject.toml. Repeatable.",
        ),
    ] = ()
    constraint_file: Annotated[
        tuple[Path, ...],
        option(
            "-c",
            "--constraint",
            metavar="FILE",
            says="Bound versions by a constraints file. Repeatable.",
        ),
    ] = ()
    extra: Annotated[
        tuple[str, ...],
        option("--extra", metavar="NAME", says="Take an extra of pyproject.toml too. Repeatable."),
    ] = ()
    group: Annotated[
        tuple[str, ...],
        option(
            "--group",
            metavar="NAME",
            says="Take a dependency group of pyproject.toml too. Repeatable.",
        ),
    ] = ()
    all_extras: Annotated[
        bool,
        flag(
            "--all-extras",
            says="Lock every extra too, so that each can be chosen where the pylock.toml is"
            " installed.",
        ),
    ] = False
    no_extra: Annotated[
        tuple[str, ...],
        option("--no-extra", metavar="NAME", says="Leave one of --all-extras out. Repeatable."),
    ] = ()
    all_groups: Annotated[
        bool, flag("--all-groups", says="The same for every dependency group.")
    ] = False
    no_group: Annotated[
        tuple[str, ...],
        option("--no-group", metavar="NAME", says="Leave one of --all-groups out. Repeatable."),
    ] = ()
    python: Annotated[str | None, python_option("the one that runs envlock")] = None
    platform: Annotated[
        tuple[str, ...],
        option(
            "--platform",
            metavar="PLATFORM",
            says="Lock for it, not for this machine: linux-x86_64, linux-aarch64, macos-arm64,"
            " macos-x86_64, windows-x86_64. Repeatable.",
        ),
    ] = ()
    accelerator: Annotated[
        Accelerator | None,
        option(
            "--accelerator",
            metavar="KIND",
            says=f"Which TensorFlow build to take: {', '.join(Accelerator)}.  [default: auto]",
        ),
    ] = None
    engine: Annotated[
        EngineName | None,
        engine_option(EngineName.PIPTOOLS),
    ] = None
    exclude_newer: Annotated[
        str | None,
        option(
            "--exclude-newer",
            metavar="DATE",
            says="Leave out what was uploaded after DATE (2024-01-31, or 7d: seven days ago).",
        ),
    ] = None
    rules: RuleFolders = ()
    needs: Annotated[
        tuple[str, ...],
        option(
            "--needs",
            metavar="LEVELS",
            says="Take the newest release that is proved to have these: resume,savedmodel.",
        ),
    ] = ()
    no_imports: Annotated[
        tuple[str, ...],
        no_imports_option("Prove it without importing this one of what is asked for."),
    ] = ()
    allow_build: Annotated[
        tuple[str, ...],
        option(
            "--allow-build",
            metavar="NAME",
            says="Build this package, or :all:, of its source where it has no wheel here; that"
            " runs its code. Repeatable.",
        ),
    ] = ()
    fresh: Annotated[
        bool, flag("--fresh", says="Solve, though a set of pins is proved already.")
    ] = False
    evidence: Annotated[
        tuple[Path, ...],
        option("--evidence", metavar="DIR", says="Take the evidence of a folder too. Repeatable."),
    ] = ()
    upgrade: Annotated[
        bool, flag("-U", "--upgrade", says="Do not keep the pins of an existing lock.")
    ] = False
    upgrade_package: Annotated[
        tuple[str, ...],
        option(
            "-P",
            "--upgrade-package",
            metavar="NAME",
            says="Upgrade one package, or NAME==VERSION, and what it needs. Repeatable.",
        ),
    ] = ()


class ChosenOptions(Struct, frozen=True, kw_only=True):
    """What is taken of a lock beside what it always installs."""

    extra: Annotated[
        tuple[str, ...],
        option("--extra", metavar="NAME", says="Choose an extra of a pylock.toml. Repeatable."),
    ] = ()
    group: Annotated[
        tuple[str, ...],
        option("--group", metavar="NAME", says="Choose a dependency group of it. Repeatable."),
    ] = ()


class CondaOptions(Struct, frozen=True, kw_only=True):
    """Whether packages come from conda, and from which channels."""

    manager: Annotated[
        Manager | None,
        option(
            "--manager",
            metavar="NAME",
            says=f"Who installs: {', '.join(Manager)}."
            "  [default: pip; conda for an environment.yml]",
        ),
    ] = None
    channel: Annotated[
        tuple[str, ...],
        option(
            "--channel",
            metavar="CHANNEL",
            says="Where conda packages come from, before the channels of files. Repeatable."
            "  [default: conda-forge]",
        ),
    ] = ()


class IndexOptions(Struct, frozen=True, kw_only=True):
    """Where packages come from; what is not said is as pip is configured."""

    index_url: Annotated[
        str | None, option("-i", "--index-url", metavar="URL", says="The package index.")
    ] = None
    extra_index_url: Annotated[
        tuple[str, ...],
        option("--extra-index-url", metavar="URL", says="One more index. Repeatable."),
    ] = ()
    index_strategy: Annotated[
        IndexStrategy | None,
        option(
            "--index-strategy",
            metavar="NAME",
            says="Take a package from the first index that has it (extra ones first), or the best"
            f" of all: {', '.join(IndexStrategy)}.  [default: {IndexStrategy.FIRST}]",
        ),
    ] = None
    find_links: Annotated[
        tuple[str, ...],
        option(
            "-f", "--find-links", metavar="PLACE", says="A folder or page with files. Repeatable."
        ),
    ] = ()
    no_index: Annotated[bool, flag("--no-index", says="Use --find-links only.")] = False
    trusted_host: Annotated[
        tuple[str, ...],
        option("--trusted-host", metavar="HOST", says="A host without valid TLS. Repeatable."),
    ] = ()
    cert: Annotated[
        str | None, option("--cert", metavar="FILE", says="CA certificates to trust.")
    ] = None
    client_cert: Annotated[
        str | None,
        option("--client-cert", metavar="FILE", says="Certificate and key of the client."),
    ] = None
    keyring_provider: Annotated[
        str | None,
        option("--keyring-provider", metavar="KIND", says="auto, subprocess, import or disabled."),
    ] = None
    refresh: Annotated[
        bool, flag("--refresh", says="Ask again for index pages, though they were read just now.")
    ] = False
    offline: Annotated[
        bool, flag("--offline", says="Use what is in the caches, however old, and no network.")
    ] = False
    no_cache: Annotated[
        bool, flag("--no-cache", says="Neither use nor keep what was read of an index.")
    ] = False


class ReportOptions(Struct, frozen=True, kw_only=True):
    """For whom the answer is."""

    format: Annotated[
        ReportFormat | None,
        option(
            "--format",
            metavar="FORMAT",
            says="github: as annotations, with a summary of the step of a workflow.",
        ),
    ] = None


class OutputOptions(Struct, frozen=True, kw_only=True):
    """Where a lock is written."""

    output: Annotated[
        Path | None,
        option(
            "-o", "--output", metavar="FILE", says="Name of the lock, for one format; - prints it."
        ),
    ] = None
    universal: Annotated[
        bool,
        flag(
            "--universal",
            says="Put all platforms into one requirements file, with markers; a pylock.toml"
            " always holds all.",
        ),
    ] = False


class LockFileOptions(OutputOptions, frozen=True, kw_only=True):
    """Which lock files are written."""

    format: Annotated[
        tuple[Format, ...],
        option(
            "--format",
            metavar="FORMAT",
            says=f"One of {', '.join(Format)}. Repeatable.  [default: requirements]",
        ),
    ] = ()


class EnvironmentOptions(Struct, frozen=True, kw_only=True):
    """Where the environment is built, and how one that is there is changed, or only compared."""

    env: Annotated[
        Path | None, option("--env", metavar="DIR", says="Its folder.  [default: .venv]")
    ] = None
    force: Annotated[
        bool, flag("--force", says="Replace an environment that another tool made; it is deleted.")
    ] = False
    check: Annotated[
        bool, flag("--check", says="Only say what would change; exit 1 if anything would.")
    ] = False
    dry_run: Annotated[bool, flag("--dry-run", says="Only say what would change.")] = False
    inexact: Annotated[
        bool, flag("--inexact", says="Keep the packages that the lock does not name.")
    ] = False
    thorough: Annotated[
        bool,
        flag("--thorough", says="Compare the hash of every file, not only presence and sizes."),
    ] = False
    no_pip: Annotated[bool, flag("--no-pip", says="Leave pip out of the environment.")] = False

    @property
    def looks(self) -> bool:
        """Whether nothing is to be changed."""
        return self.check or self.dry_run


class ProbeOptions(Struct, frozen=True, kw_only=True):
    """What is proved, and how long it may take."""

    probe: Annotated[
        tuple[Path, ...],
        option("--probe", metavar="FILE", says="Run a script of your own too. Repeatable."),
    ] = ()
    timeout: Annotated[
        str,
        option(
            "--timeout",
            metavar="SECONDS",
            says=f"Time limit of each script.  [default: {PROBE_SECONDS}]",
        ),
    ] = str(PROBE_SECONDS)


class JsonOption(Struct, frozen=True, kw_only=True):
    """How the answer looks."""

    json: Annotated[bool, flag("--json", says="Print one JSON object on stdout.")] = False


class TalkOptions(JsonOption, frozen=True, kw_only=True):
    """How much is said, and how."""

    quiet: Annotated[bool, flag("-q", "--quiet", says="Say only errors and results.")] = False
    verbose: Annotated[
        bool, flag("-v", "--verbose", says="Say each step, and what programs say.")
    ] = False


def refuse_two_reports(form: ReportOptions, talk: TalkOptions) -> None:
    """Refuse two answers at once.

    Raises:
        UsageError: both were asked for.
    """
    if form.format and talk.json:
        raise UsageError(f"--format {form.format} and --json are two answers", "leave --json out")
