"""`envlock capabilities`, `envlock matrix check` and `envlock matrix report`: what was run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.choices import PROBE_SECONDS, Accelerator, EngineName, ExecutorName
from envlock.cli.arguments import Command, flag, option
from envlock.cli.options import IndexOptions, JsonOption, RuleFolders, TalkOptions
from envlock.commands.knowledge import RulesOption


class CapabilityOptions(Struct, frozen=True, kw_only=True):
    """Of which cells."""

    python: Annotated[
        tuple[str, ...],
        option("-p", "--python", metavar="MINORS", says="Such as 3.8,3.9.  [default: all]"),
    ] = ()
    platform: Annotated[
        str | None,
        option("--platform", metavar="NAME", says="Such as linux-x86_64.  [default: all]"),
    ] = None
    evidence: Annotated[
        tuple[Path, ...],
        option("--evidence", metavar="DIR", says="Add the evidence of a folder. Repeatable."),
    ] = ()


class EvidenceFolder(Struct, frozen=True, kw_only=True):
    """Whose evidence."""

    evidence: Annotated[
        Path | None,
        option(
            "--evidence", metavar="DIR", says="The evidence of a folder.  [default: envlock's own]"
        ),
    ] = None


class PageOptions(Struct, frozen=True, kw_only=True):
    """Where the page is written."""

    output: Annotated[Path, option("-o", "--output", metavar="DIR", says="[default: report]")] = (
        Path("report")
    )


class CellOptions(Struct, frozen=True, kw_only=True):
    """Which cells are run."""

    plan: Annotated[
        Path | None,
        option("--plan", metavar="FILE", says="A YAML file with the options below as keys."),
    ] = None
    tensorflow: Annotated[
        str | None,
        option(
            "--tensorflow",
            metavar="SPEC",
            says="Releases, such as 2.15.1 or >=2.4.  [default: all]",
        ),
    ] = None
    python: Annotated[
        tuple[str, ...],
        option(
            "-p",
            "--python",
            metavar="MINORS",
            says="Such as 3.8,3.9.  [default: all that are here]",
        ),
    ] = ()
    vary: Annotated[
        tuple[str, ...],
        option(
            "--vary", metavar="NAME", says="Try every minor release of a package too. Repeatable."
        ),
    ] = ()
    vary_newest: Annotated[
        bool, flag("--vary-newest", says="Vary on the newest Python of a release only.")
    ] = False
    baseline: Annotated[bool, flag("--baseline", says="Run what a plain resolve gives too.")] = (
        False
    )
    legacy: Annotated[
        bool, flag("--legacy", says="Run Keras 2 too, where the release comes with Keras 3.")
    ] = False
    companions: Annotated[
        bool,
        flag("--companions", says="Run what often stands beside it, as beside.yaml names it."),
    ] = False
    patches: Annotated[
        bool, flag("--patches", says="Run every patch release, not the last of each minor.")
    ] = False
    accelerator: Annotated[
        Accelerator | None,
        option("--accelerator", metavar="KIND", says="The build: cpu, auto.  [default: cpu]"),
    ] = None


class RunOptions(Struct, frozen=True, kw_only=True):
    """Where it is recorded, and with how much it is run."""

    evidence: Annotated[Path, option("--evidence", metavar="DIR", says="[default: evidence]")] = (
        Path("evidence")
    )
    workers: Annotated[
        str, option("--workers", metavar="N", says="Processes of this machine.  [default: 2]")
    ] = "2"
    executor: Annotated[
        ExecutorName,
        option(
            "--executor",
            metavar="NAME",
            says="local, or dask: every worker of a cluster.  [default: local]",
        ),
    ] = ExecutorName.LOCAL
    scheduler: Annotated[
        str | None,
        option(
            "--scheduler", metavar="ADDRESS", says="Of the dask cluster, such as tcp://HOST:8786."
        ),
    ] = None
    max_disk: Annotated[
        str, option("--max-disk", metavar="SIZE", says="Drop caches above it.  [default: 30GB]")
    ] = "30GB"
    timeout: Annotated[
        str,
        option(
            "--timeout", metavar="SECONDS", says=f"Limit of a probe.  [default: {PROBE_SECONDS}]"
        ),
    ] = str(PROBE_SECONDS)
    engine: Annotated[
        EngineName | None,
        option("--engine", metavar="NAME", says=f"One of {', '.join(EngineName)}.  [default: uv]"),
    ] = None
    rules: RuleFolders = ()
    again: Annotated[bool, flag("--again", says="Run what has evidence already.")] = False
    dry_run: Annotated[bool, flag("-n", "--dry-run", says="Only list what would be run.")] = False


CAPABILITIES = Command(
    "matrix.evidence.run_capabilities",
    """Print what each TensorFlow release was seen to do.

    On each Python, in the environment that envlock's lock gives.
    """,
    examples=(
        "capabilities",
        "capabilities --python 3.11",
    ),
    own=CapabilityOptions,
    talk=JsonOption,
)

CHECK = Command(
    "matrix.evidence.run_check",
    """Hold rules and evidence against each other.

    Contradictions and bad files give exit code 1; rules that nothing supports
    and evidence that is behind the releases on record are only told.
    """,
    examples=(
        "matrix check",
        "matrix check --evidence evidence",
    ),
    own=EvidenceFolder,
    added=RulesOption,
    talk=JsonOption,
)

REPORT = Command(
    "matrix.evidence.run_report",
    """Draw the evidence as a page and a picture.

    The page is one file that needs neither a server nor a network.
    """,
    examples=(
        "matrix report",
        "matrix report --evidence evidence",
    ),
    place=PageOptions,
    own=EvidenceFolder,
    added=RulesOption,
    talk=JsonOption,
)

RUN = Command(
    "matrix.run.run",
    """Build and prove many cells, and record what they do.

    A cell is a TensorFlow release on a Python of this machine. What has
    evidence is not run again, so a run that was stopped goes on.
    """,
    examples=(
        "matrix run --tensorflow 2.15.1 --dry-run",
        "matrix run --companions --evidence evidence",
    ),
    cells=CellOptions,
    own=RunOptions,
    index=IndexOptions,
    talk=TalkOptions,
)
