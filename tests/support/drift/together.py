"""Real tables with a model each: windows in which nothing changed, and windows whose strongest column was permuted.

The rows are halved: the first half makes the version (a part of it is kept from the fit), the other half is live.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from modelloop.contracts.evaluation import AbsoluteErrors
from modelloop.monitoring.drift import baseline, pairs, verdict
from modelloop.monitoring.windows import Window
from tests.support.drift import trials
from trainer.evaluation.calibration import absolute_errors
from trainer.rows import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline
    from modelloop.contracts.counts import Counts
    from modelloop.contracts.verdicts import DriftVerdict
    from tests.support.drift.real import Matrix, Real

FITTED = 0.64
NOW = "2026-01-01T00:00:00.000Z"


class Task(NamedTuple):
    """A table to learn a target from; `classes` is how many labels it has, 0 for numbers."""

    table: Real
    target: NDArray[np.float64]
    classes: int


class Version(NamedTuple):
    """A fitted model with its baseline, the rows that are live, and the slot of its strongest column."""

    task: Task
    model: Any
    known: Baseline
    live: NDArray[np.intp]
    strongest: int
    errors: AbsoluteErrors | None


def version(task: Task, seed: int, *, times: NDArray[np.float64] | None = None, trees: int = 60) -> Version:
    """Fit on a part of one half of the rows; the other half is live."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(task.target))
    half = len(order) // 2
    fitted, unseen = order[: int(FITTED * half)], order[int(FITTED * half) : half]
    kind = HistGradientBoostingClassifier if task.classes else HistGradientBoostingRegressor
    matrix, encoding = task.table.matrix, task.table.encoding
    model = kind(max_iter=trees, max_leaf_nodes=15, random_state=0).fit(matrix[fitted], task.target[fitted])
    own, other = model.predict(matrix[fitted]), model.predict(matrix[unseen])
    labels = [str(label) for label in range(task.classes)] if task.classes else None
    known = baseline.build(
        encoding, matrix[fitted], own, labels, (), times=None if times is None else times[fitted],
        unseen=baseline.Answers(other, None if times is None else times[unseen]),
    )  # fmt: skip
    ranked = _ranked(model, task, unseen, random)
    names = [column.name for column, _ in ranked]
    known = pairs.with_pairs(
        known, encoding, names,
        pairs.AnsweredRows(matrix[fitted], own, None if times is None else times[fitted]),
        pairs.AnsweredRows(matrix[unseen], other),
    )  # fmt: skip
    errors = None
    if not task.classes:
        errors = absolute_errors(Predictions(task.target[unseen], other, None), known.prediction.bins)
    return Version(task, model, known, order[half:], ranked[0][1], errors)


def _ranked(model: Any, task: Task, rows: NDArray[np.intp], random: np.random.Generator) -> list[Any]:
    """Return columns with their slots, the most important first: by how many answers change when one is shuffled."""
    rows = rows[:2_000]
    matrix = task.table.matrix[rows]
    usual = _scores(model, matrix, task)
    found = []
    for column, slot in baseline.first_slots(task.table.encoding):
        shuffled = matrix.copy()
        shuffled[:, slot] = random.permutation(shuffled[:, slot])
        found.append((float(np.abs(_scores(model, shuffled, task) - usual).mean()), (column, slot)))
    return [entry for _, entry in sorted(found, key=lambda one: -one[0])]


def _scores(model: Any, matrix: Matrix, task: Task) -> NDArray[np.float64]:
    return np.asarray(model.predict_proba(matrix) if task.classes else model.predict(matrix), np.float64)


def window(made: Version, rows: Matrix) -> Window:
    """Return live rows as they are counted, with the model's answers to them."""
    known, answers = made.known, made.model.predict(rows)
    counted = trials.counted(known, made.task.table, rows).counts
    counts: Counts = {**counted, "prediction": trials.count(known.prediction, answers)}
    return Window("2026-11-23T12", "2026-11-23T12", counts | counted_pairs(known, made.task.table, rows, answers))


def counted_pairs(known: Baseline, table: Real, rows: Matrix, answers: NDArray[Any]) -> Counts:
    """Return the cells of the pairs of columns, as summaries have them."""
    if known.pairs is None:
        return {}
    slots = {column.name: slot for column, slot in baseline.first_slots(table.encoding)}
    bins = {column.name: column.bins for column in known.columns}
    codes = [
        pairs.grouped(
            column,
            baseline.places(known.prediction.bins, answers)
            if column.is_prediction
            else baseline.places(bins[column.name], rows[:, slots[column.name]]),
        )
        for column in known.pairs.columns
    ]
    return {"pairs": list(pairs.count(known.pairs.columns, codes))}


def draw(made: Version, random: np.random.Generator, rows: int) -> NDArray[np.intp]:
    """Return places of live rows, drawn without replacement where there are enough."""
    return random.choice(made.live, rows, replace=rows > len(made.live))


def permute(random: np.random.Generator, rows: Matrix, slot: int) -> Matrix:
    """Return rows with one column permuted: each column is as it was, and how they go together is not."""
    changed = rows.copy()
    changed[:, slot] = random.permutation(changed[:, slot])
    return changed


def judge(made: Version, *windows: Window, min_rows: int = 500) -> DriftVerdict:
    """Return the verdict on windows, newest first."""
    return verdict.drift_verdict(made.known, windows, model="m", version=1, min_rows=min_rows, now=NOW)
