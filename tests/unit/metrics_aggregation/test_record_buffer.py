from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from metrics_aggregation import record_buffer
from metrics_aggregation.record_buffer import MIN_ROWS, RecordBuffer
from modelloop.captures.reader import Predictions
from modelloop.monitoring.summary import SummaryKey

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR = "2026-11-23T10"


def records(models: Sequence[str], *, rows: int = 1, text: bytes = b"line") -> Predictions:
    size = len(models)
    columns: dict[str, Sequence[Any]] = {name: [None] * size for name in Predictions._fields}
    columns |= {
        "line": range(size), "text": [text] * size, "hour": [HOUR] * size, "model": models, "version": [1] * size,
        "variant": ["champion"] * size, "run_id": ["r"] * size, "rows": [rows] * size,
        "id": list(map(str, range(size))),
    }  # fmt: skip
    return Predictions(**columns)


def test_a_group_is_given_back_when_it_has_enough_rows() -> None:
    waiting = RecordBuffer()
    few = MIN_ROWS - 2
    assert list(waiting.add(records(["a", "b"] * few))) == []

    ((group, found),) = waiting.add(records(["b", "a", "b"]))

    assert (group.key, group.run_id) == (SummaryKey("b", HOUR, 1, "champion"), "r")
    assert (len(found.id), set(found.model)) == (MIN_ROWS, {"b"})
    assert list(found.id[-2:]) == ["0", "2"]
    ((group, found),) = waiting.rest()
    assert (group.key.model, len(found.line)) == ("a", few + 1)
    assert list(waiting.rest()) == []


def test_rows_are_counted_and_not_records() -> None:
    ((_, found),) = RecordBuffer().add(records(["a"], rows=MIN_ROWS))
    assert len(found.id) == 1


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_buffer, "MAX_BYTES", 1_000)
    waiting = RecordBuffer()

    given = [[group.key.model for group, _ in waiting.add(records([f"m{at}"], text=b"x" * 400))] for at in range(4)]

    assert given == [[], [], ["m0", "m1", "m2"], []]
