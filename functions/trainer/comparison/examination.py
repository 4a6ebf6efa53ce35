"""Put a candidate beside the trivial model, the champion and the best version so far, and ask the gate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop.spec import deviance
from modelloop.tables.grammar import label_text
from modelloop.versions.evidence import Labels, Succession
from modelloop.versions.gate import GateDecision, decide
from trainer.comparison.compared_models import Contender, answers, compare_on, contender
from trainer.evaluation import compare, intervals
from trainer.evaluation.losses import is_defined
from trainer.evaluation.predictors import trivial
from trainer.table import newest

if TYPE_CHECKING:
    from modelloop.tables.encoding import Encoding
    from modelloop.versions.evidence import Comparison
    from trainer.comparison.incumbents import Champion
    from trainer.evaluation import Outcome
    from trainer.evaluation.predictors import Predictor
    from trainer.table import Part, PreparedTable

Z95 = 1.96


@dataclass(frozen=True)
class Examination:
    """What was found: the outcome on the holdout, metrics by model, the gate's decision, and who is best so far."""

    outcome: Outcome
    metrics: dict[str, Any]
    decision: GateDecision
    labels: Labels | None
    candidate_is_best: bool


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
    own = Contender(candidate, table.encoding, classes)
    succession = None if champion is None else _succession(table, own, champion, metric, metrics)
    beaten = compare("trivial", metric, outcome, baseline, table.seed)
    decision = decide(beaten, succession, margin=table.spec.promotion.margin)
    best = succession is None or _is_best(succession)
    return Examination(outcome, metrics, decision, labels_of(table.rows, classes), best)


def _is_best(succession: Succession) -> bool:
    """Tell whether the candidate is the best so far, or the first that can be compared at all."""
    best = succession.best
    return best is None or not succession.same_split or best.candidate < best.reference


def labels_of(part: Part, classes: list[Any] | None) -> Labels:
    """Return how the target of some rows is distributed."""
    if classes is None:
        return Labels(part.rows, None, float(part.target.mean()), float(part.target.std()))
    counts = np.bincount(part.target.astype(np.intp), minlength=len(classes)).tolist()
    return Labels(part.rows, {label_text(label): count for label, count in zip(classes, counts, strict=True)})


def _succession(
    table: PreparedTable, own: Contender, champion: Champion, metric: str, metrics: dict[str, Any]
) -> Succession:
    incumbent, seed = champion.incumbent, table.seed
    before, now = incumbent.manifest, table.document
    theirs, their_metric = contender(incumbent), compared_by(before) or metric
    comparable = before["task"] == now["task"] and before["target"] == now["target"]
    holdout = _later(table.holdout, before["split"].get("trained_until")) if comparable else None
    anchor = _later(champion.anchor, trained_until(table)) if comparable else None
    required, other = _schema_changes(incumbent.encoding, table.encoding)
    if holdout is not None:
        metrics["champion"] = _champion_metrics(holdout, own, theirs, seed, (metric, their_metric))
    then, today = (known.get(their_metric) for known in (before["metrics"]["holdout"], metrics["champion"] or {}))
    numbers = comparable and table.classes is None
    statistics = (deviance.statistic(their_metric), deviance.statistic(metric)) if numbers else None
    metric = _common(their_metric, metric) if numbers else metric
    return Succession(
        holdout=compare_on("champion_on_holdout", metric, holdout, own, own, theirs, seed),
        anchor=compare_on("champion_on_anchor", metric, anchor, theirs, own, theirs, seed),
        best=_best(table, own, champion, metric, anchor) if comparable else None,
        collapse=_collapse(table, their_metric, holdout, own, theirs),
        score=(then or {}).get("value"),
        labels_before=_labels(before),
        labels_now=labels_of(table.rows, table.classes),
        newly_required=required,
        other_kind=other,
        same_task=comparable,
        noise=_noise(then, today),
        statistics=statistics,
        same_split=_same_split(before["split"], now.get("split") or {}),
    )


def _same_split(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Tell whether rows are held out by one rule; a version of a release that kept none is taken at its word."""
    return before.get("rule") is None or before["rule"] == now.get("rule")


def _best(
    table: PreparedTable, own: Contender, champion: Champion, metric: str, anchor: Part | None
) -> Comparison | None:
    """Compare with the best version so far on the anchor; of ordered tables, whose anchor is past, on newer rows."""
    best, theirs, seed = contender(champion.best), contender(champion.incumbent), table.seed
    found = compare_on("best_on_anchor", metric, anchor, theirs, own, best, seed)
    if found is not None:
        return found
    newer = _later(table.holdout, champion.best.manifest["split"].get("trained_until"))
    return compare_on("best_on_holdout", metric, newer, own, own, best, seed)


def compared_by(manifest: dict[str, Any]) -> str | None:
    """Return the metric by which the gate let a version pass; None when nothing was compared."""
    return next((str(found["metric"]) for found in manifest["gate"]["comparisons"]), None)


def _common(theirs: str, ours: str) -> str:
    """Return a metric that is fair to both: RMSE for two different losses of the mean, else the candidate's."""
    means = all(deviance.statistic(one) == deviance.statistic(deviance.RMSE) for one in (theirs, ours))
    return deviance.RMSE if theirs != ours and means else ours


def _noise(*figures: dict[str, Any] | None) -> float:
    """Return the standard error of the difference of figures with 95 % intervals; 0 where intervals are unknown."""
    widths = [figure["high"] - figure["low"] for figure in figures if figure and figure.get("low") is not None]
    return math.hypot(*widths) / (2 * Z95)


def trained_until(table: PreparedTable) -> float | None:
    """Return the newest time (seconds since 1970) that the candidate was fitted or chosen on, for ordered tables."""
    return newest(table.train, table.validation)


def _later(part: Part, moment: float | None) -> Part | None:
    """Return the rows that a model fitted until that moment cannot have seen; None when none are left."""
    if moment is not None and part.times is not None:
        part = part.take(part.times > moment)
    return part if part.rows else None


def _champion_metrics(
    holdout: Part, own: Contender, theirs: Contender, seed: int, named: tuple[str, ...]
) -> dict[str, Any] | None:
    pair = answers(holdout, own, (own, theirs), seed)
    if pair is None:
        return None
    return intervals(pair[1], seed, tuple(name for name in named if is_defined(name, pair[1].target)))


def _collapse(
    table: PreparedTable, metric: str, holdout: Part | None, own: Contender, theirs: Contender
) -> Comparison | None:
    guess = trivial(table.known, None if table.classes is None else len(table.classes), metric)
    return compare_on(
        "champion_against_trivial", metric, holdout, own, theirs, Contender(guess, *_speech(own)), table.seed
    )


def _speech(contender: Contender) -> tuple[Encoding, list[Any] | None]:
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
