"""Rules of one's own: read with the shipped ones, refused with every fault at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envlock.errors import UsageError
from envlock.rules import database
from envlock.rules.schema import faults
from envlock.rules.tables import shipped

GOOD: dict[str, Any] = {
    "id": "alpha-too-new",
    "title": "alpha 2 beside a new TensorFlow",
    "when": {"tensorflow": ">=2.20"},
    "require": {"alpha": "<2"},
    "stage": "import",
    "severity": "breaks",
    "because": "alpha 2 took a name away that is read at import.",
    "metadata": "no",
    "remedy": [{"install": "alpha<2"}],
    "evidence": [{"how": "ran", "what": "Both were run.", "checked": "2026-11-22"}],
    "examples": {
        "refuses": [{"packages": {"tensorflow": "2.21.0", "alpha": "2.0"}}],
        "admits": [{"packages": {"tensorflow": "2.21.0", "alpha": "1.4"}}],
    },
}


def write(path: Path, *documents: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(f"{json.dumps(each)}\n" for each in documents))


def test_the_shipped_rules_are_the_same_read_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path))
    shipped.cache_clear()
    read = shipped()
    assert [file.suffix for file in tmp_path.iterdir()] == [".json"]
    shipped.cache_clear()
    remembered = shipped()
    assert remembered is not read
    assert remembered == read
    assert len(read) > 20


def test_rules_of_ones_own_are_added_in_the_order_of_ids(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "alpha.yaml", GOOD, {**GOOD, "id": "zeta"})
    (tmp_path / "families.yaml").write_text("not: a rule\n")
    (tmp_path / "notes.txt").write_text("not a rule\n")
    rules = database.load([tmp_path]).rules
    ids = [rule.id for rule in rules]
    assert ids == sorted(ids)
    assert {"alpha-too-new", "zeta"} <= set(ids)
    assert len(rules) == len(database.load().rules) + 2
    (found,) = (rule for rule in rules if rule.id == "alpha-too-new")
    assert found.source == str(tmp_path / "deep" / "alpha.yaml")


def test_a_rule_is_found_by_its_id_and_by_an_alias(tmp_path: Path) -> None:
    write(tmp_path / "alpha.yaml", {**GOOD, "aliases": ["old-name"]})
    rules = database.load([tmp_path])
    assert rules.find("old-name") is rules.find("alpha-too-new") is not None
    assert rules.find("nobody") is None


def test_every_fault_of_every_file_is_told_with_its_place(tmp_path: Path) -> None:
    bad = {**GOOD, "severity": "bad", "require": {"alpha": "<<2"}}
    untitled = {key: value for key, value in GOOD.items() if key != "title"}
    write(tmp_path / "a.yaml", bad, {**untitled, "id": "b"})
    (tmp_path / "c.yaml").write_text("a: [\n")
    (tmp_path / "d.yaml").write_bytes(b"a: \xff\n")
    write(tmp_path / "e.yaml", ["a list"])
    with pytest.raises(UsageError) as caught:
        database.load([tmp_path, tmp_path / "nowhere"])
    first, *lines = caught.value.message.splitlines()
    assert first == "these rules cannot be used:"
    assert [line.removeprefix(f"{tmp_path}/").split(": ")[0] for line in lines] == [
        *["a.yaml"] * 3,
        "c.yaml:2",
        "d.yaml",
        "e.yaml",
        "nowhere",
    ]
    assert "alpha-too-new: require.alpha: '<<2' is not a 'specifier'" in lines[0]
    assert (
        "alpha-too-new: severity: 'bad' is not one of ['breaks', 'degrades', 'declared']"
        in lines[1]
    )
    assert "b: 'title' is a required property" in lines[2]
    assert "document 1: a list is not of type 'object'" in lines[5]
    assert lines[6] == f"{tmp_path}/nowhere: no such folder"


def test_an_id_that_is_taken_is_refused_with_who_has_it(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", {**GOOD, "aliases": ["h5py3-str-decode"]})
    with pytest.raises(UsageError) as caught:
        database.load([tmp_path])
    taken = "h5py3-str-decode is taken by h5py3-str-decode in h5py.yaml"
    assert caught.value.message.splitlines()[1:] == [f"{tmp_path}/a.yaml: alpha-too-new: {taken}"]


def test_check_runs_the_examples_and_load_does_not(tmp_path: Path) -> None:
    turned = {"refuses": GOOD["examples"]["admits"], "admits": GOOD["examples"]["refuses"]}
    write(tmp_path / "a.yaml", {**GOOD, "examples": turned})
    assert database.load([tmp_path]).find("alpha-too-new") is not None
    rules, wrong = database.check(tmp_path)
    place = f"{tmp_path}/a.yaml: alpha-too-new: examples"
    assert [rule.id for rule in rules] == ["alpha-too-new"]
    assert wrong == (
        f"{place}.refuses[0]: the rule admits tensorflow 2.21.0, alpha 1.4 on Python 3.10",
        f"{place}.admits[0]: the rule refuses tensorflow 2.21.0, alpha 2.0 on Python 3.10",
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"colour": "red"}, "Additional properties are not allowed ('colour' was unexpected)"),
        ({"id": "Alpha"}, "id: 'Alpha' does not match '^[a-z0-9]+(-[a-z0-9]+)*$'"),
        ({"symptoms": ["(open"]}, "symptoms[0]: '(open' is not a 'regex'"),
        (
            {"cases": [{"when": {"alpha": "<1"}}]},
            "require: stands beside cases; move it into each case",
        ),
        (
            {"examples": {"matches": ["text"]}},
            "examples: a rule with a demand needs both refuses and admits",
        ),
        (
            {"messages": ["a {} file"], "examples": {**GOOD["examples"], "matches": ["x"]}},
            "messages[0]: fewer than 10 characters of it are fixed, so that any text would have it",
        ),
        (
            {"metadata": None},
            "metadata: a rule with a demand says whether package metadata forbids it",
        ),
        (
            {"symptoms": ["never seen"]},
            "examples: a rule with symptoms or messages needs matches or provokes",
        ),
        (
            {"when": None, "require": None, "examples": {"matches": ["x"]}},
            "when: a rule needs a demand, a condition, a symptom or a message",
        ),
    ],
)
def test_what_is_wrong_with_a_document_is_said_with_its_key(
    changes: dict[str, Any], fault: str
) -> None:
    document = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    assert faults(document) == (fault,)


def test_a_sound_document_has_no_fault() -> None:
    assert faults(GOOD) == ()
