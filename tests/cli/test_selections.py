"""Extras and dependency groups of a project in one pylock.toml, to be chosen where it is."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
from packaging.markers import Environment
from packaging.pylock import Pylock, PylockSelectError

from envlock.targets.interpreters import find_interpreter
from envlock.targets.platforms import environment_of
from support.program import Program, snapshot
from support.simple_index import SimpleIndex, build_wheel

PROJECT = """\
[project]
name = "demo"
version = "1"
dependencies = ["base"]

[project.optional-dependencies]
Fast_IO = ["fast", "shared[more]"]
docs = ["docs-tool", "shared"]
all = ["demo[fast-io,docs]"]
empty = []

[dependency-groups]
dev = ["tester", {include-group = "lint"}]
lint = ["linter", "fast"]
"""
NEEDS = {
    "base": ["below"],
    "below": [],
    "fast": ["below"],
    "docs-tool": [],
    "tester": [],
    "linter": [],
    "more-tool": [],
}
ALL = ("lock", "-r", "pyproject.toml", "--all-extras", "--all-groups")
ALWAYS = {"base", "below"}
#: What extras and groups install beside what is always there.
CHOSEN: dict[tuple[tuple[str, ...], tuple[str, ...]], set[str]] = {
    ((), ()): set(),
    (("fast-io",), ()): {"fast", "shared", "more-tool"},
    (("docs",), ()): {"docs-tool", "shared"},
    (("all",), ()): {"fast", "shared", "more-tool", "docs-tool"},
    (("empty",), ()): set(),
    ((), ("lint",)): {"linter", "fast"},
    (("docs",), ("dev",)): {"docs-tool", "shared", "tester", "linter", "fast"},
}


@pytest.fixture(autouse=True)
def project(envlock: Program, index: SimpleIndex) -> Path:
    for name, needs in NEEDS.items():
        build_wheel(index.folder, name, "1.0", requires=needs)
    more = ["more-tool; extra == 'more'"]
    build_wheel(index.folder, "shared", "1.0", requires=more, extras=["more"])
    path = envlock.here / "pyproject.toml"
    path.write_text(PROJECT)
    return path


def pylock(envlock: Program) -> dict[str, Any]:
    return tomllib.loads((envlock.here / "pylock.toml").read_text())


def selected(
    envlock: Program,
    extras: tuple[str, ...],
    groups: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
) -> set[str]:
    lock = Pylock.from_dict(pylock(envlock))
    told = cast("Environment", environment) if environment else None
    found = lock.select(extras=extras, dependency_groups=groups, environment=told)
    return {str(package.name) for package, _ in found}


def test_each_package_has_the_marker_of_those_that_need_it(envlock: Program) -> None:
    done = envlock(*ALL)
    assert (done.code, done.err) == (0, "")
    tables = pylock(envlock)
    assert tables["extras"] == ["all", "docs", "empty", "fast-io"]
    assert tables["dependency-groups"] == ["default", "dev", "lint"]
    assert tables["default-groups"] == ["default"]
    markers = {each["name"]: each.get("marker") for each in tables["packages"]}
    assert markers == {
        "base": None,
        "below": None,
        "docs-tool": '"all" in extras or "docs" in extras',
        "fast": '"all" in extras or "fast-io" in extras or "dev" in dependency_groups'
        ' or "lint" in dependency_groups',
        "linter": '"dev" in dependency_groups or "lint" in dependency_groups',
        "more-tool": '"all" in extras or "fast-io" in extras',
        "shared": '"all" in extras or "docs" in extras or "fast-io" in extras',
        "tester": '"dev" in dependency_groups',
    }
    for (extras, groups), more in CHOSEN.items():
        assert selected(envlock, extras, groups) == ALWAYS | more
    with pytest.raises(PylockSelectError):
        selected(envlock, ("nowhere",))


def test_the_lock_is_kept_checked_and_made_again(
    envlock: Program, project: Path, index: SimpleIndex
) -> None:
    told = envlock(*ALL, "--json").data
    only = {each["name"]: each["only"] for each in told["parts"][0]["pypi"]}
    assert (only["base"], only["tester"]) == ([], ["group dev"])
    before = snapshot(envlock.here)
    build_wheel(index.folder, "tester", "2.0")
    assert envlock(*ALL, "--check").out == "the lock is current\n"
    assert envlock(*ALL).code == 0
    assert snapshot(envlock.here) == before
    command = pylock(envlock)["tool"]["envlock"]["command"]
    (envlock.here / "pylock.toml").unlink()
    assert envlock(*shlex.split(command)[1:], "--refresh").code == 0
    assert "tester-2.0" in (envlock.here / "pylock.toml").read_text()

    assert envlock(*ALL[:-1], "--check").code == 0  # the groups are kept
    project.write_text(PROJECT.replace('"docs-tool", ', ""))
    assert envlock(*ALL, "--check").code == 1


def test_what_names_no_extra_keeps_those_of_the_lock(envlock: Program) -> None:
    words = (*ALL, "--no-extra", "all", "--format", "pylock")
    assert envlock(*words).code == 0
    before = snapshot(envlock.here)
    plain = ("lock", "-r", "pyproject.toml", "--format", "pylock")
    assert envlock(*plain, "--check").out == "the lock is current\n"
    assert (envlock(*plain).code, snapshot(envlock.here)) == (0, before)
    assert envlock(*plain, "--extra", "docs").code == 0
    assert "extras" not in pylock(envlock)


def test_one_file_holds_platforms_and_extras(envlock: Program, index: SimpleIndex) -> None:
    (envlock.here / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\n'
        'dependencies = ["base", "fast; platform_system == \'Windows\'"]\n'
        '[project.optional-dependencies]\nio = ["fast"]\n'
        "[dependency-groups]\nlint = [\"linter; platform_system == 'Linux'\"]\n"
    )
    both = ("--platform", "linux-aarch64", "--platform", "win-64", "--python", "3.10")
    assert envlock(*ALL, *both).code == 0
    markers = {each["name"]: each.get("marker") for each in pylock(envlock)["packages"]}
    assert markers == {
        "base": None,
        "below": None,
        "fast": '("io" in extras and platform_system == "Linux") or platform_system == "Windows"',
        "linter": '"lint" in dependency_groups and platform_system == "Linux"',
    }
    linux, windows = (environment_of(p, "3.10") for p in ("linux-aarch64", "windows-x86_64"))
    assert selected(envlock, (), (), linux) == ALWAYS
    assert selected(envlock, ("io",), ("lint",), linux) == {*ALWAYS, "fast", "linter"}
    assert selected(envlock, (), ("lint",), windows) == {*ALWAYS, "fast"}
    assert envlock(*ALL, *both, "--check").code == 0

    build_wheel(index.folder, "base", "2.0")
    (envlock.here / "out").mkdir()
    words = ("export", "pylock.toml", "--format", "requirements", "--universal", "--extra", "io")
    done = envlock(*words, "-o", "out")
    assert done.err == "pylock.toml: group lint left out: --extra and --group take them along\n"
    lines = (envlock.here / "out" / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if re.match(r"[a-z-]+==", line)] == [
        "base==1.0 \\",
        "below==1.0 \\",
        "fast==1.0 \\",
    ]
    assert envlock("export", "pylock.toml", "--format", "pylock", "-o", "out").code == 0
    assert envlock("diff", "pylock.toml", "out/pylock.toml").out == "no difference\n"


def test_universal_is_for_several_platforms(envlock: Program) -> None:
    assert envlock(*ALL).code == 0
    here = find_interpreter(None).platform
    done = envlock("export", "pylock.toml", "--format", "requirements", "--universal")
    assert done.err == (
        "error: --universal puts several platforms of pip's packages into one file, and"
        f" pylock.toml is for {here}\n  try: leave --universal out\n"
    )
    assert done.code == 2


def test_sync_and_export_take_what_is_chosen(envlock: Program) -> None:
    assert envlock(*ALL).code == 0
    for words, (extras, groups) in {
        (): ((), ()),
        ("--extra", "Fast_IO"): (("fast-io",), ()),
        ("--extra", "docs", "--group", "dev"): (("docs",), ("dev",)),
    }.items():
        chosen = ALWAYS | CHOSEN[extras, groups]
        done = envlock("sync", "pylock.toml", *words, "--json").data
        assert done["changed"]
        assert {each["name"] for each in done["parts"][0]["pypi"]} == chosen
        assert not envlock("sync", "pylock.toml", *words, "--json").data["changed"]
        text = envlock("export", "pylock.toml", "--format", "requirements", *words).out
        lines = (line for line in text.splitlines() if re.match(r"[a-z-]+==", line))
        assert {line.partition("==")[0] for line in lines} == chosen


@pytest.mark.parametrize("command", ["sync", "export --format requirements"])
def test_what_a_lock_does_not_have_cannot_be_chosen(envlock: Program, command: str) -> None:
    assert envlock("lock", "base").code == 0
    name, *words = command.split()
    done = envlock(name, "requirements.txt", *words, "--extra", "gpu")
    assert done.err == (
        "error: extra gpu cannot be chosen from requirements.txt; there can be: none\n"
        "  try: leave --extra gpu out\n"
    )
    assert done.code == 2


def test_a_package_that_went_into_an_extra_is_a_difference(envlock: Program, project: Path) -> None:
    assert envlock(*ALL).code == 0
    (envlock.here / "pylock.toml").rename(envlock.here / "pylock.old.toml")
    project.write_text(PROJECT.replace('["base"]', '["base", "tester"]'))
    assert envlock(*ALL).code == 0
    done = envlock("diff", "pylock.old.toml", "pylock.toml")
    assert done.code == 1
    assert [line.split() for line in done.out.splitlines()] == [
        ["added", "tester", "1.0"],
        ["removed", "tester", "(group", "dev)", "1.0"],
    ]


def test_a_framework_with_an_extra_of_its_own_is_whole_without(
    envlock: Program, project: Path, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "plugin", "1.0", requires=["numpy"])
    project.write_text(
        '[project]\nname = "demo"\nversion = "1"\ndependencies = ["h5py"]\n'
        '[project.optional-dependencies]\ntf = ["tensorflow"]\nplug = ["plugin"]\n'
    )
    assert envlock(*ALL).code == 0
    markers = {each["name"]: each.get("marker") for each in pylock(envlock)["packages"]}
    assert markers == {
        "h5py": None,
        "numpy": '"plug" in extras or "tf" in extras',
        "plugin": '"plug" in extras',
        "tensorflow": '"tf" in extras',
    }
    # One set of pins that the rules judge as a whole: NumPy 2 is refused beside TensorFlow 2.15.
    assert [each["version"] for each in pylock(envlock)["packages"]][:2] == ["3.11.0", "1.26.4"]


def test_what_a_rule_asks_for_is_with_what_it_is_asked_for(
    envlock: Program, index: SimpleIndex
) -> None:
    rules = envlock.here / "rules"
    rules.mkdir()
    (rules / "tester.yaml").write_text(
        "id: tester-needs-helper\ntitle: tester needs helper\nwhen: {tester: '>=1'}\n"
        "include: {helper: '>=1'}\nstage: import\nseverity: breaks\n"
        'because: tester imports helper and does not say so.\nmetadata: "no"\n'
        "remedy:\n  - install: helper\n"
        'evidence:\n  - how: ran\n    what: It fails.\n    checked: "2026-11-25"\n'
        "examples:\n  refuses:\n    - packages: {tester: '1.0'}\n"
        "  admits:\n    - packages: {tester: '1.0', helper: '1.0'}\n"
    )
    build_wheel(index.folder, "helper", "1.0", requires=["below"])
    done = envlock(*ALL, "--rules", "rules")
    assert (done.code, done.err) == (0, "")
    markers = {each["name"]: each.get("marker") for each in pylock(envlock)["packages"]}
    assert markers["helper"] == '"dev" in dependency_groups'


CONFLICT = """\
[project]
name = "demo"
version = "1"
dependencies = ["base"]

[project.optional-dependencies]
old = ["below<2"]
new = ["below>=2"]
newer = ["below>=2.0"]
free = ["tester"]

[dependency-groups]
pinned = ["below==1.0"]
"""


def test_extras_that_exclude_each_other_are_named(
    envlock: Program, project: Path, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "below", "2.0")
    project.write_text(CONFLICT)
    before = snapshot(envlock.here)
    done = envlock(*ALL, "--no-group", "pinned")
    assert done.code == 3
    assert done.err.startswith("error: extra newer and extra old cannot be in one lock: ")
    assert snapshot(envlock.here) == before
    ways = [line.strip() for line in done.err.splitlines() if line.startswith("  try: ")]
    plain = "try: envlock lock -r pyproject.toml --all-extras --all-groups --no-group pinned"
    assert ways == [f"{plain} --no-extra new --no-extra newer", f"{plain} --no-extra old"]
    for way in ways:
        assert envlock(*shlex.split(way.removeprefix("try: envlock "))).code == 0
        (envlock.here / "pylock.toml").unlink()


def test_an_extra_that_cannot_be_is_named_alone(
    envlock: Program, project: Path, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "lonely", "1.0", requires=["nowhere"])
    project.write_text(PROJECT.replace("empty = []", 'empty = ["lonely"]'))
    done = envlock(*ALL)
    assert done.err.startswith("error: extra empty cannot be in the lock: ")
    assert done.err.endswith(
        "  try: envlock lock -r pyproject.toml --all-extras --all-groups --no-extra empty\n"
    )
    project.write_text(PROJECT.replace('["base"]', '["lonely"]'))
    done = envlock(*ALL)
    assert done.err.startswith("error: no versions satisfy lonely on Python ")


def test_extras_that_a_rule_keeps_apart_are_named(
    envlock: Program, project: Path, index: SimpleIndex
) -> None:
    build_wheel(index.folder, "tensorflow-cpu", "2.14.0", requires=["numpy"])
    project.write_text(
        '[project]\nname = "demo"\nversion = "1"\ndependencies = ["base"]\n'
        '[project.optional-dependencies]\ncpu = ["tensorflow-cpu"]\ngpu = ["tensorflow"]\n'
    )
    done = envlock(*ALL)
    assert done.err.startswith("error: extra cpu and extra gpu cannot be in one lock: ")
    assert " --no-extra cpu\n" in done.err
    assert " --no-extra gpu\n" in done.err


def test_an_environment_is_not_locked_over_what_others_choose_from(envlock: Program) -> None:
    assert envlock(*ALL).code == 0
    before = snapshot(envlock.here)
    done = envlock("create", "base", "--format", "pylock")
    assert done.err == (
        "pyproject.toml is not read, since words were typed\n"
        "error: pylock.toml has extra all and others to choose; an environment has the extras and"
        " groups that it is built with\n"
        "  try: envlock sync pylock.toml --extra all\n"
        "  try: envlock create base --format pylock -o pylock.here.toml\n"
    )
    assert (done.code, snapshot(envlock.here)) == (2, before)


REFUSED = {
    "a format that holds none": (
        (*ALL, "--format", "requirements"),
        (
            "error: the format requirements holds what is installed everywhere, and extra fast-io"
            " is to be chosen where the lock is installed\n"
            "  try: write it as pylock alone: --format pylock\n"
        ),
    ),
    "a name of such a format": (
        (*ALL, "-o", "requirements.txt"),
        "error: the format requirements holds what is installed everywhere, and ",
    ),
    "no project": (
        ("lock", "base", "--all-groups"),
        (
            "pyproject.toml is not read, since words were typed\n"
            "error: --all-groups is of a pyproject.toml, and none is read\n"
            "  try: envlock lock base --all-groups -r pyproject.toml\n"
        ),
    ),
    "left out of none": (
        ("lock", "-r", "pyproject.toml", "--no-group", "dev"),
        (
            "error: --no-group dev leaves one of --all-groups out: say that too\n"
            "  try: envlock lock -r pyproject.toml --no-group dev --all-groups\n"
        ),
    ),
    "one that is not there": (
        (*ALL, "--no-extra", "gpu"),
        'error: pyproject.toml: there is no extra "gpu" in project.optional-dependencies\n',
    ),
    "an environment": (
        ("create", *ALL[1:]),
        (
            "error: --all-extras is for a lock from which they are chosen; an environment has the"
            " extras and groups that it is built with\n"
            "  try: leave --all-extras out, and name those that it is to have: --extra NAME\n"
        ),
    ),
    "an image": (
        ("docker", "-r", "pyproject.toml", "--all-groups"),
        (
            "error: --all-groups is for a lock from which they are chosen; an image has the"
            " extras and groups that it is built with\n"
        ),
    ),
    "conda": (
        (*ALL, "--manager", "conda"),
        (
            "error: --all-extras is for a lock from which they are chosen; of conda's packages no"
            " format holds them\n"
        ),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_hold_them_says_so(envlock: Program, case: str) -> None:
    words, said = REFUSED[case]
    before = snapshot(envlock.here)
    done = envlock(*words)
    assert done.err.startswith(said)
    assert (done.code, done.out, snapshot(envlock.here)) == (2, "", before)


def test_pip_tools_locks_them_too(envlock: Program) -> None:
    done = envlock(*ALL, "--engine", "pip-tools", "-p", sys.executable)
    assert (done.code, done.err) == (0, "")
    assert selected(envlock, ("docs",)) == {*ALWAYS, "docs-tool", "shared"}
