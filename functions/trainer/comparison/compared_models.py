"""Two models side by side on the same rows, each in its own encoding and with its own classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.comparison.schema_compatibility import in_encoding
from trainer.evaluation.bootstrap import compare
from trainer.evaluation.losses import MIN_PROBABILITY, is_defined
from trainer.rows import Part, Predictions, join_predictions, subsample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.tables.encoding import Encoding
    from modelloop.versions.evidence import LossComparison
    from modelloop.versions.prepared_table import Label
    from trainer.rows import Predictor

MAX_COMPARED = 20_000

type Pair = tuple[Predictions, Predictions]


@dataclass(frozen=True)
class ComparedModel:
    """A predictor with the encoding and the classes that it knows; `classes` is None for regression."""

    predictor: Predictor
    encoding: Encoding
    classes: Sequence[Label] | None


def compare_on(
    name: str, metric: str, part: Part | None, owner: ComparedModel, ours: ComparedModel, theirs: ComparedModel,
    seed: int,
) -> LossComparison | None:  # fmt: skip
    """Compare two models on rows in their owner's encoding, on rows whose class both models know.

    None: there are no such rows, or the metric is not defined on them.
    """
    return compare_pair(name, metric, None if part is None else predict_shared(part, owner, (ours, theirs), seed), seed)


def compare_pair(name: str, metric: str, pair: Pair | None, seed: int) -> LossComparison | None:
    """Compare what two models predict of the same rows; None without rows, or where the metric is not defined."""
    return compare(name, metric, *pair, seed) if pair is not None and is_defined(metric, pair[0].target) else None


def joined(first: Pair, second: Pair | None) -> Pair:
    """Return two models' predictions of some rows and of further ones, which do not repeat."""
    if second is None:
        return first
    return join_predictions((first[0], second[0])), join_predictions((first[1], second[1]))


def predict_shared(
    part: Part, owner: ComparedModel, models: tuple[ComparedModel, ComparedModel], seed: int
) -> Pair | None:
    """Return what two models predict of the rows whose class both know; None when there are no such rows."""
    max_rows = min(MAX_COMPARED, *(model.predictor.max_rows for model in models))
    part = part.take(subsample(part.rows, max_rows, seed))
    shared = _shared_classes(owner, models)
    if shared is not None and owner.classes is not None:
        part = part.take(np.isin(part.target, [owner.classes.index(label) for label in shared]))
    if not part.rows:
        return None
    first, second = (_predict(model, part, owner, shared) for model in models)
    return first, second


def _shared_classes(owner: ComparedModel, models: tuple[ComparedModel, ...]) -> list[Label] | None:
    if owner.classes is None:
        return None
    return [label for label in owner.classes if all(label in (model.classes or ()) for model in models)]


def _predict(model: ComparedModel, part: Part, owner: ComparedModel, shared: list[Label] | None) -> Predictions:
    """Let a model predict rows that are in another encoding, as if the shared classes were all there are."""
    matrix = in_encoding(part.matrix, owner.encoding, model.encoding)
    predictions = model.predictor.predict(Part(matrix, part.target, part.times, part.contents))
    if predictions.proba is None or shared is None or owner.classes is None or model.classes is None:
        return predictions
    if shared == list(owner.classes) == list(model.classes):
        return predictions
    proba = predictions.proba[:, [model.classes.index(label) for label in shared]]
    proba = proba / np.maximum(proba.sum(axis=1, keepdims=True), MIN_PROBABILITY)
    places = {owner.classes.index(label): place for place, label in enumerate(shared)}
    target = np.array([places[int(label)] for label in part.target], np.float64)
    return Predictions(target, proba.argmax(axis=1).astype(np.float64), proba, part.contents)
