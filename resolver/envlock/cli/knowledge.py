"""`envlock rules` and `envlock releases`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from envlock.choices import Accelerator
from envlock.cli.output import reporting, say, say_json, table

rules = typer.Typer(
    help="What envlock knows that package metadata does not say.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folders = Annotated[
    list[Path] | None, typer.Option("--rules", metavar="DIR", help="Add the rules of a folder.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


class Table(StrEnum):
    """The packages whose releases are on record."""

    TENSORFLOW = "tensorflow"
    H5PY = "h5py"


@rules.command("list")
def list_(folders: Folders = None, *, as_json: Json = False) -> None:
    """List the rules."""
    with reporting("rules list", as_json=as_json):
        from envlock import report  # noqa: PLC0415  (--help needs none of this)
        from envlock.workflow.knowledge import all_rules  # noqa: PLC0415

        found = all_rules(folders or [])
        if as_json:
            say_json("rules list", {"rules": [report.rule_data(rule) for rule in found]})
        else:
            say(table(("RULE", "SEVERITY", "STAGE", "FACT"), report.rule_rows(found)))


@rules.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="ID")],
    folders: Folders = None,
    *,
    as_json: Json = False,
) -> None:
    """Show one rule with its evidence."""
    with reporting("rules show", as_json=as_json):
        from envlock import report  # noqa: PLC0415  (--help needs none of this)
        from envlock.workflow.knowledge import find_rule  # noqa: PLC0415

        rule = find_rule(name, folders or [])
        if as_json:
            say_json("rules show", {"rule": report.rule_data(rule)})
        else:
            say(report.rule_text(rule))


@rules.command("check")
def check(folder: Annotated[Path, typer.Argument(metavar="DIR")], *, as_json: Json = False) -> None:
    """Check a folder of rules: schema, ids, and each rule's own examples."""
    with reporting("rules check", as_json=as_json):
        from envlock.workflow.knowledge import check_rules  # noqa: PLC0415  (as above)

        found = check_rules(folder)
        if as_json:
            say_json("rules check", {"sound": [rule.id for rule in found]})
        else:
            say(f"{len(found)} rules, all sound")


@rules.command("constraints")
def constraints(
    release: Annotated[
        str, typer.Argument(metavar="RELEASE", help='Such as "tensorflow==2.10.1".')
    ],
    python: Annotated[str | None, typer.Option("-p", "--python", metavar="VERSION")] = None,
    accelerator: Annotated[Accelerator, typer.Option("--accelerator")] = Accelerator.AUTO,
    folders: Folders = None,
    *,
    as_json: Json = False,
) -> None:
    """Print what the rules mean for one release, as a constraints file for pip or uv."""
    with reporting("rules constraints", as_json=as_json):
        from envlock import report  # noqa: PLC0415  (--help needs none of this)
        from envlock.workflow.knowledge import constraints_for, constraints_text  # noqa: PLC0415

        found = constraints_for(release, python, accelerator, folders or [])
        if as_json:
            say_json("rules constraints", report.constraints_data(found.constraints))
        else:
            say(constraints_text(found).rstrip("\n"))


def releases(
    package: Annotated[Table, typer.Argument(metavar="[tensorflow|h5py]")] = Table.TENSORFLOW,
    *,
    as_json: Json = False,
) -> None:
    """Print the releases of TensorFlow or h5py: Pythons, declared ranges, CUDA."""
    with reporting("releases", as_json=as_json):
        from envlock.workflow.releases import release_data, release_rows  # noqa: PLC0415

        if as_json:
            say_json(
                "releases", {"package": package.value, "releases": release_data(package.value)}
            )
        else:
            header, *rows = release_rows(package.value)
            say(table(header, rows))
