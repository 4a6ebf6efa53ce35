"""The names of columns: exact, and the same for tables of every format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.parquet_files import write_parquet

if TYPE_CHECKING:
    from pathlib import Path

    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage

ROWS = [(i % 7 + 0.5, i % 5 + 0.25, "ab"[i % 2], "yes" if i % 3 else "no") for i in range(60)]
SELECT = """
SELECT i % 7 + 0.5 AS "colA", i % 5 + 0.25 AS "colB", CASE i % 2 WHEN 0 THEN 'a' ELSE 'b' END AS "colC",
CASE i % 3 WHEN 0 THEN 'no' ELSE 'yes' END AS "colY" FROM range(60) r(i)
"""


def csv(*names: str) -> str:
    return ",".join(names) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in ROWS)


def jsonl(*names: str) -> str:
    return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in ROWS)


def names_of(stage: Stage, run: Run) -> list[str]:
    assert (run.state, run.reason) == ("QUEUED", None)
    return [column["name"] for column in stage.table(run)["profile"]]


def features(stage: Stage, run: Run) -> dict[str, Any]:
    return {column["name"]: column["kind"] for column in stage.table(run)["encoding"]["columns"]}


def test_names_that_differ_in_case_stay_apart_in_every_format(shared_stage: Stage, tmp_path: Path) -> None:
    names = ["cola", "colA", "COLA", "colY"]
    parquet = write_parquet(tmp_path / "t", SELECT, renamed={"colA": "cola", "colB": "colA", "colC": "COLA"})
    for file, body in (("t.csv", csv(*names)), ("t.jsonl", jsonl(*names)), ("t.parquet", parquet)):
        run = shared_stage.upload(file, body, f"case-{file.partition('.')[2]}")
        assert names_of(shared_stage, run) == names
        assert features(shared_stage, run) == {"cola": "number", "colA": "number", "COLA": "text"}


def test_names_that_are_equal_once_trimmed_and_composed_are_refused_in_every_format(
    shared_stage: Stage, tmp_path: Path
) -> None:
    parquet = write_parquet(tmp_path / "t", SELECT, renamed={"colA": "u   ", "colB": "   u"})
    twice = write_parquet(tmp_path / "u", SELECT, renamed={"colB": "colA"})
    for file, body, name in (
        ("t.csv", csv("é", "e\u0301", "c", "y"), "é"),
        ("u.csv", csv("u", " u ", "c", "y"), "u"),
        ("t.jsonl", jsonl("u", " u", "c", "y"), "u"),
        ("t.parquet", parquet, "u"),
        ("u.parquet", twice, "colA"),
    ):
        run = shared_stage.upload(file, body, f"twice-{file.replace('.', '-')}")
        assert run.state == "REJECTED"
        assert run.reason == f"the header has {name!r} more than once: give every column a different name"


@pytest.mark.parametrize("index", [["colA"], ["colA", {"kind": "range", "start": 0, "stop": 60, "step": 1}]])
def test_what_pandas_wrote_as_index_is_no_column(shared_stage: Stage, tmp_path: Path, index: list[object]) -> None:
    body = write_parquet(tmp_path / "t", SELECT, index=index)
    run = shared_stage.upload("t.parquet", body, f"index-{len(index)}")
    assert names_of(shared_stage, run) == ["colB", "colC", "colY"]
    told = "column 'colA' is not used: it is the row index that pandas wrote; name it in model.yaml to use it"
    assert run.warnings.count(told) == 1


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_an_index_without_a_name_is_not_the_target(shared_stage: Stage, tmp_path: Path, ending: str) -> None:
    select = f"SELECT *, row_number() OVER () * 3 AS __index_level_0__ FROM ({SELECT})"
    bodies: dict[str, str | bytes] = {
        "csv": "a,b,c,y,__index_level_0__\n" + "".join(f"{a},{b},{c},{y},{i}\n" for i, (a, b, c, y) in enumerate(ROWS)),
        "jsonl": "".join(
            json.dumps({"a": a, "b": b, "c": c, "y": y, "__index_level_0__": i}) + "\n"
            for i, (a, b, c, y) in enumerate(ROWS)
        ),
        "parquet": write_parquet(tmp_path / "t", select, index=["__index_level_0__"]),
    }
    run = shared_stage.upload(f"t.{ending}", bodies[ending], f"level-{ending}")
    assert names_of(shared_stage, run)[-1] in {"y", "colY"}
    assert shared_stage.table(run)["classes"] == ["no", "yes"]


def test_an_index_that_model_yaml_names_is_a_column(shared_stage: Stage, tmp_path: Path) -> None:
    select = f"SELECT *, DATE '2026-01-01' + (row_number() OVER ())::INTEGER AS day FROM ({SELECT})"
    shared_stage.spec("time_column: day\ntarget: colY\n", "timed")
    run = shared_stage.upload("t.parquet", write_parquet(tmp_path / "t", select, index=["day"]), "timed")
    assert names_of(shared_stage, run)[-1] == "day"
    assert shared_stage.table(run)["split"]["column"] == "day"


def test_nested_columns_keep_their_places(shared_stage: Stage, tmp_path: Path) -> None:
    select = f"SELECT {{a: 1, b: [{{c: 2}}]}} AS s, [[1, 2]] AS l, map([1], [2]) AS m, * FROM ({SELECT})"
    run = shared_stage.upload("t.parquet", write_parquet(tmp_path / "t", select), "nested")
    assert names_of(shared_stage, run) == ["s", "l", "m", "colA", "colB", "colC", "colY"]
    assert list(features(shared_stage, run)) == ["colA", "colB", "colC"]


def test_a_parquet_file_that_explodes_is_refused_before_it_is_read(shared_stage: Stage, tmp_path: Path) -> None:
    for place, text in enumerate(("repeat('a', 20000) || (i % 5)", "repeat('a', 20000) || i")):
        body = write_parquet(tmp_path / "t", f"SELECT {text} AS t, i % 3 AS y FROM range(8000) r(i)")
        run = shared_stage.upload("t.parquet", body, f"bomb-{place}")
        assert run.state == "REJECTED"
        assert "MiB when unpacked" in str(run.reason)


def test_metadata_that_is_not_pandas_is_no_harm(shared_stage: Stage, tmp_path: Path) -> None:
    body = write_parquet(tmp_path / "t", SELECT, index=["colA"], renamed={"index_columns": "other_columns"})
    assert names_of(shared_stage, shared_stage.upload("t.parquet", body, "other"))[0] == "colA"
