"""Tables to drift: mixed columns drawn afresh, windows of them, and what is found."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop import clock
from modelloop.monitoring.drift import baseline, comparison
from modelloop.monitoring.windows import Window
from modelloop.tables.encoding import Column, Encoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline, BaselineColumn
    from modelloop.contracts.counts import Counts
    from modelloop.monitoring.drift.comparison import Comparison

type Matrix = NDArray[np.float32]

CATEGORIES = tuple(f"c{code}" for code in range(60))
ENCODING = Encoding([
    *(Column(f"smooth{at}", "number") for at in range(8)),
    *(Column(f"text{known}", "text", CATEGORIES[:known]) for known in (2, 3, 5, 10, 20, 60)),
    Column("rare", "number"), Column("binary", "number"), Column("mass", "number"), Column("gaps", "number"),
    Column("whole", "number"), Column("flag", "boolean"),
])  # fmt: skip
DECAY = {2: 0.5, 3: 0.5, 5: 0.4, 10: 0.3, 20: 0.2, 60: 0.1}


def draw(random: np.random.Generator, rows: int) -> Matrix:
    """A table of 20 columns: smooth, skewed, tied, sparse, with gaps and with many categories."""
    smooth = [random.normal(size=rows) if at % 2 else random.lognormal(size=rows) for at in range(8)]
    texts = [np.minimum(random.geometric(decay, rows) - 1, known) for known, decay in DECAY.items()]
    gaps = np.where(random.random(rows) < 0.02, np.nan, random.normal(size=rows))
    mass = np.where(random.random(rows) < 0.95, 0.0, random.normal(size=rows))
    others = [
        random.poisson(0.3, rows),
        random.integers(0, 2, rows),
        mass,
        gaps,
        np.round(2 * random.normal(size=rows)),
    ]
    return np.column_stack([*smooth, *texts, *others, random.random(rows) < 0.9]).astype(np.float32)


def predicted(matrix: Matrix) -> NDArray[np.int64]:
    return np.asarray(np.nan_to_num(matrix[:, 1]) > 0, np.int64)


def learn(matrix: Matrix, encoding: Encoding = ENCODING, **options: Any) -> Baseline:
    return baseline.build(encoding, matrix, predicted(matrix), ["no", "yes"], (), **options)


def window(known: Baseline, matrix: Matrix, encoding: Encoding = ENCODING, hour: str = "2026-11-23T12") -> Window:
    slots = {column.name: slot for column, slot in baseline.first_slots(encoding)}
    counted: Counts = {column.name: counts(column, matrix[:, slots[column.name]]) for column in known.columns}
    prediction = counts(known.prediction, predicted(matrix))
    return Window(hour, hour, {"sampled": len(matrix), "columns": counted, "prediction": prediction})


def hours(times: NDArray[np.float64]) -> Counts:
    """Count rows by the hour (UTC) of their times, as windows do."""
    by_hour = Counter((times // 3_600).astype(int).tolist())
    return {clock.from_ms(hour * 3_600_000)[:13]: amount for hour, amount in by_hour.items()}


def compare(known: Baseline, matrix: Matrix, encoding: Encoding = ENCODING) -> dict[str, Comparison]:
    found = comparison.compare(known, window(known, matrix, encoding))
    return {one.name: one for one in found}


def counts(column: BaselineColumn, values: NDArray[Any]) -> Counts:
    counts, missing, unseen = baseline.count(column.bins, values)
    return {"counts": counts, "missing": missing, "unseen": unseen}
