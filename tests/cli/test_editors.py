"""What editors and shells are given: schemas and completion."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

from envlock.config import config_schema
from support.program import Program

#: typer else asks which shell started it, and nobody knows that of a test.
_NAMED_SHELL = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}


def test_the_schema_of_what_json_prints_is_printed_and_documented(program: Program) -> None:
    docs = Path(__file__).parents[2] / "docs" / "output.schema.json"
    done = program("json", "schema")
    assert (done.code, done.out, done.err) == (0, docs.read_text(encoding="utf-8"), "")
    document = program("json", "schema", "--json").data["document"]
    jsonschema.Draft202012Validator.check_schema(document)
    validator = jsonschema.Draft202012Validator(document)
    lock = {"schema": 2, "command": "lock", "exit_code": 0, "current": True, "problems": []}
    assert validator.is_valid(lock)
    assert not validator.is_valid({**lock, "schema": 1})
    assert not validator.is_valid({"schema": 2, "command": "lock", "exit_code": 0, "parts": []})
    said = {"schema": 2, "command": "diagnose", "exit_code": 0, "has_none": True, "model": None}
    assert validator.is_valid({**said, "examined": None, "findings": []})
    assert not validator.is_valid({**said, "examined": None, "findings": [{"rule": "some"}]})
    assert not validator.is_valid({**said, "examined": {"origin": "some"}, "findings": []})


def test_the_schema_of_the_configuration_is_printed(program: Program) -> None:
    done = program("config", "schema")
    assert (done.code, json.loads(done.out), done.err) == (0, config_schema(), "")
    assert program("config", "schema", "--json").data["document"] == config_schema()


def test_the_schema_of_a_rule_is_printed_and_describes_every_key(program: Program) -> None:
    shipped = json.loads(files("envlock_constraints").joinpath("schema.json").read_text())
    done = program("rules", "schema")
    assert (done.code, json.loads(done.out), done.err) == (0, shipped, "")
    assert program("rules", "schema", "--json").data["document"] == shipped
    silent = [
        name
        for name, each in shipped["properties"].items()
        if "description" not in each
        and "description" not in shipped["$defs"].get(each.get("$ref", "").split("/")[-1], {})
    ]
    assert silent == []


def test_a_rule_beside_the_printed_schema_is_checked_by_it(
    program: Program, tmp_path: Path
) -> None:
    """As an editor does, with the comment that the rules begin with."""
    (tmp_path / "schema.json").write_text(program("rules", "schema").out)
    validator = jsonschema.Draft202012Validator(json.loads((tmp_path / "schema.json").read_text()))
    folder = Path(str(files("envlock_constraints")))
    documents = [d for d in yaml.safe_load_all((folder / "gast.yaml").read_text()) if d]
    assert [list(validator.iter_errors(each)) for each in documents] == [[]] * len(documents)
    assert [each.message for each in validator.iter_errors({**documents[0], "sevrity": "no"})] == [
        "Additional properties are not allowed ('sevrity' was unexpected)"
    ]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("envlock lo", ["lock"]),
        ("envlock lock --plat", ["--platform"]),
        ("envlock lock --engine u", ["uv"]),
        ("envlock export --format py", ["pylock"]),
        ("envlock rules sch", ["schema"]),
    ],
)
def test_the_shell_completes_commands_options_and_their_words(
    program: Program, typed: str, offered: list[str]
) -> None:
    asking = program.with_env(
        _ENVLOCK_COMPLETE="complete_bash",
        COMP_WORDS=typed,
        COMP_CWORD=str(len(typed.split()) - 1),
    )
    done = asking()
    assert (done.code, done.out.split(), done.err) == (0, offered, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_the_script_of_completion_is_shown_for_each_shell(program: Program, shell: str) -> None:
    done = program.with_env(**_NAMED_SHELL)("--show-completion", shell)
    assert "_ENVLOCK_COMPLETE" in done.out
    assert (done.code, done.err) == (0, "")


def test_completion_is_installed_for_a_shell(program: Program) -> None:
    done = program.with_env(**_NAMED_SHELL)("--install-completion", "bash")
    assert (done.code, done.err) == (0, "")
    (script,) = (program.root / "home" / ".bash_completions").iterdir()
    assert "_envlock_completion" in script.read_text()
    assert str(script) in (program.root / "home" / ".bashrc").read_text()
