from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from metrics_aggregation import records, tally
from metrics_aggregation.watched import Watched
from modelloop import baseline
from modelloop.encoding import Column, Encoding
from modelloop.errors import InvalidValueError
from modelloop.ids import uuid7

CLASSES = ["yes", "no"]
ENCODING = Encoding([Column("mass", "number"), Column("island", "text", ("Biscoe", "Dream"))])


def watched(classes: list[Any] = CLASSES) -> Watched:
    matrix = np.column_stack([np.arange(100), np.arange(100) % 2]).astype(np.float32)
    known = baseline.build(ENCODING, matrix, np.arange(100) % 2, classes, ())
    return Watched({"model": "m", "version": 1, "classes": classes, "baseline": known})


def record(columns: dict[str, Any], predict: list[Any], **changes: Any) -> dict[str, Any]:
    rows = len(predict)
    return {
        "format_version": 1, "kind": "prediction", "id": uuid7(), "offset": 0, "model": "m", "version": 1,
        "run_id": "r", "variant": "champion", "rows": rows, "columns": columns, "predict": predict,
        "proba": [[0.5, 0.5]] * rows, "latency_ms": 1, **changes,
    }  # fmt: skip


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
    found = tally.predictions(tables, known)
    assert shape(found) == shape(tally.predictions(alone(tables), known))
    assert found["columns"]["island"] == {"counts": [1, 1], "missing": 1, "unseen": 1}
    assert found["prediction"]["counts"] == [2, 2]


def test_columns_in_another_order_or_missing_are_counted_by_their_names() -> None:
    found = tally.predictions(
        [
            record({"mass": [1], "island": ["Dream"]}, ["no"]),
            record({"island": ["Dream"], "mass": [2]}, ["no"]),
            record({"island": ["Biscoe"]}, ["no"]),
        ],
        watched(),
    )
    assert found["columns"]["island"]["counts"] == [1, 2]
    assert found["columns"]["mass"]["missing"] == 1
    assert found["columns"]["mass"]["millionths"] == 3_000_000


def test_labels_of_other_types_stay_apart() -> None:
    found = tally.predictions([record({}, [True]), record({}, [1]), record({}, ["true"])], watched([True, False]))
    assert (found["prediction"]["counts"], found["prediction"]["unseen"]) == ([2, 0], 1)


@pytest.mark.parametrize("cells", [[1, 2], [], "1", {"a": 1}, 1, None, ["one"], [True], [[1]]])
def test_a_cell_that_is_none_is_refused(cells: Any) -> None:
    good = record({"mass": [1]}, ["no"])
    with pytest.raises(InvalidValueError, match="mass"):
        tally.predictions([good, record({"mass": cells}, ["no"])], watched())


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
    ((number, found),) = records.read(orjson.dumps(record({}, ["no"]) | changes))
    assert isinstance(found, records.Refused)
    assert (number, found.reason) == (1, reason)


@pytest.mark.parametrize("name", ["proba", "columns"])
def test_what_may_be_null_may_be_left_out(name: str) -> None:
    document = record({}, ["no"])
    del document[name]
    ((_, found),) = records.read(orjson.dumps(document))
    assert not isinstance(found, records.Refused)
