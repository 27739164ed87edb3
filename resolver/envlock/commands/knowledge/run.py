"""`envlock rules` and `envlock releases`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock import config, report, standards
from envlock.choices import Accelerator
from envlock.cli.options import JsonOption
from envlock.cli.output import say, say_json
from envlock.commands.knowledge import ReleaseOptions, RuleName, RulesFolder, RulesOption, TableName
from envlock.errors import NoResolution, ProblemFound, UsageError
from envlock.model import Constraint, Rule, Target
from envlock.releases import Release, and_cuda, cuda_row, framework_releases, h5py_releases
from envlock.resolve.candidate import Candidate
from envlock.resolve.feasible import Infeasible, judge
from envlock.rules import database
from envlock.rules.frameworks import framework
from envlock.rules.schema import schema_text
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter
from envlock.targets.platforms import NamedPlatform, foreign_target, read_platform
from envlock.words import counted


def run_list(own: RulesOption, talk: JsonOption) -> int:
    """Do `envlock rules list`."""
    found = all_rules(own.rules)
    if talk.json:
        say_json("rules list", {"rules": [report.rule_data(rule) for rule in found]})
    else:
        say(report.table(("RULE", "SEVERITY", "STAGE", "CAUSE", "FACT"), report.rule_rows(found)))
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


def find_rule(name: str, folders: Sequence[Path]) -> Rule:
    """The rule with this id or alias.

    Raises:
        UsageError: there is none; the nearest names are told.
    """
    known = database.load(folders)
    rule = known.find(name)
    if rule is None:
        names = [each for item in known.everything for each in (item.id, *item.aliases)]
        close = get_close_matches(name, names, n=3, cutoff=0.5)
        raise UsageError(
            f"there is no rule {name}",
            *(f"envlock rules show {each}" for each in close),
            *([] if close else ["envlock rules list"]),
        )
    return rule


def check_rules(folder: Path) -> tuple[Rule, ...]:
    """The rules of a folder, all sound.

    Raises:
        ProblemFound: some are not; every fault is told with file, id and key path.
    """
    rules, wrong = database.check(folder)
    if wrong:
        raise ProblemFound("\n".join((f"{counted(len(wrong), 'fault')} in {folder}:", *wrong)))
    return rules


def all_rules(folders: Sequence[Path]) -> tuple[Rule, ...]:
    """Every rule, by id."""
    return database.load(folders).everything


class Bounds(Struct, frozen=True, kw_only=True):
    """What the rules mean for one release and target."""

    anchor: Candidate
    target: Target
    constraints: tuple[Constraint, ...]
    rules: database.Database


def constraints_for(
    release: str,
    python: str | None,
    accelerator: Accelerator,
    folders: Sequence[Path],
    place: NamedPlatform | None = None,
) -> Bounds:
    """What the rules ask of everything around one release, here or on another platform.

    Raises:
        UsageError: ``release`` is not NAME==VERSION, or ``python`` no version.
        NoResolution: the rules refuse the release itself.
    """
    anchor = _release(release)
    goal = _target(python, accelerator, place)
    rules = database.load(folders)
    verdict = judge(anchor, {}, rules.rules, goal)
    if isinstance(verdict, Infeasible):
        facts = "; ".join(f"{rule.because} (rule {rule.id})" for rule in verdict.broken)
        raise NoResolution(f"{anchor} cannot be on Python {goal.minor}: {facts}")
    return Bounds(anchor=anchor, target=goal, constraints=verdict.constraints, rules=rules)


def constraints_text(bounds: Bounds) -> str:
    """The bounds as a constraints file for pip or uv, with their reasons as comments."""
    lines = [
        f"# {bounds.anchor} on Python {bounds.target.minor}, {bounds.target.platform}",
        f"# pip install -c FILE {bounds.anchor}",
    ]
    for constraint in bounds.constraints:
        lines += _lines(constraint, bounds.rules)
    return "\n".join(lines) + "\n"


def _lines(constraint: Constraint, rules: database.Database) -> list[str]:
    found = [rule for name in constraint.rules for rule in rules.rules if rule.id == name]
    told = [f"# {rule.id}: {rule.because}" for rule in found]
    bound = f"{constraint.package}{constraint.specifier}"
    return ["", *told, f"# must be installed: {bound}" if constraint.include else bound]


def _release(text: str) -> Candidate:
    requirement = standards.requirement(text)
    specifiers = () if requirement is None else tuple(requirement.specifier)
    exact = [each.version for each in specifiers if each.operator == "=="]
    version = standards.version(exact[0]) if len(exact) == len(specifiers) == 1 else None
    if requirement is None or version is None:
        raise UsageError(
            f"{text}: one release is needed, as NAME==VERSION",
            'envlock rules constraints "tensorflow==2.15.1"',
        )
    return Candidate(name=canonicalize_name(requirement.name), version=version)


def _target(python: str | None, accelerator: Accelerator, place: NamedPlatform | None) -> Target:
    """The target of a Python that need not be here: rules ask for its version only."""
    if python is not None and not re.fullmatch(r"3\.\d{1,3}(\.\d{1,3})?", python, re.ASCII):
        raise UsageError(f"{python} is not a version of Python, such as 3.10", "--python 3.10")
    here = target(find_interpreter(None), accelerator)
    version = Version(python) if python else here.python
    if place is not None:
        return foreign_target(place, version, accelerator)
    return replace(here, python=version)


_DECLARED = ("h5py", "numpy", "protobuf", "keras")

#: The platform whose metadata and Pythons the table shows; JSON has them all.
_SHOWN = "linux-x86_64"


def release_rows(package: str) -> list[tuple[str, ...]]:
    """A header and one row for each release, newest last."""
    if package == "h5py":
        rows = [
            (
                str(item.version),
                str(item.date),
                _span(_pythons(item, package)),
                _declared(item, package, "numpy"),
                item.hdf5,
                item.yanked,
            )
            for item in h5py_releases()
        ]
        return [("H5PY", "DATE", "PYTHON", "NUMPY", "HDF5", "YANKED"), *rows]
    header = (
        framework().name.upper(),
        "DATE",
        "PYTHON",
        *map(str.upper, _DECLARED),
        "CUDA",
        "CUDNN",
        "AND-CUDA",
    )
    return [header, *(_framework_row(item) for item in framework_releases())]


def _framework_row(item: Release) -> tuple[str, ...]:
    row = cuda_row(item.version)
    extra = and_cuda(item.version)
    return (
        str(item.version),
        str(item.date),
        _span(_pythons(item, framework().name)),
        *(_declared(item, framework().name, name) for name in _DECLARED),
        row.cuda if row else "",
        row.cudnn if row else "",
        "" if extra is None else "yes" if extra.installable else f"no: {extra.refusal}",
    )


def release_data(package: str) -> list[dict[str, Any]]:
    """Every release with its wheels and declared requirements on every platform."""
    table: Sequence[Release] = h5py_releases() if package == "h5py" else framework_releases()
    return [_data(item, package) for item in table]


def _data(item: Release, package: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "version": str(item.version),
        "date": str(item.date),
        "yanked": item.yanked,
        "requires_python": str(item.requires_python),
        "wheels": item.wheels,
        "requires": [
            {"distribution": name, "platform": platform, "requirements": list(lines)}
            for (name, platform), lines in item.needs.items()
        ],
    }
    if package == framework().name:
        row = cuda_row(item.version)
        extra = and_cuda(item.version)
        data["cuda"] = {"cuda": row.cuda, "cudnn": row.cudnn, "source": row.source} if row else None
        data["and_cuda"] = extra and {
            "cuda": extra.cuda,
            "requirements": list(map(str, extra.requirements)),
            "refusal": extra.refusal,
        }
    return data


def _pythons(item: Release, distribution: str) -> list[str]:
    floors = item.wheels.get(distribution, {}).get(_SHOWN, {})
    minors = {minor for listed in floors.values() for minor in listed if not minor.endswith("t")}
    return sorted(minors, key=lambda text: tuple(map(int, text.split("."))))


def _span(minors: Sequence[str]) -> str:
    return "" if not minors else minors[0] if len(minors) == 1 else f"{minors[0]}-{minors[-1]}"


def _declared(item: Release, distribution: str, package: str) -> str:
    lines = map(Requirement, item.needs.get((distribution, _SHOWN), ()))
    found = [str(line.specifier) or "any" for line in lines if line.name == package]
    return " | ".join(dict.fromkeys(found))
