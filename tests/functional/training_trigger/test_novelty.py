"""How often a text column brings new values is learned from the training part's own order in time, and only from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage

ROWS = 1_000


def table(reverse: bool = False) -> str:
    """Rows of agents that come and go: each serves 40 rows, and one row in four is of an old house."""
    lines = [
        f"{1_700_000_000 + 3_600 * i},{'house' if i % 4 == 0 else f'agent {i // 40}'},{i % 9},{'ab'[i % 2]}"
        for i in range(ROWS)
    ]
    return "moment,agent,x,y\n" + "\n".join(reversed(lines) if reverse else lines) + "\n"


@pytest.mark.parametrize("reverse", [False, True])
def test_agents_that_come_and_go_are_new_in_the_later_half(stage: Stage, reverse: bool) -> None:
    stage.spec("time_column: moment\n")
    run = stage.upload("t.csv", table(reverse))
    assert (run.state, run.reason) == ("QUEUED", None)
    novelty = stage.table(run)["novelty"]
    assert list(novelty) == ["agent"]
    assert novelty["agent"]["rows"] == pytest.approx(320, abs=20)
    assert novelty["agent"]["new"] == pytest.approx(0.75 * novelty["agent"]["rows"], rel=0.1)
    (told,) = [warning for warning in run.warnings if "new values" in warning]
    assert "in 500 rows" in told


def test_without_a_time_column_the_order_of_rows_says_nothing(stage: Stage) -> None:
    stage.spec("ignore: [moment]\n")
    run = stage.upload("t.csv", table())
    assert (run.state, run.reason) == ("QUEUED", None)
    assert "novelty" not in stage.table(run)
    assert not any("new values" in warning for warning in run.warnings)


def test_columns_whose_values_all_came_early_have_none(stage: Stage) -> None:
    stage.spec("time_column: moment\n")
    lines = [f"{1_700_000_000 + 3_600 * i},{'kmnp'[i % 4]},{'ab'[i % 2]}" for i in range(ROWS)]
    run = stage.upload("t.csv", "moment,kind,y\n" + "\n".join(lines) + "\n")
    assert run.state == "QUEUED"
    assert "novelty" not in stage.table(run)
