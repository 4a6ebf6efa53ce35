"""Text is bounded before it is normalised: a run of combining marks is refused with its place, not put in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage

LONG = "a" + "\u0300\u0316" * 16


def test_a_cell_with_a_long_run_of_marks_is_refused_with_its_row_and_column(stage: Stage) -> None:
    rows = "".join(f"{i},{LONG if i == 41 else 'abc'[i % 3]},{i % 2}\n" for i in range(100))
    run = stage.upload("t.csv", "x,kind,y\n" + rows)
    assert run.state == "REJECTED"
    assert run.reason is not None
    assert run.reason.startswith("row 42 of column 'kind' has more than 30 combining marks in a run, which is no text")


def test_thirty_marks_are_text(stage: Stage) -> None:
    mark = "a" + "\u0300\u0316" * 15
    rows = "".join(f"{i},{mark if i % 2 else 'b'},{i % 2}\n" for i in range(100))
    assert stage.upload("t.csv", "x,kind,y\n" + rows).state == "QUEUED"
