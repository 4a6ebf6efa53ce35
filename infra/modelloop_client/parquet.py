"""Rows of a Parquet file, by whichever engine is installed: the command line itself needs none."""

from __future__ import annotations

from tempfile import NamedTemporaryFile
from typing import Any

from modelloop_client.failures import CommandError


def rows(content: bytes) -> list[dict[str, Any]]:
    """Return the rows as objects of JSON values: times as ISO text, decimals as numbers, NaN as None.

    Raises CommandError when the file is damaged, or when duckdb is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415  it is no dependency of the command line
    except ImportError as error:
        advice = "Install it beside modelloop: pip install duckdb; or save the table as CSV"
        raise CommandError("Parquet files are read with duckdb, which is not installed", advice) from error
    with NamedTemporaryFile(suffix=".parquet") as file:
        file.write(content)
        file.flush()
        try:
            found = duckdb.connect().execute("SELECT * FROM read_parquet($1)", [file.name])
            names = [column[0].strip() for column in found.description or ()]
            return [dict(zip(names, map(_value, row), strict=True)) for row in found.fetchall()]
        except duckdb.Error as error:
            raise CommandError("the Parquet file is damaged or incomplete", "Write it again") from error


def _value(cell: Any) -> Any:
    """Return what JSON has in the place of a value."""
    if cell is None or isinstance(cell, str | bool | int | list | dict):
        return cell
    if isinstance(cell, float) or hasattr(cell, "as_tuple"):  # a Decimal
        number = float(cell)
        return None if number != number else number  # noqa: PLR0124  NaN is the one value unequal to itself
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)
