"""The table of capabilities: narrow, and readable without colour."""

from __future__ import annotations

from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.evidence.values import CellEvidence
from envlock.outcomes import Failed, Passed, Skipped
from envlock.page.board import (
    Capability,
    Grade,
    Levels,
    absent,
    code,
    lost,
    passing,
    state,
    ways,
)
from envlock.page.html import in_words
from envlock.page.terminal import capability_data, capability_text
from support.evidence import BROKEN, CELL, EVIDENCE, GATE, RULES_SET, proved

NAMES = (*GATE, "weights", "resume", "savedmodel", "rewind")
LEVELS = Levels(all=tuple(Capability(name=each, proves="", gate=each in GATE) for each in NAMES))
NOTHING = proved("rules", outcomes=(), problem="no wheel")


def test_each_capability_has_a_letter_of_its_own() -> None:
    assert LEVELS.letters == {"weights": "W", "resume": "R", "savedmodel": "S", "rewind": "E"}


def test_a_set_is_told_by_letters() -> None:
    assert code(RULES_SET, LEVELS) == "G?R??"
    assert code(proved("plain", outcomes=BROKEN), LEVELS) == "-????"
    assert code(NOTHING, LEVELS) == "none"
    assert code(None, LEVELS) == "?"


def test_what_keras_2_adds_has_small_letters() -> None:
    passed = tuple(Passed(level=each) for each in NAMES)
    lost = tuple(Failed(level=each, error="E", detail="no") for each in ("weights", "savedmodel"))
    own = proved("rules", outcomes=(*RULES_SET.outcomes, *lost))
    legacy = proved("legacy", outcomes=passed)
    assert ways(own, legacy, LEVELS) == "GwRs?"  # what was not run stays open
    assert ways(own, None, LEVELS) == "G-R-?"
    assert ways(own, proved("legacy", outcomes=BROKEN), LEVELS) == "G-R-?"


def test_a_set_stands_by_its_gate_and_the_capabilities_that_failed() -> None:
    weights = Failed(level="weights", error="OSError", detail="no")
    assert state(RULES_SET, LEVELS) is Grade.FULL
    assert state(proved("rules", outcomes=(*RULES_SET.outcomes, weights)), LEVELS) is Grade.GATE
    assert state(proved("plain", outcomes=BROKEN), LEVELS) is Grade.FAIL
    assert state(NOTHING, LEVELS) is Grade.NONE
    assert state(None, LEVELS) is Grade.OPEN


def test_what_a_release_does_not_have_is_not_what_it_lacks() -> None:
    weights = Failed(level="weights", error="OSError", detail="no")
    skipped = Skipped(level="savedmodel", detail="there is none yet")
    found = proved("rules", outcomes=(*RULES_SET.outcomes, weights, skipped))
    assert lost(found, LEVELS) == ("weights",)
    assert absent(found, LEVELS) == ("savedmodel",)


def test_what_was_not_run_is_neither() -> None:
    assert RULES_SET.untried(NAMES) == ("weights", "savedmodel", "rewind")
    assert NOTHING.untried(NAMES) == ()
    assert state(RULES_SET, LEVELS) is Grade.FULL
    assert in_words(RULES_SET, LEVELS) == (
        "passes every level; weights, savedmodel, rewind not run"
    )


def test_sets_are_counted_by_what_passes() -> None:
    assert passing([RULES_SET, None, NOTHING], GATE) == 1
    assert passing([RULES_SET], ("savedmodel",)) == 0


def test_the_table_has_releases_by_pythons_newest_first() -> None:
    other = replace(CELL, version=Version("2.9.3"))
    cells = (EVIDENCE, CellEvidence(cell=other, sets=(NOTHING,)))
    missing = (replace(CELL, python="3.9"), replace(CELL, python="3.7"))
    assert capability_text(cells, missing, LEVELS) == (
        "linux-x86_64, 2026-11-25: the gate passes in 1 of 1 cells\n"
        "with a plain resolve: in 0 of 1\n"
        "RELEASE 3.7 3.9 3.10\n"
        "2.10.1  ?   ?   G?R??\n"
        "2.9.3           none\n"
        "\n"
        "G the gate (import-h5py, import, fit, save, load, custom-layer)\n"
        "W weights, R resume, S savedmodel, E rewind\n"
        "- does not pass, ? not run, none: nothing to install; empty: no wheel"
    )


def test_builds_of_one_release_share_a_row_where_they_do_the_same() -> None:
    gpu = replace(CELL, distribution=canonicalize_name("tensorflow"), python="3.9")
    same = replace(gpu, python="3.10")
    builds = [CellEvidence(cell=each, sets=(RULES_SET,)) for each in (gpu, same)]
    lines = capability_text((EVIDENCE, *builds), (), LEVELS).splitlines()
    assert lines[2:5] == [
        "other builds (tensorflow): 1 of 1",
        "RELEASE 3.9   3.10",
        "2.10.1  G?R?? G?R??",
    ]


def test_builds_of_one_release_that_differ_have_rows_of_their_own() -> None:
    gpu = replace(CELL, distribution=canonicalize_name("tensorflow"))
    bad = proved("rules", outcomes=BROKEN)
    text = capability_text((EVIDENCE, CellEvidence(cell=gpu, sets=(bad,))), (), LEVELS)
    assert text.splitlines()[2:6] == [
        "other builds (tensorflow): 0 of 1",
        "RELEASE                 3.10",
        "2.10.1 (tensorflow-cpu) G?R??",
        "2.10.1 (tensorflow)     -????",
    ]


def test_builds_of_one_release_share_a_row_also_where_one_was_run_with_more() -> None:
    gpu = replace(CELL, distribution=canonicalize_name("tensorflow"))
    more = proved("rules", outcomes=(*RULES_SET.outcomes, Passed(level="weights")))
    text = capability_text((EVIDENCE, CellEvidence(cell=gpu, sets=(more,))), (), LEVELS)
    assert text.splitlines()[3:5] == ["RELEASE 3.10", "2.10.1  GWR??"]


def test_json_has_what_failed_in_words() -> None:
    gate, failing = capability_data((EVIDENCE, CellEvidence(cell=CELL, sets=())), LEVELS)
    assert gate["capabilities"] == [*GATE, "resume"]
    assert (gate["gate"], gate["plain_gate"], gate["failed"]) == (True, False, {})
    assert (failing["gate"], failing["problem"]) == (None, "not run")
