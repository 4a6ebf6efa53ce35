"""Real tables with a model each: windows in which nothing changed, and windows whose strongest column was permuted.

The rows are halved: the first half makes the version (a part of it is kept from the fit), the other half is live.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from modelloop.contracts.counts import branch
from modelloop.monitoring.drift import baseline, joint, pairs, verdict
from modelloop.monitoring.quality import estimate
from modelloop.monitoring.windows import Window
from modelloop.tables.encoding import Encoding
from tests.support.drift import real, trials
from trainer.evaluation.calibration import absolute_errors
from trainer.rows import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline
    from modelloop.contracts.counts import Counts
    from modelloop.contracts.evaluation import AbsoluteErrors
    from modelloop.contracts.verdicts import DriftVerdict
    from modelloop.tables.encoding import Column
    from tests.support.drift.real import Matrix, Real

FITTED = 0.64
LATE_MINUTES = 15
NOW = "2026-01-01T00:00:00.000Z"


class Task(NamedTuple):
    """A table to learn a target from; `classes` is how many labels it has, 0 for numbers."""

    table: Real
    target: NDArray[np.float64]
    classes: int = 0

    @property
    def labels(self) -> list[str] | None:
        return [str(label) for label in range(self.classes)] if self.classes else None


class Version(NamedTuple):
    """A fitted model with its baseline, the rows that are live, and the slot of its strongest column."""

    task: Task
    model: Any
    known: Baseline
    live: NDArray[np.intp]
    strongest: int
    errors: AbsoluteErrors | None


@cache
def weather() -> Task:
    """Return 26,000 hours at three airports, of which the temperature is to be told."""
    return _task(real.weather(), target="temp", without=("dewp",))


@cache
def airtime() -> Task:
    """Return one in fifteen of a year's flights, of which the minutes in the air are to be told."""
    return _task(real.flights(), target="air_time", without=("arr_time",), every=15)


@cache
def lateness() -> Task:
    """Return one in fifteen of a year's flights, of which it is to be told whether they arrive late."""
    found = _task(real.flights(), target="arr_delay", without=("arr_time", "sched_arr_time"), every=15)
    return Task(found.table, (found.target > LATE_MINUTES).astype(np.float64), 2)


@cache
def seats() -> Task:
    """Return 3,300 planes, of which the seats are to be told."""
    return _task(real.planes(), target="seats")


@cache
def tumours() -> Task:
    """Return 569 tumours, of which it is to be told whether they are benign."""
    return Task(real.cancer(), datasets.load_breast_cancer().target.astype(np.float64), 2)


def _task(table: Real, *, target: str, without: Sequence[str] = (), every: int = 1) -> Task:
    slots = {column.name: slot for column, slot in baseline.first_slots(table.encoding)}
    rows = np.flatnonzero(~np.isnan(table.matrix[:, slots[target]]))[::every]
    kept = [column for column in table.encoding.columns if column.name not in {target, *without}]
    matrix = table.matrix[np.ix_(rows, [slots[column.name] for column in kept])]
    return Task(real.Real(table.name, Encoding(kept), matrix), table.matrix[rows, slots[target]].astype(np.float64))


def version(task: Task, seed: int, trees: int = 40) -> Version:
    """Fit on a part of one half of the rows; the other half is live."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(task.target))
    half = len(order) // 2
    fitted, unseen = order[: int(FITTED * half)], order[int(FITTED * half) : half]
    model, matrix = fit(task, fitted, trees), task.table.matrix
    own, other = (pairs.AnsweredRows(matrix[rows], model.predict(matrix[rows])) for rows in (fitted, unseen))
    ranked = rank(model, task, unseen, random)
    known = learn(task, [column.name for column, _ in ranked], own, other)
    errors = None
    if not task.classes:
        errors = absolute_errors(Predictions(task.target[unseen], other.predictions, None), known.prediction.bins)
    return Version(task, model, known, order[half:], ranked[0][1], errors)


def fit(task: Task, rows: NDArray[np.intp], trees: int) -> Any:
    kind = HistGradientBoostingClassifier if task.classes else HistGradientBoostingRegressor
    model = kind(max_iter=trees, max_leaf_nodes=15, early_stopping=False, random_state=0)
    return model.fit(task.table.matrix[rows], task.target[rows])


def learn(task: Task, important: Sequence[str], own: pairs.AnsweredRows, unseen: pairs.AnsweredRows) -> Baseline:
    """Return the baseline, with pairs, of a version that answered so."""
    encoding, answers = task.table.encoding, baseline.Answers(unseen.predictions)
    known = baseline.build(encoding, own.matrix, own.predictions, task.labels, (), unseen=answers)
    return pairs.with_pairs(known, encoding, important, own, unseen)


def rank(model: Any, task: Task, rows: NDArray[np.intp], random: np.random.Generator) -> list[tuple[Column, int]]:
    """Return columns with their slots, the most important first: how far answers move when the column is shuffled."""
    matrix = task.table.matrix[rows[:2_000]]
    usual = _scores(model, matrix, task)
    moved = {
        slot: float(np.abs(_scores(model, permute(random, matrix, slot), task) - usual).mean())
        for _, slot in baseline.first_slots(task.table.encoding)
    }
    return sorted(baseline.first_slots(task.table.encoding), key=lambda entry: -moved[entry[1]])


def _scores(model: Any, matrix: Matrix, task: Task) -> NDArray[np.float64]:
    return np.asarray(model.predict_proba(matrix) if task.classes else model.predict(matrix), np.float64)


def permute(random: np.random.Generator, rows: Matrix, slot: int) -> Matrix:
    """Return rows with one column permuted: each column is as it was, and how they go together is not."""
    changed = rows.copy()
    changed[:, slot] = random.permutation(changed[:, slot])
    return changed


def draw(made: Version, random: np.random.Generator, rows: int) -> NDArray[np.intp]:
    """Return places of live rows, drawn without replacement where there are enough."""
    return random.choice(made.live, rows, replace=rows > len(made.live))


def window(known: Baseline, table: Real, rows: Matrix, answers: NDArray[Any]) -> Window:
    """Return live rows with the answers to them, as they are counted."""
    counted = trials.counted(known, table, rows)
    counts: Counts = {"prediction": trials.count(known.prediction, answers)}
    return counted._replace(counts=counted.counts | counts | trials.counted_pairs(known, table, rows, answers))


def judge(made: Version, *matrices: Matrix) -> DriftVerdict:
    """Return the verdict on windows of live rows, newest first."""
    windows = [window(made.known, made.task.table, rows, made.model.predict(rows)) for rows in matrices]
    return verdict.drift_verdict(made.known, windows, model="m", version=1, min_rows=500, now=NOW)


def found_permuted(task: Task, windows: int, seed: int = 0, rows: int = 1_000) -> tuple[int, int]:
    """Return how many windows of permuted rows show a joint change, and how many a drifted column."""
    random = np.random.default_rng(seed)
    with threadpool_limits(1):
        made = version(task, seed)
        verdicts = [
            judge(made, permute(random, task.table.matrix[draw(made, random, rows)], made.strongest))
            for _ in range(windows)
        ]
    by_column = sum(any(column.drifted for column in one.columns) for one in verdicts)
    return sum(one.joint is not None and bool(one.joint.pairs) for one in verdicts), by_column


def false_joint(task: Task, sizes: tuple[int, int], windows: int, seed: int = 0) -> int:
    """Return how many windows show a joint change where nothing changed; sizes: rows of the baseline, of the window.

    The model is fitted once. For every window the rows that it has not seen are dealt out anew, so that no window
    shares a row with its baseline.
    """
    dealt = _exchangeable(task, sizes, windows, np.random.default_rng(seed))
    with threadpool_limits(1):
        return sum(bool(joint.compare(known, live).pairs) for known, live in dealt)


def _exchangeable(
    task: Task, sizes: tuple[int, int], windows: int, random: np.random.Generator
) -> Iterator[tuple[Baseline, Window]]:
    order = random.permutation(len(task.target))
    fitted, rest = np.split(order, [len(order) // 4])
    model, matrix = fit(task, fitted, 20), task.table.matrix
    answers, names = model.predict(matrix), [column.name for column, _ in rank(model, task, fitted, random)]
    for _ in range(windows):
        dealt = random.permutation(rest)
        own, live = dealt[: sizes[0]], dealt[sizes[0] :][: sizes[1]]
        rows = pairs.AnsweredRows(matrix[own], answers[own])
        known = learn(task, names, rows, rows)
        yield known, window(known, task.table, matrix[live], answers[live])


class Held(NamedTuple):
    """How often a range held the truth, of how many that were given; the median half width as a share of the value."""

    inside: int
    given: int
    half_width: float


def held(task: Task, models: int, windows: int, rows: int = 1_000, trees: int = 40) -> Held:
    """Return how often the range of the expected error held the mean absolute error of a window without change."""
    with threadpool_limits(1):
        ranges = [one for seed in range(models) for one in _ranges(task, seed, windows, rows, trees)]
    inside = sum(low <= truth <= high for low, high, truth in ranges)
    widths = [(high - low) / (high + low) for low, high, _ in ranges]
    return Held(inside, len(widths), float(np.median(widths)) if widths else 0.0)


def _ranges(task: Task, seed: int, windows: int, rows: int, trees: int) -> Iterator[tuple[float, float, float]]:
    """Yield low and high end of the range of every window that has one, and the mean absolute error that was true."""
    made, random = version(task, seed, trees), np.random.default_rng(1_000 + seed)
    assert made.errors is not None
    for _ in range(windows):
        places = draw(made, random, min(rows, len(made.live)))
        answers = made.model.predict(task.table.matrix[places])
        counted = window(made.known, task.table, task.table.matrix[places], answers)
        found = estimate.absolute_error(made.errors, branch(counted.counts, "prediction"), "ok")
        if found.low is not None and found.high is not None:
            yield found.low, found.high, float(np.abs(answers - task.target[places]).mean())


MEASURED: dict[str, Callable[[], Task]] = {"weather": weather, "airtime": airtime, "seats": seats}
