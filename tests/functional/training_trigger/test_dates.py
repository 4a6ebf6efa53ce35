"""Dates become days and calendar parts, the same in the matrix of a table and in a request."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from modelloop.tables.encoding import encoding_from_json

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage

ROWS = 900


def upload(stage: Stage, first: date, days: int, clock: str = "") -> tuple[dict[str, object], list[str], np.ndarray]:
    """Upload a table whose rows are spread over some days; return its date column, the dates and the matrix."""
    step = days / (ROWS - 1)
    dates = [f"{first + timedelta(days=int(i * step))}{clock}" if i % 50 else "" for i in range(ROWS)]
    run = stage.upload("t.csv", "day,x,y\n" + "".join(f"{day},{i % 7}.5,{i % 2}\n" for i, day in enumerate(dates)))
    document = stage.table(run)["encoding"]
    encoding = encoding_from_json(document)
    served = encoding.read(ROWS, {"day": dates, "x": [f"{i % 7}.5" for i in range(ROWS)]})
    matrix = stage.array(run, "matrix.npy")
    np.testing.assert_array_equal(matrix, np.array(served.vectors, np.float32))
    return document["columns"][0], dates, matrix


def test_over_a_year_and_more_the_day_of_the_year_is_encoded_as_serving_does(stage: Stage) -> None:
    column, dates, matrix = upload(stage, date(2023, 6, 1), 900, "T23:30:00-02:00")
    assert (column["day_of_year"], column["with_time"]) == (True, True)
    assert matrix.shape == (ROWS, 7)
    read = datetime.fromisoformat(dates[1]) + timedelta(hours=2)
    angle = 2 * np.pi * ((read.date() - date(2023, 1, 1)).days + 1) / 366  # behind 29 February of no leap year
    np.testing.assert_allclose(matrix[1, 4:6], [np.sin(angle), np.cos(angle)], atol=1e-6)
    assert np.isnan(matrix[0, :6]).all()


def test_in_less_than_a_year_a_date_has_no_day_of_the_year(stage: Stage) -> None:
    column, _, matrix = upload(stage, date(2023, 6, 1), 300)
    assert "day_of_year" not in column
    assert matrix.shape == (ROWS, 4)
