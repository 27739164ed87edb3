"""`envlock rules` and `envlock releases`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.choices import Accelerator
from envlock.cli.arguments import Command, option, word
from envlock.cli.options import JsonOption, RuleFolders


class RecordedPackage(StrEnum):
    """The packages whose releases are on record."""

    TENSORFLOW = "tensorflow"
    H5PY = "h5py"


class RulesOption(Struct, frozen=True, kw_only=True):
    """Which rules there are beside envlock's own."""

    rules: RuleFolders = ()


class RuleName(Struct, frozen=True, kw_only=True):
    """Which rule is shown."""

    name: Annotated[str, word("ID", says="Its id, or another name it has.")]


class RulesFolder(Struct, frozen=True, kw_only=True):
    """What is checked."""

    folder: Annotated[Path, word("DIR", says="A folder of rules, with the folders in it.")]


class ReleaseOptions(Struct, frozen=True, kw_only=True):
    """What the rules are asked about."""

    release: Annotated[str, word("RELEASE", says="Such as tensorflow==2.10.1.")]
    python: Annotated[
        str | None,
        option(
            "-p",
            "--python",
            metavar="VERSION",
            says="A version such as 3.10.  [default: the one that runs envlock]",
        ),
    ] = None
    platform: Annotated[
        str | None,
        option(
            "--platform",
            metavar="PLATFORM",
            says="Such as windows-x86_64.  [default: this machine's]",
        ),
    ] = None
    accelerator: Annotated[
        Accelerator,
        option(
            "--accelerator",
            metavar="KIND",
            says=f"The build: {', '.join(Accelerator)}.  [default: auto]",
        ),
    ] = Accelerator.AUTO


class TableName(Struct, frozen=True, kw_only=True):
    """Whose releases are shown."""

    package: Annotated[
        RecordedPackage,
        word("PACKAGE", says=f"{' or '.join(RecordedPackage)}.  [default: tensorflow]"),
    ] = RecordedPackage.TENSORFLOW


RULES_LIST = Command(
    "knowledge.run.run_list",
    "List the rules.",
    examples=(
        "rules list",
        "rules list --json",
    ),
    own=RulesOption,
    talk=JsonOption,
)

RULES_SHOW = Command(
    "knowledge.run.run_show",
    "Show one rule with its evidence.",
    examples=(
        "rules show numpy2-tf-abi",
        "rules show tf-two-owners --json",
    ),
    own=RuleName,
    added=RulesOption,
    talk=JsonOption,
)

RULES_CHECK = Command(
    "knowledge.run.run_check",
    """Check a folder of rules.

    That is the schema, the ids, and each rule's own examples.
    """,
    examples=(
        "rules check our-rules",
        "rules check our-rules --json",
    ),
    own=RulesFolder,
    talk=JsonOption,
)

RULES_CONSTRAINTS = Command(
    "knowledge.run.run_constraints",
    """Print the rules for one release as a constraints file.

    For pip or uv, with the reasons as comments.
    """,
    examples=(
        'rules constraints "tensorflow==2.15.1"',
        'rules constraints "tensorflow==2.10.1" --python 3.10',
    ),
    own=ReleaseOptions,
    added=RulesOption,
    talk=JsonOption,
)

RULES_SCHEMA = Command(
    "knowledge.run.run_schema",
    "Print the JSON Schema of a rule, for editors.",
    talk=JsonOption,
)

CONFIG_SCHEMA = Command(
    "knowledge.run.run_config_schema",
    "Print the JSON Schema of [tool.envlock], for editors.",
    talk=JsonOption,
)

JSON_SCHEMA = Command(
    "knowledge.run.run_json_schema",
    "Print the JSON Schema of what every command prints with --json.",
    talk=JsonOption,
)

RELEASES = Command(
    "knowledge.run.run_releases",
    """Print the releases of TensorFlow or h5py.

    With their Pythons, the ranges that they declare, and CUDA.
    """,
    examples=(
        "releases",
        "releases h5py",
    ),
    own=TableName,
    talk=JsonOption,
)
