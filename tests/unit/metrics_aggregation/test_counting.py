from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from metrics_aggregation import counting, values
from metrics_aggregation.watched import Watched
from modelloop.captures.reader import read_batches
from modelloop.errors import InvalidValueError
from modelloop.ids import uuid7
from modelloop.monitoring.drift import baseline
from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from tests.support.manifests import manifest_of

CLASSES = ["yes", "no"]
ENCODING = Encoding([Column("mass", "number"), Column("island", "text", ("Biscoe", "Dream"))])


def watched(classes: list[Any] = CLASSES, protected: tuple[str, ...] = ()) -> Watched:
    matrix = np.column_stack([np.arange(100), np.arange(100) % 2]).astype(np.float32)
    known = baseline.build(ENCODING, matrix, np.arange(100) % 2, classes, ())
    return Watched(manifest_of(classes=tuple(classes), baseline=known, spec=Spec(protected=protected)))


def record(columns: dict[str, Any], predict: list[Any], **changes: Any) -> dict[str, Any]:
    rows = len(predict)
    return {
        "format_version": 1, "kind": "prediction", "id": uuid7(), "offset": 0, "model": "m", "version": 1,
        "run_id": "r", "variant": "champion", "rows": rows, "columns": columns, "predict": predict,
        "proba": [[0.5, 0.5]] * rows, "latency_ms": 1, **changes,
    }  # fmt: skip


def lines(*documents: dict[str, Any]) -> bytes:
    return b"\n".join(map(orjson.dumps, documents))


def counted(documents: list[dict[str, Any]], known: Watched) -> dict[str, Any]:
    (batch,) = read_batches(lines(*documents))
    assert batch.predictions is not None
    return counting.count([values.read(batch.predictions, known)], known)


def alone(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows, a record each."""
    return [
        record({name: [cells[at]] for name, cells in one["columns"].items()}, [one["predict"][at]])
        for one in found
        for at in range(one["rows"])
    ]


def shape(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("rows", "sampled", "columns", "prediction", "confidence")}


def test_single_rows_and_tables_are_counted_alike() -> None:
    tables = [
        record({"mass": [1.5, None, 70], "island": ["Biscoe", "Mars", None]}, ["yes", "no", "yes"]),
        record({"mass": [3], "island": ["Dream"]}, ["no"]),
    ]
    known = watched()
    found = counted(tables, known)
    assert shape(found) == shape(counted(alone(tables), known))
    assert found["columns"]["island"] == {"counts": [1, 1], "missing": 1, "unseen": 1}
    assert found["prediction"]["counts"] == [2, 2]


def test_columns_are_counted_by_their_names_and_records_without_one_say_nothing_of_it() -> None:
    found = counted(
        [
            record({"mass": [1], "island": ["Dream"]}, ["no"]),
            record({"island": ["Dream"], "mass": [2]}, ["no"]),
            record({"island": ["Biscoe"]}, ["no"]),
        ],
        watched(),
    )
    assert found["columns"]["island"]["counts"] == [1, 2]
    assert found["columns"]["mass"]["missing"] == 0
    assert found["columns"]["mass"]["millionths"] == 3_000_000


def test_dates_are_counted_in_days_since_the_origin() -> None:
    encoding = Encoding([Column("seen", "date", origin="2026-01-01")])
    days = np.zeros((100, len(encoding.columns[0].slots())), np.float32)
    days[:, 0] = np.arange(100)
    bins = baseline.build(encoding, days, np.arange(100) % 2, CLASSES, ())
    known = Watched(manifest_of(classes=tuple(CLASSES), baseline=bins))
    counted_days = baseline.count(bins.columns[0].bins, np.asarray([0.0, 31.0, 31.0, np.nan]))

    found = counted([record({"seen": ["2026-01-01", "2026-02-01T10:00:00Z", "2026-02-01", None]}, ["no"] * 4)], known)

    assert (found["columns"]["seen"]["counts"], found["columns"]["seen"]["missing"]) == (counted_days[0], 1)


def test_a_request_in_chunks_tells_its_times_once() -> None:
    first = record({"mass": [1]}, ["no"], latency_ms=2, overhead_ms=0.5, cold=True)
    found = counted([first, first | {"offset": 1, "latency_ms": 9, "overhead_ms": 7, "cold": False}], watched())
    assert (found["requests"], found["busy_micros"]) == (1, 2_500)
    assert [found["latency"][kind]["micros"] for kind in ("warm", "cold")] == [0, 2_000]


def test_labels_of_other_types_stay_apart() -> None:
    found = counted([record({}, [True]), record({}, [1]), record({}, ["true"])], watched([True, False]))
    assert (found["prediction"]["counts"], found["prediction"]["unseen"]) == ([2, 0], 1)


@pytest.mark.parametrize("cells", [[1, 2], [], "1", {"a": 1}, 1, None, ["one"], [True], [[1]]])
def test_a_cell_that_is_none_is_refused(cells: Any) -> None:
    good = record({"mass": [1]}, ["no"])
    with pytest.raises(InvalidValueError, match="mass"):
        counted([good, record({"mass": cells}, ["no"])], watched())


@pytest.mark.parametrize("cells", [7, "1", [], ["a", "b"], [{"id": "x"}], [["a"]]])
def test_a_slice_that_the_index_cannot_hold_is_refused(cells: Any) -> None:
    good = record({"region": ["north"]}, ["no"])
    assert counted([good], watched(protected=("region",)))["rows"] == 1
    with pytest.raises(InvalidValueError, match="region"):
        counted([good, record({"region": cells}, ["no"])], watched(protected=("region",)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rows": True}, "rows is missing or of a wrong type"),
        ({"proba": "0.5"}, "proba is missing or of a wrong type"),
        ({"columns": 1, "rows": "1"}, "rows is missing or of a wrong type"),
        ({"latency_ms": None}, "latency_ms is missing or of a wrong type"),
    ],
)
def test_the_first_field_of_a_wrong_type_is_named(changes: dict[str, Any], reason: str) -> None:
    (batch,) = read_batches(lines(record({}, ["no"]) | changes))
    (found,) = batch.refused
    assert (batch.predictions, found.line, found.reason) == (None, 1, reason)


@pytest.mark.parametrize("name", ["proba", "columns"])
def test_what_may_be_null_may_be_left_out(name: str) -> None:
    document = record({}, ["no"])
    del document[name]
    (batch,) = read_batches(lines(document, record({}, ["no"])))
    assert batch.predictions is not None
    assert (list(batch.predictions.line), batch.refused) == ([1, 2], [])
    assert values.read(batch.predictions, watched()).rows == 2
