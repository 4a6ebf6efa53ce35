"""A derived table: the rows of a base table and, after them, rows whose labels came from feedback."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
import csv
from typing import TYPE_CHECKING

from modelloop.errors import InvalidValueError
from modelloop.grammar import read_text
from modelloop.profile import choose_target
from training_trigger.reading.cells import literal
from training_trigger.reading.load import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from modelloop.spec import Spec
    from training_trigger.labelled import LabelledRow


def derive(
    connection: DuckDBPyConnection, base: Path, *, file: str, spec: Spec, labelled: Sequence[LabelledRow], sink: Path
) -> None:
    """Write the derived table as CSV: the same bytes for the same base, spec and labels.

    A labelled row without the time or group column takes the label's time, or is a group of its own.
    """
    cells = load(connection, base, file, spec.missing, spec.ignore)
    target = choose_target(cells.names, spec, cells.doubt)
    columns = ", ".join(f"c{place} AS {_quoted(name)}" for place, name in enumerate(cells.names))
    connection.execute(f"COPY (SELECT {columns} FROM cells) TO {literal(str(sink))} (FORMAT csv, HEADER true)")
    missing = frozenset(spec.missing)
    with sink.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        for row in labelled:
            values = {spec.time_column: row.time, spec.group_column: f"{row.id}/{row.row}"} | row.values
            values[target] = row.label
            writer.writerow([_text(values.get(name), missing) for name in cells.names])


def _text(value: object, missing: frozenset[str]) -> str | None:
    try:
        return read_text(value, missing)
    except InvalidValueError:
        return None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
