"""Evidence on disk: read back as written, a line a fact, and told when it is bad."""

import json

import pytest
from msgspec.structs import replace

from envlock.errors import UsageError
from envlock.evidence.documents import read, render
from envlock.evidence.values import CellEvidence
from support.evidence import EVIDENCE, RULES_SET, package, proved


def test_what_was_written_is_read_back() -> None:
    assert read("cell.json", render(EVIDENCE)) == EVIDENCE


def test_it_is_written_the_same_again() -> None:
    text = render(EVIDENCE)
    assert render(read("cell.json", text)) == text


def test_a_package_and_a_level_take_one_line() -> None:
    lines = render(EVIDENCE).splitlines()
    assert sum('"version": "1.23.5"' in line for line in lines) == 1
    assert '    "fit": {"skipped": "import failed"},' in lines


def test_a_set_holds_only_what_differs_from_the_set_of_the_rules() -> None:
    document = json.loads(render(EVIDENCE))
    assert list(document["sets"]["plain"]["changed"]) == ["h5py", "numpy"]
    assert document["sets"]["plain"]["changed"]["h5py"] is None


def test_sets_stand_in_an_order_that_does_not_depend_on_when_they_ended() -> None:
    shuffled = CellEvidence(cell=EVIDENCE.cell, sets=())
    for each in reversed(EVIDENCE.sets):
        shuffled = shuffled.with_set(each)
    assert [each.name for each in shuffled.sets] == ["rules", "plain", "h5py 3.1", "h5py 3.11"]
    assert render(shuffled) == render(EVIDENCE)


def test_what_was_set_and_what_stood_beside_are_read_back() -> None:
    legacy = proved("legacy", package("tf-keras", "2.10.0"))
    legacy = replace(legacy, variables={"TF_USE_LEGACY_KERAS": "1"})
    beside = proved("+pandas", package("pandas", "1.5.3"))
    cell = EVIDENCE.with_set(beside).with_set(legacy)
    assert [each.name for each in cell.sets[-5:]] == [
        "plain",
        "legacy",
        "h5py 3.1",
        "h5py 3.11",
        "+pandas",
    ]
    found = read("cell.json", render(cell)).find("legacy")
    assert found is not None
    assert found.variables == {"TF_USE_LEGACY_KERAS": "1"}


def test_a_set_that_was_run_again_takes_the_place_of_the_old_one() -> None:
    newer = replace(RULES_SET, packages=(package("numpy", "1.23.4"),))
    evidence = EVIDENCE.with_set(newer)
    assert evidence.find("rules") == newer
    assert len(evidence.sets) == len(EVIDENCE.sets)


def test_a_set_passes_the_levels_that_it_was_seen_to_pass() -> None:
    assert RULES_SET.passes(("fit", "resume"))
    assert not RULES_SET.passes(("savedmodel",))
    assert not proved("rules", outcomes=(), problem="no wheel").passes(())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{",
            "cell.json:1: not JSON: expecting property name enclosed in double quotes (column 2)",
        ),
        ("[]", "cell.json: not evidence of envlock: it has no schema"),
        ('{"schema": 2}', "cell.json: evidence of schema 2, and this envlock reads 1"),
        (
            '{"schema": 1}',
            "cell.json: not evidence of envlock: object missing required field `cell`",
        ),
    ],
)
def test_what_is_not_evidence_is_told(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read("cell.json", text)
    assert caught.value.message.startswith(message)
