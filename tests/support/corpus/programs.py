"""The same rows as databases, warehouses and statistics programs write them."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from tests.support.corpus.spellings import (
    NO_DAY,
    NO_SIZE,
    PEOPLE,
    TEXT_SIZE,
    WITH_NUMBER,
    at_ten,
    cells,
    comma,
    gaps,
    upper,
)
from tests.support.corpus.tables import KINDS, by_csv, by_pandas, table, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.corpus.tables import Table


def _with_days(name: str, source: str, form: str, letters: Callable[[str], str]) -> Table:
    """Return a table whose days are in a notation that is named and not read."""
    text = written(PEOPLE, say=cells(dates=lambda day: letters(day.strftime(form))))
    return table(name, source, text, by_csv(), **NO_DAY, warns="column 'day' is not used: it holds dates")


DATABASES = [
    table(
        "COPY … CSV HEADER",
        "Postgres",
        written(PEOPLE, say=cells(bools=lambda value: "t" if value else "f")),
        kinds=KINDS | {"member": "text"},
    ),
    table("timestamps with time zone", "Postgres", written(PEOPLE, say=cells(dates=at_ten("+00")))),
    table(
        "COPY … (FORMAT text) with a header",
        "Postgres",
        gaps("\\N").replace(",", "\t"),
        by_pandas(sep="\t", quoting=3),
        file="t.txt",
    ),
    table("psql --csv", "Postgres", written(PEOPLE)),
    table("FORCE_QUOTE *", "Postgres", written(PEOPLE, quoting=1)),
    table("export of a query", "BigQuery", written(PEOPLE, say=cells(dates=at_ten(" UTC")))),
    table(
        "compressed export",
        "BigQuery",
        gzip.compress(written(PEOPLE).encode()),
        by_pandas(compression="gzip"),
        file="t000000000000.csv.gz",
    ),
    table("COPY INTO with \\N", "Snowflake", gaps("\\N")),
    table(
        "upper-case names",
        "Snowflake",
        written(PEOPLE, names=[name.upper() for name in KINDS]),
        kinds={name.upper(): kind for name, kind in KINDS.items()},
    ),
    table("timestamps with a zone after a space", "Snowflake", written(PEOPLE, say=cells(dates=at_ten(".000 -0800")))),
    table("results saved with NULL", "SQL Server", gaps("NULL")),
    table("results saved as UTF-16", "SQL Server", written(PEOPLE, end="\r\n").encode("utf-16"), by_csv("utf-16")),
    table("datetime with milliseconds", "SQL Server", written(PEOPLE, say=cells(dates=at_ten(".000")))),
    table(
        "bit columns",
        "SQL Server",
        written(PEOPLE, say=cells(bools=lambda value: str(int(value)))),
        kinds=KINDS | {"member": "number"},
    ),
    table(
        "SELECT … INTO OUTFILE",
        "MySQL",
        gaps("\\N").replace(",", "\t"),
        by_pandas(sep="\t", quoting=3),
        file="t.tsv",
    ),
    table("mysql --batch", "MySQL", gaps("NULL").replace(",", "\t"), by_pandas(sep="\t", quoting=3), file="t.tsv"),
    table(".mode csv", "SQLite", written(PEOPLE, end="\r\n")),
    table(
        "days as DD-MON-RR",
        "Oracle",
        written(PEOPLE, say=cells(dates=lambda day: day.strftime("%d-%b-%y").upper())),
        **NO_DAY,
        warns="dates that are not in ISO form",
    ),
    table("COPY TO", "DuckDB", written(PEOPLE)),
    table("write.csv with header", "Spark", written(PEOPLE, say=cells(dates=at_ten(".000Z", "T")))),
    table(
        "backslashes before quotes",
        "Spark",
        written(
            [row | {"city": f'the "old" {row["city"]}'} for row in PEOPLE],
            quoting=1,
            doublequote=False,
            escapechar="\\",
        ),
        by_csv(doublequote=False, escapechar="\\"),
    ),
    table("data loader export", "Salesforce", written(PEOPLE, quoting=1, say=cells(dates=at_ten(".000Z", "T")))),
    table(
        "text with backslashes",
        "Redshift",
        written([row | {"city": f"{row['city']}\\South"} for row in PEOPLE]),
        by_csv(),
    ),
]

STATISTICS = [
    table(
        "write.csv",
        "R",
        written([{"": str(at), **row} for at, row in enumerate(PEOPLE, 1)], say=cells(bools=upper), quoting=2),
        by_csv(),
        kinds=WITH_NUMBER,
        unused=("",),
    ),
    table("write.csv(row.names = FALSE)", "R", written(PEOPLE, say=cells(bools=upper), quoting=2)),
    table("write.csv with NA", "R", gaps("NA")),
    table(
        "write.csv2",
        "R",
        written(PEOPLE, say=cells(floats=comma, bools=upper), delimiter=";", quoting=2),
        by_csv(delimiter=";"),
        **NO_SIZE,
        warns="numbers with decimal commas",
    ),
    table(
        "write.table",
        "R",
        "size count city day member y\n"
        + "".join(f'"{at}" {line}\n' for at, line in enumerate(written(PEOPLE, delimiter=" ").splitlines()[1:], 1)),
        refused="line 2 has 7 values and the header names 6 columns",
    ),
    table(
        "write.table(sep = '\\t', row.names = FALSE)",
        "R",
        written(PEOPLE, delimiter="\t", quoting=2),
        by_csv(delimiter="\t"),
        file="t.txt",
    ),
    table("readr::write_csv", "R", written(PEOPLE, say=cells(bools=upper))),
    table("data.table::fwrite", "R", written(PEOPLE, say=cells(dates=at_ten("Z", "T"), bools=upper))),
    table("PROC EXPORT", "SAS", written(PEOPLE, end="\r\n")),
    _with_days("DATE9.", "SAS", "%d%b%Y", str.upper),
    _with_days("DATE7.", "SAS", "%d%b%y", str.upper),
    _with_days("DATETIME20.", "SAS", "%d%b%Y:12:00:00", str.upper),
    _with_days("%td", "Stata", "%d%b%Y", str.lower),
    _with_days("%tc", "Stata", "%d%b%Y 12:00:00", str.lower),
    _with_days("%tm", "Stata", "%Ym%-d", str.lower),
    table("a dot for a missing number", "SAS", gaps("."), **TEXT_SIZE, warns="'.' (18)"),
    table("save translate as CSV", "SPSS", written(PEOPLE, end="\r\n").encode("utf-8-sig"), by_csv("utf-8-sig")),
    table("CSV.write", "Julia", written(PEOPLE)),
    table("missing", "Julia", gaps("missing"), **TEXT_SIZE, warns="'missing' (18)"),
    table("writetable", "MATLAB", gaps("NaN")),
    table("to_csv of an ARFF", "Weka", written(PEOPLE, quotechar="'"), by_csv(quotechar="'")),
    table("CSV Writer", "KNIME", written(PEOPLE, quoting=2)),
]


TABLES = [*DATABASES, *STATISTICS]
