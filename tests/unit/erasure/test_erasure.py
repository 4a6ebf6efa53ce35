from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from modelloop.captures import erasure, origins
from modelloop.captures.erasure import Row
from modelloop.captures.origins import Origin

GONE, STAYS = "01a0c450-6c00-7ab6-8003-53625f95ebe0", "01a0c450-6c00-79db-bc5c-add016b9746a"
PREDICTION = {
    "kind": "prediction", "id": GONE, "model": "m", "offset": 2, "rows": 2, "columns": {"a": [1, 2]},
    "unseen": {"a": 1}, "predict": ["x", "y"], "proba": None,
}  # fmt: skip
LABEL = {"kind": "feedback", "id": GONE, "model": "m", "row": 2, "label": "x"}
ERROR = {"kind": "error", "id": GONE, "model": "m", "error_code": "X"}


def lines(*records: dict[str, Any] | bytes) -> bytes:
    return b"\n".join([*(one if isinstance(one, bytes) else json.dumps(one).encode() for one in records), b""])


def captured(body: bytes, row: int | None = None) -> tuple[list[bytes], tuple[int, int, int]]:
    """The lines that are left, without the mark, and how many rows, labels and lines went."""
    found = erasure.captures(body, "m", Row(GONE, row))
    head, *kept, end = found.body.split(b"\n")
    assert (head, end) == (erasure.MARK, b"")
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
    assert captured(lines(record), 9) == ([json.dumps(record, separators=(",", ":")).encode()], (0, 0, 0))


def test_a_rewritten_object_is_rewritten_the_same_way_again() -> None:
    body = erasure.captures(lines(PREDICTION, LABEL | {"id": STAYS}), "m", Row(GONE, None)).body
    assert erasure.captures(body, "m", Row(GONE, None)).body == body


def test_the_index_leads_to_the_new_version_and_loses_the_rows() -> None:
    entry = {"id": GONE, "offset": 0, "predict": ["x", "y"], "proba": None, "slices": {"b": ["u", "v"]}}
    body = lines({"key": "captures/1", "version_id": "old"}, entry, entry | {"id": STAYS})
    led = erasure.index(body, "new")
    assert erasure.index(led, "new") is led
    assert [json.loads(line) for line in led.splitlines()[1:]] == [entry, entry | {"id": STAYS}]
    kept, gone = erasure.entries(led, Row(GONE, 0))
    head, left, other, _ = kept.split(b"\n")
    assert json.loads(head) == {"key": "captures/1", "version_id": "new"}
    assert json.loads(left) == entry | {"offset": 1, "predict": ["y"], "slices": {"b": ["v"]}}
    assert (json.loads(other)["id"], gone) == (STAYS, 1)
    assert erasure.entries(kept, Row(GONE, None))[1] == 1


def test_a_quotation_goes_and_what_was_wrong_stays() -> None:
    quotes = [{"line": at, "reason": "not JSON", "text": text} for at, text in enumerate([f"..{GONE}..", "other"])]
    body = lines({"key": "captures/1"}, *quotes)
    kept, gone = erasure.quarantine(body, Row(GONE, 1))
    assert [json.loads(line) for line in kept.splitlines()[1:]] == [quotes[0] | {"text": ""}, quotes[1]]
    assert (gone, erasure.quarantine(kept, Row(GONE, 1)).gone) == (1, 0)


BASE = b'a,b\n1,"one\n""two"""\n'
ROWS = [(GONE, 0), (STAYS, 0), (GONE, 1), (STAYS, 1)]
LINES = [b"7,x\n", b"7,x\n", b'8,"y\nz"\n', b"9,\n"]


def told(rows: list[tuple[str, int]] = ROWS) -> bytes:
    listed = zip(rows, LINES, strict=True)
    return origins.document(2, (Origin(*row, origins.line_digest(line)) for row, line in listed))


def test_a_derived_table_loses_its_lines_once_however_often_it_is_tried() -> None:
    wanted = Row(GONE, None)
    (table, gone), left = origins.without(BASE + b"".join(LINES), told(), wanted)
    assert (table, gone) == (BASE + LINES[1] + LINES[3], 2)
    assert origins.without(table, told(), wanted) == ((table, 0), left), "cut off before the list was written"
    assert origins.without(table, left, wanted) == ((table, 0), left)
    assert (origins.holds(told(), wanted), origins.holds(left, wanted)) == (True, False)


def test_the_base_of_a_derived_table_is_never_touched() -> None:
    base = b"a,b\n" + LINES[0] + LINES[0]
    known = origins.document(3, [Origin(GONE, 0, origins.line_digest(LINES[0]))])
    assert origins.without(base + LINES[0], known, Row(GONE, None))[0] == (base, 1)
    assert origins.without(base, known, Row(GONE, None))[0] == (base, 0)


def test_two_erasures_that_cross_each_other_leave_neither() -> None:
    half = origins.without(BASE + b"".join(LINES), told(), Row(GONE, 1))[0].body
    both = origins.without(half, told(), Row(STAYS, 1))
    assert both[0] == (BASE + LINES[0] + LINES[1], 1)
    assert origins.without(both[0].body, both[1], Row(GONE, 1))[0] == (both[0].body, 0)


def test_the_log_keeps_a_digest_that_only_the_ids_holder_can_make() -> None:
    assert erasure.digest("m", GONE) != erasure.digest("n", GONE) != erasure.digest("n", STAYS)
    assert len(erasure.digest("m", GONE)) == 64
