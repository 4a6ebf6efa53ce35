"""Summaries of any order, split and repetition of capture objects are the same bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics_aggregation.aggregation import Aggregation, Source
from metrics_aggregation.watched import millionths
from modelloop.monitoring import summary
from modelloop.monitoring.summary import Summary, SummaryKey
from tests.support.capture_world import MODEL, prediction
from tests.support.known_versions import ROWS, Known

if TYPE_CHECKING:
    from collections.abc import Iterable

SUMMARY_KEY = SummaryKey(MODEL, "2026-11-23T10", 1, "champion")
REQUESTS = st.lists(st.lists(ROWS, min_size=1, max_size=4), min_size=1, max_size=12)


def stored(records: Iterable[dict[str, Any]]) -> Summary:
    aggregation = Aggregation(Source("k", None, "d", "2026-11-23T10"), Known())
    aggregation.read(b"\n".join(json.dumps(record).encode() for record in records))
    return summary.from_bytes(next(body for key, body in aggregation.outputs() if key.startswith("summaries/")))


def merged(parts: Iterable[Summary]) -> bytes:
    return summary.to_bytes(Summary(SUMMARY_KEY, summary.total(part.counts for part in parts)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REQUESTS, st.randoms(use_true_random=False))
def test_every_order_and_split_gives_the_same_bytes(requests: list[list[tuple[Any, ...]]], random: Any) -> None:
    records = [prediction(rows) for rows in requests]
    whole = summary.to_bytes(stored(records))
    random.shuffle(records)
    cuts = sorted(random.randint(0, len(records)) for _ in range(2))
    parts = [part for part in (records[: cuts[0]], records[cuts[0] : cuts[1]], records[cuts[1] :]) if part]
    summaries = [stored(part) for part in parts]
    random.shuffle(summaries)

    assert merged(summaries) == whole
    assert merged([Summary(SUMMARY_KEY, summary.total(one.counts for one in summaries[:1])), *summaries[1:]]) == whole


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=False), max_size=30), st.integers(0, 30))
def test_fixed_point_sums_do_not_depend_on_order_or_split(values: list[float], cut: int) -> None:
    array = np.asarray(values, np.float64)
    assert millionths(array) == millionths(array[::-1]) == millionths(array[:cut]) + millionths(array[cut:])


def test_fixed_point_sums_round_to_the_nearest_millionth() -> None:
    assert millionths(np.asarray([0.0000019, -0.0000019, np.nan, 2.5])) == 2_500_000
    assert millionths(np.asarray([0.0000019])) == 2
    assert millionths(np.asarray([1e300, 1e300])) == 2 * int(1e26)
