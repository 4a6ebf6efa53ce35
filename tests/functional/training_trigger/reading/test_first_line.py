"""A first line that is data: read as names, because it may be, and told to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage


def rows(width: int) -> str:
    return "".join(",".join(str((i * (place + 3)) % 97 + 0.5) for place in range(width)) + "\n" for i in range(90))


@pytest.mark.parametrize(
    ("line", "names", "shown"),
    [
        ("0.001,-1.247,3", ["0.001", "-1.247", "3"], "0.001, -1.247, 3"),
        ("2026-01-31,0.5,1.5e-3", ["2026-01-31", "0.5", "1.5e-3"], "2026-01-31, 0.5, 1.5e-3"),
        ("0,1,0", ["0", "1", "0 (2)"], "0, 1, 0"),
        ("7,7,7,2026-01-01,8", ["7", "7 (2)", "7 (3)", "2026-01-01", "8"], "7, 7, 7, 2026-01-01, …"),
    ],
)
def test_a_first_line_of_data_is_told_and_never_refused(
    shared_stage: Stage, line: str, names: list[str], shown: str
) -> None:
    run = shared_stage.upload("t.csv", f"{line}\n{rows(len(names))}", f"data-{len(shown)}-{len(names)}")
    assert (run.state, run.reason) == ("QUEUED", None)
    table = shared_stage.table(run)
    assert [column["name"] for column in table["profile"]] == names
    assert table["first_line"] == shown
    assert f"the first line looks like data, not names ({shown}): start the file with a header line" in run.warnings


@pytest.mark.parametrize(
    "line", ["2018,2019,2020", "2026-01-01,2026-02-01,2026-03-01", "1.5,2,3", "0.001,-1.247,y", "0.5,1.5,", "a,0.5,1.5"]
)
def test_a_header_of_years_or_dates_or_names_is_a_header(shared_stage: Stage, line: str) -> None:
    shared_stage.spec(f"target: '{line.split(',', maxsplit=1)[0]}'\n", model := f"names-{abs(hash(line))}")
    run = shared_stage.upload("t.csv", f"{line}\n{rows(3)}", model)
    assert (run.state, run.reason) == ("QUEUED", None)
    assert "first_line" not in shared_stage.table(run)
    assert not [warning for warning in run.warnings if "first line" in warning]


def test_a_name_that_is_there_twice_is_still_refused(shared_stage: Stage) -> None:
    run = shared_stage.upload("t.csv", f"a,a,1\n{rows(3)}", "twice")
    assert run.reason == "the header has 'a' more than once: give every column a different name"
