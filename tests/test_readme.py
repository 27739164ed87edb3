"""The README says what is so: its commands, flags, tables and examples are checked or run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from envlock import errors
from envlock.cli import COMMANDS
from envlock.config import load_config
from envlock.evidence.library import load, shipped
from envlock.outcomes import IMPORTS
from envlock.probes import DEFAULT_GATE, PROBES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/environment-variables.md",
    "docs/security.md",
    "resolver/README.md",
    "constraints/README.md",
]


def envlock(*words: str, cwd: Path) -> str:
    command = [sys.executable, "-m", "envlock", *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    names = dict.fromkeys(["", *COMMANDS, *(each.split()[0] for each in COMMANDS)])
    return {name: envlock(*name.split(), "--help", cwd=ROOT) for name in names}


def test_there_are_exactly_two_set_up_commands() -> None:
    assert re.findall(r"<!-- (\w+) -->\n```sh\n[^\n]+\n```", README) == ["main", "tests"]
    assert README.count("```sh") == 2


def test_nothing_is_to_be_installed_by_a_name_that_no_index_has() -> None:
    for document in DOCUMENTS:
        assert "install 'envlock-tf" not in (ROOT / document).read_text(encoding="utf-8")
        assert "envlock-tf[" not in (ROOT / document).read_text(encoding="utf-8")


def test_the_test_command_is_what_the_gate_runs() -> None:
    script = [sys.executable, ".ci/readme_command.py", "tests"]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() in README


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_is_named_exists(document: str, helps: dict[str, str]) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = {m[1] for m in re.finditer(r"`(?:\$ )?envlock ([a-z]+(?: [a-z]+)?)", text)}
    for name in named:
        words = name.split()
        assert words[0] in helps, f"envlock {name}"
        if words[0] in {"rules", "matrix"}:
            assert name in helps, f"envlock {name}"


_FLAG = r"(?<![\w-])--[a-z][\w-]*"
#: A script of the repository, by its path or as a module of the tests, and what is typed behind it.
_SCRIPT = r"python (?:(\w+/[\w/]+\.py)|-m (support\.\w+))([^`\n]*)"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_flag_that_is_named_exists(document: str, helps: dict[str, str]) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    foreign = {
        "--build-context",
        "--generate-hashes",
        "--from-metadata",
        "--live",
        "--check",
        "--secret",
        *("--pre", "--all-releases", "--only-final", "--only-binary", "--no-binary"),
    }
    known = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", "\n".join(helps.values())))
    ours = "\n".join(re.findall(r"`[^`\n]*`", text))
    for path, module, words in re.findall(_SCRIPT, ours):
        script = ROOT / (path or f"tests/{module.replace('.', '/')}/__main__.py")
        options = set(re.findall(_FLAG, script.read_text(encoding="utf-8")))
        assert set(re.findall(_FLAG, words)) <= options
    named = set(re.findall(_FLAG, re.sub(_SCRIPT, "", ours))) - foreign
    assert named <= known


def test_the_exit_codes_are_those_of_the_errors() -> None:
    table = {int(m[1]) for m in re.finditer(r"^\| (\d+) \| ", README, re.MULTILINE)}
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    raised = {each.exit_code for each in classes if issubclass(each, errors.EnvlockError)}
    assert table == {0, 130} | raised


def test_the_levels_and_the_gate_are_those_of_the_probes() -> None:
    rows = dict(re.findall(r"^\| (`[^|]+`) \| (yes|no) \|", README, re.MULTILINE))
    levels = {
        name: answer for names, answer in rows.items() for name in re.findall(r"`([^`]+)`", names)
    }
    known = {level.name for probe in PROBES.values() for level in probe.levels}
    of_names = {f"{IMPORTS}NAME"}  # as many as were asked for
    assert set(levels) == known | of_names
    gate = {name for name, answer in levels.items() if answer == "yes"}
    assert gate == set(DEFAULT_GATE) | of_names


def test_the_constraints_example_runs(tmp_path: Path) -> None:
    (line,) = re.findall(
        r"^\$ (envlock rules constraints .+) > constraints.txt$", README, re.MULTILINE
    )
    printed = envlock(*shlex.split(line)[1:], cwd=tmp_path)
    bounds = [each for each in printed.splitlines() if each and not each.startswith("#")]
    assert "numpy<2" in bounds
    assert all(re.fullmatch(r"[a-z0-9-]+[<>=!~].+", each) for each in bounds)


def test_the_configuration_example_is_read(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(\[tool\.envlock\].+?)```", README, re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(block)
    config = load_config(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert (config.engine, config.python, config.accelerator) == ("uv", "3.11", "cpu")
    assert config.rules == (tmp_path / "our-rules",)


def test_the_hooks_and_the_action_are_used_as_they_are_offered() -> None:
    hooks, steps = map(yaml.safe_load, re.findall(r"```yaml\n(.+?)```", README, re.DOTALL))
    offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    ids = {hook["id"] for hook in offered}
    assert {hook["id"] for repo in hooks["repos"] for hook in repo["hooks"]} <= ids
    assert all(f"`{name}`" in README for name in ids)
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert set(steps["steps"][-1]["with"]) <= set(action["inputs"])


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_between_documents_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{document} → {target}"


def test_the_table_of_capabilities_is_what_the_command_prints(tmp_path: Path) -> None:
    (block,) = re.findall(r"\$ envlock capabilities\n(.+?)```", README, re.DOTALL)
    if load(shipped()).cells:
        printed = envlock("capabilities", cwd=tmp_path).splitlines()
        assert [line for line in block.splitlines() if line not in {"...", *printed}] == []
