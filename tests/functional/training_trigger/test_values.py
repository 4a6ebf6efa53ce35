"""Columns that are nearly of a kind are told; categories are met by their value; large whole numbers are not merged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson

from modelloop.tables.encoding import encoding_from_json

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage

ROWS = 300


def test_a_nearly_boolean_column_is_told_and_its_categories_meet_values(stage: Stage) -> None:
    def cell(i: int) -> str:
        return "?" if i % 10 == 0 else "False" if i == 7 else ("TRUE", "FALSE")[i % 2]

    rows = "".join(f"{i % 9}.5,{cell(i)},{('1', '2.0', 'n')[i % 3]},{i % 2}\n" for i in range(ROWS))
    run = stage.upload("t.csv", "x,active,size,y\n" + rows)
    assert any(
        "column 'active' was read as text: 30 of 300 values are not true or false: '?' (30)" in told
        for told in run.warnings
    )
    encoding = encoding_from_json(stage.table(run)["encoding"])
    cells: dict[str, list[object]] = {
        "x": [1.5] * 5,
        "active": [True, "true", "TRUE", "FALSE", "maybe"],
        "size": [1, 1.0, "1.0", 2, 3],
    }
    table = encoding.read(5, cells)
    by_name = {slot.name: place for place, slot in enumerate(encoding.slots)}
    active = [row[by_name["active"]] for row in table.vectors]
    size = [row[by_name["size"]] for row in table.vectors]
    assert active[0] == active[1] == active[2] != active[3]
    assert size[0] == size[1] == size[2] != size[3] != size[4]
    assert table.unseen == {"active": 1, "size": 1}
    assert table.values["active"][:4] == ["TRUE", "TRUE", "TRUE", "FALSE"], "captures are counted under the category"
    matrix = stage.array(run, "matrix.npy")
    assert matrix[7, by_name["active"]] == active[3], "the rare spelling has the code of its value in training too"
    parsed = [line.split(",") for line in rows.splitlines()]
    again = encoding.read(ROWS, {name: [row[k] for row in parsed] for k, name in enumerate(("x", "active", "size"))})
    assert [list(row) for row in matrix] == again.vectors


def test_whole_numbers_beyond_floats_are_classes_and_categories_of_their_own(stage: Stage) -> None:
    ids = ("9007199254740992", "9007199254740993", "5")
    rows = "".join(f"{i % 9}.5,{10**25 + i % 2},{i},{ids[i % 3]}\n" for i in range(ROWS))
    run = stage.upload("t.csv", "x,code,t,y\n" + rows)
    assert (run.state, run.reason) == ("QUEUED", None)
    document = stage.table(run)
    assert document["classes"] == ["5", "9007199254740992", "9007199254740993"]
    kinds = {column["name"]: column["kind"] for column in document["encoding"]["columns"]}
    assert (kinds["code"], kinds["t"]) == ("text", "number")
    assert any("different whole numbers beyond 9,007,199,254,740,992" in warning for warning in run.warnings)


def test_whole_numbers_beyond_64_bits_in_json_are_never_merged(stage: Stage) -> None:
    codes = (10**25, 10**25 + 1)
    rows = "".join(json.dumps({"x": i % 9 + 0.5, "code": codes[i // 2 % 2], "y": i % 2}) + "\n" for i in range(ROWS))
    document = stage.table(stage.upload("t.jsonl", rows))
    (code,) = [column for column in document["encoding"]["columns"] if column["name"] == "code"]
    assert (code["kind"], code["categories"]) == ("text", [str(number) for number in codes])
    sent = orjson.loads(json.dumps([*codes, *map(str, codes)]))
    asked = encoding_from_json(document["encoding"]).read(4, {"x": [1.5] * 4, "code": sent})
    assert asked.unseen == {"code": 2}, "the parser of requests makes one float of them, which is neither"
    assert asked.values["code"][2:] == [str(number) for number in codes]


def test_large_numbers_that_floats_tell_apart_stay_numbers(stage: Stage) -> None:
    rows = "".join(f"{1_700_000_000_000_000_000 + i * 1_000_000},{i % 9}.5,{i % 2}\n" for i in range(ROWS))
    document = stage.table(stage.upload("t.csv", "at,x,y\n" + rows))
    assert {column["name"]: column["kind"] for column in document["encoding"]["columns"]}["at"] == "number"
