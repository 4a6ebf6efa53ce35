"""The page of the manual that lists the corpus: one line a table, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop_stack.build.paths import ROOT
from tests.support.corpus.tables import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.corpus.tables import Table

PAGE = ROOT / "infra" / "docs" / "tables.md"
_HEAD = """# Tables as people have them

What intake makes of {count} small tables in the shapes that programs, spreadsheets and databases write. Tests read
each of them on every run and compare every value with what an independent reader finds (pandas, or Python's own readers
of CSV and JSON), or with the rows that a Parquet file was made from. `make docs` writes this page.

Most of them hold the same rows: `size` (a number with decimals), `count` (a whole number), `city` (text), `day` (a
date), `member` (true or false) and the label `y`. *As written* means that every column is read as its kind and no value
is lost; otherwise the columns that are read differently or left out are named, with the warning or the reason that the
run shows.

| From | Table | File | What becomes of it |
|---|---|---|---|
"""


def rendered(tables: Sequence[Table]) -> str:
    """Return the whole page."""
    lines = [
        f"| {_safe(table.source)} | {_safe(table.name)} | `{table.file}` | {_safe(_outcome(table))} |"
        for table in tables
    ]
    return _HEAD.format(count=len(tables)) + "".join(f"{line}\n" for line in lines)


def _outcome(table: Table) -> str:
    if table.refused:
        return f"refused: “… {table.refused} …”"
    found = [
        f"`{name.strip()}` is {_KINDS[kind]}" if name.strip() else "a column without a name"
        for name, kind in table.kinds
        if KINDS.get(name) != kind and name not in table.unused
    ]
    found += [f"`{name}` is not used" if name else "a column without a name is not used" for name in table.unused]
    found += [f"{table.rows} rows"] if table.rows != _ROWS else []
    found += ["regression"] if table.task != "classification" else []
    found += [f"a warning: “… {table.warns} …”"] if table.warns else []
    return "; ".join(found) or "as written"


_KINDS = {"number": "a number", "text": "text", "date": "a date", "boolean": "true or false", "none": "empty"}
_ROWS = 120


def _safe(text: str) -> str:
    """Return a text as it may stand in a cell of a Markdown table."""
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())
