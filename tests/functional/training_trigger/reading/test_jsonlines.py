"""JSON Lines: which key is the target when lines have different keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.intake_stage import Stage


def lines(document: Callable[[int, str], dict[str, Any]]) -> str:
    return "".join(json.dumps(document(i, "yes" if i % 3 else "no")) + "\n" for i in range(60))


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        (lines(lambda i, y: {"x": i, "y": y}), ""),
        (lines(lambda i, y: {"x": i, **({"late": i % 5} if i > 30 else {}), "y": y}), ""),
        (lines(lambda i, y: {"x": i, "y": y} if i % 10 else {"x": i, "y": y, "id": i}), "ignore: [id]\n"),
        (lines(lambda i, y: {"x": i, "y": y, "a\u0308": i} if i else {"x": i, "y": y}), "ignore: [ä]\n"),
        (lines(lambda i, y: {"x": i, "y": y} if i % 10 != 1 else {"x": i}), ""),
        (lines(lambda i, y: {"x": i, "y": y} if i else {"x": i, "y": y, "late": "b"}), "target: y\n"),
        ("{}\n" + lines(lambda i, y: {"x": i, "y": y}), ""),
    ],
)
def test_the_last_key_of_the_first_line_is_the_target(shared_stage: Stage, text: str, spec: str) -> None:
    model = f"m{abs(hash((text, spec)))}"
    if spec:
        shared_stage.spec(spec, model)
    run = shared_stage.upload("t.jsonl", text, model)
    assert (run.state, run.reason) == ("QUEUED", None)
    table = shared_stage.table(run)
    assert (table["target"], table["classes"]) == ("y", ["no", "yes"])
    assert table["profile"][-1]["name"] in {"y", "late"}


def test_nested_columns_are_known_by_their_cleaned_name(shared_stage: Stage) -> None:
    run = shared_stage.upload("t.jsonl", lines(lambda i, y: {"x": i, " n ": {"a": 1}, "y": y}), "nested")
    assert any("column 'n' is not used: it holds lists, objects" in warning for warning in run.warnings)


TABLE = {"x": {str(i): i / 4 for i in range(40)}, "y": {str(i): "ab"[i % 2] for i in range(40)}}
RECORDS = [{"x": i / 4, "y": "ab"[i % 2]} for i in range(40)]
ORIENTS = {
    "columns": TABLE,
    "index": {str(i): record for i, record in enumerate(RECORDS)},
    "split": {"columns": ["x", "y"], "index": list(range(40)), "data": [[r["x"], r["y"]] for r in RECORDS]},
    "tight": {"index": [0], "columns": ["x", "y"], "data": [[1, 2]], "index_names": [None], "column_names": [None]},
    "table": {"schema": {"fields": []}, "data": RECORDS},
    "list": {"x": [1, 2], "y": ["a", "b"]},
    "records": RECORDS,
    "values": [[r["x"], r["y"]] for r in RECORDS],
}


@pytest.mark.parametrize("orient", ORIENTS)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_whole_table_in_one_json_value_is_told_how_to_write_lines(
    shared_stage: Stage, orient: str, indent: int | None
) -> None:
    body = json.dumps(ORIENTS[orient], indent=indent)
    run = shared_stage.upload("t.json", body, f"orient-{orient}-{indent or 0}")
    assert run.state == "REJECTED"
    assert "df.to_json(file, orient='records', lines=True)" in str(run.reason)


def test_nan_is_missing_and_infinity_is_refused(shared_stage: Stage) -> None:
    text = lines(lambda i, y: {"x": float("nan") if i % 10 == 0 else i / 8, "y": y})
    run = shared_stage.upload("t.jsonl", text, "nan")
    assert (run.state, run.reason) == ("QUEUED", None)
    x = shared_stage.table(run)["profile"][0]
    assert (x["name"], x["kind"], x["missing"], x["max"]) == ("x", "number", 6, 59 / 8)
    run = shared_stage.upload("t.jsonl", text + '{"x": -Infinity, "z": NaN, "y": "no"}\n', "infinite")
    reason = "line 61: Infinity is not a number that JSON has: send null where a value is missing"
    assert (run.state, run.reason) == ("REJECTED", reason)
    run = shared_stage.upload("t.jsonl", text + "[" * 100_000 + "NaN\n", "deep")
    assert run.state == "REJECTED"
    assert str(run.reason).startswith("line 61 is not JSON")


def test_a_key_that_is_there_twice_is_refused(shared_stage: Stage) -> None:
    text = "".join(f'{{"x": {i}, "x": {i % 3}, "y": "{"ab"[i % 2]}"}}\n' for i in range(40))
    run = shared_stage.upload("t.jsonl", text, "keys")
    told = "line 1 has the key 'x' more than once: give every column a different name"
    assert (run.state, run.reason) == ("REJECTED", told)
