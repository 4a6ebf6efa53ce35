"""Several uploads for one model, and where their rows come to lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelloop.tables import split
from tests.support.sides import content, side

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage


def rows(start: int, stop: int) -> list[str]:
    return [f"{i},{'ab'[i % 2]},{'yes' if i % 3 else 'no'}\n" for i in range(start, stop)]


def test_overtaken_runs_are_superseded_and_started_ones_are_not(stage: Stage) -> None:
    first = stage.upload("t.csv", "x,kind,y\n" + "".join(rows(0, 60)))
    stage.registry.start_run("m", first.run_id, 60)
    second = stage.upload("t.csv", "x,kind,y\n" + "".join(rows(0, 70)))
    third = stage.upload("t.csv", "x,kind,y\n" + "".join(rows(0, 80)))
    states = {run.run_id: run.state for run in stage.registry.list_runs("m").items}
    assert states == {first.run_id: "RUNNING", second.run_id: "SUPERSEDED", third.run_id: "QUEUED"}
    assert stage.registry.get_run("m", second.run_id).reason == f"run {third.run_id} has newer data"


def test_rows_keep_their_side_when_the_table_grows_and_sql_agrees_with_python(stage: Stage) -> None:
    first = stage.upload("t.csv", "x,kind,y\n" + "".join(rows(0, 200)))
    grown = stage.upload("t.csv", "extra,kind,x,y\n" + "".join(
        f",{'ab'[i % 2]},{i},{'yes' if i % 3 else 'no'}\n" for i in range(260)))  # fmt: skip
    sides = stage.array(first, "membership.npy")
    np.testing.assert_array_equal(stage.array(grown, "membership.npy")[:200], sides)
    wanted = [
        side(split.share(split.salt("m"), content({"x": f"{float(i)}", "kind": "ab"[i % 2]})), 0.2) for i in range(200)
    ]
    assert sides.tolist() == wanted


def test_duplicates_stay_together_unless_rows_mostly_repeat(stage: Stage) -> None:
    twice = stage.upload("t.csv", "x,kind,y\n" + "".join(rows(0, 100) + rows(0, 50)))
    sides = stage.array(twice, "membership.npy")
    np.testing.assert_array_equal(sides[:50], sides[100:])
    assert stage.table(twice)["split"]["kind"] == "content"
    few = stage.upload("t.csv", "x,kind,y\n" + "".join(rows(0, 6) * 50))
    assert stage.table(few)["split"]["kind"] == "content and occurrence"
    assert set(stage.array(few, "membership.npy")) == {0, 1, 2}


def test_categories_are_those_of_the_training_part(stage: Stage) -> None:
    stage.spec("time_column: t\n")
    lines = (f"{i},{'new' if i >= 270 else 'ab'[i % 2]},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(300))
    run = stage.upload("t.csv", "t,kind,x,y\n" + "".join(lines))
    table = stage.table(run)
    assert table["encoding"]["columns"][0]["categories"] == ["a", "b"]
    assert (stage.array(run, "matrix.npy")[270:, 0] == 2).all()


def test_groups_stay_together(stage: Stage) -> None:
    stage.spec("group_column: g\n")
    table = "g,x,y\n" + "".join(f"g{i % 30},{i},{'yes' if i % 7 else 'no'}\n" for i in range(300))
    run = stage.upload("t.csv", table)
    sides = stage.array(run, "membership.npy").reshape(10, 30)
    assert (sides == sides[0]).all()
    groups = stage.array(run, "groups.npy").reshape(10, 30)
    assert (groups == groups[0]).all()
    assert len(np.unique(groups)) == 30, "the trainer's folds do not part groups either"
    assert [column["name"] for column in stage.table(run)["encoding"]["columns"]] == ["x"]


GROUPS = "group_column: g\n"
COARSE = "".join(f"{i % 5},{'ab'[i // 5 % 2]},g{i // 10 % 3},{'yes' if i % 7 else 'no'}\n" for i in range(399))
GROWN = "".join(f"{i},{'ab'[i % 2]},g{i % 40},{'yes' if i % 3 else 'no'}\n" for i in range(400))


@pytest.mark.parametrize("spec", ["", GROUPS])
def test_under_one_rule_no_row_changes_sides(stage: Stage, spec: str) -> None:
    stage.spec(spec)
    first = stage.upload("t.csv", "x,kind,g,y\n" + "".join(GROWN.splitlines(keepends=True)[:300]))
    grown = stage.upload("t.csv", "x,kind,g,y\n" + GROWN)
    assert stage.table(first)["split"]["rule"] == stage.table(grown)["split"]["rule"]
    np.testing.assert_array_equal(stage.array(grown, "membership.npy")[:300], stage.array(first, "membership.npy"))


@pytest.mark.parametrize(("before", "after", "table"), [
    ("", "holdout: 0.3\n", GROWN),
    ("", "ignore: [kind]\n", GROWN),
    ("", GROUPS, GROWN),
    (GROUPS, "group_column: x\n", GROWN),
    ("", "", GROWN + "many,a,g1,yes\n"),
    ("", "missing: [a]\n", GROWN),
    ("", "", COARSE),
    ("", "time_column: x\n", GROWN),
    ("time_column: x\n", "time_column: g\n", GROWN.replace(",g", ",")),
], ids=str)  # fmt: skip
def test_what_may_move_rows_changes_the_rule(stage: Stage, before: str, after: str, table: str) -> None:
    rules = []
    for spec, rows in ((before, GROWN if table.count("\n") != 400 else table), (after, table)):
        stage.spec(spec)
        rules.append(stage.table(stage.upload("t.csv", "x,kind,g,y\n" + rows))["split"]["rule"])
    assert rules[0] != rules[1]
