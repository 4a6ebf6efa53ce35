"""Requests in CSV, as programs write it."""

from __future__ import annotations

# ruff: noqa: E501  a request is easiest to read in one line
import gzip

from tests.support.requests.case import CSV, Case, read

HEADER, LINE = "mass,island,day,tagged", "1.5,Dream,2026-01-31,true"
TEXT = f"{HEADER}\n{LINE}\n"
ZURICH = f"{HEADER}\n1.5,Zürich,2026-01-31,true\n"
TSV = {"Content-Type": "text/tab-separated-values"}


def _by(delimiter: str) -> str:
    return TEXT.replace(",", delimiter)


CASES: tuple[Case, ...] = (
    read("curl", "--data-binary @table.csv", TEXT, CSV),
    read("curl", "table.csv.gz without a header", gzip.compress(TEXT.encode(), mtime=0), CSV),
    read("curl", "a gzip file of two members", gzip.compress(TEXT.encode()[:30]) + gzip.compress(TEXT.encode()[30:]), CSV),
    read("pandas", "to_csv(): an index without a name", f",{HEADER}\n0,{LINE}\n", CSV),
    read("pandas", "to_csv(sep=';')", _by(";"), CSV),
    read("pandas", "to_csv(sep='\\t')", _by("\t"), CSV),
    read("pandas", "to_csv(encoding='utf-8-sig')", TEXT.encode("utf-8-sig"), CSV),
    read("pandas", "to_csv(encoding='utf-16')", ZURICH.encode("utf-16"), CSV, island=["Zürich"]),
    read("pandas", "to_csv(quoting=QUOTE_ALL)", '"mass","island","day","tagged"\n"1.5","Dream","2026-01-31","True"\n', CSV),
    read("pandas", "True and False", TEXT.replace("true", "True"), CSV),
    read("pandas", "a missing number as nothing", f"{HEADER}\n,Dream,2026-01-31,true\n", CSV, mass=[None]),
    read("Excel", "CSV of a German installation", _by(";").replace("\n", "\r\n"), CSV),
    read("Excel", "CSV UTF-8 with a byte order mark", ("\ufeff" + _by(";")).replace("\n", "\r\n"), CSV),
    read("Excel", "CSV in Western text", ZURICH.encode("cp1252"), CSV, island=["Zürich"]),
    read("Excel", "Unicode text: UTF-16 and tabs", _by("\t").encode("utf-16"), CSV),
    read("Excel", "the line sep=;", "sep=;\r\n" + _by(";").replace("\n", "\r\n"), CSV),
    read("Excel", "TRUE in capitals", TEXT.replace("true", "TRUE"), CSV),
    read("Excel", "blank lines at the end", TEXT + "\r\n\r\n", CSV),
    read("Numbers", "semicolons and quotes", '"mass";"island";"day";"tagged"\n"1.5";"Dream";"2026-01-31";"true"\n', CSV),
    read("old Mac", "lines that end with a carriage return", TEXT.replace("\n", "\r"), CSV),
    read("R", "write.csv: row names and quotes", '"","mass","island","day","tagged"\n"1",1.5,"Dream","2026-01-31",TRUE\n', CSV),
    read("R", "write.csv: NA", f"{HEADER}\nNA,Dream,2026-01-31,TRUE\n", CSV, mass=[None]),
    read("R", "write.csv2 with quotes", _by(";").replace("Dream", '"Dream"'), CSV),
    read("R", "httr: charset=ISO-8859-1", ZURICH.encode("latin-1"), {"Content-Type": "text/csv; charset=ISO-8859-1"},
         island=["Zürich"]),
    read("Java", "charset=UTF-8 in quotes", ZURICH, {"Content-Type": 'text/csv; header=present; charset="UTF-8"'},
         island=["Zürich"]),
    read("Java", "charset=windows-1252", ZURICH.encode("cp1252"), {"Content-Type": "text/csv;charset=windows-1252"},
         island=["Zürich"]),
    read("Java", "application/csv", TEXT, {"Content-Type": "application/csv"}),
    read("Postgres", "COPY TO CSV: nothing where a value is missing", TEXT.replace("1.5", ""), CSV, mass=[None]),
    read("Postgres", "COPY with DELIMITER '|'", _by("|"), CSV),
    read("MySQL", "INTO OUTFILE: tabs", _by("\t"), TSV),
    read("MySQL", "text in single quotes", TEXT.replace("Dream", "'Dream'"), CSV),
    read("MySQL", "quotes escaped by a backslash", TEXT.replace("Dream", '"the \\"Dream\\""'), CSV, island=['the "Dream"'],
         unseen={"island": 1}),
    read("SQL Server", "bcp -w: UTF-16 without a byte order mark", _by("\t").encode("utf-16-le"), CSV),
    read("SQL Server", "sqlcmd: colons", _by(":"), CSV),
    read("SAS", "PROC EXPORT: spaces beside quotes", TEXT.replace("Dream", ' "Dream" '), CSV),
    read("Snowflake", "COPY INTO: everything quoted, null as NULL text", TEXT.replace("1.5", '"null"'), CSV, mass=[None]),
    read("BigQuery", "export: DATE and booleans", TEXT, CSV),
    read("DuckDB", "COPY: a line break inside quotes", TEXT.replace("Dream", '"Dream\nland"'), CSV, island=["Dream\nland"],
         unseen={"island": 1}),
    read("DuckDB", "the columns in another order, and one more", "tagged,extra,day,island,mass\ntrue,x,2026-01-31,Dream,1.5\n",
         CSV),
    read("awk", "columns apart by spaces", _by(" "), CSV),
    read("a person", "spaces behind commas", TEXT.replace(",", ", "), CSV),
    read("a person", "the table that trained, its target included", f"{HEADER},species\n{LINE},Adelie\n", CSV),
    read("a person", "two rows", f"{TEXT}-3,Biscoe,2026-01-31,true\n", CSV, mass=[1.5, -3.0], island=["Dream", "Biscoe"]),
)  # fmt: skip
