"""Records that are checked and counted together yield what they yield one by one, wherever a batch ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics_aggregation import record_buffer
from metrics_aggregation.aggregation import Aggregation, Source
from modelloop.captures import reader
from modelloop.captures.reader import FIELDS
from modelloop.captures.rules import fault
from modelloop.ids import hour_of, hours_of, uuid7
from modelloop.monitoring import summary
from tests.support.bad_lines import BAD_LINES
from tests.support.capture_world import NOON, error, label, prediction
from tests.support.known_versions import ROWS, Known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HOUR_MS = 3_600_000
CHANGES: list[dict[str, Any]] = [
    {}, {}, {"variant": "shadow"}, {"columns": None}, {"proba": None}, {"offset": 4}, {"latency_ms": 7}, {"cold": True},
    {"overhead_ms": 2.5}, {"overhead_ms": "odd"}, {"cold": 1}, {"predict": [True]}, {"rows": 2}, {"version": 2},
    {"rollout": "20261123T113000000Z"}, {"rollout": None}, {"rollout": "../x"}, {"variant": "other"},
    {"columns": {}}, {"columns": {"mass": [1], "male": 3}}, {"columns": {"mass": "1", "island": ["Dream"]}},
    {"proba": [[1e300, 0]]}, {"proba": [[0.5]]}, {"proba": [["0.5", 0.5]]}, {"proba": [0.5]},
    {"predict": [{"id": "x"}]}, {"predict": ['},{"id":"']}, {"latency_ms": 1e6}, {"latency_ms": "1"}, {"kind": "error"},
    {"format_version": 2},
]  # fmt: skip
ODD_ERRORS: list[dict[str, Any]] = [
    {}, {"version": None}, {"variant": ""}, {"offset": [1]}, {"run_id": ["r"]}, {"rows": "many"}, {"overhead_ms": [1]},
]  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """One line of any kind, with an id of its own."""
    made = NOON + draw(st.sampled_from([0, 1, HOUR_MS]))
    kind = draw(st.sampled_from(["prediction"] * 6 + ["error", "label", "garbage", "left out"]))
    if kind == "error":
        return json.dumps(error(made, **draw(st.sampled_from(ODD_ERRORS)))).encode()
    if kind == "label":
        return json.dumps(label(uuid7(made), draw(st.sampled_from(["x", 1, None, 2.5])), made)).encode()
    if kind == "garbage":
        bad = draw(st.sampled_from(BAD_LINES))
        known = isinstance(bad, dict) and bad["id"] != "not-an-id"
        return bad if isinstance(bad, bytes) else json.dumps(bad | ({"id": uuid7(made)} if known else {})).encode()
    usual = {"overhead_ms": 0.0, "rollout": ""}
    record = prediction(draw(st.lists(ROWS, min_size=1, max_size=3)), made, **usual | draw(st.sampled_from(CHANGES)))
    if kind == "left out":
        del record[draw(st.sampled_from(["cold", "columns", "proba", "predict", "rows"]))]
    if record.get("columns") and draw(st.booleans()):
        masked = draw(st.sampled_from(sorted(record["columns"])))
        record["columns"] = {name: cells for name, cells in record["columns"].items() if name != masked}
    return json.dumps(record).encode()


def outputs(body: bytes) -> dict[str, bytes]:
    aggregation = Aggregation(Source("k", None, "d", "2026-11-23T10"), Known())
    aggregation.read(body)
    return dict(aggregation.outputs())


def one_by_one(found: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield what the lines yield when each is an object of its own."""
    for number, line in enumerate(found):
        yield from outputs(b"\n" * number + line).items()


def merged(found: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    """Put together what stands under the same key: summaries as their total, lines as a set, without the one that
    tells how many lines are in quarantine."""
    stored: dict[str, Any] = {}
    for key, body in found:
        if key.startswith("summaries/"):
            stored[key] = summary.total([stored.get(key, {}), summary.from_bytes(body).counts])
        else:
            stored.setdefault(key, set()).update(line for line in body.split(b"\n") if b'"refused":' not in line)
    return stored


@pytest.mark.parametrize("enough", [1, 32])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(found=st.lists(lines(), min_size=1, max_size=25), size=st.sampled_from([1, 700, 3_000, 1 << 17]))
def test_an_object_yields_what_its_lines_yield_one_by_one(found: list[bytes], size: int, enough: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "BATCH_BYTES", size)
        patch.setattr(record_buffer, "MIN_ROWS", enough)
        whole = outputs(b"\n".join(found))

    assert merged(whole.items()) == merged(one_by_one(found))


@settings(max_examples=300, deadline=None)
@given(st.lists(lines(), min_size=1, max_size=3))
def test_records_pass_together_when_each_passes_alone(found: list[bytes]) -> None:
    records = [parsed(line) for line in found]
    passing = [
        fault(record) is None and record["kind"] == "prediction" and all(name in record for name in FIELDS)
        for record in records
    ]

    together = reader.together(range(len(found)), found, records)

    assert (together is not None) == all(passing)
    if together:
        assert list(together.id) == [record["id"] for record in records]
        assert list(together.hour) == [hour_of(record["id"]) for record in records]


def parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


IDS = st.one_of(
    st.builds(
        lambda hour, away: uuid7(hour * HOUR_MS + away), st.integers(1, 80_000_000), st.integers(-70_000, 70_000)
    ),
    st.sampled_from(["", "x", uuid7(0) + "\n", uuid7(0)[:-1], uuid7(0).upper(), f"{uuid7(0)}\n{uuid7(0)}", "\n" * 36]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(IDS, max_size=5))
def test_hours_of_many_ids_are_the_hours_of_each(identifiers: list[str]) -> None:
    alone = [hour_of(identifier) for identifier in identifiers]

    assert hours_of(identifiers) == (None if None in alone else alone)
