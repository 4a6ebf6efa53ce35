"""What a table of the corpus is: one upload as people really have it, and what intake is expected to make of it."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

type Row = dict[str, Any]
type Raw = Callable[[bytes], tuple[list[str], list[list[Any]]]]
"""Reads an upload without the product: its names, and its rows of raw cells (text, or values of JSON)."""

ROWS = 120
KINDS = {"size": "number", "count": "number", "city": "text", "day": "date", "member": "boolean", "y": "text"}
CITIES = ("Köln", "Lyon", "Porto", "Málaga")
FIRST_DAY = date(2026, 1, 5)


@dataclass(frozen=True, slots=True)
class Table:
    """One upload and its outcome.

    A table that is read has `rows`, the kind of every column in the file's order (a column of the kind `none` has no
    values), which of them are `unused`, and `raw`, an independent reader. `warns` is part of a warning. A table that
    is refused has `refused`, part of the reason. `ours` are texts that mean missing here, `theirs` some that do not.
    """

    name: str
    source: str
    file: str
    body: bytes
    kinds: tuple[tuple[str, str], ...] = ()
    raw: Raw | None = None
    rows: int = ROWS
    unused: tuple[str, ...] = ()
    task: str = "classification"
    spec: str = ""
    warns: str = ""
    refused: str = ""
    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()


def people(count: int = ROWS, seed: int = 0) -> list[Row]:
    """Return the rows that most tables hold: a number, a count, a name, a day, a yes or no, and the label `y`."""
    chance = random.Random(seed)
    return [
        {
            "size": chance.randrange(100, 99_999) / 100,
            "count": chance.randrange(8),
            "city": chance.choice(CITIES),
            "day": FIRST_DAY + timedelta(days=chance.randrange(25)),
            "member": chance.random() < 0.5,
            "y": "yes" if at % 3 else "no",
        }
        for at in range(count)
    ]


def written(
    rows: Sequence[Row],
    *,
    say: Callable[[str, Any], str] = lambda _, value: plain(value),
    names: Sequence[str] | None = None,
    end: str = "\n",
    **options: Any,
) -> str:
    """Return rows as CSV; `say` writes a cell of a column, `names` replaces the header."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator=end, **options)
    writer.writerow(names or list(rows[0]))
    writer.writerows([[say(name, value) for name, value in row.items()] for row in rows])
    return sink.getvalue()


def plain(value: Any) -> str:
    """Return a cell as most programs write it: lower-case booleans, ISO dates, nothing for a missing value."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def by_csv(encoding: str = "utf-8", skip: int = 0, **options: Any) -> Raw:
    """Return an independent reader: Python's csv module, told everything that the product has to find out."""

    def read(body: bytes) -> tuple[list[str], list[list[Any]]]:
        text = io.StringIO(body.decode(encoding), newline="")
        rows = [row for row in csv.reader(text, **options) if row][skip:]
        return rows[0], rows[1:]

    return read


def by_pandas(**options: Any) -> Raw:
    """Return an independent reader: pandas, which keeps every cell as the text that it is."""

    def read(body: bytes) -> tuple[list[str], list[list[Any]]]:
        import pandas as pd  # noqa: PLC0415  it takes a second, which only the tests that use it pay

        told: dict[str, Any] = {"dtype": str, "keep_default_na": False, "header": None} | options
        frame = pd.read_csv(io.BytesIO(body), **told)
        rows = [[str(cell) for cell in row] for row in frame.to_numpy().tolist()]
        return rows[0], rows[1:]

    return read


def by_json(body: bytes) -> tuple[list[str], list[list[Any]]]:
    """Read JSON Lines independently: Python's json module. The columns stand in the order of their first mention."""
    documents = [json.loads(line) for line in body.decode("utf-8-sig").splitlines() if line.strip()]
    names = list(dict.fromkeys(name for document in documents for name in document))
    return names, [[document.get(name) for name in names] for document in documents]


def table(name: str, source: str, text: str | bytes, raw: Raw | None = None, **facts: Any) -> Table:
    """Return a table of `people`, unless `facts` say otherwise; `kinds` may be a dictionary."""
    facts = {"file": "t.csv", "kinds": KINDS} | facts
    body = text if isinstance(text, bytes) else text.encode()
    kinds = facts.pop("kinds")
    if "refused" in facts:
        return Table(name, source, body=body, **facts)
    named = tuple(kinds.items()) if isinstance(kinds, dict) else kinds
    return Table(name, source, body=body, kinds=named, raw=raw or by_pandas(), **facts)


def from_rows(rows: Sequence[Row]) -> Raw:
    """Return the rows that a binary file was made from: there is no second reader of Parquet here."""
    return lambda _: (list(rows[0]), [list(row.values()) for row in rows])
