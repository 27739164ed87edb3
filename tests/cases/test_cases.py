"""Environments that people described in public, each read as the thread that solved it did."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace
from packaging.version import Version

from envlock.diagnose import diagnose
from envlock.examine.files import examine_content
from envlock.examine.gathered import Given, merge
from envlock.examine.logs import examine_text
from envlock.findings import Examined, Finding
from envlock.model import Platform, Severity
from envlock.rules import database

HERE = Path(__file__).parent
RULES = database.load().rules
Case = Mapping[str, Any]

#: Cases that are not found by everything that is known of them, with the reason.
MISSED: Mapping[str, str] = {}
#: Cases whose words alone do not tell the rule: what else has to be known.
SILENT = {
    "metal-tf218-py311": "told in words that no program prints; the versions decide",
}


def cases(name: str) -> list[Case]:
    return list(yaml.safe_load_all((HERE / name).read_text(encoding="utf-8")))


BROKEN = cases("broken.yaml")
HEALTHY = cases("healthy.yaml")


def given(case: Case) -> Given:
    system, _, machine = case.get("platform", "").partition("-")
    return Given(
        python=Version(case["python"]) if "python" in case else None,
        platform=Platform(system=system, machine=machine) if system else None,
    )


def parts(case: Case) -> Iterator[Examined]:
    if "packages" in case:
        text = "\n".join(case["packages"])
        examined = examine_content(text, "requirements.txt", given(case))
        yield replace(examined, manager=case.get("manager"))
    if "symptom" in case:
        yield examine_text(case["symptom"], given(case))


def found(case: Case) -> tuple[Finding, ...]:
    return diagnose(merge(tuple(parts(case))), RULES)


def is_expected(finding: Finding, case: Case) -> bool:
    return not {finding.id, *finding.aliases}.isdisjoint(case["expected"])


def params(missed: Mapping[str, str]) -> list[Any]:
    return [
        pytest.param(
            case,
            id=case["id"],
            marks=[pytest.mark.xfail(reason=missed[case["id"]])] if case["id"] in missed else [],
        )
        for case in BROKEN
    ]


@pytest.mark.parametrize("case", params(MISSED))
def test_the_cause_is_the_first_or_second_finding(case: Case) -> None:
    findings = found(case)
    assert any(is_expected(each, case) for each in findings[:2]), [each.id for each in findings]


@pytest.mark.parametrize("case", params(SILENT))
def test_the_words_alone_lead_to_the_cause(case: Case) -> None:
    findings = found({key: case[key] for key in ("symptom", "expected")})
    assert any(is_expected(each, case) for each in findings[:2]), [each.id for each in findings]


def test_no_more_than_one_case_in_twenty_is_missed() -> None:
    assert len(MISSED) <= 0.05 * len(BROKEN)


@pytest.mark.parametrize("case", HEALTHY, ids=lambda case: case["id"])
def test_nothing_is_found_to_break_where_nothing_does(case: Case) -> None:
    assert [each.id for each in found(case) if each.severity is Severity.BREAKS] == []


@pytest.mark.parametrize("case", [*BROKEN, *HEALTHY], ids=lambda case: case["id"])
def test_every_case_says_where_it_is_from(case: Case) -> None:
    assert case["source"].startswith("https://github.com/")
