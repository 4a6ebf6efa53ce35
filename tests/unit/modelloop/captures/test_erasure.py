from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from modelloop.captures import erasure
from modelloop.captures.erasure import Remainder, RowSelection
from modelloop.contracts.capture_record import REWRITTEN_MARK
from modelloop.contracts.index_entry import IndexEntry, SourceObject
from modelloop.contracts.origins import Origin, Origins, line_digest
from modelloop.ids import erasure_digest

GONE, STAYS = "01a0c450-6c00-7ab6-8003-53625f95ebe0", "01a0c450-6c00-79db-bc5c-add016b9746a"
TIME = "2026-11-23T10:00:00.000Z"
PREDICTION = {
    "format_version": 1, "kind": "prediction", "id": GONE, "offset": 2, "time": TIME, "model": "m", "version": 1,
    "run_id": "r", "variant": "champion", "rollout": "", "rows": 2, "columns": {"a": [1, 2]}, "unseen": {"a": 1},
    "predict": ["x", "y"], "proba": None, "latency_ms": 0.5, "overhead_ms": 0.0, "cold": False, "status": 200,
}  # fmt: skip
LABEL = {"format_version": 1, "kind": "feedback", "id": GONE, "model": "m", "row": 2, "label": "x", "time": TIME}
ERROR = {"format_version": 1, "kind": "error", "id": GONE, "model": "m", "status": 422, "error_code": "X"}


def lines(*records: dict[str, Any] | bytes) -> bytes:
    return b"\n".join([*(one if isinstance(one, bytes) else json.dumps(one).encode() for one in records), b""])


def captured(body: bytes, row: int | None = None) -> tuple[list[bytes], tuple[int, int, int]]:
    """The lines that are left, without the mark, and how many rows, labels and lines went."""
    found = erasure.erase_from_captures(body, "m", RowSelection(GONE, row))
    head, *kept, end = found.body.split(b"\n")
    assert (head, end) == (REWRITTEN_MARK, b"")
    return kept, (found.rows, found.labels, found.lines)


@pytest.mark.parametrize("packed", [False, True])
def test_rows_and_labels_of_the_prediction_go(packed: bool) -> None:
    body = lines(PREDICTION, LABEL, PREDICTION | {"id": STAYS}, LABEL | {"id": STAYS})
    kept, counted = captured(gzip.compress(body) if packed else body)
    assert [json.loads(line)["id"] for line in kept] == [STAYS, STAYS]
    assert counted == (2, 1, 0)


@pytest.mark.parametrize(
    "record",
    [
        PREDICTION | {"model": "other"}, LABEL | {"model": "other"}, ERROR,
        LABEL | {"id": STAYS, "label": GONE}, PREDICTION | {"id": STAYS, "columns": {"a": [GONE]}},
        b"garbage", {"kind": "prediction"},
    ],
)  # fmt: skip
def test_what_is_another_matter_stays_as_it_is(record: dict[str, Any] | bytes) -> None:
    body = lines(record)
    assert captured(body) == (body.split(b"\n")[:-1], (0, 0, 0))


@pytest.mark.parametrize(
    "record",
    [
        b"cut off: " + GONE.encode(), PREDICTION | {"offset": "2"}, PREDICTION | {"columns": {"a": "no list"}},
        PREDICTION | {"columns": [1]}, PREDICTION | {"predict": None}, {"id": GONE}, PREDICTION | {"kind": "unknown"},
        [GONE],
    ],
)  # fmt: skip
@pytest.mark.parametrize("row", [None, 2])
def test_a_line_that_names_it_and_cannot_be_taken_apart_goes(record: Any, row: int | None) -> None:
    body = record if isinstance(record, bytes) else json.dumps(record).encode()
    assert captured(body + b"\n", row) == ([], (0, 0, 1))


def test_one_row_goes_from_the_middle_and_others_keep_their_places() -> None:
    record = PREDICTION | {"columns": {"a": [1, 2, 3]}, "predict": ["x", "y", "z"], "proba": [[1], [2], [3]], "rows": 3}
    kept, counted = captured(lines(record, LABEL, LABEL | {"row": 3}), 3)
    before, after, label = map(json.loads, kept)
    assert (before["offset"], before["rows"], before["columns"], before["proba"]) == (2, 1, {"a": [1]}, [[1]])
    assert (after["offset"], after["rows"], after["columns"], after["predict"]) == (4, 1, {"a": [3]}, ["z"])
    assert (label["row"], counted) == (2, (1, 1, 0))
    assert captured(lines(record), 9) == ([json.dumps(record).encode()], (0, 0, 0))


def test_a_rewritten_object_is_rewritten_the_same_way_again() -> None:
    body = erasure.erase_from_captures(lines(PREDICTION, LABEL | {"id": STAYS}), "m", RowSelection(GONE, None)).body
    assert erasure.erase_from_captures(body, "m", RowSelection(GONE, None)).body == body


def test_the_index_leads_to_the_new_version_and_loses_the_rows() -> None:
    entry = IndexEntry(GONE, 0, 1, "champion", "", ["x", "y"], None, {"b": ["u", "v"]})
    other = replace(entry, id=STAYS, slices={"b": [GONE, "v"]})
    body = b"\n".join([SourceObject("captures/1", "old").to_line(), entry.to_line(), other.to_line(), b""])
    led = erasure.lead_index(body, "new")
    assert erasure.lead_index(led, "new") is led
    assert led.splitlines() == [SourceObject("captures/1", "new").to_line(), entry.to_line(), other.to_line()]
    kept, gone = erasure.erase_from_index(led, RowSelection(GONE, 0))
    head, left, others, _ = kept.split(b"\n")
    assert head == SourceObject("captures/1", "new").to_line()
    assert left == replace(entry, offset=1, predict=["y"], slices={"b": ["v"]}).to_line()
    assert (others, gone) == (other.to_line(), 1)
    assert erasure.erase_from_index(kept, RowSelection(GONE, None)).erased == 1


def test_a_quotation_goes_and_what_was_wrong_stays() -> None:
    quotes = [{"line": at, "reason": "not JSON", "text": text} for at, text in enumerate([f"..{GONE}..", "other"])]
    body = lines({"format_version": 1, "key": "captures/1", "version_id": None, "refused": 2}, *quotes)
    kept, gone = erasure.erase_from_quarantine(body, RowSelection(GONE, 1))
    named = {"kind": "", "model": ""}
    assert [json.loads(line) for line in kept.splitlines()[1:]] == [quotes[0] | {"text": ""} | named, quotes[1] | named]
    assert (gone, erasure.erase_from_quarantine(kept, RowSelection(GONE, 1))) == (1, Remainder(kept, 0))


BASE = b'a,b\n1,"one\n""two"""\n'
ROWS = [(GONE, 0), (STAYS, 0), (GONE, 1), (STAYS, 1)]
LINES = [b"7,x\n", b"7,x\n", b'8,"y\nz"\n', b"9,\n"]


def origins() -> Origins:
    listed = zip(ROWS, LINES, strict=True)
    return Origins(2, tuple(Origin(*row, line_digest(line)) for row, line in listed))


def test_a_derived_table_loses_its_lines_once_however_often_it_is_tried() -> None:
    wanted = RowSelection(GONE, None)
    table, gone = erasure.erase_from_table(BASE + b"".join(LINES), origins(), wanted)
    left = erasure.erase_from_origins(origins(), wanted)
    assert (table, gone) == (BASE + LINES[1] + LINES[3], 2)
    assert erasure.erase_from_table(table, origins(), wanted) == (table, 0), "cut off before the list was written"
    assert erasure.erase_from_table(table, left, wanted) == (table, 0)
    assert erasure.erase_from_origins(left, wanted) == left
    assert (erasure.origins_hold(origins(), wanted), erasure.origins_hold(left, wanted)) == (True, False)


def test_the_base_of_a_derived_table_is_never_touched() -> None:
    base = b"a,b\n" + LINES[0] + LINES[0]
    known = Origins(3, (Origin(GONE, 0, line_digest(LINES[0])),))
    assert erasure.erase_from_table(base + LINES[0], known, RowSelection(GONE, None)) == (base, 1)
    assert erasure.erase_from_table(base, known, RowSelection(GONE, None)) == (base, 0)


def test_two_erasures_that_cross_each_other_leave_neither() -> None:
    first, second = RowSelection(GONE, 1), RowSelection(STAYS, 1)
    half = erasure.erase_from_table(BASE + b"".join(LINES), origins(), first).body
    both = erasure.erase_from_table(half, origins(), second)
    assert both == (BASE + LINES[0] + LINES[1], 1)
    left = erasure.erase_from_origins(origins(), second)
    assert erasure.erase_from_table(both.body, left, first) == (both.body, 0)


def test_the_log_keeps_a_digest_that_only_the_ids_holder_can_make() -> None:
    assert erasure_digest("m", GONE) != erasure_digest("n", GONE) != erasure_digest("n", STAYS)
    assert len(erasure_digest("m", GONE)) == 64
