"""The desk's time: stored as aware UTC, spoken in the city's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

# China has had no daylight saving time since 1991: a fixed offset needs no time zone database on the machine
CITY_TIME = timezone(timedelta(hours=8), "Asia/Shanghai")


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def city_time(moment: datetime) -> datetime:
    return moment.astimezone(CITY_TIME)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 to the second with the offset +08:00, as the API gives it."""
    return None if moment is None else city_time(moment).isoformat(timespec="seconds")
