"""What a drafted rule says of a failure, apart from this machine."""

import re
from datetime import date
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.bisect.differences import Side, differences
from envlock.bisect.draft import DraftFacts, draft
from envlock.bisect.failures import Failure
from envlock.model import Platform

A = canonicalize_name("a")


def drafted(before: str, after: str, failure: Failure, *, breaks: bool = True) -> dict[str, Any]:
    return draft(
        DraftFacts(
            culprits=differences({A: Version(before)}, {A: Version(after)}),
            between={},
            failure=failure,
            good=Side(pins={A: Version(before)}, requires={}),
            victim=None,
            breaks=breaks,
            python=Version("3.10.13"),
            platform=Platform(system="linux", machine="x86_64"),
            today=date(2026, 1, 1),
        )
    )


@pytest.mark.parametrize(
    ("message", "symptom", "also"),
    [
        (
            "/home/me/env/lib/python3.10/site-packages/a/b.so: undefined symbol: x",
            r"ImportError: \S*[/\\]b\.so: undefined symbol: x",
            r"ImportError: C:\env\b.so: undefined symbol: x",
        ),
        (
            "cannot use 'x' at 0x7f00 (a/b)",
            "ImportError: cannot use ['\"]x['\"] at 0x[0-9a-fA-F]+ \\(a/b\\)",
            'ImportError: cannot use "x" at 0xBEEF (a/b)',
        ),
    ],
)
def test_a_symptom_knows_other_machines(message: str, symptom: str, also: str) -> None:
    rule = drafted("1", "2", Failure(level="import", error="ImportError", message=message))
    assert rule["symptoms"] == [symptom]
    assert re.search(symptom, also)
    assert "/home" not in str(rule)


def test_a_downgrade_asks_for_more_than_the_version_that_fails() -> None:
    rule = drafted("2", "1.5", Failure(level="resume", error="KeyError", message="k"), breaks=False)
    assert (rule["require"], rule["stage"], rule["severity"]) == (
        {"a": ">1.5"},
        "resume",
        "degrades",
    )
    assert rule["remedy"] == [{"install": "a>1.5"}]


def test_a_command_that_does_not_import_fails_at_import() -> None:
    failure = Failure(level="run", error="ModuleNotFoundError", message="No module named 'b'")
    assert drafted("1", "2", failure)["stage"] == "import"
