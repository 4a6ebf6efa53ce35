"""What is counted does not depend on how the engine goes through the rows."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pytest

from modelloop.tables.grammar import MISSING_TOKENS
from training_trigger.reading.cells import define_macros
from training_trigger.reading.load import Cells
from training_trigger.survey import survey

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 250_000
GENERATOR = np.random.default_rng(3)
COLUMNS = {
    "spread": GENERATOR.normal(size=ROWS) * 10.0 ** GENERATOR.integers(-8, 9, ROWS),
    "cents": GENERATOR.integers(0, 100_000, ROWS) / 100,
    "tiny": GENERATOR.random(ROWS) * 1e-200,
    "huge": GENERATOR.normal(size=ROWS) * 1e300,
    "zeros": np.where(GENERATOR.random(ROWS) < 0.5, 0.0, -0.0),
}


def facts(threads: int, order: NDArray[np.intp]) -> list[dict[str, Any]]:
    with duckdb.connect(config={"threads": threads}) as connection:
        define_macros(connection, MISSING_TOKENS)
        connection.register("given", {f"c{place}": values[order] for place, values in enumerate(COLUMNS.values())})
        cells = ", ".join(f"c{place}::VARCHAR AS c{place}" for place in range(len(COLUMNS)))
        connection.execute(f"CREATE TABLE cells AS SELECT {cells} FROM given")
        return [asdict(found) for found in survey(connection, Cells(tuple(COLUMNS), ROWS))]


def test_facts_are_the_same_for_every_number_of_threads_and_order_of_rows() -> None:
    rows = np.arange(ROWS)
    wanted = facts(1, rows)
    assert repr(facts(2, rows)) == repr(facts(4, rows)) == repr(wanted)
    assert repr(facts(3, GENERATOR.permutation(rows))) == repr(wanted)
    for found, (name, values) in zip(wanted, COLUMNS.items(), strict=True):
        assert found["mean"] == pytest.approx(math.fsum(values) / ROWS, rel=1e-12, abs=1e-18 * abs(values).max()), name
