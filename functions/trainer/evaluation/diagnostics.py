"""What a person asks next: is it calibrated, what does it confuse, what does it look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop.monitoring.drift.baseline import first_slots
from modelloop.monitoring.quality import estimate
from trainer.evaluation.losses import row_losses
from trainer.evaluation.outcome import Outcome, capped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trainer.evaluation.predictors import Predictor
    from trainer.table import Part, PreparedTable

BINS = 10
PERMUTED_ROWS, REPEATS = 2000, 5
FEWEST_PERMUTED = 50


def calibration(outcome: Outcome) -> dict[str, Any] | None:
    """Return how often the predicted label was right by its probability, and the expected calibration error.

    Ten bins of equal width over the probability of the predicted label, [low, high), the last one closed; for two
    classes also the curve of class 1; `confidence` is what the label-free estimate reads. None for regression.
    """
    if outcome.proba is None:
        return None
    rows = np.arange(outcome.rows)
    said = outcome.predicted.astype(np.intp)
    document = _reliability(outcome.proba[rows, said], outcome.predicted == outcome.target)
    document["confidence"] = estimate.table(outcome.proba, outcome.target, outcome.predicted)
    if outcome.proba.shape[1] == 2:  # noqa: PLR2004  two classes
        document["positive"] = _reliability(outcome.proba[:, 1], outcome.target == 1)
    return document


def _reliability(score: NDArray[np.float64], happened: NDArray[np.bool_]) -> dict[str, Any]:
    place = np.minimum((score * BINS).astype(np.intp), BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    means = np.bincount(place, score, BINS) / np.maximum(counts, 1)
    rates = np.bincount(place, happened.astype(np.float64), BINS) / np.maximum(counts, 1)
    bins = [
        {
            "low": k / BINS,
            "high": (k + 1) / BINS,
            "rows": int(counts[k]),
            "mean": float(means[k]),
            "rate": float(rates[k]),
        }
        for k in range(BINS)
        if counts[k]
    ]
    return {"bins": bins, "ece": float((counts * np.abs(means - rates)).sum() / len(score)), "rows": len(score)}


def confusion(outcome: Outcome, classes: Sequence[Any] | None) -> dict[str, Any] | None:
    """Return counts [truth][prediction] in the order of the classes; None for regression."""
    if classes is None:
        return None
    many = len(classes)
    places = outcome.target.astype(np.intp) * many + outcome.predicted.astype(np.intp)
    return {"classes": list(classes), "counts": np.bincount(places, minlength=many * many).reshape(many, many).tolist()}


def importance(table: PreparedTable, predictor: Predictor, metric: str) -> list[dict[str, Any]]:
    """Return, most important first, by how much the loss on holdout rows grows when one column is shuffled.

    A column's slots are shuffled together; mean and standard deviation over five shuffles of at most 2,000 rows. A
    model that is too slow for 50 of them is not asked.
    """
    columns = first_slots(table.encoding)
    affordable = predictor.most_rows // (REPEATS * len(columns))
    if affordable < FEWEST_PERMUTED:
        return []
    part = table.holdout.take(capped(table.holdout.rows, min(PERMUTED_ROWS, affordable), table.seed))
    generator = np.random.default_rng(table.seed)
    plain = _loss(metric, predictor.outcome(part))
    found = []
    for column, place in columns:
        slots = slice(place, place + column.width)
        grown = [_loss(metric, predictor.outcome(_shuffled(part, slots, generator))) - plain for _ in range(REPEATS)]
        found.append({"column": column.name, "mean": float(np.mean(grown)), "deviation": float(np.std(grown))})
    return sorted(found, key=lambda entry: -float(entry["mean"]))


def _shuffled(part: Part, slots: slice, generator: np.random.Generator) -> Part:
    matrix = part.matrix.copy()
    matrix[:, slots] = matrix[generator.permutation(part.rows), slots]
    return type(part)(matrix, part.target)


def _loss(metric: str, outcome: Outcome) -> float:
    mean = float(row_losses(metric, outcome).mean())
    return mean**0.5 if metric == "rmse" else mean
