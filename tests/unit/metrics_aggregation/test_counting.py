from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from metrics_aggregation import counting, values
from metrics_aggregation.watched import Watched
from modelloop.captures.reader import read_batches
from modelloop.contracts.pairs import pairs_of
from modelloop.errors import InvalidValueError
from modelloop.ids import uuid7
from modelloop.monitoring.drift import baseline, pairs
from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from tests.support.manifests import manifest_of

CLASSES = ["yes", "no"]
ENCODING = Encoding([Column("mass", "number"), Column("island", "text", ("Biscoe", "Dream"))])


def watched(classes: list[Any] = CLASSES, protected: tuple[str, ...] = ()) -> Watched:
    rows = pairs.AnsweredRows(
        np.column_stack([np.arange(100), np.arange(100) % 2]).astype(np.float32), np.arange(100) % 2
    )
    known = baseline.build(ENCODING, rows.matrix, rows.predictions, classes, ())
    known = pairs.with_pairs(known, ENCODING, ["mass", "island"], rows, rows)
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
    return {name: found[name] for name in ("rows", "sampled", "columns", "prediction", "confidence", "pairs")}


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


def cells(found: dict[str, Any], known: Watched) -> dict[tuple[str, str], list[int]]:
    """Return the cells of every pair, by the names of its columns."""
    return {
        (known.paired[pair.first].shown, known.paired[pair.second].shown): found["pairs"][pair.cells]
        for pair in pairs_of(known.paired)
    }


def filled(found: list[int], width: int) -> dict[tuple[int, int], int]:
    return {divmod(at, width): count for at, count in enumerate(found) if count}


def test_rows_are_counted_by_pairs_of_columns_and_their_answer() -> None:
    known = watched()
    found = counted(
        [record({"mass": [1, 1, None], "island": ["Biscoe", "Dream", "Mars"]}, ["yes", "yes", "no"])], known
    )
    by_pair = cells(found, known)
    assert filled(by_pair["mass", "island"], 4) == {(0, 0): 1, (0, 1): 1, (5, 3): 1}
    assert filled(by_pair["island", "(prediction)"], 4) == {(0, 0): 1, (1, 0): 1, (3, 1): 1}


def test_pairs_are_of_captured_rows_alone_and_a_record_without_a_column_says_nothing_of_its_pairs() -> None:
    known = watched()
    bare = record({}, ["no", "no"]) | {"columns": None}
    whole, partial = record({"mass": [1], "island": ["Dream"]}, ["no"]), record({"island": ["Biscoe"]}, ["yes"])
    found = counted([bare, whole, partial, bare], known)
    by_pair = cells(found, known)
    assert filled(by_pair["mass", "island"], 4) == {(0, 1): 1}
    assert filled(by_pair["mass", "(prediction)"], 4) == {(0, 1): 1}
    assert filled(by_pair["island", "(prediction)"], 4) == {(1, 1): 1, (0, 0): 1}
    assert "pairs" not in counted([bare], known)


def test_a_version_from_before_pairs_were_counted_has_none() -> None:
    known = watched()
    known.paired = ()
    assert "pairs" not in counted([record({"mass": [1], "island": ["Dream"]}, ["no"])], known)
