"""Findings: the root cause first, its consequences under it, nothing that versions rule out."""

import pytest
from msgspec.structs import replace

from envlock.causes import Cause
from envlock.diagnose import diagnose, troubled
from envlock.examine.files import examine_content
from envlock.examine.gathered import merge
from envlock.examine.logs import examine_text
from envlock.findings import Examined, Finding, Kind
from envlock.model import Remedy, RemedyKind, Rule, Severity
from envlock.probes import DEFAULT_GATE, levels_of
from envlock.rules import database
from envlock.rules.schema import read_rule

RULES = database.load().rules


def file(*lines: str) -> Examined:
    return examine_content("\n".join(lines), "requirements.txt")


def found(*parts: Examined) -> tuple[Finding, ...]:
    return diagnose(merge(parts), RULES)


def ids(findings: tuple[Finding, ...]) -> list[str]:
    return [each.id for each in findings]


DECODE = "AttributeError: 'str' object has no attribute 'decode'"
OBJECT = "AttributeError: module 'numpy' has no attribute 'object'."


def test_a_symptom_alone_names_its_rule_and_what_to_look_at() -> None:
    (only,) = found(examine_text(DECODE))
    assert (only.id, only.severity, only.confidence) == (
        "h5py3-str-decode",
        Severity.BREAKS,
        0.7,
    )
    assert only.packages == {"tensorflow": None, "h5py": None}
    assert only.evidence == DECODE
    assert only.remedies[0] == Remedy(kind=RemedyKind.INSTALL, text="h5py>=2.10,<3")
    assert "https://github.com/tensorflow/tensorflow/issues/44467" in only.sources


def test_versions_make_a_symptom_certain() -> None:
    first, *_ = found(file("tensorflow==2.4.1", "h5py==3.1.0"), examine_text(DECODE))
    assert (first.id, first.confidence) == ("h5py3-str-decode", 0.99)
    assert {n: str(v) for n, v in first.packages.items()} == {
        "tensorflow": "2.4.1",
        "h5py": "3.1.0",
    }


def test_a_symptom_whose_rule_the_versions_rule_out_is_not_shown_but_told() -> None:
    (only,) = found(file("tensorflow==2.4.1", "h5py==2.10.0"), examine_text(DECODE))
    assert only.id == "unexplained"
    assert only.remedies[0].text == (
        "The words are those of h5py3-str-decode, which these versions rule out; look whether "
        "they are the versions of the environment that the text came from."
    )


def test_versions_alone_are_told_without_a_text() -> None:
    (only,) = found(file("tensorflow==2.4.1", "h5py==3.1.0"))
    assert (only.id, only.confidence, only.evidence) == ("h5py3-str-decode", 0.9, "")
    assert ids(only.consequences) == ["declared-conflict"]


def test_what_the_text_shows_comes_before_what_only_the_versions_say() -> None:
    findings = found(
        file("tensorflow==2.5.0", "numpy==1.24.3", "gast==0.2.2"), examine_text(OBJECT)
    )
    assert ids(findings)[0] == "numpy124-aliases"
    assert {"gast-autograph", "numpy120-symbolic-tensor"} <= set(ids(findings))


def test_what_breaks_comes_before_what_only_degrades_or_is_declared() -> None:
    findings = found(file("tensorflow==2.10.0", "numpy==1.24.3", "keras==2.9.0", "grpcio==1.0.0"))
    severities = [each.severity for each in findings]
    order = [Severity.BREAKS, Severity.DEGRADES, Severity.DECLARED]
    assert severities == sorted(severities, key=order.index)
    assert len(set(severities)) == 3


def test_a_consequence_is_under_the_cause_that_cures_it() -> None:
    findings = found(
        file("tensorflow==2.4.1", "numpy==1.24.3"),
        examine_text("Cannot convert a symbolic Tensor (lstm/strided_slice:0) to a numpy array"),
    )
    assert ids(findings) == ["numpy120-symbolic-tensor"]
    assert {each.id for each in findings[0].consequences} == {
        "numpy124-aliases",
        "declared-conflict",
    }


def test_a_finding_names_the_level_that_shows_it() -> None:
    """A model of Dense layers is trained with these; one of LSTM layers cannot be built."""
    (first, *_) = found(file("tensorflow==2.5.3", "numpy==1.21.6"))
    assert first.id == "numpy120-symbolic-tensor"
    assert first.stage is not None
    assert levels_of(first.stage) == ("recurrent",)
    assert not {*levels_of(first.stage)} & {*DEFAULT_GATE}


def test_a_cause_whose_cure_is_weaker_stands_by_itself() -> None:
    findings = found(file("tensorflow==2.4.1", "numpy==1.24.3"), examine_text(OBJECT))
    assert ids(findings) == [
        "numpy124-aliases",
        "tfjs-old-numpy",
        "name-ended",
        "numpy120-symbolic-tensor",
    ]


def test_the_more_specific_words_win() -> None:
    text = 'File "C:\\x\\site-packages\\tensorflowjs\\read_weights.py", line 28\n' + OBJECT
    assert ids(found(examine_text(text)))[0] == "tfjs-old-numpy"


def message_rule(name: str, message: str, **changes: object) -> Rule:
    document = {
        "id": name,
        "title": "what a message means",
        "cause": "file",
        "stage": "load",
        "severity": "breaks",
        "because": "This is what the message means.",
        "messages": [message],
        "remedy": [{"advice": "Do so."}],
        "evidence": [],
        "examples": {},
        **changes,
    }
    return read_rule(document)


SAID = "OSError: Unable to open file (truncated file: eof = 3)"
GENERAL = message_rule("general", "Unable to {}open file (")
EXACT = message_rule("exact", "Unable to {}open file (truncated file: eof")


def test_of_two_messages_in_the_same_lines_the_more_exact_one_is_taken() -> None:
    (finding,) = diagnose(examine_text(SAID), [GENERAL, EXACT])
    assert (finding.id, finding.cause, finding.evidence) == ("exact", Cause.FILE, SAID)
    (finding,) = diagnose(examine_text("OSError: Unable to open file (bad)"), [GENERAL, EXACT])
    assert finding.id == "general"


def test_a_message_whose_versions_are_ruled_out_leaves_it_to_the_general_one() -> None:
    bound = message_rule("exact", "Unable to {}open file (truncated file: eof", when={"h5py": "<3"})
    whole = merge((file("h5py==3.11.0"), examine_text(SAID)))
    assert ids(diagnose(whole, [GENERAL, bound])) == ["general"]
    whole = merge((file("h5py==2.10.0"), examine_text(SAID)))
    assert ids(diagnose(whole, [GENERAL, bound])) == ["exact"]


def test_a_release_that_is_not_known_to_say_so_makes_it_less_sure() -> None:
    bound = message_rule("exact", "truncated file: eof", releases={"h5py": ["<2.9", ">=3"]})
    sure = {
        version: diagnose(merge((file(f"h5py=={version}"), examine_text(SAID))), [bound])[0]
        for version in ("2.8.0", "2.10.0", "3.11.0")
    }
    assert [each.confidence for each in sure.values()] == [0.85, 0.5, 0.85]


def test_a_remedy_that_the_rule_leaves_to_a_table_is_worked_out() -> None:
    (only,) = found(file("tensorflow==2.8.4", "keras==2.9.0"))
    assert only.id == "keras-tf-minor-mismatch"
    assert only.remedies[0] == Remedy(kind=RemedyKind.INSTALL, text="keras==2.8.*")


def test_a_remedy_keeps_the_build_of_tensorflow_that_is_there() -> None:
    (only,) = found(file("tensorflow-cpu==2.15.1", "numpy==2.0.2"))
    assert [each.text for each in only.remedies if each.kind == RemedyKind.INSTALL] == [
        "numpy<2",
        "tensorflow-cpu>=2.18",
    ]


def test_a_finding_of_the_files_gets_the_knowledge_of_its_rule_and_comes_once() -> None:
    own = Finding(
        id="tf-two-owners",
        title="two",
        severity=Severity.BREAKS,
        because="They are mixed.",
        packages={},
        remedies=(Remedy(kind=RemedyKind.COMMAND, text="rm -r x"),),
    )
    examined = file("tensorflow==2.10.0", "tensorflow-gpu==2.10.0")
    findings = diagnose(examined, RULES, [own])
    assert ids(findings) == ["tf-two-owners", "tf-owners-alike"]
    assert findings[0].because == "They are mixed."
    assert findings[0].remedies[0].text == "rm -r x"
    assert len(findings[0].remedies) > 1


def test_declared_conflicts_that_pip_tells_are_found() -> None:
    text = (
        "ERROR: pip's dependency resolver does not currently take into account all the packages.\n"
        "acme 1.0 requires beta<2,>=1, but you have beta 3.1 which is incompatible."
    )
    (only,) = found(examine_text(text))
    assert (only.id, only.severity) == ("declared-conflict", Severity.DECLARED)
    assert only.because == "acme 1.0 declares beta<2,>=1, and beta 3.1 is there."
    assert only.remedies == (Remedy(kind=RemedyKind.INSTALL, text="beta<2,>=1"),)


def test_ranges_that_a_release_does_not_allow_are_a_declared_conflict() -> None:
    (only,) = found(file("tensorflow==2.12.0", "wrapt>=1.15"))
    assert (
        only.because
        == "tensorflow 2.12.0 declares wrapt<1.15,>=1.11.0, and wrapt>=1.15 is asked for."
    )


def test_nothing_wrong_is_nothing_found() -> None:
    assert found(file("tensorflow==2.15.1", "keras==2.15.0", "h5py==3.10.0", "numpy==1.26.4")) == ()
    assert found(examine_text("Epoch 1/2\nloss: 0.1\n")) == ()


TROUBLE = [
    (found(examine_text(DECODE)), DECODE, True),
    (found(file("tensorboard==2.15.2", "setuptools==84.0")), "", False),
    (
        found(examine_text("Could not locate function 'mse'")),
        "Could not locate function 'mse'",
        True,
    ),
    ((), "", False),
]


@pytest.mark.parametrize(("findings", "text", "trouble"), TROUBLE)
def test_it_is_trouble_when_it_breaks_or_when_the_text_shows_it(
    findings: tuple[Finding, ...], text: str, *, trouble: bool
) -> None:
    assert troubled(findings, text) is trouble


def test_a_state_finding_with_files_as_evidence_is_no_trouble_by_itself() -> None:
    own = Finding(
        id="half-removed",
        title="x",
        severity=Severity.DEGRADES,
        because="x",
        packages={},
        evidence="~umpy",
    )
    assert not troubled([own])


def test_an_environment_is_not_measured_by_release_data_but_by_its_own_metadata() -> None:
    examined = file("tensorflow==2.12.0", "wrapt==1.16.0")
    assert ids(diagnose(examined, RULES)) == ["declared-conflict"]
    assert ids(diagnose(replace(examined, kind=Kind.ENVIRONMENT), RULES)) == []
