"""The outline of a table: names of columns, lines before the header, and what can be a target."""

from __future__ import annotations

from typing import Any

from tests.support.corpus.spellings import PEOPLE
from tests.support.corpus.tables import KINDS, ROWS, Row, Table, by_csv, table, written


def _named(name: str, first: str, **facts: Any) -> Table:
    """Return a table whose first column has another name, as it stands in the file."""
    names = [first, *list(KINDS)[1:]]
    read = facts.pop("read", first)
    kinds = dict(zip([str(read), *list(KINDS)[1:]], KINDS.values(), strict=True))
    return table(name, "names", written(PEOPLE, names=names), by_csv(), **{"kinds": kinds} | facts)


def _target(name: str, *labels: object, kind: str = "text", **facts: Any) -> Table:
    """Return a table whose label takes these values in turn."""
    rows = [row | {"y": labels[at % len(labels)]} for at, row in enumerate(PEOPLE)]
    return table(name, "targets", written(rows), by_csv(), **{"kinds": KINDS | {"y": kind}} | facts)


def _learnt_from(name: str, rows: list[Row], **facts: Any) -> Table:
    return table(name, "features", written(rows), by_csv(), **facts)


def _texts() -> list[Row]:
    return [{"review": f"it was number {at} of all", "y": row["y"]} for at, row in enumerate(PEOPLE)]


NAMES = [
    _named("spaces around a name", "  size ", read="size"),
    _named("a space inside a name", "size in cm"),
    _named("a comma inside a name", "size, cm"),
    _named("quotes inside a name", 'the "size"'),
    _named("a line break inside a name", "size\nin cm"),
    _named("a semicolon inside a name", "size; cm"),
    _named("a word of SQL", "select"),
    _named("SQL that would do harm", 'size" FROM cells; DROP TABLE cells; --'),
    _named("no ASCII at all", "サイズ"),
    _named("letters in two parts", "gro\u0308ße", read="größe"),
    _named("an emoji", "📏"),
    _named("a long name", "size" * 60),
    _named("names that differ in case", "COUNT"),
    _named("a name that an engine gives", "count_1"),
    _named("column0", "column0"),
    _named("the same name again", "count", refused="the header has 'count' more than once"),
    _named("the same name but for a space", " count", refused="the header has 'count' more than once"),
    _named("no name", "", unused=("",)),
    _named("years", "2019"),
    _named("pandas' name for no name", "Unnamed: 0"),
    table("blank lines first", "header", "\n\n" + written(PEOPLE), by_csv()),
    table("comments first", "header", "# made by a tool\n" + written(PEOPLE), refused="line 2 looks like the header"),
    table(
        "a line of units below the header",
        "header",
        "size,count,city,day,member,y\ncm,,,,,\n" + written(PEOPLE).partition("\n")[2],
        by_csv(),
        kinds=KINDS | {"size": "number"},
        warns="1 row has no label",
    ),
    table(
        "rows of commas between",
        "header",
        written(PEOPLE[:60]) + ",,,,,\n" + written(PEOPLE[60:]).partition("\n")[2],
        by_csv(),
        warns="1 row has no label",
    ),
    table("one value too many", "header", written(PEOPLE).replace("no\n", "no,x\n", 1), refused="has 7 values and the"),
    table("one value too few", "header", written(PEOPLE).replace(",no\n", "\n", 1), refused="has 5 values and the"),
    table("a header alone", "header", "size,y\n", refused="the table has column names but no rows"),
    table("nothing", "header", "", refused="the file is empty"),
    table("one column", "header", "y\n" + "yes\nno\n" * 60, refused="the table has one column"),
    table("too few rows", "header", written(PEOPLE[:20]), refused="the table has 20 labelled rows; at least 30"),
    table("a web page", "header", "<!doctype html><p>1,2", refused="the file is HTML or XML"),
    table(
        "Cyrillic in its own code page",
        "header",
        written([row | {"city": "Москва"} for row in PEOPLE]).encode("cp1251"),
        refused="holds bytes that are not UTF-8",
    ),
    table("zip in disguise", "header", b"PK\x03\x04" + b"\0" * 100, refused="a zip archive or an Excel workbook"),
]

TARGETS = [
    _target("two words", "yes", "no"),
    _target("three words", "low", "mid", "high"),
    _target("true and false", True, False, kind="boolean"),
    _target("0 and 1", 0, 1, kind="number"),
    _target("1 and 2", 1, 2, kind="number"),
    _target("1.0 and 2.0", 1.0, 2.0, kind="number"),
    _target("negative classes", -1, 1, kind="number"),
    _target("numbers with decimals", *(at * 0.37 for at in range(ROWS)), kind="number", task="regression"),
    _target("many whole numbers", *(at * at % 997 for at in range(ROWS)), kind="number", task="regression"),
    _target("words with other letters", "größer", "kleiner"),
    _target("words with spaces", "very good", "not good"),
    _target("words in two cases", "Yes", "yes", "no", warns="differ only in upper and lower case"),
    _target("codes with leading zeros", "01", "02"),
    _target(
        "a yes, a no and two that are neither", *["yes", "no"] * 29, "maybe", "?", refused="have fewer than 10 rows"
    ),
    _target("always the same", "yes", refused="has the same value in every row ('yes')"),
    _target("never there", "", refused="target 'y' has no values"),
    _target("a day", *(row["day"] for row in PEOPLE), refused="holds dates"),
    _target(
        "a name of each row", *(f"row-{at}" for at in range(ROWS)), refused="looks like an identifier or free text"
    ),
    _target("the row's number", *range(1, ROWS + 1), refused="looks like a row number or identifier"),
    _target("counts", *[0, 1, 2, 3] * 29, 4, 4, 5, 7, refused="task: regression"),
    _target("whole numbers of 64 bits", 9007199254740992, 9007199254740993, kind="text"),
    table("named by the spec", "targets", written(PEOPLE), by_csv(), spec="target: member\n"),
    table(
        "a target that is not there",
        "targets",
        written(PEOPLE),
        spec="target: price\n",
        refused="`target` names column 'price'",
    ),
]

FEATURES = [
    _learnt_from(
        "nothing but free text", _texts(), refused="no column is left to learn from ('review': nearly every value"
    ),
    _learnt_from(
        "an id and the label",
        [{"id": f"u-{at:04}", "y": row["y"]} for at, row in enumerate(PEOPLE)],
        refused="no column is left to learn from ('id': nearly every value",
    ),
    _learnt_from(
        "nothing but the same value",
        [{"a": 1, "b": "x", "y": row["y"]} for row in PEOPLE],
        refused="no column is left to learn from ('a': every row has the same value",
    ),
    _learnt_from(
        "a column without values",
        [{"empty": "", **row} for row in PEOPLE],
        kinds={"empty": "none"} | KINDS,
        unused=("empty",),
    ),
    _learnt_from(
        "a column of one value",
        [{"year": 2026, **row} for row in PEOPLE],
        kinds={"year": "number"} | KINDS,
        unused=("year",),
    ),
    _learnt_from(
        "an id beside features",
        [{"id": f"u-{at:04}", **row} for at, row in enumerate(PEOPLE)],
        kinds={"id": "text"} | KINDS,
        unused=("id",),
    ),
    _learnt_from(
        "numbers too large for a float of 32 bits",
        [row | {"size": (at + 1) * 1e39} for at, row in enumerate(PEOPLE)],
        refused="beyond the range of a 32-bit float",
    ),
]

TABLES = [*NAMES, *TARGETS, *FEATURES]
