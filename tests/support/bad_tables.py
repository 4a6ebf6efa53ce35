"""The corpus of tables that must be refused: file name, bytes, and what the reason must say. Made byte by byte here."""

from __future__ import annotations

import gzip
import json
import random
from typing import NamedTuple

ROWS = [f"{i * 0.5},{'ab'[i % 2]},{'yes' if i % 3 else 'no'}\n" for i in range(60)]
GOOD = "x,kind,y\n" + "".join(ROWS)
LINES = "".join(json.dumps({"x": i * 0.5, "y": "yes" if i % 3 else "no"}) + "\n" for i in range(60))


class Case(NamedTuple):
    """One upload that is refused; `spec` is the model.yaml beside it."""

    name: str
    file: str
    body: bytes
    says: str
    spec: str = ""


def _case(name: str, body: str | bytes, says: str, *, file: str = "t.csv", spec: str = "") -> Case:
    return Case(name, file, body if isinstance(body, bytes) else body.encode(), says, spec)


def _with_line(number: int, line: str) -> str:
    return "x,kind,y\n" + "".join([*ROWS[: number - 2], line, *ROWS[number - 2 :]])


def _target(cell: object) -> str:
    return "x,y\n" + "".join(f"{i % 7},{cell(i)}\n" for i in range(60))  # type: ignore[operator]


def _bomb() -> bytes:
    packed = gzip.compress(b"x,y\n" + b"1,2\n" * 1_000_000, 9)
    return packed + gzip.compress(b"1,2\n" * 4_000_000, 9) * 10


CASES = [
    _case("empty", "", "the file is empty: upload a table with a header line and at least 30 rows"),
    _case("blank", "\n \n\t\n", "the file is empty"),
    _case("header only", "a,b,c\n", "column names but no rows"),
    _case("header only with a byte order mark", "\ufeffa,b,c\r\n", "column names but no rows"),
    _case("ragged: too many", _with_line(17, "1,a,yes,no\n"), "line 17 has 4 values and the header names 3 columns"),
    _case("ragged: too few", _with_line(17, "1,a\n"), "line 17 has 2 values and the header names 3 columns"),
    _case("ragged: one", _with_line(40, "total\n"), "line 40 has 1 value and the header names 3 columns"),
    _case("quote never closed", _with_line(30, '1,"a,yes\n'), "line 30: a quote is opened and never closed"),
    _case("text after a quote", _with_line(30, '1,"a"b,yes\n'), "line 30: text follows a closing quote"),
    _case("repeated name", GOOD.replace("x,kind", "x,x", 1), "the header has 'x' more than once"),
    _case("names equal once trimmed", GOOD.replace("x,kind", "x, x ", 1), "the header has 'x' more than once"),
    _case("title", "Customer report\n\n" + GOOD, "line 3 looks like the header ('x', 'kind', 'y'): remove the lines"),
    _case("title in a sheet", "Report 2026,,\n,,\n" + GOOD, "line 3 looks like the header ('x', 'kind', 'y')"),
    _case("title with a comma", "sep=,\nReport, 2026\n" + GOOD, "line 3 looks like the header"),
    _case("comments", "# by a tool\n# 2026\n" + GOOD, "line 3 looks like the header"),
    _case("header of a column too few", GOOD.replace("x,kind,y", "kind,y", 1), "line 2 has 3 values and the header"),
    _case(
        "header of a column too few above texts",
        "kind,y\n" + "".join(f"{'ab'[i % 2]},c,{'yes' if i % 3 else 'no'}\n" for i in range(60)),
        "line 2 has 3 values and the header names 2",
    ),
    _case("JSON Lines named CSV", LINES, "holds JSON Lines: give it a name that ends in .jsonl"),
    _case("JSON list named CSV", json.dumps([{"x": 1, "y": 2}] * 40), "the file is one JSON list"),
    _case("web page", "\n<!DOCTYPE html>\n<p>1,2\n", "the file is HTML or XML, not a table (it begins with '<!DO"),
    _case("answer of a store", "<Error><Code>NoSuchKey</Code></Error>", "the file is HTML or XML"),
    _case("quote opened after a space", _with_line(30, '1, "a,yes\n'), "line 30: a quote is opened and never closed"),
    _case(
        "two rows in quotes opened after a space",
        GOOD.replace("\n5.0,a,yes\n5.5,b,yes", '\n5.0,a, "yes\n5.5,b, "yes', 1),
        "line 12: text follows a closing quote",
    ),
    _case("one column", "y\n" + "yes\nno\n" * 40, "the table has one column"),
    _case(
        "ten thousand columns",
        ",".join(f"c{i}" for i in range(10_000)) + "\n" + (",".join("1" * 10_000) + "\n") * 40,
        "the table has 10,000 columns",
    ),
    _case("too few rows", "x,kind,y\n" + "".join(ROWS[:20]), "the table has 20 labelled rows; at least 30"),
    _case("binary garbage", random.Random(1).randbytes(5_000), "the file is not text"),
    _case("text with NUL", GOOD.replace("a", "\0", 1), "the file is not text"),
    _case("damaged gzip", gzip.compress(GOOD.encode())[:-12], "the gzip file is damaged", file="t.csv.gz"),
    _case("gzip of garbage", b"\x1f\x8b" + b"\x07" * 200, "the gzip file is damaged", file="t.csv.gz"),
    _case("gzip bomb", _bomb(), "MiB when unpacked", file="t.csv.gz"),
    _case("empty gzip", gzip.compress(b""), "the file is empty", file="t.csv.gz"),
    _case("Excel workbook", b"PK\x03\x04" + b"\0" * 100, "zip archive or an Excel workbook", file="t.xlsx"),
    _case("Excel workbook named CSV", b"PK\x03\x04" + b"\0" * 100, "zip archive or an Excel workbook"),
    _case("pickle", b"\x80\x04\x95" + b"\0" * 100, "a Python pickle, which is never opened"),
    _case("unknown ending", GOOD, "has an unknown ending", file="t.doc"),
    _case("no ending", GOOD, "has an unknown ending", file="table"),
    _case("damaged Parquet", b"PAR1" + b"\x15\x04" * 50 + b"PAR1", "the Parquet file is damaged", file="t.parquet"),
    _case("truncated Parquet", b"PAR1", "the Parquet file is damaged", file="t.parquet"),
    _case(
        "wrong encoding", GOOD.replace("kind", "вид").encode("cp1251"), "line 1 holds bytes that are not UTF-8, and t"
    ),
    _case(
        "damaged UTF-8", GOOD.replace("yes", "é").encode().replace(b"\xc3\xa9", b"\xc3", 1), "line 3 holds bytes that"
    ),
    _case("half UTF-16", "x,y\n1,2\n".encode("utf-16")[:-1], "is not utf-16 text"),
    _case(
        "JSON Lines: broken line", LINES.replace('{"x": 10.0', '{"x": 10.0.0', 1), "line 21 is not JSON", file="t.jsonl"
    ),
    _case("JSON Lines: a list", LINES + "[1, 2]\n", "line 61 is not an object", file="t.jsonl"),
    _case("JSON Lines: not a number", LINES + '{"x": Infinity, "y": "no"}\n', "line 61 is not JSON", file="t.jsonl"),
    _case("JSON document", '[\n{"x": 1, "y": 2}\n]\n', "the file is one JSON list: write JSON Lines", file="t.json"),
    _case(
        "JSON Lines: a late key",
        LINES + '{"x": 3, "y": "no", "note": "late"}\n',
        "in the first line the last key is 'y', but line 61 also has 'note'; name the `target`",
        file="t.jsonl",
    ),
    _case(
        "JSON Lines: the first line has no label",
        '{"x": 1}\n' + LINES,
        "in the first line the last key is 'x', but line 2 also has 'y'",
        file="t.jsonl",
    ),
    _case(
        "JSON Lines: another key in its place",
        LINES + '{"x": 3, "label": "no"}\n',
        "in the first line the last key is 'y', but line 61 also has 'label'",
        file="t.jsonl",
    ),
    _case(
        "all columns ignored", GOOD, "model.yaml line 2: `ignore` lists every column", spec="\nignore: [x, kind, y]\n"
    ),
    _case("no column has a name", ",,\n" + "".join(ROWS), "no column has a name"),
    _case("last column has no name", GOOD.replace("kind,y", "kind,", 1), "the last column has values and no name"),
    _case("last column is unnamed", GOOD.replace(",y\n", ",Unnamed: 2\n", 1), "the last column has values and no name"),
    _case("a separator too many here and there", GOOD.replace("a,yes\n", "a,yes,\n"), "line 4 has 4 values and the h"),
    _case("an empty cell too many", GOOD.replace("4.5,b,no", '4.5,b,no,,""'), "line 11 has 5 values and the header n"),
    _case("target without values", _target(lambda _: "NA"), "target 'y' has no values"),
    _case(
        "target of objects",
        "".join(json.dumps({"x": i, "y": {"k": i % 2}}) + "\n" for i in range(60)),
        "target 'y' holds lists, objects or bytes: give the part to predict",
        file="t.jsonl",
    ),
    _case(
        "rare whole class",
        _target(lambda i: 7 if i < 4 else i % 2),
        "have fewer than 10 rows: 7 (4); add rows",
        spec="task: classification\n",
    ),
    _case("target always the same", _target(lambda _: "no"), "has the same value in every row ('no')"),
    _case("target is an identifier", _target(lambda i: f"user-{i}"), "looks like an identifier or free text"),
    _case("target counts rows", _target(lambda i: i + 1), "looks like a row number or identifier (the last column"),
    _case("target is a date", _target(lambda i: f"2026-01-{i % 28 + 1:02d}"), "holds dates"),
    _case("target is absent", GOOD, "line 1: `target` names column 'price'", spec="target: price\n"),
    _case(
        "rare class",
        _target(lambda i: "c" if i < 4 else "ab"[i % 2]),
        "1 of 3 classes of 'y' have fewer than 10 rows: 'c' (4)",
    ),
    _case(
        "too many classes",
        "x,y\n" + "".join(f"{i % 7},label{i % 150}\n" for i in range(3_000)),
        "has 150 classes, more than the 100 that are supported: merge labels",
    ),
    _case(
        "one class is left",
        _target(lambda i: "c" if i < 4 else "a"),
        "fewer than two classes",
        spec="rare_classes: drop\n",
    ),
    _case(
        "nothing to learn from",
        "a,b,y\n" + "".join(f"1,,{'yes' if i % 3 else 'no'}\n" for i in range(60)),
        "no column is left",
    ),
    _case("beyond 32 bits", GOOD.replace("\n5.0,", "\n1e39,", 1), "beyond the range of a 32-bit float"),
    _case("ignored column is absent", GOOD, "`ignore` names column 'z'", spec="ignore: [z]\n"),
    _case("unknown key", GOOD, "line 2: unknown key `modle`", spec="target: y\nmodle: x\n"),
    _case("foreign code", GOOD, "'subprocess.Popen' is neither", spec="estimators: [subprocess.Popen]\n"),
    _case("regression on text", GOOD, "regression needs numbers", spec="task: regression\n"),
    _case("time column of text", GOOD, "must hold ISO dates or numbers", spec="time_column: kind\n"),
    _case("one group", GOOD.replace(",b,", ",a,"), "would be empty", spec="group_column: kind\n"),
    _case(
        "a metric of numbers for labels",
        GOOD,
        "model.yaml line 1: pinball_0.9 is not a metric of classification",
        spec="metric: pinball_0.9\n",
    ),
    _case(
        "a metric of labels for numbers",
        _target(lambda i: i * 0.37),
        "f1 is not a metric of regression",
        spec="metric: f1\n",
    ),
    _case("an imported model's key", GOOD, "line 1: `classes` has no effect", spec='classes: ["yes", "no"]\n'),
    _case(
        "a regressor for labels",
        GOOD,
        "line 1: sklearn.linear_model.Ridge is not an estimator for classification",
        spec="estimators: [sklearn.linear_model.Ridge]\n",
    ),
    _case(
        "a threshold between three",
        _target(lambda i: "abc"[i % 3]),
        "the target has 3 classes",
        spec="threshold: 0.3\n",
    ),
]
