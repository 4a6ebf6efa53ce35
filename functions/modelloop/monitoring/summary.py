"""Mergeable summaries of captured predictions: whole numbers only, so that every order and split gives equal bytes.

A summary is a tree of integers and lists of integers. Merging adds the trees leaf by leaf, which is associative and
commutative. Sums of real numbers are kept in fixed point (millionths, microseconds) for the same reason.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from modelloop.contracts.counts import branch, histogram, integer, integers
from modelloop.contracts.reading import reading
from modelloop.errors import ArtifactRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelloop.contracts.counts import Counts
    from modelloop.json_types import JsonValue

FORMAT_VERSION = 1
LATENCY_BOUNDS_MS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)
CONFIDENCE_BINS = 20
NO_VERSION, NO_VARIANT = 0, "none"
MILLIONTHS = 1_000_000
MICROS = 1_000
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class SummaryKey(NamedTuple):
    """What a summary counts: one hour (UTC, YYYY-MM-DDTHH) of one variant of a version; version 0 means none.

    `rollout` is the one whose split of the traffic chose the variant, "" for none: a rollout is judged by its own
    traffic alone.
    """

    model: str
    hour: str
    version: int
    variant: str
    rollout: str = ""


class Summary(NamedTuple):
    """The counts under one key, and the digests of the summaries that it replaces (when it is a compacted one)."""

    key: SummaryKey
    counts: Counts
    inputs: tuple[str, ...] = ()


def total(parts: Iterable[Counts]) -> Counts:
    """Return the sum of counts; raise ArtifactRefusedError when their bins differ."""
    result: Counts = {}
    for part in parts:
        add(result, part)
    return result


def add(result: Counts, part: Counts) -> None:
    """Add one tree of counts into another, in place; raise ArtifactRefusedError when their bins differ."""
    for name, value in part.items():
        before = result.get(name)
        if before is None:
            result[name] = _copied(value)
        elif isinstance(before, dict) and isinstance(value, dict):
            add(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            result[name] = _added(before, value, name)
        elif isinstance(before, int) and isinstance(value, int):
            result[name] = before + value
        else:
            raise ArtifactRefusedError(f"summaries count {name!r} in different forms")


def to_bytes(summary: Summary) -> bytes:
    """Return the one stored form of a summary."""
    document: dict[str, JsonValue] = {
        "format_version": FORMAT_VERSION,
        **summary.key._asdict(),
        "inputs": sorted(summary.inputs),
        "tallies": summary.counts,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def from_bytes(body: bytes) -> Summary:
    """Read a stored summary; raise ArtifactRefusedError when it is not one, or of another format version."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ArtifactRefusedError("the summary is not JSON") from error
    with reading("summary", document, FORMAT_VERSION):
        key = SummaryKey(
            document["model"], document["hour"], document["version"], document["variant"], document.get("rollout", "")
        )
        return Summary(key, document["tallies"], tuple(document["inputs"]))


def describe(counts: Counts) -> dict[str, JsonValue]:
    """Return what the API answers of counts: requests, rows, errors by code and warm latency in milliseconds."""
    errors, latencies = integers(counts, "errors"), branch(counts, "latency")
    return {
        "requests": integer(counts, "requests") + sum(errors.values()),
        "predictions": integer(counts, "requests"),
        "rows": integer(counts, "rows"),
        "sampled_rows": integer(counts, "sampled"),
        "errors": sum(errors.values()),
        "errors_by_code": dict(sorted(errors.items())),
        "cold_starts": sum(histogram(branch(latencies, "cold"), "counts")),
        "latency_ms": latency(counts),
    }


def latency(counts: Counts) -> dict[str, float | None]:
    """Return mean and quantiles of warm answers in milliseconds, interpolated within bins; None when there are none."""
    warm = branch(branch(counts, "latency"), "warm")
    in_bins = histogram(warm, "counts")
    if not sum(in_bins):
        return dict.fromkeys(("mean", *_QUANTILES))
    mean = integer(warm, "micros") / MICROS / sum(in_bins)
    return {"mean": round(mean, 3), **{name: _quantile(in_bins, level) for name, level in _QUANTILES.items()}}


def _copied(value: int | list[int] | Counts) -> int | list[int] | Counts:
    if isinstance(value, dict):
        return {name: _copied(part) for name, part in value.items()}
    return list(value) if isinstance(value, list) else value


def _added(left: list[int], right: list[int], name: str) -> list[int]:
    if len(left) != len(right):
        raise ArtifactRefusedError(f"summaries count {name!r} in different bins")
    return [before + more for before, more in zip(left, right, strict=True)]


def _quantile(counts: list[int], level: float) -> float:
    rank, passed, lower = level * sum(counts), 0.0, 0.0
    for amount, upper in zip(counts, (*LATENCY_BOUNDS_MS, LATENCY_BOUNDS_MS[-1]), strict=True):
        if amount and passed + amount >= rank:
            return round(lower + (upper - lower) * (rank - passed) / amount, 3)
        passed, lower = passed + amount, upper
    return lower
