"""A derived table: the rows of a base table and, after them, the rows whose labels came from feedback."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
import csv
from io import StringIO
from typing import TYPE_CHECKING

from modelloop import keys
from modelloop.contracts.labelled_row import read_labelled_rows
from modelloop.contracts.origins import Origin, Origins, line_digest
from modelloop.errors import InvalidValueError
from modelloop.tables.grammar import read_text
from training_trigger.founding import written
from training_trigger.reading.cells import literal
from training_trigger.reading.index_columns import counted_on
from training_trigger.reading.load import load
from training_trigger.target import choose_target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from modelloop.aws.storage import Bucket
    from modelloop.contracts.labelled_row import LabelledRow
    from modelloop.spec.model import Spec
    from training_trigger.founding import ChampionSplit


def read_labelled(artifacts: Bucket, model: str) -> list[LabelledRow]:
    """Return the labelled rows of a model in the order of id and row; of several labels of a row, the last by time."""
    last: dict[tuple[str, int], LabelledRow] = {}
    for key in sorted(artifacts.list_keys(keys.labelled_prefix(model))):
        for labelled in read_labelled_rows(artifacts.get(key)):
            place = (labelled.id, labelled.row)
            if place not in last or last[place].time <= labelled.time:
                last[place] = labelled
    return [last[place] for place in sorted(last)]


def derive(
    connection: DuckDBPyConnection,
    base: Path,
    *,
    file: str,
    spec: Spec,
    labelled: Sequence[LabelledRow],
    sink: Path,
    champion_split: ChampionSplit | None = None,
) -> bytes:
    """Write the derived table as CSV: the same bytes for the same base, spec and labels.

    Cells are written as they are, also where they mean missing: the rule that divides rows may read them otherwise. A
    labelled row without the time column gets the label's time; one without the group column is a group of its own.
    Returns the document of origins, by which a row can be found when its prediction is to be erased.
    """
    counted = counted_on(spec, None if champion_split is None else champion_split.columns)
    cells = load(connection, base, file, spec.missing, spec.ignore, counted, founded=("",))
    target = choose_target(cells.names, spec, cells.doubt)
    header = ", ".join(f"{literal(name)} AS c{place}" for place, name in enumerate(cells.names))
    columns = ", ".join(written(place, cells.kept) for place in range(len(cells.names)))
    table = f"SELECT {header} UNION ALL SELECT {columns} FROM cells"  # names as cells: the engine would rename some
    connection.execute(f"COPY ({table}) TO {literal(str(sink))} (FORMAT csv, HEADER false)")
    rows: list[Origin] = []
    with sink.open("ab") as stream:
        for row in labelled:
            values = {spec.time_column: row.time, spec.group_column: f"{row.id}/{row.row}"} | {**row.values}
            values[target] = row.label
            line = _line([_text(values.get(name)) for name in cells.names])
            stream.write(line)
            rows.append(Origin(row.id, row.row, line_digest(line)))
    return Origins(1 + cells.rows, tuple(rows)).to_bytes()


def _line(cells: list[str | None]) -> bytes:
    written = StringIO()
    csv.writer(written, lineterminator="\n").writerow(cells)
    return written.getvalue().encode()


def _text(value: object) -> str | None:
    try:
        return read_text(value, frozenset())
    except InvalidValueError:
        return None
