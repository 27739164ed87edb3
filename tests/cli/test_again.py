"""An identical `create` again: what was proved and is unchanged is not built again."""

import json
from pathlib import Path

import pytest

from support.program import Program, snapshot


@pytest.fixture
def made(envlock: Program) -> Program:
    """An environment that was proved."""
    assert envlock("create", "tensorflow").code == 0
    return envlock


def again(program: Program, *more: str) -> bool:
    """Whether it was taken as it is."""
    before = transaction(program)
    done = program("create", "tensorflow", *more)
    assert done.code == 0, done.err
    told = "unchanged since it was proved on " in done.out
    assert told is (transaction(program) == before), done.out + done.err
    return told


def transaction(program: Program) -> str:
    found = json.loads((program.here / ".venv" / "envlock.json").read_text())["transaction"]
    assert isinstance(found, str)
    return found


def test_what_is_unchanged_is_neither_built_nor_run(made: Program) -> None:
    first = made("create", "tensorflow", "--prove").out.splitlines()
    before = snapshot(made.here)
    offline = made.with_env(PIP_INDEX_URL="http://127.0.0.1:1/simple")
    second = made("create", "tensorflow").out.splitlines()
    assert snapshot(made.here) == before
    assert [each for each in first if each.startswith("proved")] == [
        each for each in second if each.startswith("proved")
    ]
    assert second[-2].startswith("environment  .venv, unchanged since it was proved on 20")
    assert second[-2].endswith(" (--prove proves anew)")
    data = offline("create", "tensorflow", "--json").data
    assert data["verified"]
    assert data["unchanged_since"]


def test_it_is_proved_anew_when_told_to(made: Program) -> None:
    assert again(made)
    assert not again(made, "--prove")
    assert again(made)


def test_a_script_that_was_not_run_or_is_another_is_run(made: Program) -> None:
    script = made.here / "own.py"
    script.write_text("import tensorflow\n")
    assert not again(made, "--probe", "own.py")
    assert again(made, "--probe", "own.py")
    script.write_text("import h5py\n")
    assert not again(made, "--probe", "own.py")


def test_what_differs_is_built_again(made: Program) -> None:
    next(made.here.glob(".venv/lib/python*/site-packages/h5py.py")).unlink()
    assert not again(made)


def test_what_a_shell_adds_is_proved_each_time(made: Program) -> None:
    other = made.with_env(TF_USE_LEGACY_KERAS="1")
    assert not again(other)
    said = "proved anew for what this shell adds: TF_USE_LEGACY_KERAS=1\n"
    assert said in other("create", "tensorflow").err
    assert not again(made)
    assert again(made)


def test_a_lock_file_that_is_missing_is_written(made: Program) -> None:
    (made.here / "requirements.txt").unlink()
    done = made("create", "tensorflow")
    assert "written      requirements.txt\n" in done.out
    assert "unchanged since it was proved" in done.out


def test_a_proof_that_another_user_claims_is_none(made: Program, tmp_path: Path) -> None:
    """What lies in a folder may be a stranger's: only one's own cache is believed."""
    stranger = made.with_env(ENVLOCK_CACHE_DIR=str(tmp_path / "another"))
    assert not again(stranger)


def test_another_environment_in_its_place_is_not_what_was_proved(made: Program) -> None:
    marker = made.here / ".venv" / "envlock.json"
    facts = json.loads(marker.read_text())
    config = made.here / ".venv" / "pyvenv.cfg"
    config.write_text(config.read_text().replace(facts["transaction"], "0" * 16))
    facts["transaction"] = "0" * 16
    marker.write_text(json.dumps(facts))
    assert not again(made)
