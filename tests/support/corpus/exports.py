"""The same rows as pandas and spreadsheets write them."""

from __future__ import annotations

import gzip

from tests.support.corpus.spellings import (
    NO_DAY,
    NO_SIZE,
    NUMBERED,
    PEOPLE,
    WITH_NUMBER,
    american,
    at_ten,
    camel,
    cells,
    comma,
    gaps,
    german,
    upper,
)
from tests.support.corpus.tables import KINDS, by_csv, by_pandas, table, written

PANDAS = [
    table("to_csv", "pandas", written(NUMBERED), kinds=WITH_NUMBER, unused=("",)),
    table("to_csv(index=False)", "pandas", written(PEOPLE)),
    table("to_csv(sep=';')", "pandas", written(PEOPLE, delimiter=";"), by_pandas(sep=";")),
    table("to_csv(sep='\\t')", "pandas", written(PEOPLE, delimiter="\t"), by_pandas(sep="\t"), file="t.tsv"),
    table("to_csv(sep='|')", "pandas", written(PEOPLE, delimiter="|"), by_pandas(sep="|"), file="t.txt"),
    table("to_csv(quoting=QUOTE_ALL)", "pandas", written(PEOPLE, quoting=1)),
    table("to_csv(quoting=QUOTE_NONNUMERIC)", "pandas", written(PEOPLE, quoting=2)),
    table(
        "to_csv('t.csv.gz')",
        "pandas",
        gzip.compress(written(PEOPLE).encode()),
        by_pandas(compression="gzip"),
        file="t.csv.gz",
    ),
    table("to_csv(lineterminator='\\r\\n')", "pandas", written(PEOPLE, end="\r\n")),
    table("to_csv(encoding='utf-8-sig')", "pandas", written(PEOPLE).encode("utf-8-sig"), by_csv("utf-8-sig")),
    table("to_csv(encoding='utf-16')", "pandas", written(PEOPLE).encode("utf-16"), by_pandas(encoding="utf-16")),
    table(
        "to_csv(encoding='latin-1')",
        "pandas",
        written(PEOPLE).encode("latin-1"),
        by_pandas(encoding="latin-1"),
        warns="cp1252",
    ),
    table("booleans", "pandas", written(PEOPLE, say=cells(bools=camel))),
    table("timestamps", "pandas", written(PEOPLE, say=cells(dates=at_ten("")))),
    table("timestamps with a zone", "pandas", written(PEOPLE, say=cells(dates=at_ten("+01:00")))),
    table("timestamps with a fraction", "pandas", written(PEOPLE, say=cells(dates=at_ten(".123456")))),
    table("to_csv(na_rep='NULL')", "pandas", gaps("NULL")),
    table("to_csv(na_rep='nan')", "pandas", gaps("nan")),
    table("nullable integers", "pandas", gaps("<NA>")),
    table("missing times", "pandas", gaps("NaT")),
    table(
        "to_csv(decimal=',', sep=';')",
        "pandas",
        written(PEOPLE, say=cells(floats=comma), delimiter=";"),
        by_pandas(sep=";"),
        **NO_SIZE,
        warns="numbers with decimal commas",
    ),
    table("to_csv(float_format='%.3e')", "pandas", written(PEOPLE, say=cells(floats=lambda value: f"{value:.3e}"))),
    table(
        "an index that was read and written again",
        "pandas",
        written([{"Unnamed: 0.1": str(at), "Unnamed: 0": str(at), **row} for at, row in enumerate(PEOPLE)]),
        kinds={"Unnamed: 0.1": "number", "Unnamed: 0": "number"} | KINDS,
        warns="looks like a row number",
    ),
    table(
        "reset_index().to_csv(index=False)",
        "pandas",
        written([{"index": str(at), **row} for at, row in enumerate(PEOPLE)]),
        kinds={"index": "number"} | KINDS,
        warns="looks like a row number",
    ),
    table(
        "appended with its header again",
        "pandas",
        written(PEOPLE) + written(PEOPLE),
        refused="1 of 3 classes of 'y' have fewer than 10 rows: 'y' (1)",
    ),
    table(
        "two lines of column names",
        "pandas",
        "a,a,a,b,b,y\n" + written(PEOPLE),
        refused="the header has 'a', 'b' more than once",
    ),
]

SPREADSHEETS = [
    table(
        "CSV UTF-8",
        "Excel",
        written(PEOPLE, say=cells(bools=upper), end="\r\n").encode("utf-8-sig"),
        by_csv("utf-8-sig"),
    ),
    table(
        "CSV, Western",
        "Excel",
        written(PEOPLE, say=cells(bools=upper), end="\r\n").encode("cp1252"),
        by_csv("cp1252"),
        warns="cp1252",
    ),
    table(
        "CSV with semicolons",
        "Excel",
        written(PEOPLE, say=cells(bools=upper), delimiter=";", end="\r\n").encode("cp1252"),
        by_csv("cp1252", delimiter=";"),
        warns="cp1252",
    ),
    table(
        "Unicode text",
        "Excel",
        written(PEOPLE, delimiter="\t", end="\r\n").encode("utf-16"),
        by_csv("utf-16", delimiter="\t"),
        file="t.txt",
    ),
    table(
        "a line sep=;", "Excel", "sep=;\r\n" + written(PEOPLE, delimiter=";", end="\r\n"), by_csv(skip=1, delimiter=";")
    ),
    table(
        "empty columns at the end",
        "Excel",
        "".join(f"{line},,\r\n" for line in written(PEOPLE).splitlines()),
        by_csv(),
        kinds=(*KINDS.items(), ("", "none"), ("", "none")),
        unused=("", ""),
    ),
    table(
        "empty rows at the end",
        "Excel",
        written(PEOPLE) + ",,,,,\r\n" * 3,
        rows=len(PEOPLE),
        warns="3 rows have no label",
    ),
    table("cells in error: #N/A", "Excel", gaps("#N/A")),
    table("cells in error: #DIV/0!", "Excel", gaps("#DIV/0!")),
    table(
        "American days",
        "Excel",
        written(PEOPLE, say=cells(dates=american)),
        **NO_DAY,
        warns="dates that are not in ISO form",
    ),
    table(
        "German days",
        "Excel",
        written(PEOPLE, say=cells(dates=german)),
        **NO_DAY,
        warns="dates that are not in ISO form",
    ),
    table(
        "a line break in a cell",
        "Excel",
        written([row | {"city": f"{row['city']}\nSouth"} for row in PEOPLE], end="\r\n"),
        by_csv(),
    ),
    table(
        "a separator in a cell",
        "Excel",
        written([row | {"city": f"{row['city']}, South"} for row in PEOPLE], end="\r\n"),
        by_csv(),
    ),
    table(
        "quotes in a cell", "Excel", written([row | {"city": f'the "old" {row["city"]}'} for row in PEOPLE]), by_csv()
    ),
    table(
        "a title above the header",
        "Excel",
        "Members 2026,,,,,\r\n,,,,,\r\n" + written(PEOPLE, end="\r\n"),
        refused="line 3 looks like the header ('size', 'count', 'city', 'day', …)",
    ),
    table(
        "a sum below the rows",
        "Excel",
        written(PEOPLE) + "29871.5,200,,,,\r\n",
        rows=len(PEOPLE),
        warns="1 row has no label",
    ),
    table(
        "a workbook",
        "Excel",
        b"PK\x03\x04" + b"\0" * 200,
        file="t.xlsx",
        refused="the file is a zip archive or an Excel workbook",
    ),
    table("download as CSV", "Google Sheets", written(PEOPLE, say=cells(bools=upper), end="\r\n")),
    table(
        "download as TSV",
        "Google Sheets",
        written(PEOPLE, say=cells(bools=upper), delimiter="\t", end="\r\n"),
        by_csv(delimiter="\t"),
        file="t.tsv",
    ),
    table(
        "text CSV with single quotes", "LibreOffice", written(PEOPLE, quotechar="'", quoting=2), by_csv(quotechar="'")
    ),
]


TABLES = [*PANDAS, *SPREADSHEETS]
