"""Summaries in the artifacts bucket: read by window, compacted once their hour is closed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from modelloop import clock, keys
from modelloop.errors import ConflictError, NotFoundError
from modelloop.monitoring import summary, windows
from modelloop.monitoring.summary import Summary, SummaryKey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from modelloop.aws.storage import Bucket

COMPACTED = "compacted"
PARALLEL_READS = 8
_ATTEMPTS = 3
_PARTS = (4, 5)  # hour, version, variant, rollout where there was one, digest


class Entry(NamedTuple):
    """One stored summary, known by its key: its summary key and the digest that it is derived from, or `compacted`."""

    summary_key: SummaryKey
    digest: str

    @property
    def key(self) -> str:
        """Return its key."""
        return keys.summary(*self.summary_key, self.digest)


def entries(artifacts: Bucket, model: str, start: str, end: str) -> Iterator[Entry]:
    """Yield what is stored from hour `start` to hour `end`, both included, oldest first."""
    prefix = keys.summaries(model)
    for key in artifacts.list_keys(prefix, start_after=prefix + start):
        parts = key.removeprefix(prefix).removesuffix(".json").split("/")
        if len(parts) not in _PARTS or not parts[1].isdecimal():
            continue
        if parts[0] > end:
            return
        hour, version, variant, *rollout, digest = parts
        yield Entry(SummaryKey(model, hour, int(version), variant, *rollout), digest)


def between(artifacts: Bucket, model: str, start: str, end: str) -> Iterator[Summary]:
    """Yield the summaries from hour `start` to hour `end`, both included, oldest first; each object counts once."""
    for _, of_hour in groupby(entries(artifacts, model, start, end), key=lambda entry: entry.summary_key.hour):
        yield from _read(artifacts, list(of_hour))


def newest_first(artifacts: Bucket, model: str, version: int, variants: Collection[str], now: str) -> Iterator[Summary]:
    """Yield a version's summaries of the last two window lengths, newest hour first, read only as far as asked."""
    end = clock.hour_of(now)
    start = windows.shift(end, -2 * windows.MAX_HOURS)
    wanted = [
        entry
        for entry in entries(artifacts, model, start, end)
        if entry.summary_key.version == version and entry.summary_key.variant in variants
    ]
    for _, of_hour in groupby(reversed(wanted), key=lambda entry: entry.summary_key.hour):
        yield from _read(artifacts, list(of_hour))


def compact(artifacts: Bucket, summary_key: SummaryKey, digests: Iterable[str]) -> bool:
    """Fold the stored summaries of one key into one that names them, then delete them.

    False when somebody else was compacting the same key: what is stored counts once either way, because a reader
    skips what the compacted summary names.
    """
    key = Entry(summary_key, COMPACTED).key
    before, etag = _compacted(artifacts, key)
    named = set(before.inputs) if before else set()
    fresh = sorted(set(digests) - named - {COMPACTED})
    if fresh:
        parts = _get(artifacts, [Entry(summary_key, digest).key for digest in fresh])
        counts = summary.total([*([before.counts] if before else []), *(part.counts for part in parts)])
        body = summary.to_bytes(Summary(summary_key, counts, tuple(named.union(fresh))))
        try:
            if etag is None:
                artifacts.put(key, body, if_none_match=True)
            else:
                artifacts.replace(key, body, etag)
        except ConflictError:
            return False
    for digest in sorted(set(digests) - {COMPACTED}):
        artifacts.delete(Entry(summary_key, digest).key)
    return True


def _compacted(artifacts: Bucket, key: str) -> tuple[Summary | None, str | None]:
    try:
        body, etag = artifacts.get_with_etag(key)
    except NotFoundError:
        return None, None
    return summary.from_bytes(body), etag


def _read(artifacts: Bucket, listed: list[Entry]) -> list[Summary]:
    """Read the summaries of one hour; when one is gone it was compacted meanwhile, so the hour is listed again."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return _read_once(artifacts, listed)
        except NotFoundError:
            wanted = {entry.summary_key for entry in listed}
            key = listed[0].summary_key
            again = entries(artifacts, key.model, key.hour, key.hour)
            listed = [entry for entry in again if entry.summary_key in wanted]
    return _read_once(artifacts, listed)


def _read_once(artifacts: Bucket, listed: list[Entry]) -> list[Summary]:
    merged = _get(artifacts, [entry.key for entry in listed if entry.digest == COMPACTED])
    named = {(part.key, digest) for part in merged for digest in part.inputs}
    return merged + _get(artifacts, [entry.key for entry in listed if entry.digest != COMPACTED and entry not in named])


def _get(artifacts: Bucket, wanted: list[str]) -> list[Summary]:
    if len(wanted) <= 1:
        return [summary.from_bytes(artifacts.get(key)) for key in wanted]
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        return list(pool.map(lambda key: summary.from_bytes(artifacts.get(key)), wanted))
