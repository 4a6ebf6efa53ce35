from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from control.prometheus import families
from control.prometheus.families import ModelState
from inference.billed_time import MAX_START_MS, BilledTime, startup_ms
from inference.outbox import Outbox, Refused
from metrics_aggregation import counting
from modelloop.captures.reader import read_batches
from modelloop.contracts.model_record import ModelRecord
from modelloop.ids import uuid7
from modelloop.monitoring import traffic, windows
from modelloop.monitoring.cost import Rates
from modelloop.monitoring.summary import Summary, SummaryKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.counts import Counts

RATES = Rates(memory_mb=2_048, gb_second=0.5, million_requests=1_000_000)
NOW = "2026-11-23T12:10:00.000Z"


def hour(variant: str = "champion", version: int = 1, busy_seconds: int = 3) -> Summary:
    counts: Counts = {"requests": 4, "rows": 8, "errors": {"X": 1}, "busy_micros": busy_seconds * 1_000_000}
    return Summary(SummaryKey("m", "2026-11-23T11", version, variant), counts)


def test_busy_time_at_the_price_of_memory_and_every_request_make_the_cost() -> None:
    found: Any = windows.by_version([hour(), hour()], RATES)

    # 6 s of 2 GB at 0.5 are 6; 8 answers and 2 refusals at 1 are 10.
    assert found["cost"] == {
        "busy_seconds": 6.0, "total": 16.0, "per_1000_predictions": 2_000.0, "per_1000_rows": 1_000.0,
    }  # fmt: skip
    assert found["versions"][0]["cost"] == found["versions"][0]["variants"]["champion"]["cost"] == found["cost"]
    assert "cost" not in windows.by_version([hour()])


def test_a_shadow_costs_its_time_and_no_request() -> None:
    found: Any = windows.by_version([hour(), hour("shadow", 2)], RATES)

    champion, shadow = found["versions"]
    assert (champion["cost"]["total"], shadow["variants"]["shadow"]["cost"]["total"]) == (8.0, 3.0)
    assert (found["cost"]["total"], found["shadow"]["cost"]["total"], shadow["cost"]["total"]) == (8.0, 3.0, 0.0)


def test_a_thousand_predictions_do_not_cost_what_a_version_did_as_a_shadow() -> None:
    both = [hour("champion"), hour("shadow")]
    state = ModelState(ModelRecord("m", ""), traffic.totals(None, both, model="m", now=NOW), rates=RATES)

    found: Any = windows.by_version(both, RATES)
    (version,) = found["versions"]
    assert version["cost"]["per_1000_predictions"] == 2_000.0
    assert 'modelloop_cost_per_thousand_predictions{model_name="m",model_version="1"} 2000\n' in (
        families.render([state])
    )


def test_nothing_predicted_has_no_cost_per_thousand() -> None:
    assert RATES.describe({})["per_1000_predictions"] is None
    assert RATES.describe({})["total"] == 0


def test_the_scraper_reads_the_same_cost_as_the_summary() -> None:
    state = ModelState(ModelRecord("m", ""), traffic.totals(None, [hour(), hour("shadow", 2)], model="m", now=NOW))

    text = families.render([state._replace(rates=RATES)])

    assert 'modelloop_busy_seconds_total{model_name="m",model_version="1",work="answers"} 3\n' in text
    assert 'modelloop_cost_total{model_name="m",model_version="1",work="answers"} 8\n' in text
    assert 'modelloop_cost_total{model_name="m",model_version="2",work="shadow"} 3\n' in text
    assert 'modelloop_cost_per_thousand_predictions{model_name="m",model_version="1"} 2000\n' in text
    assert "modelloop_cost" not in families.render([state])


@pytest.mark.parametrize("odd", ["1", None, True, -1.0, 1e300, [2.0]])
def test_invalid_durations_count_as_nothing(odd: object) -> None:
    facts = {"format_version": 1, "kind": "error", "id": uuid7(), "model": "m", "status": 422, "error_code": "X"}
    records = [facts | {"latency_ms": 1.5, "overhead_ms": 2.0}, facts | {"overhead_ms": odd}]
    (batch,) = read_batches(b"\n".join(json.dumps(record).encode() for record in records))
    assert counting.count_errors([line.record for line in batch.errors])["busy_micros"] == 3_500


def test_billed_time_gives_what_it_has_once_and_never_less_than_nothing() -> None:
    billed_time = BilledTime()
    billed_time.add(5.0)
    billed_time.add(-2.0)
    assert (billed_time.take(), billed_time.take()) == (3.0, 0.0)
    billed_time.add(-1.0)
    assert billed_time.take() == 0.0


class Sink:
    """A stream that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def put(self, records: Sequence[bytes], *, deadline: float | None = None) -> None:
        assert deadline is None
        self.records += [orjson.loads(line) for record in records for line in record.splitlines()]


def test_what_lies_between_two_records_goes_to_the_later_one_alone() -> None:
    billed_time = BilledTime()
    sink = Sink()
    outbox = Outbox(sink, lambda _: pytest.fail("no version is asked for"), billed_time)
    refused = Refused("id", NOW, "m", 1, "champion", "", 422, "X", 1.5)

    billed_time.add(250.0)
    outbox.add(refused)
    outbox.add(refused)
    outbox.flush()
    billed_time.add(7.0)
    outbox.add(refused)
    outbox.flush()

    assert [record["overhead_ms"] for record in sink.records] == [250.0, 0.0, 7.0]


def test_a_process_knows_when_it_began() -> None:
    assert 0 < startup_ms() <= MAX_START_MS
