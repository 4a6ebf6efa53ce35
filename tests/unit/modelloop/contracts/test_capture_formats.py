"""What crosses borders of captures: the recorded bytes are read, and written back byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from modelloop.captures.quarantine import read_quarantine
from modelloop.captures.reader import read_batches
from modelloop.contracts.index_entry import read_index, read_index_line, read_label_line, read_labels
from modelloop.contracts.labelled_row import read_labelled_rows
from modelloop.contracts.origins import read_origins
from modelloop.errors import ArtifactRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[3] / "comparison" / "golden"


def stored(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("file", sorted((GOLDEN / "captures").iterdir()), ids=lambda file: file.stem)
def test_a_captured_line(file: Path) -> None:
    line = file.read_bytes().rstrip(b"\n")
    (batch,) = read_batches(line)
    assert not batch.refused
    lines = [batch.predictions.record().to_line()] if batch.predictions else []
    lines += [sound.record.to_line() for sound in batch.errors]
    lines += [sound.record.to_line() for sound in batch.feedback]
    assert lines == [line]


def test_the_prediction_index() -> None:
    lines = stored("index.jsonl").splitlines()
    assert [read_index_line(line).to_line() for line in lines] == lines
    assert [entry.to_line() for entry in read_index(lines)] == lines[1:]


def test_labels() -> None:
    lines = stored("labels.jsonl").splitlines()
    assert [read_label_line(line).to_line() for line in lines] == lines
    assert [label.to_line() for label in read_labels(lines)] == lines[1:]


def test_labelled_rows() -> None:
    body = stored("labelled.jsonl")
    assert b"".join(row.to_line() + b"\n" for row in read_labelled_rows(body)) == body


def test_a_quarantine() -> None:
    written = read_quarantine(stored("quarantine.jsonl")).to_bytes()
    pairs = list(zip(stored("quarantine.jsonl").splitlines(), written.splitlines(), strict=True))
    assert [orjson.loads(before) for before, _ in pairs] == [orjson.loads(after) for _, after in pairs]
    changed = [orjson.loads(before)["text"] for before, after in pairs if before != after]
    assert set(changed) == {""}, "quotations that were erased had no spaces"


def test_origins() -> None:
    assert read_origins(stored("origins.json")).to_bytes() == stored("origins.json")


@pytest.mark.parametrize(
    ("file", "read"),
    [
        ("index.jsonl", lambda body: list(read_index(body.splitlines()))),
        ("labels.jsonl", lambda body: list(read_labels(body.splitlines()))),
        ("quarantine.jsonl", read_quarantine),
        ("origins.json", read_origins),
    ],
)
def test_an_unknown_format_is_refused_with_what_was_met_and_what_can_be_read(
    file: str, read: Callable[[bytes], Any]
) -> None:
    head, _, rest = stored(file).partition(b"\n")
    newer = orjson.dumps(orjson.loads(head) | {"format_version": 2})
    with pytest.raises(ArtifactRefusedError, match="has format version 2, and version 1 can be read"):
        read(newer + b"\n" + rest)


def test_a_captured_line_of_an_unknown_format_is_put_aside() -> None:
    line = stored("captures/prediction-champion.json")
    (batch,) = read_batches(orjson.dumps(orjson.loads(line) | {"format_version": 2}))
    assert [(refused.kind, refused.reason) for refused in batch.refused] == [
        ("other_format", "not an object of format_version 1")
    ]
