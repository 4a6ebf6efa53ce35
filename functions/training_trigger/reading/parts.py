"""The part files of one table: read one after the other, in the order of their names, into one table of raw cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from training_trigger.reading.dialect import Dialect

JOINED = "joined"
SHOWN_NAMES = 6
_NAME_BYTES = 160
_BETWEEN = "="


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is ready to be read: its names, the SQL text expression of each column, and the SQL to read from.

    `text` is a CSV file with its dialect, which is rewritten when the engine cannot read it; None of other formats.
    `free` says that rows may lack columns, as in JSON Lines.
    """

    names: tuple[str, ...]
    cells: list[str]
    origin: str
    text: tuple[Path, Dialect] | None = None
    nested: frozenset[str] = frozenset()
    doubt: str | None = None
    first_line: str | None = None
    free: bool = False


def disk_name(place: int, name: str) -> str:
    """Return the name of a part file on disk: in the order of the parts, with as much of its own name as fits."""
    return f"{place:05d}{_BETWEEN}{name.encode()[-_NAME_BYTES:].decode(errors='ignore')}"


def join(
    connection: DuckDBPyConnection,
    folder: Path,
    prepare: Callable[[Path, str], Source],
    read: Callable[[str, Source], None],
) -> Source:
    """Read the files of a folder into one table and return it as a source.

    `prepare` gives the source of a file by its path and name; `read` runs a SQL statement to which it adds what to read
    from. Raises DatasetRejectedError naming the file that cannot be read or has other columns than the first one.
    """
    first: Source | None = None
    names: list[str] = []
    nested: set[str] = set()
    doubt: str | None = None
    for path in sorted(folder.iterdir()):
        name = path.name.partition(_BETWEEN)[2]
        try:
            part = prepare(path, name)
            if first is None:
                first, names = part, list(part.names)
                read(f"CREATE OR REPLACE TABLE {JOINED} AS SELECT {_selected(part, range(len(names)))}", part)
            else:
                doubt = doubt or _doubt(first, part)
                places = _places(connection, names, part)
                columns = ", ".join(f"r{place}" for place in places)
                read(f"INSERT INTO {JOINED} ({columns}) SELECT {_selected(part, places)}", part)
        except DatasetRejectedError as error:
            raise DatasetRejectedError(f"{name}: {error.message}", field=error.field, row=error.row) from error
        nested |= part.nested
    if first is None:
        raise DatasetRejectedError("the folder has no files")
    target = len(first.names) - 1  # columns that only later files have stand before it
    order = [*(place for place in range(len(names)) if place != target), target]
    return Source(
        tuple(names[place] for place in order),
        [f"r{place}" for place in order],
        JOINED,
        nested=frozenset(nested),
        doubt=first.doubt or doubt,
        first_line=first.first_line,
    )


def _selected(part: Source, places: Iterable[int]) -> str:
    return ", ".join(f"{cell} AS r{place}" for cell, place in zip(part.cells, places, strict=True))


def _places(connection: DuckDBPyConnection, names: list[str], part: Source) -> list[int]:
    """Return the place of every column of a part in the joined table, which gets those that it may lack."""
    if list(part.names) == names:
        return list(range(len(names)))
    new = [name for name in part.names if name not in names]
    distinct = len(set(part.names)) == len(part.names)
    if not distinct or (not part.free and (new or len(part.names) != len(names))):
        header = "; its first line looks like data (in Spark: header=True)" if part.first_line else ""
        raise DatasetRejectedError(
            f"it has the columns {_shown(part.names)}, and the files before it {_shown(names)}: write every file with "
            f"the same columns{header}"
        )
    for name in new:
        connection.execute(f"ALTER TABLE {JOINED} ADD COLUMN r{len(names)} VARCHAR")
        names.append(name)
    return [names.index(name) for name in part.names]


def _doubt(first: Source, part: Source) -> str | None:
    if part.doubt or part.names[-1] == first.names[-1]:
        return part.doubt
    return (
        f"it is not clear which column is the target: the last one is {first.names[-1][:80]!r} in the first file and "
        f"{part.names[-1][:80]!r} in another; name the `target` in model.yaml"
    )


def _shown(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:40]) for name in names[:SHOWN_NAMES]) + (", …" if len(names) > SHOWN_NAMES else "")
