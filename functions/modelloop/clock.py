"""Time as stored documents write it: ISO 8601, UTC, milliseconds, a trailing Z, so that text order is time order."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


def now() -> str:
    """Return this moment, such as 2026-11-23T18:17:59.123Z."""
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{milliseconds:03d}Z"  # on every answer's way


def from_ms(unix_ms: int) -> str:
    """Return the moment that many milliseconds after 1970."""
    return _text(datetime.fromtimestamp(unix_ms // 1000, UTC) + timedelta(milliseconds=unix_ms % 1000))


def to_ms(moment: str) -> int:
    """Return the Unix milliseconds of a moment; raise ValueError when it is not one."""
    return round(_parse(moment).timestamp() * 1000)


def hour_of(moment: str) -> str:
    """Return the hour (UTC, YYYY-MM-DDTHH) that a moment lies in; raise ValueError when it is not one."""
    return from_ms(to_ms(moment))[:13]


def later(moment: str, *, seconds: float = 0, minutes: float = 0) -> str:
    """Return the moment that much after another."""
    return _text(_parse(moment) + timedelta(seconds=seconds, minutes=minutes))


def _parse(moment: str) -> datetime:
    parsed = datetime.fromisoformat(moment)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
