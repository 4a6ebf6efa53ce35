"""What a person asks next: is it calibrated, what does it confuse, for whom is it worse, what does it look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop import estimate
from modelloop.baseline import first_slots, quantile_edges
from trainer.evaluation.bootstrap import intervals
from trainer.evaluation.losses import row_losses
from trainer.evaluation.outcome import Outcome, capped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from modelloop.encoding import Column
    from trainer.predictors import Predictor
    from trainer.table import Part, PreparedTable

BINS = 10
FEWEST_ROWS = 20
PERMUTED_ROWS, REPEATS = 2000, 5
SLICES = 4


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

    A column's slots are shuffled together; mean and standard deviation over five shuffles of at most 2,000 rows.
    """
    part = table.holdout.take(capped(table.holdout.rows, PERMUTED_ROWS, table.seed))
    generator = np.random.default_rng(table.seed)
    plain = _loss(metric, predictor.outcome(part))
    found = []
    for column, place in first_slots(table.encoding):
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


def slices(table: PreparedTable, outcome: Outcome) -> list[dict[str, Any]]:
    """Return the metrics of every slice of the protected columns with at least 20 holdout rows.

    Text and boolean columns are sliced by value, numbers and dates by quarters. Columns in `mask` and columns that
    are no features are named with the reason why they are not sliced.
    """
    places = {column.name: (column, place) for column, place in first_slots(table.encoding)}
    found: list[dict[str, Any]] = []
    for name in table.spec.protected:
        if name in table.spec.mask or name not in places:
            reason = "masked" if name in table.spec.mask else "not a feature of the model"
            found.append({"column": name, "reason": reason, "values": []})
            continue
        column, place = places[name]
        values = table.holdout.matrix[:, place].astype(np.float64)
        parts = [
            {
                "value": label,
                "rows": int(rows.sum()),
                "metrics": intervals(outcome.take(np.flatnonzero(rows)), table.seed),
            }
            for label, rows in _values(column, values)
            if rows.sum() >= FEWEST_ROWS
        ]
        found.append({"column": name, "reason": None, "values": parts})
    return found


def _values(column: Column, values: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    if column.kind in {"text", "boolean"}:
        names = ("false", "true") if column.kind == "boolean" else (*column.categories, "rare")
        yield from ((name, values == code) for code, name in enumerate(names))
    else:
        edges = quantile_edges(values)
        chosen = (
            [edges[len(edges) * quarter // SLICES] for quarter in range(1, SLICES)] if len(edges) >= SLICES else edges
        )
        place = np.where(np.isnan(values), -1, np.searchsorted(chosen, values, side="left"))
        fences = ["", *(f"{edge:g}" for edge in chosen), ""]
        for number in range(len(chosen) + 1):
            yield _span(fences[number], fences[number + 1]), place == number
    yield "missing", np.isnan(values)


def _span(low: str, high: str) -> str:
    if low and high:
        return f"{low} to {high}"
    return f"up to {high}" if high else f"above {low}" if low else "all"
