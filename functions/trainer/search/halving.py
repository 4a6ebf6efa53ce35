"""One round of successive halving: candidates fitted side by side on a share of the rows."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from trainer.search.estimation import try_out
from trainer.search.objective import expected_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelloop.contracts.manifest_parts import TrialRecord
    from trainer.search.candidates import Candidate
    from trainer.search.clock import Clock
    from trainer.table import PreparedTable

MIN_OF_CLASS = 5  # a hundred classes of them fill the smallest round; calibration and stacking need as many


def halving_round(
    table: PreparedTable,
    chosen: list[Candidate],
    rows: int,
    metric: str,
    clock: Clock,
    known: Sequence[TrialRecord] = (),
) -> list[TrialRecord]:
    """Fit candidates on some of the rows, as many at a time as there are processors, while the time suffices.

    How long a fit will take, earlier trials tell that are `known`.

    Threads of the standard library: joblib's run one after the other where there are no semaphores, as in Lambda.
    """
    part = table.train.take(sample(table, rows))
    trials: list[TrialRecord] = []

    def attempt(candidate: Candidate) -> TrialRecord | None:
        if not clock.fits_in(expected_seconds(candidate, known, rows)):
            return None
        return try_out(table, candidate, part, metric, max_threads=1)[0]

    with ThreadPoolExecutor(os.process_cpu_count() or 1) as pool:
        for done, trial in enumerate(pool.map(attempt, chosen), 1):
            if trial is not None:
                trials.append(trial)
            clock.report(done / len(chosen))
    return trials


def sample(table: PreparedTable, rows: int) -> NDArray[np.intp]:
    """Return the rising positions of some training rows, drawn by the table's seed.

    Of every class at least five rows are drawn, or all that there are: a class that an estimator has not seen has no
    probability.
    """
    order = np.random.default_rng(table.seed).permutation(table.train.rows)
    if table.classes is not None:
        order = _rarest_first(order, table.train.target)
    return np.sort(order[:rows])


def _rarest_first(order: NDArray[np.intp], target: NDArray[np.float64]) -> NDArray[np.intp]:
    labels = target[order]
    by_label = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[by_label], labels[by_label])
    turn = np.empty_like(by_label)
    turn[by_label] = np.arange(len(labels)) - starts
    first = turn < MIN_OF_CLASS
    return np.concatenate([order[first], order[~first]])
