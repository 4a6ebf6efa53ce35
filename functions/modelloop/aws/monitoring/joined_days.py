"""The joined hours of a model, a day in one object, so that hours that did not change are not read at every tick.

The hours stay what counts. A day's object is derived from them: it holds each hour that was read with the ETag that it
had, so an hour that was joined anew is read itself, and a day that is lost or damaged is only slower to read.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from modelloop import keys
from modelloop.contracts.reading import reading
from modelloop.errors import ArtifactRefusedError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.aws.storage import Bucket, Listed
    from modelloop.contracts.counts import Counts

FORMAT_VERSION = 1
MAX_APART = 2  # hours of a day that are read by themselves: with more, the day is written anew
_DAY = len("2026-11-23")


class _Hour(NamedTuple):
    """One joined hour, and the ETag of the object that it was read from."""

    etag: str
    joined: Counts


def newest_first(artifacts: Bucket, model: str, since: str, until: str) -> Iterator[tuple[str, Counts]]:
    """Yield the joined hours from `since` to `until`, both included, newest first, read only as far as asked.

    A day that was read to its end costs one object and at most MAX_APART hours the next time, unless hours change.
    """
    prefix, days = keys.quality_prefix(model), keys.quality_days_prefix(model)
    listed = list(artifacts.list_objects(prefix, start_after=prefix + since))
    stored = {entry.key for entry in listed if entry.key.startswith(days)}
    hours = [entry for entry in listed if since <= _hour(entry, prefix) <= until and entry.key not in stored]
    for day, of_day in groupby(reversed(hours), key=lambda entry: _hour(entry, prefix)[:_DAY]):
        place = keys.quality_day(model, day)
        known = _read_day(artifacts, place) if place in stored else {}
        read = dict(known)
        for entry in of_day:
            hour = _hour(entry, prefix)
            if hour not in known or known[hour].etag != entry.etag:
                try:
                    read[hour] = _read_hour(artifacts, entry.key)
                except NotFoundError:  # erased since it was listed
                    continue
            yield hour, read[hour].joined
        if sum(known.get(hour) != of_hour for hour, of_hour in read.items()) > MAX_APART:
            artifacts.put(place, _day_to_bytes(model, day, read))


def read_hour(artifacts: Bucket, key: str) -> tuple[Counts | None, str | None]:
    """Return the counts of a joined hour with the ETag of its object; None when it was not joined yet."""
    try:
        hour = _read_hour(artifacts, key)
    except NotFoundError:
        return None, None
    return hour.joined, hour.etag


def hour_to_bytes(model: str, hour: str, joined: Counts) -> bytes:
    """Return the stored document of a joined hour."""
    return _to_bytes({"format_version": FORMAT_VERSION, "model": model, "hour": hour, "joined": joined})


def _hour(entry: Listed, prefix: str) -> str:
    return entry.key.removeprefix(prefix).removesuffix(".json")


def _read_hour(artifacts: Bucket, key: str) -> _Hour:
    body, etag = artifacts.get_with_etag(key)
    document = json.loads(body)
    with reading(f"joined hour {key}", document, FORMAT_VERSION):
        return _Hour(etag, document["joined"])


def _read_day(artifacts: Bucket, key: str) -> dict[str, _Hour]:
    """Return the hours of a day as they were put together, none when that cannot be read."""
    try:
        document = json.loads(artifacts.get(key))
        with reading(f"joined day {key}", document, FORMAT_VERSION):
            return {hour: _Hour(of_hour["etag"], of_hour["joined"]) for hour, of_hour in document["hours"].items()}
    except (ArtifactRefusedError, NotFoundError, ValueError):
        return {}


def _day_to_bytes(model: str, day: str, hours: dict[str, _Hour]) -> bytes:
    documents = {hour: of_hour._asdict() for hour, of_hour in hours.items()}
    return _to_bytes({"format_version": FORMAT_VERSION, "model": model, "day": day, "hours": documents})


def _to_bytes(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
