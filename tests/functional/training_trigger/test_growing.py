"""Numbers that grow with the rows are found, told with the key that overrides, and not taken for measured features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage

ROWS = 200
COLUMNS = {
    "epoch": [str(1_790_000_000 + 61 * i) for i in range(ROWS)],
    "sorted_feature": [f"{i * 0.25 + 0.1:.2f}" for i in range(ROWS)],
    "shuffled": [str(10_000 + i * 7919 % 100_003) for i in range(ROWS)],
}


@pytest.mark.parametrize(("spec", "found"), [("", ["epoch"]), ("watch: [epoch]\n", [])])
def test_epoch_seconds_grow_and_a_sorted_feature_does_not(stage: Stage, spec: str, found: list[str]) -> None:
    stage.spec(spec)
    rows = zip(*COLUMNS.values(), ["ab"[i % 2] for i in range(ROWS)], strict=True)
    run = stage.upload("t.csv", ",".join([*COLUMNS, "y"]) + "\n" + "\n".join(map(",".join, rows)) + "\n")
    assert (run.state, run.reason) == ("QUEUED", None)
    assert stage.table(run).get("growing", []) == found
    told = [warning for warning in run.warnings if "grows with the rows" in warning]
    assert ["`watch: [epoch]`" in warning for warning in told] == [True] * len(found)


def test_with_a_time_column_numbers_grow_with_it_in_any_order_of_the_rows(stage: Stage) -> None:
    stage.spec("time_column: day\n")
    lines = [
        f"2026-{i // 28 % 12 + 1:02d}-{i % 28 + 1:02d},{i * 0.5 + 0.1:.2f},{i % 9},{'ab'[i % 2]}" for i in range(ROWS)
    ]
    run = stage.upload("t.csv", "day,meter,x,y\n" + "\n".join(reversed(lines)) + "\n")
    assert (run.state, run.reason) == ("QUEUED", None)
    assert stage.table(run)["growing"] == ["meter"]
