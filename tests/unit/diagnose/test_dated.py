"""What the days of two packages say of an error that is about both."""

from collections.abc import Iterator, Mapping
from datetime import date

import pytest
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.diagnose.dated import DATED, Dated, of_another_day
from envlock.diagnose.lessons import lessons

SITE = "/env/lib/python3.10/site-packages"
ASKS = f"""Traceback (most recent call last):
  File "<string>", line 1, in <module>
  File "{SITE}/asker/app.py", line 7, in <module>
    from other.urls import gone
"""
GONE = f"{ASKS}ImportError: cannot import name 'gone' from 'other.urls' ({SITE}/other/urls.py)\n"
CALLS = f"""{ASKS}  File "{SITE}/other/urls.py", line 20, in quote
    return encode(charset=charset)
TypeError: encode() got an unexpected keyword argument 'charset'
"""
NO_MODULE = f"{ASKS}ModuleNotFoundError: No module named 'other.urls'\n"
OWN = f"{ASKS}ValueError: nothing to do with another\n"

PACKAGES = {canonicalize_name("asker"): Version("1.0"), canonicalize_name("other"): Version("3.0")}
DAYS: dict[str, dict[str, tuple[str, bool]]] = {
    "asker": {"1.0": ("2022-02-14", True)},
    "other": {
        "1.9": ("2021-01-01", True),
        "2.0": ("2022-02-07", True),
        "2.1rc1": ("2022-02-10", True),
        "2.2": ("2022-05-01", True),
        "3.0": ("2024-01-01", True),
    },
}


_NEWER = {"1.0": ("2025-06-01", True)}


def owner(package: str) -> NormalizedName:
    return canonicalize_name(package)


def told(text: str, days: Mapping[str, Mapping[str, tuple[str, bool]]] = DAYS) -> str:
    return next(ways(text, days), "")


def ways(text: str, days: Mapping[str, Mapping[str, tuple[str, bool]]]) -> Iterator[str]:
    def releases(name: NormalizedName) -> dict[Version, Dated]:
        return {
            Version(version): Dated(day=date.fromisoformat(day), serves=serves)
            for version, (day, serves) in days.get(name, {}).items()
        }

    found = of_another_day(text, owner, PACKAGES, releases)
    for lesson in lessons([found] if found else [], text, PACKAGES):
        assert (lesson.finding.id, lesson.finding) == (DATED, found)
        yield str(lesson)


@pytest.mark.parametrize("text", [GONE, CALLS, NO_MODULE], ids=["name", "call", "module"])
def test_the_newest_of_the_day_is_what_it_was_made_with(text: str) -> None:
    assert told(text) == "other<=2.0"


def test_where_that_is_not_to_be_had_the_nearest_is() -> None:
    other = {
        version: (day, version in {"2.2", "3.0"}) for version, (day, _) in DAYS["other"].items()
    }
    assert told(GONE, {**DAYS, "other": other}) == "other<=2.2"


def test_who_is_newer_than_the_other_asks_for_a_newer_one() -> None:
    days = {
        "asker": {"1.0": ("2025-06-01", True)},
        "other": {**DAYS["other"], "3.1": ("2025-01-01", True), "4.0": ("2026-01-01", True)},
    }
    assert told(GONE, days) == "other>=3.1"


def test_who_asks_may_be_what_another_day_is_taken_of() -> None:
    days = {
        "asker": {"0.8": ("2023-01-01", True), "0.9": ("2024-01-01", True), **_NEWER},
        "other": DAYS["other"],
    }
    assert [*ways(GONE, days)] == ["asker<=0.9"]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        (OWN, DAYS),
        ("all is well", DAYS),
        (GONE, {"asker": DAYS["asker"]}),
        (GONE, {**DAYS, "asker": {"1.0": ("2024-01-01", True)}}),
        (GONE.replace("asker", "unheard"), DAYS),
    ],
    ids=["nobody else", "no error", "no day is told", "of one day", "not installed"],
)
def test_else_the_days_say_nothing(
    text: str, days: Mapping[str, Mapping[str, tuple[str, bool]]]
) -> None:
    assert told(text, days) == ""
