"""Rules against evidence: what supports one, what contradicts one, what no rule explains."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from envlock.evidence.explain import explain
from envlock.evidence.judge import Judgement, judge
from envlock.evidence.values import CellEvidence, ProvedSet
from envlock.model import Rule
from envlock.outcomes import Crashed, Failed, Passed, Skipped
from support.evidence import CELL, GATE, RULES_SET, package, proved
from support.rules import rule

TF = package("tensorflow-cpu", "2.10.1")
OLD, NEW = package("numpy", "1.23.5"), package("numpy", "2.2.6")
NUMPY2 = {"when": {"tensorflow": "<2.18"}, "require": {"numpy": "<2"}}


def ended(level: str, error: str = "TypeError", detail: str = "no conversion") -> Any:
    """Outcomes in which every level before one passed, that one failed, the rest was skipped."""
    place = GATE.index(level)
    return (
        *(Passed(level=each) for each in GATE[:place]),
        Failed(level=level, error=error, detail=detail),
        *(Skipped(level=each, detail=f"{level} failed") for each in GATE[place + 1 :]),
    )


def judged(rules: list[Rule], *sets: ProvedSet) -> Judgement:
    return judge(rules, [CellEvidence(cell=CELL, sets=sets)], GATE)


def test_a_failure_with_its_symptom_supports_a_rule() -> None:
    known = rule("np", stage="import", symptoms=["no conv.rsion"], **NUMPY2)
    found = judged([known], proved("plain", TF, NEW, outcomes=ended("import")))
    (witness,) = found.supported[known.id].seen
    assert str(witness) == (
        "tensorflow-cpu 2.10.1 on Python 3.10, plain: fails at import: TypeError: no conversion"
    )
    assert (found.unsupported, found.contradictions, found.unexplained) == ({}, (), ())


def test_a_failure_after_the_stage_of_a_rule_supports_it_too() -> None:
    known = rule("np", stage="fit", symptoms=["no conversion"], **NUMPY2)
    found = judged([known], proved("plain", TF, NEW, outcomes=ended("save")))
    assert len(found.supported[known.id].seen) == 1


def test_a_failure_before_the_stage_of_a_rule_says_nothing_of_it() -> None:
    known = rule("np", stage="save", symptoms=["no conversion"], **NUMPY2)
    found = judged([known], proved("plain", TF, NEW, outcomes=ended("import")))
    assert found.unsupported == {known.id: "no set that breaks it fails as it says"}


def test_a_rule_of_recurrent_layers_is_shown_by_their_level_and_not_by_the_gate() -> None:
    known = rule("np", stage="recurrent", symptoms=["no conversion"], **NUMPY2)
    passed = tuple(Passed(level=level) for level in GATE)
    failed = Failed(level="recurrent", error="TypeError", detail="no conversion")
    shown = judged([known], proved("plain", TF, NEW, outcomes=(*passed, failed)))
    assert len(shown.supported[known.id].seen) == 1
    # Evidence of before there was this level knows nothing of it.
    before = judged([known], proved("plain", TF, NEW, outcomes=passed))
    assert (before.supported, before.contradictions) == ({}, ())
    recurrent = Passed(level="recurrent")
    (wrong,) = judged(
        [known], proved("plain", TF, NEW, outcomes=(*passed, recurrent))
    ).contradictions
    assert wrong.words == "breaks it, and passed recurrent"


def test_without_a_symptom_the_set_of_the_rules_must_pass_where_another_fails() -> None:
    known = rule("np", stage="import", **NUMPY2)
    bad = proved("plain", TF, NEW, outcomes=ended("import"))
    assert judged([known], bad).supported == {}
    (witness,) = judged([known], proved("rules", TF, OLD), bad).supported[known.id].compared
    assert witness.words == "fails at import, which the set of the rules passes"


def test_a_crash_counts_as_a_failure() -> None:
    known = rule("np", stage="import", symptoms=["SIGSEGV"], **NUMPY2)
    crash = (Passed(level="import-h5py"), Crashed(level="import", detail="died of SIGSEGV"))
    found = judged([known], proved("plain", TF, NEW, outcomes=crash))
    assert found.supported[known.id].seen[0].words == "fails at import: died of SIGSEGV"


def test_an_installation_that_failed_supports_a_rule_about_it() -> None:
    known = rule("np", stage="install", symptoms=["cannot build numpy"], **NUMPY2)
    bad = proved("plain", TF, NEW, outcomes=(), problem="uv: cannot build numpy")
    assert judged([known], bad).supported[known.id].seen[0].words == "uv: cannot build numpy"


def test_metadata_that_forbids_what_runs_is_shown_by_a_set_that_passes() -> None:
    known = rule("np", stage="resolve", severity="declared", **NUMPY2)
    found = judged([known], proved("numpy 2.2", TF, NEW, against=True))
    assert found.supported[known.id].seen[0].words == "passes the gate, though metadata forbids it"


def test_a_set_that_breaks_a_rule_and_passes_its_stage_contradicts_it() -> None:
    known = rule("np", stage="import", **NUMPY2)
    found = judged([known], proved("numpy 2.2", TF, NEW, against=True))
    assert list(map(str, found.contradictions)) == [
        "tensorflow-cpu 2.10.1 on Python 3.10, numpy 2.2: breaks it, and passed import-h5py, import"
    ]


@pytest.mark.parametrize(
    ("stage", "severity"), [("import", "degrades"), ("use", "breaks"), ("gpu", "breaks")]
)
def test_a_run_cannot_contradict_what_it_does_not_look_at(stage: str, severity: str) -> None:
    known = rule("np", stage=stage, severity=severity, **NUMPY2)
    assert judged([known], proved("plain", TF, NEW)).contradictions == ()


def test_a_set_that_was_put_together_by_hand_says_nothing_of_a_resolution() -> None:
    known = rule("np", stage="resolve", **NUMPY2)
    by_hand = proved("numpy 2.2", TF, NEW, against=True)
    assert judged([known], by_hand).contradictions == ()
    assert len(judged([known], replace(by_hand, against=False)).contradictions) == 1


def test_a_set_that_obeys_every_rule_and_fails_the_gate_is_unexplained() -> None:
    bad = proved("rules", TF, OLD, outcomes=ended("fit", "ValueError", "odd\nshape"))
    found = judged([rule("np", stage="import", **NUMPY2)], bad)
    (witness,) = found.unexplained
    assert str(witness) == (
        "tensorflow-cpu 2.10.1 on Python 3.10, rules: "
        "fails at fit, and no rule says why: ValueError: odd shape"
    )


def test_a_rule_about_a_later_stage_does_not_explain_a_failure() -> None:
    bad = proved("plain", TF, NEW, outcomes=ended("import"))
    assert len(judged([rule("np", stage="save", **NUMPY2)], bad).unexplained) == 1


def test_a_pair_that_metadata_refuses_needs_no_rule() -> None:
    bad = proved("numpy 2.2", TF, NEW, outcomes=ended("import"), against=True)
    assert judged([], bad).unexplained == ()


def test_rules_that_leave_nothing_where_a_plain_resolve_passes_are_wrong() -> None:
    nothing = proved("rules", outcomes=(), problem="nothing fits")
    found = judged([], nothing, proved("plain", TF, OLD))
    assert found.unexplained[0].words == (
        "the rules leave nothing, a plain resolve passes: nothing fits"
    )
    assert judged([], nothing).unexplained == ()


def test_a_rule_that_no_version_cures_is_shown_by_its_symptom() -> None:
    known = rule("code", stage="load", severity="degrades", symptoms=["odd shape"])
    bad = proved("rules", TF, OLD, outcomes=ended("load", "ValueError", "odd shape"))
    found = judged([known], bad)
    assert (len(found.supported[known.id].seen), found.unexplained) == (1, ())
    assert judged([known], RULES_SET).unsupported == {known.id: "no set shows its symptoms"}


def test_what_is_not_supported_says_why() -> None:
    rules = [
        rule("a", stage="gpu", **NUMPY2),
        rule("b", stage="import", when={"jax": ""}, require={"numpy": "<2"}),
    ]
    assert judged(rules, RULES_SET).unsupported == {
        "a": "stage gpu is not probed",
        "b": "no set breaks it",
    }


def test_the_rule_whose_symptom_was_seen_explains_a_failure_first() -> None:
    other = rule("a", stage="import", symptoms=["something else"], **NUMPY2)
    known = rule("b", stage="import", symptoms=["no conversion"], **NUMPY2)
    repeated = rule("c", stage="import", severity="declared", **NUMPY2)
    found = explain([other, known, repeated], CELL, proved("x", TF, NEW, outcomes=ended("import")))
    assert [(each.rule.id, each.by_symptom) for each in found["import"]] == [
        ("b", True),
        ("a", False),
    ]
