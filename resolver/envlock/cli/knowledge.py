"""`envlock rules` and `envlock releases`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.choices import Accelerator
from envlock.cli.arguments import option, word
from envlock.cli.options import JsonOption, RuleFolders
from envlock.cli.output import say, say_json
from envlock.words import counted


class Table(StrEnum):
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
        Table, word("PACKAGE", says=f"{' or '.join(Table)}.  [default: tensorflow]")
    ] = Table.TENSORFLOW


def list_(own: RulesOption, talk: JsonOption) -> int:
    """List the rules."""
    from envlock import report  # noqa: PLC0415  (--help needs none of this)
    from envlock.workflow.knowledge import all_rules  # noqa: PLC0415

    found = all_rules(own.rules)
    if talk.json:
        say_json("rules list", {"rules": [report.rule_data(rule) for rule in found]})
    else:
        say(report.table(("RULE", "SEVERITY", "STAGE", "FACT"), report.rule_rows(found)))
    return 0


def show(own: RuleName, added: RulesOption, talk: JsonOption) -> int:
    """Show one rule with its evidence."""
    from envlock import report  # noqa: PLC0415  (--help needs none of this)
    from envlock.workflow.knowledge import find_rule  # noqa: PLC0415

    rule = find_rule(own.name, added.rules)
    if talk.json:
        say_json("rules show", {"rule": report.rule_data(rule)})
    else:
        say(report.rule_text(rule))
    return 0


def check(own: RulesFolder, talk: JsonOption) -> int:
    """Check a folder of rules.

    That is the schema, the ids, and each rule's own examples.
    """
    from envlock.workflow.knowledge import check_rules  # noqa: PLC0415  (as above)

    found = check_rules(own.folder)
    if talk.json:
        say_json("rules check", {"sound": [rule.id for rule in found]})
    else:
        say(f"{counted(len(found), 'rule')}, all sound")
    return 0


def constraints(own: ReleaseOptions, added: RulesOption, talk: JsonOption) -> int:
    """Print the rules for one release as a constraints file.

    For pip or uv, with the reasons as comments.
    """
    from envlock import report  # noqa: PLC0415  (as above)
    from envlock.targets.platforms import read_platform  # noqa: PLC0415
    from envlock.workflow.knowledge import constraints_for, constraints_text  # noqa: PLC0415

    place = read_platform(own.platform) if own.platform else None
    found = constraints_for(own.release, own.python, own.accelerator, added.rules, place)
    if talk.json:
        say_json("rules constraints", report.constraints_data(found.constraints))
    else:
        say(constraints_text(found).rstrip("\n"))
    return 0


def schema(talk: JsonOption) -> int:
    """Print the JSON Schema of a rule, for editors."""
    import json  # noqa: PLC0415  (as above)

    from envlock.rules.schema import schema_text  # noqa: PLC0415

    text = schema_text()
    if talk.json:
        say_json("rules schema", {"document": json.loads(text)})
    else:
        say(text.rstrip("\n"))
    return 0


def config_schema(talk: JsonOption) -> int:
    """Print the JSON Schema of [tool.envlock], for editors."""
    import json  # noqa: PLC0415  (as above)

    from envlock import config  # noqa: PLC0415

    document = config.config_schema()
    if talk.json:
        say_json("config schema", {"document": document})
    else:
        say(json.dumps(document, indent=2))
    return 0


def json_schema(talk: JsonOption) -> int:
    """Print the JSON Schema of what every command prints with --json."""
    import json  # noqa: PLC0415  (as above)
    from importlib.resources import files  # noqa: PLC0415

    text = files("envlock.cli").joinpath("output.schema.json").read_text(encoding="utf-8")
    if talk.json:
        say_json("json schema", {"document": json.loads(text)})
    else:
        say(text.rstrip("\n"))
    return 0


def releases(own: TableName, talk: JsonOption) -> int:
    """Print the releases of TensorFlow or h5py.

    With their Pythons, the ranges that they declare, and CUDA.
    """
    from envlock import report  # noqa: PLC0415  (as above)
    from envlock.workflow.releases import release_data, release_rows  # noqa: PLC0415

    package = own.package.value
    if talk.json:
        say_json("releases", {"package": package, "releases": release_data(package)})
    else:
        header, *rows = release_rows(package)
        say(report.table(header, rows))
    return 0
