"""Put a candidate beside the trivial model, the champion and the best version so far, and ask the gate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop.baseline import label_text
from modelloop.evidence import Comparison, Labels, Succession
from modelloop.gate import Decision, decide
from trainer.evaluation import Outcome, compare, intervals
from trainer.evaluation.losses import SMALLEST
from trainer.evaluation.outcome import capped
from trainer.predictors import trivial
from trainer.transcoding import transcode

if TYPE_CHECKING:
    from modelloop.encoding import Encoding
    from trainer.incumbents import Champion, Incumbent
    from trainer.predictors import Predictor
    from trainer.table import Part, PreparedTable

MOST_COMPARED = 20_000
Z95 = 1.96


@dataclass(frozen=True)
class Examination:
    """What was found: the outcome on the holdout, metrics by model, the gate's decision, and who is best so far."""

    outcome: Outcome
    metrics: dict[str, Any]
    decision: Decision
    labels: Labels | None
    candidate_is_best: bool


@dataclass(frozen=True)
class _Contender:
    """A predictor with the encoding and classes that it speaks."""

    predictor: Predictor
    encoding: Encoding
    classes: list[Any] | None


def examine(table: PreparedTable, candidate: Predictor, metric: str, champion: Champion | None) -> Examination:
    """Evaluate a candidate on the holdout and decide whether it may serve; `metric` is the gate's."""
    holdout, classes = table.holdout, table.classes
    outcome = candidate.outcome(holdout)
    baseline = trivial(table.known, None if classes is None else len(classes), metric).outcome(holdout)
    extra = (metric,)
    metrics = {
        "holdout": intervals(outcome, table.seed, extra),
        "trivial": intervals(baseline, table.seed, extra),
        "champion": None,
    }
    own = _Contender(candidate, table.encoding, classes)
    succession = None if champion is None else _succession(table, own, champion, metric, metrics)
    beaten = compare("trivial", metric, outcome, baseline, table.seed)
    decision = decide(beaten, succession, margin=float(table.spec.promotion.get("margin", 0.01)))
    best = succession is None or succession.best is None or succession.best.candidate < succession.best.reference
    return Examination(outcome, metrics, decision, labels_of(table.rows, classes), best)


def labels_of(part: Part, classes: list[Any] | None) -> Labels:
    """Return how the target of some rows is distributed."""
    if classes is None:
        return Labels(part.rows, None, float(part.target.mean()), float(part.target.std()))
    counts = np.bincount(part.target.astype(np.intp), minlength=len(classes)).tolist()
    return Labels(part.rows, {label_text(label): count for label, count in zip(classes, counts, strict=True)})


def _succession(
    table: PreparedTable, own: _Contender, champion: Champion, metric: str, metrics: dict[str, Any]
) -> Succession:
    incumbent, seed = champion.incumbent, table.seed
    before, now = incumbent.manifest, table.document
    theirs = _contender(incumbent)
    comparable = before["task"] == now["task"] and before["target"] == now["target"]
    holdout = _later(table.holdout, before["split"].get("trained_until")) if comparable else None
    anchor = _later(champion.anchor, trained_until(table)) if comparable else None
    required, other = _schema_changes(incumbent.encoding, table.encoding)
    if holdout is not None:
        metrics["champion"] = _champion_metrics(holdout, own, theirs, seed, metric)
    return Succession(
        holdout=_compare("champion_on_holdout", metric, holdout, own, own, theirs, seed),
        anchor=_compare("champion_on_anchor", metric, anchor, theirs, own, theirs, seed),
        best=_compare("best_on_anchor", metric, anchor, theirs, own, _contender(champion.best), seed),
        collapse=_collapse(table, metric, holdout, own, theirs),
        score=(before["metrics"]["holdout"].get(metric) or {}).get("value"),
        labels_before=_labels(before),
        labels_now=labels_of(table.rows, table.classes),
        newly_required=required,
        other_kind=other,
        same_task=comparable,
        noise=_noise(before["metrics"]["holdout"].get(metric), (metrics["champion"] or {}).get(metric)),
    )


def _noise(*figures: dict[str, Any] | None) -> float:
    """Return the standard error of the difference of figures with 95 % intervals; 0 where intervals are unknown."""
    widths = [figure["high"] - figure["low"] for figure in figures if figure and figure.get("low") is not None]
    return math.hypot(*widths) / (2 * Z95)


def trained_until(table: PreparedTable) -> float | None:
    """Return the newest time (seconds since 1970) that the candidate was fitted or chosen on, for ordered tables."""
    if table.rows.times is None:
        return None
    known = np.concatenate([part.times for part in (table.train, table.validation) if part.times is not None])
    known = known[~np.isnan(known)]
    return float(known.max()) if len(known) else None


def _later(part: Part, moment: float | None) -> Part | None:
    """Return the rows that a model fitted until that moment cannot have seen; None when none are left."""
    if moment is not None and part.times is not None:
        part = part.take(part.times > moment)
    return part if part.rows else None


def _contender(incumbent: Incumbent) -> _Contender:
    return _Contender(incumbent.predictor, incumbent.encoding, incumbent.classes)


def _compare(
    name: str, metric: str, part: Part | None, owner: _Contender, ours: _Contender, theirs: _Contender, seed: int
) -> Comparison | None:
    """Compare two contenders on rows in their owner's encoding, as far as both know the rows' classes."""
    pair = None if part is None else _answers(part, owner, (ours, theirs), seed)
    return None if pair is None else compare(name, metric, *pair, seed)


def _answers(
    part: Part, owner: _Contender, contenders: tuple[_Contender, _Contender], seed: int
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


def _shared_classes(owner: _Contender, contenders: tuple[_Contender, ...]) -> list[Any] | None:
    if owner.classes is None:
        return None
    return [label for label in owner.classes if all(label in (other.classes or ()) for other in contenders)]


def _ask(contender: _Contender, part: Part, owner: _Contender, shared: list[Any] | None) -> Outcome:
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


def _champion_metrics(
    holdout: Part, own: _Contender, theirs: _Contender, seed: int, metric: str
) -> dict[str, Any] | None:
    pair = _answers(holdout, own, (own, theirs), seed)
    return None if pair is None else intervals(pair[1], seed, (metric,))


def _collapse(
    table: PreparedTable, metric: str, holdout: Part | None, own: _Contender, theirs: _Contender
) -> Comparison | None:
    guess = trivial(table.known, None if table.classes is None else len(table.classes), metric)
    return _compare(
        "champion_against_trivial", metric, holdout, own, theirs, _Contender(guess, *_speech(own)), table.seed
    )


def _speech(contender: _Contender) -> tuple[Encoding, list[Any] | None]:
    return contender.encoding, contender.classes


def _labels(manifest: dict[str, Any]) -> Labels | None:
    document = manifest.get("labels")
    return None if document is None else Labels(**document)


def _schema_changes(before: Encoding, now: Encoding) -> tuple[list[str], list[str]]:
    """Return columns that callers must newly send, and columns of another kind than before."""
    old = {column.name: column for column in before.columns}
    required = [
        column.name for column in now.columns
        if column.required and (column.name not in old or not old[column.name].required)
    ]  # fmt: skip
    return required, [
        column.name for column in now.columns if column.name in old and old[column.name].kind != column.kind
    ]
