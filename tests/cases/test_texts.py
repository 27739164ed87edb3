"""Texts that people bring: what is no fault of versions, and what systems say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from envlock.causes import Cause
from envlock.diagnose import UNEXPLAINED, diagnose, troubled
from envlock.examine.files import examine_content
from envlock.examine.gathered import merge
from envlock.findings import Finding, Kind
from envlock.model import Severity
from envlock.rules import database

HERE = Path(__file__).parent
RULES = database.load().everything
Text = Mapping[str, Any]


def texts(name: str) -> list[Any]:
    documents = yaml.safe_load_all((HERE / name).read_text(encoding="utf-8"))
    return [pytest.param(each, id=each["id"]) for each in documents]


def found(text: Text) -> tuple[Finding, ...]:
    log = examine_content(text["text"], "error.txt")
    assert log.kind is Kind.TEXT, "it is taken for a list of requirements"
    parts = [log]
    if "packages" in text:
        parts.append(examine_content("\n".join(text["packages"]), "requirements.txt"))
    return diagnose(merge(parts), RULES)


@pytest.mark.parametrize("text", texts("elsewhere.yaml"))
def test_versions_are_not_blamed_for_what_is_no_fault_of_theirs(text: Text) -> None:
    findings = found(text)
    assert [each.id for each in findings if each.severity is Severity.BREAKS] == []
    assert [each.id for each in findings if each.cause is Cause.VERSION] == []
    assert troubled(findings, text["text"])


@pytest.mark.parametrize("text", texts("elsewhere.yaml"))
def test_what_is_told_says_what_to_do_next(text: Text) -> None:
    first, *_ = found(text)
    assert first.remedies
    assert first.cause is not None or first.id == UNEXPLAINED


@pytest.mark.parametrize("text", texts("systems.yaml"))
def test_what_a_system_says_is_explained_first(text: Text) -> None:
    findings = found(text)
    assert [each.id for each in findings][:1] == [text["expected"]]


@pytest.mark.parametrize("text", texts("systems.yaml"))
def test_what_is_explained_is_not_unexplained_too(text: Text) -> None:
    assert UNEXPLAINED not in {each.id for each in found(text)}


def test_nothing_is_wrong_is_not_said_over_lines_of_trouble() -> None:
    line = "W tensorflow/core/framework/op_kernel.cc:18] OP_REQUIRES failed at x.cc:1 : INTERNAL: y"
    (only,) = found({"text": f"Epoch 1/2\n{line}"})
    assert (only.id, troubled([only], line)) == (UNEXPLAINED, True)


def test_what_a_log_always_says_is_no_trouble_by_itself_and_hides_none() -> None:
    noise = (
        "E cuda_fft.cc:607] Unable to register cuFFT factory: Attempting to register factory for"
    )
    noise += " plugin cuFFT when one has already been registered"
    (only,) = found({"text": noise})
    assert (only.cause, troubled([only], noise)) == (Cause.NOISE, False)
    (other,) = found({"text": f"{noise}\nfoo.BarError: what nobody knows"})
    assert other.id == UNEXPLAINED
