"""`envlock rules` and `envlock releases`."""

from __future__ import annotations

import json
from importlib.resources import files

from envlock import config, report
from envlock.cli.options import JsonOption
from envlock.cli.output import say, say_json
from envlock.commands.knowledge import (
    ReleaseOptions,
    RuleName,
    RulesFolder,
    RulesOption,
    TableName,
)
from envlock.rules.schema import schema_text
from envlock.targets.platforms import read_platform
from envlock.words import counted
from envlock.workflow.knowledge import (
    all_rules,
    check_rules,
    constraints_for,
    constraints_text,
    find_rule,
)
from envlock.workflow.releases import release_data, release_rows


def run_list(own: RulesOption, talk: JsonOption) -> int:
    """Do `envlock rules list`."""
    found = all_rules(own.rules)
    if talk.json:
        say_json("rules list", {"rules": [report.rule_data(rule) for rule in found]})
    else:
        say(report.table(("RULE", "SEVERITY", "STAGE", "FACT"), report.rule_rows(found)))
    return 0


def run_show(own: RuleName, added: RulesOption, talk: JsonOption) -> int:
    """Do `envlock rules show`."""
    rule = find_rule(own.name, added.rules)
    if talk.json:
        say_json("rules show", {"rule": report.rule_data(rule)})
    else:
        say(report.rule_text(rule))
    return 0


def run_check(own: RulesFolder, talk: JsonOption) -> int:
    """Do `envlock rules check`."""
    found = check_rules(own.folder)
    if talk.json:
        say_json("rules check", {"sound": [rule.id for rule in found]})
    else:
        say(f"{counted(len(found), 'rule')}, all sound")
    return 0


def run_constraints(own: ReleaseOptions, added: RulesOption, talk: JsonOption) -> int:
    """Do `envlock rules constraints`."""
    place = read_platform(own.platform) if own.platform else None
    found = constraints_for(own.release, own.python, own.accelerator, added.rules, place)
    if talk.json:
        say_json("rules constraints", report.constraints_data(found.constraints))
    else:
        say(constraints_text(found).rstrip("\n"))
    return 0


def run_schema(talk: JsonOption) -> int:
    """Do `envlock rules schema`."""
    text = schema_text()
    if talk.json:
        say_json("rules schema", {"document": json.loads(text)})
    else:
        say(text.rstrip("\n"))
    return 0


def run_config_schema(talk: JsonOption) -> int:
    """Do `envlock config schema`."""
    document = config.config_schema()
    if talk.json:
        say_json("config schema", {"document": document})
    else:
        say(json.dumps(document, indent=2))
    return 0


def run_json_schema(talk: JsonOption) -> int:
    """Do `envlock json schema`."""
    text = files("envlock.cli").joinpath("output.schema.json").read_text(encoding="utf-8")
    if talk.json:
        say_json("json schema", {"document": json.loads(text)})
    else:
        say(text.rstrip("\n"))
    return 0


def run_releases(own: TableName, talk: JsonOption) -> int:
    """Do `envlock releases`."""
    package = own.package.value
    if talk.json:
        say_json("releases", {"package": package, "releases": release_data(package)})
    else:
        header, *rows = release_rows(package)
        say(report.table(header, rows))
    return 0
