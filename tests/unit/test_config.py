"""Configuration: which source wins, and what is wrong with a source."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest
from msgspec.structs import replace

from envlock.choices import Accelerator, EngineName, Format
from envlock.config import Config, load_config
from envlock.errors import UsageError

SETTINGS = (
    "engine, rules, evidence, python, accelerator, format, platform,"
    " exclude-newer, index-url, extra-index-url, find-links, index-strategy, offline, sources,"
    " requirements, constraints, extras, groups, all-extras, no-extra, all-groups, no-group, needs,"
    " no-imports, allow-build, fresh, universal, manager, channels, env, inexact, no-pip, output,"
    " image, base, base-digest, base-freeze, label, no-verify"
)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home" / "envlock"
    folder.mkdir(parents=True)
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda *_, **__: str(folder))
    return folder / "envlock.toml"


@pytest.fixture
def project(tmp_path: Path, user: Path) -> Path:
    del user
    folder = tmp_path / "work"
    (folder / "deep" / "er").mkdir(parents=True)
    return folder / "pyproject.toml"


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def values(found: Config) -> Config:
    """What is configured, without who says it."""
    return replace(found, said={}, places={})


def refusal(start: Path, **environ: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load_config(start, environ)
    return caught.value


def test_with_nothing_configured_the_defaults_hold(project: Path) -> None:
    assert values(load_config(project.parent, {})) == Config(
        engine=EngineName.PIPTOOLS,
        rules=(),
        python=None,
        accelerator=Accelerator.AUTO,
        formats=(),
        exclude_newer=None,
        index_url=None,
        extra_index_urls=(),
        find_links=(),
    )


def test_every_setting_is_read_from_the_nearest_project_upward(project: Path) -> None:
    write(
        project,
        """\
[tool.envlock]
engine = "uv"
rules = ["rules", "./org-rules"]
python = "3.10"
accelerator = "cpu"
format = ["requirements", "pylock"]
exclude-newer = 2024-01-31
index-url = "https://example.org/simple"
extra-index-url = ["https://a.example", "https://b.example"]
find-links = ["wheels", "https://c.example/wheels"]
""",
    )

    folder = project.parent
    assert values(load_config(folder / "deep" / "er", {})) == Config(
        engine=EngineName.UV,
        rules=(folder / "rules", folder / "org-rules"),
        python="3.10",
        accelerator=Accelerator.CPU,
        formats=(Format.REQUIREMENTS, Format.PYLOCK),
        exclude_newer="2024-01-31",
        index_url="https://example.org/simple",
        extra_index_urls=("https://a.example", "https://b.example"),
        find_links=(str(folder / "wheels"), "https://c.example/wheels"),
    )


def test_every_setting_is_read_from_variables(project: Path) -> None:
    environ = {
        "ENVLOCK_ENGINE": "uv",
        "ENVLOCK_RULES": os.pathsep.join(("rules", "my rules", "")),
        "ENVLOCK_PYTHON": "3.10",
        "ENVLOCK_ACCELERATOR": "cuda",
        "ENVLOCK_FORMAT": "pylock environment",
        "ENVLOCK_PLATFORM": "osx-arm64 linux/amd64",
        "ENVLOCK_EXCLUDE_NEWER": "7d",
        "ENVLOCK_INDEX_URL": "https://example.org/simple",
        "ENVLOCK_EXTRA_INDEX_URL": "https://a.example\nhttps://b.example",
        "ENVLOCK_FIND_LINKS": "wheels",
        "ENVLOCK_CACHE_DIR": "elsewhere",
    }

    assert values(load_config(project.parent, environ)) == Config(
        engine=EngineName.UV,
        rules=(project.parent / "rules", project.parent / "my rules"),
        python="3.10",
        accelerator=Accelerator.CUDA,
        formats=(Format.PYLOCK, Format.ENVIRONMENT),
        platforms=("macos-arm64", "linux-x86_64"),
        exclude_newer="7d",
        index_url="https://example.org/simple",
        extra_index_urls=("https://a.example", "https://b.example"),
        find_links=(str(project.parent / "wheels"),),
    )


def test_a_variable_is_over_the_project_and_the_project_over_the_user(
    project: Path, user: Path
) -> None:
    write(user, 'engine = "uv"\npython = "3.8"\naccelerator = "cpu"\n')
    write(project, '[tool.envlock]\npython = "3.9"\naccelerator = "cuda"\n')

    found = load_config(project.parent, {"ENVLOCK_ACCELERATOR": "auto", "ENVLOCK_PYTHON": " "})

    assert (found.engine, found.python, found.accelerator) == (
        EngineName.UV,
        "3.9",
        Accelerator.AUTO,
    )


def test_the_rules_of_all_sources_are_taken_together(project: Path, user: Path) -> None:
    write(user, 'rules = "org"\n')
    write(project, '[tool.envlock]\nrules = ["own", "own"]\n')

    found = load_config(project.parent, {"ENVLOCK_RULES": "more"})

    folder = project.parent
    assert found.rules == (user.parent / "org", folder / "own", folder / "more")


@pytest.mark.parametrize("text", ["", "[tool.ruff]\n", "tool = 3\n"])
def test_the_nearest_project_counts_even_when_it_says_nothing(text: str, project: Path) -> None:
    write(project, '[tool.envlock]\npython = "3.9"\n')
    write(project.parent / "deep" / "pyproject.toml", text)

    assert load_config(project.parent / "deep" / "er", {}).python is None


def test_every_fault_of_every_source_is_told_at_once(project: Path, user: Path) -> None:
    write(user, 'engin = "uv"\naccelerator = "gpu"\n')
    write(
        project,
        '[tool.envlock]\npython = 3.10\nrules = [["a"]]\nexclude-newer = "soon"\n'
        'engine = ""\nformat = true\nindex-url = {}\nfind-links = 12:00:00\n',
    )

    fault = refusal(project.parent, ENVLOCK_ENGINE="poetry")

    either = "a string or an array of strings"
    assert fault.message.splitlines() == [
        f"{user}: engin: there is no such setting; there are {SETTINGS}",
        f'{user}: accelerator: "gpu" is not one of auto, cpu, cuda',
        f"{project}: tool.envlock.python: a float is there, not a string",
        f"{project}: tool.envlock.rules: an array is there, not {either}",
        f'{project}: tool.envlock.exclude-newer: "soon" is not a date',
        f"{project}: tool.envlock.engine: an empty string is there, not a string",
        f"{project}: tool.envlock.format: a boolean is there, not {either}",
        f"{project}: tool.envlock.index-url: a table is there, not a string",
        f"{project}: tool.envlock.find-links: a time is there, not {either}",
        "ENVLOCK_ENGINE: the value is not one of pip-tools, uv",
    ]
    assert fault.remedies[:2] == (
        f"{user}: engin: remove engin",
        f"{user}: accelerator: write one of auto, cpu, cuda",
    )


def test_a_table_that_is_none_is_refused(project: Path) -> None:
    write(project, '[tool]\nenvlock = "uv"\n')

    fault = refusal(project.parent)

    assert fault.message == f"{project}: tool.envlock: a string is there, not a table"
    assert fault.remedies == ("write [tool.envlock]",)


def test_a_file_that_is_not_toml_is_told_with_its_line(project: Path, user: Path) -> None:
    write(user, "engine = uv\n")

    assert refusal(project.parent).message == f"{user}:1: not TOML: invalid value (column 10)"


def test_a_value_with_credentials_is_told_without_them(project: Path) -> None:
    write(project, '[tool.envlock]\nengine = "https://me:pw@example.org/"\n')

    assert refusal(project.parent).message == (
        f'{project}: tool.envlock.engine: "https://****@example.org/" is not one of pip-tools, uv'
    )


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("ENGINE", "one of pip-tools, uv"),
        ("ACCELERATOR", "one of auto, cpu, cuda"),
        ("INDEX_STRATEGY", "one of first-index, best-match"),
        ("PLATFORM", "a platform such as macos-arm64"),
        ("EXCLUDE_NEWER", "a date such as 2024-01-31, or 7d"),
        ("SOURCES", "NAME=INDEX, where NAME is a package or a pattern like acme-*"),
    ],
)
def test_a_variable_that_makes_no_sense_is_named_and_not_quoted(
    project: Path, name: str, wanted: str
) -> None:
    fault = refusal(project.parent, **{f"ENVLOCK_{name}": "s3cr3t"})

    assert fault.message == f"ENVLOCK_{name}: the value is not {wanted}"
    assert fault.remedies == (f"unset ENVLOCK_{name}",)
