"""Captured rows whose labels came back, kept hour by hour as lines that a retraining can learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metrics_aggregation import batches
from modelloop import keys
from modelloop.aws.monitoring import joins
from modelloop.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.aws.storage import Bucket
    from modelloop.monitoring.quality.outcomes import Label, Row


def keep(artifacts: Bucket, captures: Bucket, model: str, hour: str) -> int:
    """Store the hour's labelled rows, whose features were captured, and return how many there are.

    The same captures and labels give the same bytes. Captures that have expired are left out.
    """
    labels = joins.labels(artifacts, model, hour).last
    found: dict[Row, bytes] = {}
    for key, version_id in sorted(_sources(artifacts, model, hour, {identifier for identifier, _ in labels})):
        try:
            body = captures.get(key, version_id)
        except NotFoundError:
            continue
        found.update(_rows(model, body, labels))
    body = b"".join(found[row] + b"\n" for row in sorted(found))
    artifacts.put(keys.labelled(model, hour), body)
    return len(found)


def _sources(artifacts: Bucket, model: str, hour: str, wanted: set[str]) -> set[tuple[str, str | None]]:
    """Return key and version of the capture objects that hold a labelled prediction."""
    sources: set[tuple[str, str | None]] = set()
    head: tuple[str, str | None] = ("", None)
    for line in joins.index_lines(artifacts, model, hour):
        entry = orjson.loads(line)
        if "predict" not in entry:
            head = (entry["key"], entry["version_id"])
        elif entry["id"] in wanted:
            sources.add(head)
    return sources


def _rows(model: str, body: bytes, labels: dict[Row, Label]) -> Iterator[tuple[Row, bytes]]:
    for found in filter(None, (batch.predictions for batch in batches.read(body))):
        captured = zip(found.model, found.id, found.offset, found.rows, found.columns, strict=True)
        for name, identifier, offset, rows, columns in captured:
            for at in range(rows if columns and name == model else 0):
                row = identifier, offset + at
                if row in labels:
                    values = {column: cells[at] for column, cells in (columns or {}).items()}
                    yield row, orjson.dumps(_line(row, labels[row], values))


def _line(row: Row, label: Label, values: dict[str, Any]) -> dict[str, Any]:
    return {"id": row[0], "row": row[1], "time": label.time, "values": values, "label": label.value}
