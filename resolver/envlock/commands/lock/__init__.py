"""`envlock lock`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from envlock.choices import Format, ReportFormat
from envlock.cli.arguments import Command, flag, option
from envlock.cli.options import (
    CondaOptions,
    IndexOptions,
    LockFileOptions,
    OutputOptions,
    RequestOptions,
    TalkOptions,
)
from envlock.errors import UsageError


class FileOptions(OutputOptions, frozen=True, kw_only=True):
    """Which lock files are written, or how the check of them is told."""

    format: Annotated[
        tuple[str, ...],
        option(
            "--format",
            metavar="FORMAT",
            says=f"One of {', '.join(Format)}. Repeatable.  [default: requirements]  With --check"
            " also github: annotations, with a summary of the step of a workflow.",
        ),
    ] = ()

    @property
    def report(self) -> ReportFormat | None:
        """How the check is told, where that was said."""
        return ReportFormat.GITHUB if ReportFormat.GITHUB in self.format else None

    @property
    def files(self) -> LockFileOptions:
        """Which lock files are written.

        Raises:
            UsageError: a format is none.
        """
        kinds = [each for each in self.format if each != ReportFormat.GITHUB]
        unknown = [each for each in kinds if each not in [*Format]]
        if unknown:
            raise UsageError(
                f"--format {unknown[0]}: there is no such format; there are {', '.join(Format)}",
                "envlock lock --help",
            )
        return LockFileOptions(
            format=tuple(map(Format, kinds)), output=self.output, universal=self.universal
        )


class CheckOption(Struct, frozen=True, kw_only=True):
    """What is done."""

    check: Annotated[
        bool, flag("--check", says="Only tell whether the lock is current; exit 1 if not.")
    ] = False
    prove: Annotated[
        bool,
        flag(
            "--prove",
            says="Build and prove it in a scratch folder first, as create does, and learn from it.",
        ),
    ] = False


LOCK = Command(
    "lock.run.run",
    """Write a hashed lock whose versions work together.

    An environment.yml given to -r is locked for conda.
    """,
    examples=(
        "lock -r requirements.in",
        'lock "tensorflow>=2.15" --platform linux-aarch64 --format pylock',
    ),
    request=RequestOptions,
    own=CheckOption,
    conda=CondaOptions,
    files=FileOptions,
    index=IndexOptions,
    talk=TalkOptions,
)
