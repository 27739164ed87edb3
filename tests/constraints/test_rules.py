"""Every shipped rule document: sound, tested by its own examples, true to what was run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import envlock_constraints
from envlock.causes import Cause
from envlock.model import Platform, RemedyKind, Severity
from envlock.rules import database
from envlock.rules.check import Situation, violations
from envlock.rules.database import example_faults
from envlock.rules.messages import Folded
from envlock.rules.schema import read_rule
from envlock.rules.tables import EXPLAINS, TABLES, parse

FOLDER = Path(envlock_constraints.__file__).parent
DATA = Path(__file__).parent / "data"
README = FOLDER.parent / "README.md"
RULES = database.load().everything

#: What a healthy run prints; no symptom may be found in it.
HARMLESS = {
    "nothing": "",
    "a line break": "\n",
    "pip, successful": """\
Collecting tensorflow==2.15.1
  Using cached tensorflow-2.15.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl (475 MB)
Requirement already satisfied: h5py>=2.9.0 in ./lib/python3.11/site-packages (3.16.0)
Collecting keras<2.16,>=2.15.0 (from tensorflow==2.15.1)
INFO: pip is looking at multiple versions of h5py to determine which version is compatible.
Building wheels for collected packages: termcolor
  Building wheel for termcolor (setup.py): finished with status 'done'
Successfully built termcolor
Installing collected packages: protobuf, numpy, h5py, keras, tensorflow
Successfully installed h5py-3.16.0 keras-2.15.0 numpy-1.26.4 protobuf-4.25.9 tensorflow-2.15.1
[notice] A new release of pip is available: 23.2.1 -> 26.3
""",
    "uv, successful": """\
Resolved 38 packages in 412ms
Prepared 38 packages in 2.11s
Installed 38 packages in 310ms
 + h5py==3.16.0
 + keras==3.15.1
 + numpy==2.4.6
 + tensorflow==2.20.0
""",
    "TensorFlow, trained and saved": """\
I tensorflow/core/util/port.cc:153] oneDNN custom operations are on. You may see slightly different
I tensorflow/core/platform/cpu_feature_guard.cc:210] This TensorFlow binary is optimized to use
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow with
Epoch 1/2
2/2 [==============================] - 1s 5ms/step - loss: 0.6931 - accuracy: 0.5000
WARNING:absl:You are saving your model as an HDF5 file via `model.save()` or \
`keras.saving.save_model(model)`. This file format is considered legacy. We recommend using \
instead the native Keras format, e.g. `model.save('my_model.keras')`.
WARNING:absl:Compiled the loaded model, but the compiled metrics have yet to be built.
INFO:tensorflow:Assets written to: saved/assets
""",
    "pip freeze": "\n".join(
        f"{name}==1.0"
        for name in ("absl-py", "gast", "grpcio", "h5py", "keras", "numpy", "tensorboard")
    ),
}


def read(pattern: str = "*.yaml") -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((*FOLDER.glob(pattern), *(FOLDER / EXPLAINS).glob(pattern))):
        if path.name not in TABLES:
            for document in parse(path.read_text(encoding="utf-8")):
                yield document["id"], document


def lines(name: str) -> list[str]:
    text = (DATA / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def left_out() -> set[str]:
    """The ids that the README names, in backquotes, in its section on what is left out."""
    text = README.read_text(encoding="utf-8")
    section = re.search(r"(?ims)^#+[^\n]*left out[^\n]*\n(.*?)(?=^#|\Z)", text)
    return set(re.findall(r"`([a-z0-9-]+)`", section[1])) if section else set()


def broken(python: str, pins: list[str]) -> set[Severity]:
    """The severities of the rules that exact pins break on Linux."""
    wanted = [Requirement(pin) for pin in pins]
    packages = {
        canonicalize_name(each.name): Version(str(each.specifier).removeprefix("=="))
        for each in wanted
    }
    situation = Situation(
        python=Version(python),
        platform=Platform(system="linux", machine="x86_64", libc="glibc 2.36"),
        manager="pip",
    )
    return {found.rule.severity for found in violations(RULES, packages, situation)}


DOCUMENTS = dict(read())


def test_the_shipped_folder_has_no_fault() -> None:
    assert database.check(FOLDER)[1] == ()


def test_an_id_or_alias_names_one_rule() -> None:
    names = [name for rule in RULES for name in (rule.id, *rule.aliases)]
    assert sorted(names) == sorted(set(names))


def test_a_rule_lives_up_to_its_examples() -> None:
    faults = {name: example_faults(read_rule(each), each) for name, each in DOCUMENTS.items()}
    assert {name: found for name, found in faults.items() if found} == {}


def test_every_known_fact_is_a_rule_or_left_out_with_its_reason() -> None:
    missed = {name for name in lines("known_ids.txt") if database.load().find(name) is None}
    assert missed <= left_out()


def test_evidence_says_what_was_seen_and_reports_can_be_followed() -> None:
    for rule in RULES:
        assert rule.evidence, rule.id
        for item in rule.evidence:
            assert item.what.endswith("."), rule.id
            assert item.links or item.how != "reported", rule.id


def test_a_reason_is_one_line_that_ends_with_a_full_stop() -> None:
    for rule in RULES:
        assert re.fullmatch(r"[^\n]{20,300}\.", rule.because), rule.id
        assert not rule.title.endswith("."), rule.id


def test_advice_is_a_sentence_and_an_install_line_holds_requirements() -> None:
    for rule in RULES:
        for remedy in rule.remedies:
            if remedy.kind == RemedyKind.ADVICE:
                assert remedy.text.endswith("."), rule.id
                assert "pip install" not in remedy.text, f"{rule.id}: which pip?"
            elif remedy.kind == RemedyKind.INSTALL:
                assert [str(Requirement(word)) for word in remedy.text.split(" ")], rule.id
            elif remedy.kind == RemedyKind.SETTING:
                assert re.fullmatch(r"[A-Z][A-Z0-9_]+=\S+", remedy.text), rule.id


def test_a_remedy_never_hides_a_mismatch() -> None:
    settings = [
        (rule.id, remedy.text)
        for rule in RULES
        for remedy in rule.remedies
        if remedy.kind == RemedyKind.SETTING
    ]
    assert not [each for each in settings if each[1].startswith("HDF5_DISABLE_VERSION_CHECK")]


def test_symptoms_compile_and_pass_over_healthy_output() -> None:
    found = [
        (rule.id, symptom, kind)
        for rule in RULES
        for symptom in rule.symptoms
        for kind, text in HARMLESS.items()
        if re.search(symptom, text)
    ]
    assert found == []


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_no_message_is_found_in_healthy_output(text: str) -> None:
    folded = Folded(text)
    loud = (rule for rule in RULES if rule.cause is not Cause.NOISE)
    assert [rule.id for rule in loud if any(map(folded.find, rule.messages))] == []


def test_every_symptom_has_an_example_that_it_matches() -> None:
    untried = [
        (name, symptom)
        for name, document in DOCUMENTS.items()
        for symptom in document.get("symptoms", ())
        if not any(re.search(symptom, text) for text in document["examples"].get("matches", ()))
    ]
    assert untried == []


@pytest.mark.parametrize("line", lines("observed.txt"))
def test_the_rules_agree_with_what_was_run(line: str) -> None:
    verdict, python, *pins = line.split()
    found = broken(python, pins)
    match verdict:
        case "breaks":
            assert Severity.BREAKS in found
        case "prints":
            assert Severity.BREAKS not in found
            assert Severity.DEGRADES in found
        case _:
            assert verdict == "works"
            assert Severity.BREAKS not in found


RAN = [
    (name, line)
    for name, document in DOCUMENTS.items()
    for line in document.get("cases", ())
    if "ran" in line
]


@pytest.mark.parametrize(
    ("name", "line"), RAN, ids=[f"{name}-{next(iter(line['require']))}" for name, line in RAN]
)
def test_what_evidence_names_as_failed_is_refused_and_what_it_names_as_good_is_not(
    name: str, line: dict[str, Any]
) -> None:
    ran = line["ran"]
    subject = next(iter(line["require"]))

    def refused(version: str) -> bool:
        pins = {**ran["beside"], subject: version}
        packages = {canonicalize_name(each): Version(pins[each]) for each in pins}
        machine = Platform(system="linux", machine="x86_64", libc="glibc 2.36")
        situation = Situation(python=Version(ran["python"]), platform=machine, manager="pip")
        given = read_rule(DOCUMENTS[name])
        return any(found.case.demands for found in violations([given], packages, situation))

    assert refused(str(ran["fails"]))
    assert not refused(str(ran["passes"]))
