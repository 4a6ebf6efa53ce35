"""Captured rows whose labels came back, kept hour by hour as lines that a retraining can learn from."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from modelloop import keys
from modelloop.aws.monitoring import joins
from modelloop.captures.reader import read_batches, whole_columns
from modelloop.contracts.index_entry import IndexEntry, SourceObject, read_index_line
from modelloop.contracts.labelled_row import LabelledRow
from modelloop.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from modelloop.aws.storage import Bucket
    from modelloop.contracts.capture_record import Cell
    from modelloop.monitoring.quality.outcomes import Label, Row

    type Answer = tuple[str, int, str]  # prediction id, row, variant


def keep(artifacts: Bucket, captures: Bucket, model: str, hour: str) -> int:
    """Store the hour's labelled rows, whose features were captured, and return how many there are.

    The same captures and labels give the same bytes. Captures that have expired are left out. Rows that were refused
    when they were counted have no index entry, and are none that a model learns from.
    """
    labels = joins.labels(artifacts, model, hour).last
    lines: dict[Row, bytes] = {}
    counted = _counted(joins.index_lines(artifacts, model, hour), labels)
    for source in sorted(counted, key=lambda source: (source.key, source.version_id or "")):
        try:
            body = captures.get(source.key, source.version_id)
        except NotFoundError:
            continue
        for row, values in _captured(model, body, counted[source]):
            label = labels[row]
            lines[row] = LabelledRow(*row, label.time, values, label.value).to_line()
    body = b"".join(lines[row] + b"\n" for row in sorted(lines))
    artifacts.put(keys.labelled(model, hour), body)
    return len(lines)


def _counted(index: Iterable[bytes], labels: Mapping[Row, Label]) -> dict[SourceObject, set[Answer]]:
    """Return which labelled rows of each capture object were counted."""
    counted: dict[SourceObject, set[Answer]] = defaultdict(set)
    source = SourceObject("", None)
    for line in index:
        entry = read_index_line(line)
        if isinstance(entry, IndexEntry):
            rows = range(entry.offset, entry.offset + len(entry.predict))
            counted[source] |= {(entry.id, row, entry.variant) for row in rows if (entry.id, row) in labels}
        else:
            source = entry
    return {source: answers for source, answers in counted.items() if answers}


def _captured(model: str, body: bytes, counted: set[Answer]) -> Iterator[tuple[Row, dict[str, Cell]]]:
    """Yield the captured cells, by column, of a capture object's counted rows."""
    wanted = {identifier for identifier, _, _ in counted}
    seen: set[Answer] = set()
    for predictions in filter(None, (batch.predictions for batch in read_batches(body))):
        records = zip(
            predictions.id,
            predictions.offset,
            predictions.variant,
            predictions.model,
            predictions.rows,
            predictions.columns,
            strict=True,
        )
        for identifier, offset, variant, name, rows, columns in records:
            identity = identifier, offset, variant
            if identifier not in wanted or identity in seen:
                continue  # of records with the same identity the first one was counted
            seen.add(identity)
            cells_by_column = whole_columns(columns or {}, rows)
            for at in range(rows if columns and name == model else 0):
                if (identifier, offset + at, variant) in counted:
                    yield (identifier, offset + at), {column: cells[at] for column, cells in cells_by_column.items()}
