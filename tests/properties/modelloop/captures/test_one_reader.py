"""Counting, labelled rows, exports and erasures take the same lines for records, however odd or damaged these are."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics_aggregation import labelled_rows
from metrics_aggregation.aggregation import Aggregation, Source
from modelloop.captures import erasure, object_lines
from modelloop.captures.cells import expected_columns
from modelloop.captures.erasure import RowSelection
from modelloop.contracts.capture_record import REWRITTEN_MARK, FeedbackRecord, PredictionRecord
from modelloop.contracts.index_entry import SourceObject, read_index, read_labels
from modelloop.contracts.labelled_row import read_labelled_rows
from modelloop.ids import derived_uuid7
from modelloop_cli.exporting import captures
from modelloop_cli.exporting.captures import ExportedVersion
from tests.support.capture_world import MODEL, NOON, error, label, prediction
from tests.support.known_versions import MANIFEST, ROWS, Known

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = ExportedVersion(MANIFEST.run_id, expected_columns(MANIFEST))
VALUES: st.SearchStrategy[Any] = st.sampled_from([
    None, True, False, 0, 1, -1, 2, 7, 1.0, -0.5, 1e6, 1e300, "", "x", "1", [], [[]], [1], ["x"], [[0.5, 0.5]],
    [None, None], {}, {"mass": [1.0]}, {"foo": 3}, {"mass": "1"}, "shadow", "champion", MODEL, "other-model",
    "2026-11-23T10:30:00Z", "20261123T113000000Z", "../x", "not-an-id",
])  # fmt: skip
FIELDS = st.sampled_from([
    "format_version", "kind", "id", "offset", "time", "model", "version", "run_id", "variant", "rollout", "rows",
    "columns", "unseen", "predict", "proba", "latency_ms", "overhead_ms", "cold", "status", "row", "label",
    "error_code", "further",
])  # fmt: skip
NO_LINES = st.sampled_from([
    b"", b"  ", b"null", b"{}", b"[1]", b"NaN", b'"\\ud800"', b"\xff\xfe", REWRITTEN_MARK, b"{cut off",
])  # fmt: skip


@st.composite
def lines(draw: st.DrawFn, made: int = NOON) -> bytes:
    """One line with an id of its own: a record as it is written, one with odd fields, one cut off, or none at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(NO_LINES)
    record: dict[str, Any] = draw(
        st.sampled_from([error(made), label("", "Adelie", made)]).map(dict)
        if draw(st.integers(0, 4)) == 0
        else st.lists(ROWS, min_size=1, max_size=3).map(lambda rows: prediction(rows, made))
    )
    record["id"] = derived_uuid7(made, str(draw(st.integers(0, 10**6))))
    for name in draw(st.lists(FIELDS, max_size=2)):
        if draw(st.booleans()):
            record[name] = draw(VALUES)
        else:
            record.pop(name, None)
    line = json.dumps(record).encode()
    if draw(st.integers(0, 9)) == 0:
        return line[: draw(st.integers(0, len(line)))]
    escaped = line.replace(b'"id": "0', b'"id": "\\u0030')
    return escaped if draw(st.integers(0, 9)) == 0 else line


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """An object of lines, some of them twice, plain or packed, whole or damaged."""
    found = draw(st.lists(lines(), min_size=1, max_size=12))
    found += draw(st.lists(st.sampled_from(found), max_size=3))
    body = draw(st.sampled_from([b"\n", b"\r\n"])).join(found) + draw(st.sampled_from([b"", b"\n"]))
    if not draw(st.booleans()):
        return body
    packed = gzip.compress(body, mtime=0)
    at = 2 + draw(st.integers(0, 10**6)) % (len(packed) - 2)
    return draw(st.sampled_from([packed, packed[:at], packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]]))


class Stored:
    """The artifacts and the captures of a stack, as far as labelled rows need them."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get(self, key: str, _version_id: str | None = None) -> bytes:
        return self.objects[key]

    def list_keys(self, prefix: str) -> Iterator[str]:
        yield from sorted(key for key in self.objects if key.startswith(prefix))

    def put(self, key: str, body: bytes) -> None:
        self.objects[key] = body


def counted(body: bytes) -> dict[str, bytes]:
    aggregation = Aggregation(Source("captures/1", "v1", "d", "2026-11-23T10"), Known())
    aggregation.read(body)
    return dict(aggregation.outputs())


def indexed(outputs: dict[str, bytes]) -> list[tuple[str, int, int, str]]:
    """The predictions that were counted: id, offset, rows, variant."""
    found = (entry for key in outputs if key.startswith("index/") for entry in read_index(outputs[key].splitlines()))
    return sorted((entry.id, entry.offset, len(entry.predict), entry.variant) for entry in found)


def labelled(outputs: dict[str, bytes]) -> list[tuple[str, int, object]]:
    """The labels that were counted."""
    found = (one for key in outputs if key.startswith("feedback/") for one in read_labels(outputs[key].splitlines()))
    return sorted(((one.id, one.row, one.label) for one in found), key=repr)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(bodies())
def test_what_is_counted_is_exported_and_kept_to_train_on_and_nothing_else(body: bytes) -> None:
    outputs = counted(body)
    exported = list(captures.records(body, MODEL, {1: VERSION}.get))
    predictions = [one for one in exported if isinstance(one, PredictionRecord)]
    labels = [one for one in exported if isinstance(one, FeedbackRecord)]

    assert sorted((one.id, one.offset, len(one.predict), one.variant) for one in predictions) == indexed(outputs)
    assert sorted(((one.id, one.row, one.label) for one in labels), key=repr) == labelled(outputs)
    for record in exported:
        list(captures.lines(record, scores=True))

    features = {(one.id, one.offset + at) for one in predictions if one.columns for at in range(len(one.predict))}
    assert kept(
        outputs, body, [(one.id, one.offset + at) for one in predictions for at in range(len(one.predict))]
    ) == (sorted(features))


def kept(outputs: dict[str, bytes], body: bytes, rows: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The labelled rows of every hour, when each row gets a label."""
    found: set[tuple[str, int]] = set()
    for key in [key for key in outputs if key.startswith("index/")]:
        hour = key.split("/")[2]
        given = (
            {"id": identifier, "row": row, "label": "x", "time": "2026-11-23T12:00:00.000Z"} for identifier, row in rows
        )
        head = SourceObject("captures/1", "v1").to_line()
        objects = outputs | {f"feedback/{MODEL}/{hour}/e.jsonl": b"\n".join([head, *map(orjson.dumps, given)])}
        artifacts: Any = Stored(objects)
        all_captures: Any = Stored({"captures/1": body})
        labelled_rows.keep(artifacts, all_captures, MODEL, hour)
        stored = read_labelled_rows(artifacts.get(f"labelled/{MODEL}/{hour}.jsonl"))
        found |= {(row.id, row.row) for row in stored}
    return sorted(found)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(bodies(), st.sampled_from([None, 0, 1]), st.data())
def test_what_is_erased_is_counted_and_exported_by_nobody_any_more(body: bytes, row: int | None, data: Any) -> None:
    outputs = counted(body)
    held = {(one[0], one[1] + at) for one in indexed(outputs) for at in range(one[2])}
    held |= {(one[0], one[1]) for one in labelled(outputs)}
    wanted = RowSelection(
        data.draw(st.sampled_from(sorted({one for one, _ in held} or {derived_uuid7(NOON, "")}))), row
    )

    rewritten = erasure.erase_from_captures(body, MODEL, wanted)

    assert object_lines.is_rewritten(rewritten.body)
    left = rewritten.body.partition(b"\n")[2]
    after, gone = counted(left), [one for one in held if wanted.contains(*one)]
    found = {(one[0], one[1] + at) for one in indexed(after) for at in range(one[2])}
    found |= {(one[0], one[1]) for one in labelled(after)}
    assert not {one for one in found if wanted.contains(*one)}
    assert not gone or rewritten.rows + rewritten.labels + rewritten.lines > 0
    exported = captures.records(left, MODEL, {1: VERSION}.get)
    assert not [one for one in exported if isinstance(one, FeedbackRecord) and wanted.contains(one.id, one.row)]
    others = {one for one in held if one[0] != wanted.id}
    assert others <= found, "nobody else's rows go"
    assert {place for place in places(outputs) if place[0] == MODEL} <= rewritten.places


def places(outputs: dict[str, bytes]) -> set[tuple[str, str]]:
    return {(key.split("/")[1], key.split("/")[2]) for key in outputs if key.startswith("index/")}


@pytest.mark.parametrize("packed", [False, True])
def test_lines_that_are_too_long_and_objects_that_are_too_large_are_left_out_by_all(
    monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(object_lines, "MAX_LINE_BYTES", 1_000)
    monkeypatch.setattr(object_lines, "MAX_BYTES", 20_000)
    long = prediction([(1.0, True, None, "x" * 2_000)])
    usual = [prediction([(1.0, True, None, "Biscoe")]) for _ in range(60)]
    body = b"\n".join(json.dumps(record).encode() for record in [long, *usual])
    body = gzip.compress(body) if packed else body

    outputs = counted(body)
    exported = list(captures.records(body, MODEL, {1: VERSION}.get))

    assert 10 < len(exported) < 60
    assert sorted(one.id for one in exported) == [one[0] for one in indexed(outputs)]
    for record in (long, usual[0], usual[-1]):
        left = erasure.erase_from_captures(body, MODEL, RowSelection(record["id"], None)).body
        assert record["id"].encode() not in left, "what nobody reads is erased too"
