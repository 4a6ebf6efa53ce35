"""Models side by side on the same rows, each in its own encoding and with its own classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.comparison.transcoding import transcode
from trainer.evaluation import Outcome, compare
from trainer.evaluation.losses import SMALLEST, is_defined
from trainer.evaluation.outcome import capped

if TYPE_CHECKING:
    from modelloop.tables.encoding import Encoding
    from modelloop.versions.evidence import Comparison
    from trainer.comparison.incumbents import Incumbent
    from trainer.evaluation.predictors import Predictor
    from trainer.table import Part

MOST_COMPARED = 20_000


@dataclass(frozen=True)
class Contender:
    """A predictor with the encoding and classes that it speaks."""

    predictor: Predictor
    encoding: Encoding
    classes: list[Any] | None


def contender(incumbent: Incumbent) -> Contender:
    """Return an earlier version as a contender."""
    return Contender(incumbent.predictor, incumbent.encoding, incumbent.classes)


def compare_on(
    name: str, metric: str, part: Part | None, owner: Contender, ours: Contender, theirs: Contender, seed: int
) -> Comparison | None:
    """Compare two contenders on rows in their owner's encoding, as far as both know the rows' classes.

    None: there are no such rows, or the metric is not defined on them.
    """
    pair = None if part is None else answers(part, owner, (ours, theirs), seed)
    return compare(name, metric, *pair, seed) if pair is not None and is_defined(metric, pair[0].target) else None


def answers(
    part: Part, owner: Contender, contenders: tuple[Contender, Contender], seed: int
) -> tuple[Outcome, Outcome] | None:
    """Let two contenders answer rows of a class that both know; None when there are no such rows."""
    most = min(MOST_COMPARED, *(contender.predictor.most_rows for contender in contenders))
    part = part.take(capped(part.rows, most, seed))
    shared = _shared_classes(owner, contenders)
    if shared is not None and owner.classes is not None:
        part = part.take(np.isin(part.target, [owner.classes.index(label) for label in shared]))
    if not part.rows:
        return None
    first, second = (_ask(contender, part, owner, shared) for contender in contenders)
    return first, second


def _shared_classes(owner: Contender, contenders: tuple[Contender, ...]) -> list[Any] | None:
    if owner.classes is None:
        return None
    return [label for label in owner.classes if all(label in (other.classes or ()) for other in contenders)]


def _ask(contender: Contender, part: Part, owner: Contender, shared: list[Any] | None) -> Outcome:
    """Let a contender answer rows that are in another encoding, as if the shared classes were all there are."""
    matrix = transcode(part.matrix, owner.encoding, contender.encoding)
    said = contender.predictor.outcome(type(part)(matrix, part.target, part.times))
    if said.proba is None or shared is None or owner.classes is None or contender.classes is None:
        return said
    if shared == owner.classes == contender.classes:
        return said
    proba = said.proba[:, [contender.classes.index(label) for label in shared]]
    proba = proba / np.maximum(proba.sum(axis=1, keepdims=True), SMALLEST)
    places = {owner.classes.index(label): place for place, label in enumerate(shared)}
    target = np.array([places[int(label)] for label in part.target], np.float64)
    return Outcome(target, proba.argmax(axis=1).astype(np.float64), proba)
