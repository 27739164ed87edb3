"""Dates as --exclude-newer takes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from envlock.errors import UsageError
from envlock.request.words import parse_date

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=timezone(timedelta(hours=2)))
FORMS = "write 2024-01-31, 2024-01-31T12:00:00Z or, counted back from now, 7d"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-01-31", "2024-01-31T23:59:59.999999+00:00"),
        (" 2024-02-29 ", "2024-02-29T23:59:59.999999+00:00"),
        ("9999-12-31", "9999-12-31T23:59:59.999999+00:00"),
        ("2024-01-31T12:00:00Z", "2024-01-31T12:00:00+00:00"),
        ("2024-01-31t12:00z", "2024-01-31T12:00:00+00:00"),
        ("2024-01-31 12:00:00.25+02:00", "2024-01-31T10:00:00.250000+00:00"),
        ("P7D", "2026-11-15T18:00:00+00:00"),
        ("7d", "2026-11-15T18:00:00+00:00"),
        ("2w", "2026-11-08T18:00:00+00:00"),
        ("PT12H", "2026-11-22T06:00:00+00:00"),
        ("0D", "2026-11-22T18:00:00+00:00"),
    ],
)
def test_a_date_is_the_last_instant_it_takes_in(text: str, instant: str) -> None:
    found = parse_date(text, now=NOW)

    assert found.isoformat() == instant
    assert found.tzinfo is UTC


def test_a_date_that_is_printed_is_read_again() -> None:
    found = parse_date("2024-01-31", now=NOW)

    assert parse_date(found.isoformat(), now=NOW) == found


@pytest.mark.parametrize(
    "text", ["", "yesterday", "31.01.2024", "2024-1-31", "20240131", "7", "P1M"]
)
def test_what_is_no_date_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_date(text, now=NOW)

    assert caught.value.message == f'"{text}" is not a date'
    assert caught.value.remedies == (FORMS,)


@pytest.mark.parametrize(
    "text", ["2023-02-29", "2024-13-01", "2024-01-31T25:00:00Z", "9999999d", "9999999999999w"]
)
def test_what_is_not_in_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_date(text, now=NOW)

    assert caught.value.message.startswith(f'"{text}" is not in the calendar: ')
    assert caught.value.remedies == (FORMS,)


def test_a_time_without_a_zone_is_told_to_name_one() -> None:
    with pytest.raises(UsageError) as caught:
        parse_date("2024-01-31T12:00:00", now=NOW)

    assert caught.value.message == '"2024-01-31T12:00:00" has no time zone'
    assert caught.value.remedies == ("write 2024-01-31T12:00:00Z for UTC",)
