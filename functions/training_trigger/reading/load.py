"""From a file of any supported format to the DuckDB table `cells`: clean text, columns c0, c1, … in file order."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import duckdb

from modelloop.errors import DatasetRejectedError
from modelloop.tables.grammar import MAX_MARKS
from training_trigger import engine, founding
from training_trigger.plan import check_rows
from training_trigger.reading import diagnosis, dialect, formats, jsonlines, parquet, parts, plaintext
from training_trigger.reading.cells import MARKS, define_macros, literal, too_many_marks
from training_trigger.reading.header import check_columns
from training_trigger.reading.index_columns import places_of_data, warning
from training_trigger.reading.parts import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

WIDTH = 40
_NAMELESS = re.compile(r"(?:Unnamed: \d+)?", re.IGNORECASE)  # what pandas calls a column without a name


@dataclass(frozen=True, slots=True)
class Cells:
    """The names of the columns c0, c1, …; the number of rows; which hold lists or objects; what to warn about.

    `doubt` says why the last column may not be the target, if there is a doubt. `kept` are the places of the columns
    with missing cells whose text is still needed (training_trigger.founding). `first_line` shows the header if that
    looks like data.
    """

    names: tuple[str, ...]
    rows: int
    nested: frozenset[str] = frozenset()
    warnings: list[str] = field(default_factory=list)
    doubt: str | None = None
    first_line: str | None = None
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
    counted: Collection[str] = (),
    founded: Collection[str] | None = None,
    target: Callable[[tuple[str, ...]], str | None] = lambda _: None,
) -> Cells:
    """Read a file, or the part files in a folder, into the table `cells`.

    Raises DatasetRejectedError, with what to do, when it is not a table.

    `ignored` columns cannot be the target; columns `counted` on are columns even if they hold pandas' index. `founded`
    are the missing tokens by which rows are divided, where they are others than the `missing` ones by which cells are
    read. `target` tells from the names which column is the target: of its missing cells the text is kept.
    """
    founded = missing if founded is None else founded
    define_macros(connection, set(missing) & set(founded))
    warnings: list[str] = []

    def source(file_path: Path, name: str) -> Source:
        return _source(connection, file_path, name, ignored, counted, warnings)

    def read(statement: str, part: Source) -> None:
        _run(connection, lambda origin: connection.execute(f"{statement} FROM {origin}"), part)

    table = parts.join(connection, path, source, read) if path.is_dir() else source(path, file)
    whole = {place for place, name in enumerate(table.names) if name == target(table.names)}
    _run(connection, lambda origin: _clean(connection, table.cells, origin, whole), table)
    connection.execute(f"DROP TABLE IF EXISTS {parts.JOINED}")
    rows = connection.execute("SELECT count(*) FROM cells").fetchall()[0][0]
    if not rows:
        raise DatasetRejectedError("the table has column names but no rows")
    check_rows(rows)
    kept = founding.separate(connection, len(table.names), missing, founded, whole)
    doubt = table.doubt or _nameless(connection, table.names)
    return Cells(table.names, rows, table.nested, list(dict.fromkeys(warnings)), doubt, table.first_line, kept)


def _source(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    file: str,
    ignored: Collection[str],
    counted: Collection[str],
    warnings: list[str],
) -> Source:
    """Return a file as something to read from; what to tell about it is added to the warnings."""
    file_format = formats.detect(path, file)
    if file_format.kind == "parquet":
        found = parquet.source(connection, path)
        places = _places_of_data(found.names, found.index, counted, warnings)
        names = check_columns([found.names[place] for place in places])
        nested = frozenset(name for name, place in zip(names, places, strict=True) if found.cells[place] is None)
        return Source(names, [found.cells[place] or "NULL::VARCHAR" for place in places], found.origin, nested=nested)
    text = _as_text(path, file_format, warnings)
    with text.open(encoding="utf-8") as stream:
        formats.check_text(stream.read(formats.HEAD), file_format.kind)
    nested, doubt, free = frozenset[str](), None, file_format.kind == "jsonl"
    if free:
        flat = path.with_suffix(".flat")
        flattened = jsonlines.flatten(text, flat, ignored)
        style, nested, doubt, text = flattened.dialect, flattened.nested, flattened.doubt, flat
    else:
        style = dialect.detect(text)
        text, style = diagnosis.unambiguous(text, style)
    places = _places_of_data(style.columns, (), counted, warnings)
    names = check_columns([style.columns[place] for place in places])
    cells = [f"c{place}" for place in places]
    return Source(names, cells, _csv(text, style), (text, style), nested, doubt, style.first_line, free)


def _places_of_data(
    names: Sequence[str], index: Collection[str], counted: Collection[str], warnings: list[str]
) -> list[int]:
    places = places_of_data(names, index, counted)
    warnings += [warning(name) for place, name in enumerate(names) if place not in places]
    return places


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
    text, guess = plaintext.decode(path, path.with_suffix(".utf8"))
    if guess:
        warnings.append(guess)
    plaintext.check_blank_lines(text)
    return text


def _csv(path: Path, style: dialect.Dialect) -> str:
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(style.columns)))
    return (
        f"read_csv({literal(str(path))}, auto_detect=false, header=true, skip={style.skip}, delim="
        f"{literal(style.delimiter)}, quote={literal(style.quote)}, escape={literal(style.escape)}, "
        f"columns={{{columns}}}, strict_mode=true, null_padding=false, max_line_size={diagnosis.MAX_LINE})"
    )


def _run(connection: duckdb.DuckDBPyConnection, read: Callable[[str], object], source: Source) -> None:
    """Read from a source; a CSV file that the engine refuses is rewritten, or refused with the first bad line."""
    try:
        with engine.within_limits():
            read(source.origin)
    except (duckdb.InvalidInputException, duckdb.DataError, duckdb.IOException) as error:
        if MARKS in str(error):
            raise _marks(connection, source) from error
        if source.text is None:
            raise DatasetRejectedError("the file cannot be read as a table: export it again") from error
        path, style = source.text
        plain = path.with_suffix(".plain")
        _run(connection, read, replace(source, origin=_csv(plain, diagnosis.rewrite(path, style, plain)), text=None))


def _marks(connection: duckdb.DuckDBPyConnection, source: Source) -> DatasetRejectedError:
    """Return the refusal of a table that has a cell with too many combining marks, with its row and column."""
    for name, cell in zip(source.names, source.cells, strict=True):
        numbered = f"SELECT row_number() OVER () AS r, {cell} AS x FROM {source.origin}"
        found = connection.execute(f"SELECT min(r) FROM ({numbered}) WHERE {too_many_marks('x')}").fetchall()[0][0]
        if found is not None:
            return DatasetRejectedError(
                f"row {found:,} of column {name!r} has more than {MAX_MARKS} combining marks in a run, which is no "
                "text: correct or empty the cell",
                field=name,
                row=int(found),
            )
    return DatasetRejectedError(f"a cell has more than {MAX_MARKS} combining marks in a run, which is no text")


def _clean(connection: duckdb.DuckDBPyConnection, cells: Sequence[str], origin: str, whole: Collection[int]) -> None:
    """Make `cells`; a wide table is put together from narrow ones: planning takes time in the square of the width."""
    if len(cells) <= WIDTH:
        connection.execute(f"CREATE OR REPLACE TABLE cells AS {_cleaned(cells, 0, origin, whole)}")
        return
    raw = ", ".join(f"{cell} AS r{place}" for place, cell in enumerate(cells))
    connection.execute(f"CREATE OR REPLACE TABLE raw AS SELECT {raw} FROM {origin}")
    starts = range(0, len(cells), WIDTH)
    for start in starts:
        part = [f"r{place}" for place in range(start, min(start + WIDTH, len(cells)))]
        connection.execute(f"CREATE OR REPLACE TABLE part{start} AS {_cleaned(part, start, 'raw', whole)}")
    joined = " POSITIONAL JOIN ".join(f"part{start}" for start in starts)
    connection.execute(f"CREATE OR REPLACE TABLE cells AS SELECT * FROM {joined}")
    for table in ("raw", *(f"part{start}" for start in starts)):
        connection.execute(f"DROP TABLE {table}")


def _cleaned(cells: Sequence[str], start: int, origin: str, whole: Collection[int]) -> str:
    trimmed = ", ".join(f"trimmed({cell}) AS t{place}" for place, cell in enumerate(cells, start))
    places = range(start, start + len(cells))
    present = {place: f"nullif(t{place}, '')" if place in whole else f"present(t{place})" for place in places}
    columns = ", ".join(f"{cell} AS c{place}" for place, cell in present.items())
    return f"SELECT {columns} FROM (SELECT {trimmed} FROM {origin})"
