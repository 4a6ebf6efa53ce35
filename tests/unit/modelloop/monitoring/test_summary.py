from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from modelloop.errors import ArtifactRefusedError
from modelloop.monitoring import summary
from modelloop.monitoring.summary import Summary, SummaryKey

if TYPE_CHECKING:
    from modelloop.contracts.counts import Counts

SUMMARY_KEY = SummaryKey("m", "2026-11-23T10", 3, "champion")


def test_totals_add_leaf_by_leaf_and_leave_their_parts_alone() -> None:
    left: Counts = {"rows": 1, "errors": {"A": 1}, "columns": {"x": {"counts": [1, 2]}}}
    right: Counts = {"rows": 2, "errors": {"B": 1}, "columns": {"x": {"counts": [0, 5]}, "y": {"counts": [1]}}}

    whole = {"rows": 3, "errors": {"A": 1, "B": 1}, "columns": {"x": {"counts": [1, 7]}, "y": {"counts": [1]}}}
    assert summary.total([left, right]) == summary.total([right, left]) == whole
    assert left["columns"] == {"x": {"counts": [1, 2]}}
    assert summary.total([]) == {}


def test_other_bins_are_refused() -> None:
    with pytest.raises(ArtifactRefusedError, match="different bins"):
        summary.total([{"counts": [1]}, {"counts": [1, 2]}])


def test_sums_beyond_sixty_four_bits_survive_storage() -> None:
    stored = Summary(SUMMARY_KEY, {"millionths": 2**100 + 1}, ("b", "a"))

    assert summary.from_bytes(summary.to_bytes(stored)) == Summary(SUMMARY_KEY, {"millionths": 2**100 + 1}, ("a", "b"))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"format_version":2}', b'{"format_version":1}', b"\xff"])
def test_damaged_summaries_are_refused(body: bytes) -> None:
    with pytest.raises(ArtifactRefusedError):
        summary.from_bytes(body)


def test_the_description_is_what_the_api_answers() -> None:
    in_bins = [0] * (len(summary.LATENCY_BOUNDS_MS) + 1)
    in_bins[2], in_bins[3] = 90, 10
    counts: Counts = {"requests": 100, "rows": 150, "sampled": 140, "errors": {"X": 3}}
    counts["latency"] = {"warm": {"counts": in_bins, "micros": 40_000}, "cold": {"counts": [0, 2], "micros": 9}}

    found = summary.describe(counts)
    assert (found["requests"], found["predictions"], found["rows"], found["errors"]) == (103, 100, 150, 3)
    assert found["cold_starts"] == 2
    assert found["latency_ms"] == {"mean": 0.4, "p50": pytest.approx(0.389), "p90": 0.5, "p99": 0.95}
    assert json.dumps(summary.describe({}))
    assert summary.latency({})["p50"] is None


def test_latencies_beyond_the_last_bound_stay_finite() -> None:
    counts = [0] * len(summary.LATENCY_BOUNDS_MS) + [5]
    assert summary.latency({"latency": {"warm": {"counts": counts, "micros": 10**9}}})["p99"] == 10_000
