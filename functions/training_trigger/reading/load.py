"""From a file of any supported format to the DuckDB table `cells`: clean text, columns c0, c1, … in file order."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import duckdb

from modelloop.errors import DatasetRejectedError
from training_trigger import engine, founding
from training_trigger.plan import check_rows
from training_trigger.reading import diagnosis, dialect, formats, jsonlines, parquet, plaintext
from training_trigger.reading.cells import define_macros, literal

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

WIDTH = 40
_NAMELESS = re.compile(r"(?:Unnamed: \d+)?", re.IGNORECASE)  # what pandas calls a column without a name


@dataclass(frozen=True, slots=True)
class Cells:
    """The names of the columns c0, c1, …; the number of rows; which hold lists or objects; what to warn about.

    `doubt` says why the last column may not be the target, if there is a doubt. `kept` are the places of the columns
    with cells that are missing, but not for the rule that divides rows (training_trigger.founding).
    """

    names: tuple[str, ...]
    rows: int
    nested: frozenset[str] = frozenset()
    warnings: list[str] = field(default_factory=list)
    doubt: str | None = None
    kept: frozenset[int] = frozenset()

    def of_rows(self, rows: int) -> Cells:
        """Return the same columns with another number of rows."""
        return replace(self, rows=rows)


def load(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    file: str,
    missing: Sequence[str],
    ignored: Collection[str] = (),
    founded: Collection[str] | None = None,
) -> Cells:
    """Read a file into the table `cells`; raise DatasetRejectedError, with what to do, when it is not a table.

    `ignored` columns cannot be the target. `founded` are the missing tokens by which rows are divided, where they are
    others than the `missing` ones by which cells are read.
    """
    founded = missing if founded is None else founded
    define_macros(connection, set(missing) & set(founded))
    warnings: list[str] = []
    nested: frozenset[str] = frozenset()
    doubt = None
    file_format = formats.detect(path, file)
    if file_format.kind == "parquet":
        names, cells, nested, origin = parquet.source(connection, path)
        _create(connection, cells, origin, names, None)
    else:
        text = _as_text(path, file_format, warnings)
        with text.open(encoding="utf-8") as stream:
            formats.check_text(stream.read(formats.HEAD), file_format.kind)
        if file_format.kind == "jsonl":
            flat = path.with_suffix(".flat")
            flattened = jsonlines.flatten(text, flat, ignored)
            style, nested, doubt, text = flattened.dialect, flattened.nested, flattened.doubt, flat
        else:
            style = dialect.detect(text)
            text, style = diagnosis.unambiguous(text, style)
        names = style.columns
        _create(connection, [f"c{place}" for place in range(len(names))], _csv(text, style), names, (text, style))
    rows = connection.execute("SELECT count(*) FROM cells").fetchall()[0][0]
    if not rows:
        raise DatasetRejectedError("the table has column names but no rows")
    check_rows(rows)
    kept = founding.separate(connection, len(names), missing, founded)
    return Cells(names, rows, nested, warnings, doubt or _nameless(connection, names), kept)


def _nameless(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> str | None:
    """Return a doubt when the last column has values but no name; without values, it is only an extra separator."""
    if not _NAMELESS.fullmatch(names[-1]) or not any(names):
        return None
    present = connection.execute(f"SELECT count(c{len(names) - 1}) FROM cells").fetchall()[0][0]
    return "the last column has values and no name: name it, or name the `target` in model.yaml" if present else None


def _as_text(path: Path, file_format: formats.Format, warnings: list[str]) -> Path:
    if file_format.gzipped:
        unpacked = path.with_suffix(".unpacked")
        plaintext.unpack(path, unpacked)
        path.unlink()
        path = unpacked
        if formats.detect(path, "unpacked.csv").kind == "parquet":
            raise DatasetRejectedError("the file is a Parquet file inside gzip: upload the Parquet file itself")
    text, warning = plaintext.decode(path, path.with_suffix(".utf8"))
    if warning:
        warnings.append(warning)
    return text


def _csv(path: Path, style: dialect.Dialect) -> str:
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(style.columns)))
    return (
        f"read_csv({literal(str(path))}, auto_detect=false, header=true, skip={style.skip}, delim="
        f"{literal(style.delimiter)}, quote={literal(style.quote)}, escape={literal(style.escape)}, "
        f"columns={{{columns}}}, strict_mode=true, null_padding=false, max_line_size={diagnosis.MAX_LINE})"
    )


def _create(
    connection: duckdb.DuckDBPyConnection,
    cells: Sequence[str],
    origin: str,
    names: Sequence[str],
    text: tuple[Path, dialect.Dialect] | None,
) -> None:
    try:
        with engine.within_limits():
            _clean(connection, cells, origin)
    except (duckdb.InvalidInputException, duckdb.DataError, duckdb.IOException) as error:
        if text is None:
            raise DatasetRejectedError("the file cannot be read as a table: export it again") from error
        path, style = text
        plain = path.with_suffix(".plain")
        _create(connection, cells, _csv(plain, diagnosis.rewrite(path, style, plain)), names, None)


def _clean(connection: duckdb.DuckDBPyConnection, cells: Sequence[str], origin: str) -> None:
    """Make `cells`; a wide table is put together from narrow ones: planning takes time in the square of the width."""
    if len(cells) <= WIDTH:
        connection.execute(f"CREATE OR REPLACE TABLE cells AS {_cleaned(cells, 0, origin)}")
        return
    raw = ", ".join(f"{cell} AS r{place}" for place, cell in enumerate(cells))
    connection.execute(f"CREATE OR REPLACE TABLE raw AS SELECT {raw} FROM {origin}")
    starts = range(0, len(cells), WIDTH)
    for start in starts:
        part = [f"r{place}" for place in range(start, min(start + WIDTH, len(cells)))]
        connection.execute(f"CREATE OR REPLACE TABLE part{start} AS {_cleaned(part, start, 'raw')}")
    joined = " POSITIONAL JOIN ".join(f"part{start}" for start in starts)
    connection.execute(f"CREATE OR REPLACE TABLE cells AS SELECT * FROM {joined}")
    for table in ("raw", *(f"part{start}" for start in starts)):
        connection.execute(f"DROP TABLE {table}")


def _cleaned(cells: Sequence[str], start: int, origin: str) -> str:
    trimmed = ", ".join(f"trimmed({cell}) AS t{place}" for place, cell in enumerate(cells, start))
    columns = ", ".join(f"present(t{place}) AS c{place}" for place in range(start, start + len(cells)))
    return f"SELECT {columns} FROM (SELECT {trimmed} FROM {origin})"
