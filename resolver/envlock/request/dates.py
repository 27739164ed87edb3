"""Dates as ``--exclude-newer`` takes them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from envlock.errors import UsageError
from envlock.request.parsed import shown

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(
    rf"{_DAY.pattern}[Tt ]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d+)?)?(?P<zone>[Zz]|[+-]\d{{2}}:\d{{2}})?"
)
_AGO = re.compile(r"(?:P?(?P<days>\d+)(?P<unit>[dw])|(?:PT)?(?P<hours>\d+)h)", re.IGNORECASE)
_FORMS = "2024-01-31, 2024-01-31T12:00:00Z or, counted back from now, 7d"


def parse_date(text: str, *, now: datetime) -> datetime:
    """Return the last instant, in UTC, whose uploads are taken.

    A date alone means up to the end of that day in UTC. ``P7D``, ``7d``,
    ``2w`` and ``12h`` count back from ``now``, an aware time.

    Raises:
        UsageError: ``text`` is none of these, or out of the calendar.
    """
    text = text.strip()
    ago, instant = _AGO.fullmatch(text), _INSTANT.fullmatch(text)
    try:
        if ago:
            return now.astimezone(UTC) - _span(ago)
        if _DAY.fullmatch(text):
            return datetime.combine(datetime.fromisoformat(text), time.max, UTC)
        if instant and instant["zone"]:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{shown(text)} is not in the calendar: {error}", f"write {_FORMS}"
        ) from None
    if instant:
        raise UsageError(f"{shown(text)} has no time zone", f"write {text}Z for UTC")
    raise UsageError(f"{shown(text)} is not a date", f"write {_FORMS}")


def _span(ago: re.Match[str]) -> timedelta:
    if ago["hours"]:
        return timedelta(hours=int(ago["hours"]))
    days = int(ago["days"])
    return timedelta(weeks=days) if ago["unit"] in "wW" else timedelta(days=days)
