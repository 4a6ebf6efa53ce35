"""Requests to the invocations route in JSON, as clients write them."""

from __future__ import annotations

# ruff: noqa: E501  a request is easiest to read in one line
import gzip
import json

from tests.support.requests.case import JSON, ROW, Case, read, records, row

NAMES, VALUES = list(ROW), list(ROW.values())
TEXT = json.dumps(records())


def _with(**changes: str) -> str:
    """The usual row as JSON text with raw tokens in place of values."""
    parts = [f'"{name}": {changes.get(name, json.dumps(value))}' for name, value in ROW.items()]
    return '{"dataframe_records": [{' + ", ".join(parts) + "}]}"


CASES: tuple[Case, ...] = (
    read("requests", "json= with records", records()),
    read("requests", "data= without a content type", records(), {}),
    read("requests", "several rows", records(row(), row(mass=-3, island="Biscoe")), mass=[1.5, -3.0],
         island=["Dream", "Biscoe"]),
    read("curl", "--data with its form content type set to JSON", TEXT, {"content-type": "application/json;charset=utf-8"}),
    read("curl", "--data-binary @file with a byte order mark", b"\xef\xbb\xbf" + TEXT.encode()),
    read("curl", "--data-binary @rows.json.gz and no header", gzip.compress(TEXT.encode(), mtime=0)),
    read("curl", "--data-binary @rows.json.gz with Content-Encoding", gzip.compress(TEXT.encode(), mtime=0),
         JSON | {"Content-Encoding": "gzip"}),
    read("pandas", "to_dict('records')", records()),
    read("pandas", "to_dict('split')", {"dataframe_split": {"index": [0], "columns": NAMES, "data": [VALUES]}}),
    read("pandas", "to_dict('list')", {"inputs": {name: [value] for name, value in ROW.items()}}),
    read("pandas", "values.tolist()", {"instances": [[*VALUES, None]]}),
    read("pandas", "json.dumps of NaN", _with(mass="NaN"), mass=[None]),
    read("pandas", "json.dumps of NaN beside a text with NaN in it", _with(mass="NaN", island='"NaN, NaN"'),
         mass=[None], island=["NaN, NaN"], unseen={"island": 1}),
    read("pandas", "a missing number as null", _with(mass="null"), mass=[None]),
    read("pandas", "an index column that came along", records(row(index=0))),
    read("pandas", "the target that came along", records(row(species="Adelie"))),
    read("pandas", "Timestamp.isoformat()", _with(day='"2026-01-31T00:00:00"')),
    read("pandas", "str(Timestamp)", _with(day='"2026-01-31 00:00:00"')),
    read("numpy", "numbers with a NaN in instances", '{"instances": [[NaN, "Dream", "2026-01-31", true, NaN]]}', mass=[None]),
    read("MLflow", "params that are null", records(params=None)),
    read("MLflow", "instances of objects", {"instances": [ROW]}),
    read("MLflow", "inputs of rows", {"inputs": [[*VALUES, None]]}),
    read("MLflow", "its own content type", records(), {"Content-Type": "application/vnd.mlflow.v1+json"}),
    read("MLflow", "params with predict_method", records(params={"predict_method": "predict"})),
    read("MLflow", "a field of its own that means nothing here", records(client_request_id="7")),
    read("R", "jsonlite without auto_unbox: columns of length one", {"inputs": {name: [value] for name, value in ROW.items()}}),
    read("R", "NA as the text NA", _with(mass='"NA"'), mass=[None]),
    read("R", "TRUE as text", _with(tagged='"TRUE"')),
    read("Java", "Jackson: numbers as 1.5E0", _with(mass="1.5E0")),
    read("Java", "BigDecimal as text", _with(mass='"1.50"')),
    read("Java", "non-ASCII letters escaped", _with(island='"Z\\u00fcrich"'), island=["Zürich"]),
    read("JavaScript", "JSON.stringify of undefined: the column is left out where it is optional", records()),
    read("JavaScript", "JSON.stringify(NaN): null", _with(mass="null"), mass=[None]),
    read("JavaScript", "Date.toJSON()", _with(day='"2026-01-31T00:00:00.000Z"')),
    read("Go", "encoding/json: HTML signs escaped", _with(island='"\\u003cDream\\u003e"'), island=["<Dream>"],
         unseen={"island": 1}),
    read("C#", "System.Text.Json with an explicit offset", _with(day='"2026-01-31T01:00:00+01:00"')),
    read("PowerShell", "ConvertTo-Json with wide spacing", json.dumps(records(), indent=4).replace("\n", "\r\n")),
    read("Postgres", "row_to_json: numeric as a number, timestamp with T", _with(day='"2026-01-31T10:20:30"')),
    read("Postgres", "json_agg: all rows in one body", records(row(), row(tagged=False)), tagged=[True, False]),
    read("BigQuery", "numbers and booleans as text", _with(mass='"1.5"', tagged='"true"')),
    read("BigQuery", "TIMESTAMP with a space and UTC offset", _with(day='"2026-01-31 10:00:00+00:00"')),
    read("Excel", "Power Query: spaces around text", _with(island='" Dream "')),
    read("a form", "empty text where a value is missing", _with(mass='""', island='""'), mass=[None], island=[None]),
    read("a form", "a place that nobody learned", _with(island='"Atlantis"'), island=["Atlantis"], unseen={"island": 1}),
    read("a form", "an optional column", records(row(weight=2)), weight=[2.0]),
)  # fmt: skip
