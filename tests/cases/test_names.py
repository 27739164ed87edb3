"""Errors about names, and packages made for another release, read as the threads solved them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from envlock.diagnose import diagnose
from envlock.examine.files import examine_content
from envlock.examine.gathered import merge
from envlock.examine.logs import examine_text
from envlock.rules import database

CASES = list(yaml.safe_load_all((Path(__file__).parent / "names.yaml").read_text("utf-8")))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_first_finding_is_the_cause_and_its_first_way_out_the_cure(
    case: Mapping[str, Any],
) -> None:
    parts = [examine_text(case["text"])]
    if "packages" in case:
        parts.append(examine_content("\n".join(case["packages"]), "requirements.txt"))
    found = diagnose(merge(parts), database.load().everything)
    assert (found[0].id, list(found[0].packages)) == (case["finds"], case["about"])
    assert found[0].remedies[0].text.startswith(case["way"])
    assert {each.id for each in found}.isdisjoint(case.get("never", ()))
    assert case["source"].startswith("https://github.com/")
