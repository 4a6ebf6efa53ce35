"""A table in the encoding that its model must speak: callers of the champion must be understood by its successor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelloop.tables.encoding import Column, Encoding

if TYPE_CHECKING:
    from trainer.comparison.incumbents import Champion
    from trainer.table import PreparedTable


def keep_old_callers(table: PreparedTable, champion: Champion | None) -> PreparedTable:
    """Return the table with an encoding in which columns are required only if the champion requires them too."""
    if champion is None:
        return table
    known = {column.name: column.required for column in champion.incumbent.encoding.columns}
    columns = [_eased(column, required=known.get(column.name, False)) for column in table.encoding.columns]
    return replace(table, encoding=Encoding(columns, sorted(table.encoding.missing)))


def _eased(column: Column, *, required: bool) -> Column:
    return replace(column, required=column.required and required)
