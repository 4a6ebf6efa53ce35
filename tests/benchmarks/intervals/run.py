"""Do intervals hold for small and large predictions alike, and what does that cost in width?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelloop.flat.intervals import Intervals
from tests.benchmarks import sections
from tests.benchmarks.intervals import results, tables
from trainer.evaluation.interval_calibration import PARTS, calibrate
from trainer.search.candidates import Candidate
from trainer.search.estimation import estimate

if TYPE_CHECKING:
    from modelloop.flat.intervals import IntervalRule
    from tests.benchmarks.targets import Target
    from trainer.rows import Part, Predictions

SEEDS = 10
LEVEL = "0.9"


class Measured(NamedTuple):
    """One table, means over the seeds: shares of the rows that held by fifth of the predictions, and mean widths."""

    table: str
    adapted: int
    fifths: list[float]
    constant: list[float]
    width: float
    constant_width: float


def run() -> list[Target]:
    """Measure, write the section and return the targets."""
    measured = [_measure(name) for name in tables.TABLES]
    sections.record("intervals", results.section(measured, SEEDS))
    return results.targets(measured)


def _measure(name: str) -> Measured:
    print(f"intervals of {name}", file=sys.stderr, flush=True)
    found = [_once(name, seed) for seed in range(SEEDS)]
    adapted = sum(one[0] for one in found)
    fifths, constant, widths = (np.mean([one[part] for one in found], axis=0).tolist() for part in (1, 2, 3))
    return Measured(name, adapted, fifths, constant, *widths)


def _once(name: str, seed: int) -> tuple[bool, list[float], list[float], list[float]]:
    table = tables.divided(name, seed)
    model = estimate(table, Candidate("hist_gradient_boosting", {}), table.train)
    calibrated = calibrate(table, table.validation, model.predict(table.validation), "rmse")
    residuals = np.abs(table.validation.target - model.predict(table.validation).predicted)
    half = float(np.sort(residuals)[int(np.ceil((len(residuals) + 1) * float(LEVEL))) - 1])
    plain = calibrated.rule._replace(quantiles={LEVEL: half}, scale=None)
    answers = model.predict(table.holdout)
    (fifths, width), (constant, other) = (_held(rule, table.holdout, answers) for rule in (calibrated.rule, plain))
    return calibrated.rule.scale is not None, fifths, constant, [width, other]


def _held(rule: IntervalRule, part: Part, answers: Predictions) -> tuple[list[float], float]:
    rows = part.matrix.astype(np.float64).tolist()
    low, high = np.array(Intervals(rule).around(rule.quantiles[LEVEL], rows, answers.predicted.tolist())).T
    held = (part.target >= low) & (part.target <= high)
    fifths = np.array_split(np.argsort(answers.predicted, kind="stable"), PARTS)
    return [float(held[fifth].mean()) for fifth in fifths], float((high - low).mean())
