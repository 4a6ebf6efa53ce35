"""Worlds that do not change: five tables, a model of each, and windows of rows that neither fit nor baseline has seen.

Rows are drawn without replacement: a world is learned anew when its rows are used up.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelloop.monitoring.drift import baseline, verdict
from modelloop.tables.encoding import Column, Encoding
from tests.support.drift import lab, real, trials
from tests.support.drift.real import Real

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline
    from modelloop.contracts.verdicts import DriftVerdict
    from modelloop.monitoring.windows import Window
    from tests.support.drift.lab import Matrix

    type Traffic = Callable[[np.random.Generator, Matrix], Matrix]

TRAINED, UNSEEN = 4_000, 2_000
GENERATED = 30_000
BATCH, REPEATS = 100, 200


class Learned(NamedTuple):
    """What a version knows, its model (a linear one of the first column), and the rows that are left for windows."""

    table: Real
    known: Baseline
    weights: NDArray[np.float64]
    rows: Matrix

    def window(self, rows: Matrix) -> Window:
        """Return the counts of a window."""
        found = trials.counted(self.known, self.table, rows)
        prediction = trials.count(self.known.prediction, predicted(self.weights, rows))
        return found._replace(counts={**found.counts, "prediction": prediction})


def tables() -> list[Real]:
    """Return two real tables and three made-up ones."""
    return [real.flights(), real.weather(), *made_up()]


def made_up() -> list[Real]:
    """Return three tables of the same rows each time."""
    random = np.random.default_rng(0)
    return [Real("mixed", lab.ENCODING, lab.draw(random, GENERATED)), _correlated(random), _counts(random)]


def as_it_comes(_: np.random.Generator, rows: Matrix) -> Matrix:
    """Return the rows of a window as they were drawn."""
    return rows


def in_batches(random: np.random.Generator, rows: Matrix) -> Matrix:
    """Return as many rows in batches of a hundred that are alike: each batch is one of the rows, again and again."""
    chosen = rows[random.integers(0, len(rows), max(len(rows) // BATCH, 1))]
    return np.repeat(chosen, BATCH, axis=0)[: len(rows)]


def with_repeats(random: np.random.Generator, rows: Matrix) -> Matrix:
    """Return the rows of a window in which one caller sends the same row 200 times."""
    changed = rows.copy()
    changed[:REPEATS] = rows[random.integers(0, len(rows))]
    return changed


def verdicts(
    table: Real, random: np.random.Generator, rows: int, windows: int, traffic: Traffic = as_it_comes
) -> Iterator[DriftVerdict]:
    """Yield the verdicts of that many windows, each with one before it."""
    learned, at = _learn(table, random), 0
    before: Window | None = None
    while windows:
        if at + rows > len(learned.rows):
            learned, at, before = _learn(table, random), 0, None
        now = learned.window(traffic(random, learned.rows[at : at + rows]))
        at += rows
        if before is not None or len(learned.rows) < 2 * rows:
            both = [now] if before is None else [now, before]
            yield verdict.drift_verdict(
                learned.known, both, model="m", version=1, min_rows=rows, now="2026-01-01T00:00:00.000Z"
            )
            windows -= 1
        before = now


def statuses(table: Real, rows: int, windows: int, traffic: Traffic = as_it_comes, seed: int = 0) -> Counter[str]:
    """Count the statuses of that many windows."""
    random = np.random.default_rng(seed)
    return Counter(one.status for one in verdicts(table, random, rows, windows, traffic))


def predicted(weights: NDArray[np.float64], rows: Matrix) -> NDArray[np.float64]:
    """Return the model's answers."""
    return np.nan_to_num(rows[:, 1:].astype(np.float64)) @ weights


def _learn(table: Real, random: np.random.Generator) -> Learned:
    rows = table.matrix[random.permutation(len(table.matrix))]
    trained, unseen, rest = np.split(rows, [TRAINED, TRAINED + UNSEEN])
    inputs, target = np.nan_to_num(trained[:, 1:].astype(np.float64)), np.nan_to_num(trained[:, 0].astype(np.float64))
    weights: Any = np.linalg.lstsq(inputs, target, rcond=None)[0]
    known = baseline.build(
        table.encoding, trained, predicted(weights, trained), None, (),
        unseen=baseline.Answers(predicted(weights, unseen)),
    )  # fmt: skip
    return Learned(table, known, weights, rest)


def _correlated(random: np.random.Generator) -> Real:
    """Twelve numbers that go together, half of them skewed."""
    mixed = random.normal(size=(GENERATED, 4)) @ random.normal(size=(4, 12)) + random.normal(size=(GENERATED, 12))
    mixed[:, ::2] = np.exp(mixed[:, ::2] / 2)
    columns = [Column(f"x{at}", "number") for at in range(mixed.shape[1])]
    return Real("correlated", Encoding(columns), mixed.astype(np.float32))


def _counts(random: np.random.Generator) -> Real:
    """Counts and texts of one hidden number, with gaps."""
    hidden = random.normal(size=GENERATED)
    counts = [random.poisson(np.exp(hidden * weight)) for weight in (0.2, 0.5, 1.0)]
    texts = [np.minimum(random.geometric(1 / (2 + np.exp(hidden))) - 1, known) for known in (3, 12, 60)]
    gaps = np.where(random.random(GENERATED) < 0.1, np.nan, hidden + random.normal(size=GENERATED))
    columns = [Column(f"count{at}", "number") for at in range(3)]
    columns += [Column(f"text{known}", "text", lab.CATEGORIES[:known]) for known in (3, 12, 60)]
    return Real(
        "counts", Encoding([*columns, Column("gaps", "number")]),
        np.column_stack([*counts, *texts, gaps]).astype(np.float32),
    )  # fmt: skip
