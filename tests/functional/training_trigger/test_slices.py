from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from modelloop import keys
from modelloop.aws.storage import Bucket

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage

HEAD = "x,city,level,income,born,member,y\n"
CITIES = ["Oslo"] * 60 + ["Bonn"] * 30 + ["Rome"] * 3 + [""] * 7


def line(place: int) -> str:
    born = f"19{50 + place // 2:02d}-01-01"
    member = ("true", "false", "")[place % 3]
    return (
        f"{place * 0.5},{CITIES[place]},{1 + place % 2}.0,{place * 10},{born},{member},{'yes' if place % 3 else 'no'}\n"
    )


def upload(stage: Stage, spec: str) -> tuple[Run, dict[str, Any]]:
    stage.spec(spec)
    run = stage.upload("t.csv", HEAD + "".join(map(line, range(100))))
    assert run.state == "QUEUED", run.reason
    return run, stage.table(run)


def counted(stage: Stage, run: Run, table: dict[str, Any]) -> dict[str, dict[str, int]]:
    codes = stage.array(run, "slices.npy")
    assert (str(codes.dtype), codes.shape) == ("int16", (100, len(table["slices"])))
    return {
        one["name"]: dict(Counter("missing" if code < 0 else one["labels"][code] for code in codes[:, place].tolist()))
        for place, one in enumerate(table["slices"])
    }


def test_protected_columns_that_are_no_features_are_cut_into_slices(stage: Stage) -> None:
    names = "city, level, income, born, member"
    run, table = upload(stage, f"target: y\nfeatures: [x]\nprotected: [{names}]\n")
    assert [column["name"] for column in table["encoding"]["columns"]] == ["x"]
    assert counted(stage, run, table) == {
        "city": {"Oslo": 60, "Bonn": 30, "rare": 3, "missing": 7},
        "level": {"1": 50, "2": 50},
        "income": {"up to 240": 25, "240 to 490": 25, "490 to 740": 25, "above 740": 25},
        "born": {
            "up to 1962-01-01": 26, "1962-01-01 to 1974-01-01": 24, "1974-01-01 to 1987-01-01": 26,
            "above 1987-01-01": 24,
        },
        "member": {"true": 34, "false": 33, "missing": 33},
    }  # fmt: skip


def test_each_row_keeps_its_own_slice(stage: Stage) -> None:
    run, table = upload(stage, "target: y\nfeatures: [x]\nprotected: [city]\n")
    labels = table["slices"][0]["labels"]
    codes, rows = stage.array(run, "slices.npy")[:, 0].tolist(), (stage.array(run, "matrix.npy")[:, 0] * 2).tolist()
    for code, row in zip(codes, rows, strict=True):
        wanted = CITIES[int(row)] or None
        assert (labels[code] if code >= 0 else None) == ("rare" if wanted == "Rome" else wanted)


@pytest.mark.parametrize("spec", ["protected: [city]\n", "features: [x]\nprotected: [city]\nmask: [city]\n", ""])
def test_features_and_masked_columns_are_not_written_again(stage: Stage, spec: str) -> None:
    run, table = upload(stage, f"target: y\n{spec}")
    assert table["slices"] == []
    assert "slices.npy" not in table["files"]
    assert Bucket("test-artifacts").head(keys.prepared("m", run.run_id, "slices.npy")) is None


def test_values_of_fewer_than_ten_rows_are_never_named(stage: Stage) -> None:
    stage.spec("target: y\nfeatures: [x]\nprotected: [name]\n")
    run = stage.upload("n.csv", "x,name,y\n" + "".join(f"{i},person {i % 50},{i % 2}\n" for i in range(100)))
    assert stage.table(run)["slices"] == [{"name": "name", "labels": ["rare"]}]
    assert set(stage.array(run, "slices.npy")[:, 0].tolist()) == {0}
