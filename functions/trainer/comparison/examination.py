"""Put a candidate beside the trivial model, the champion and the best version so far, and ask the gate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from modelloop.spec import deviance
from modelloop.tables.grammar import label_text
from modelloop.versions.evidence import ChampionEvidence, LabelDistribution, Usefulness
from modelloop.versions.gate import GateDecision, decide, surely_better
from modelloop.versions.review_checks import copy_checks, header_checks
from modelloop.versions.run import Metrics
from trainer.comparison.compared_models import ComparedModel, compare_on, compare_pair, joined, predict_shared
from trainer.comparison.schema_compatibility import schema_changes
from trainer.evaluation.bootstrap import compare, intervals
from trainer.evaluation.losses import is_defined
from trainer.evaluation.predictors import trivial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelloop.contracts.manifest import Manifest
    from modelloop.versions.evidence import Check, LossComparison
    from modelloop.versions.prepared_table import Label
    from modelloop.versions.run import Figures
    from trainer.comparison.compared_models import Pair
    from trainer.comparison.incumbents import Champion
    from trainer.rows import Part, Predictions, Predictor
    from trainer.table import PreparedTable

    type AnswerUnseen = Callable[[], tuple[Part, Predictions] | None]

Z95 = 1.96


@dataclass(frozen=True)
class Examination:
    """What a candidate's examination showed.

    `predictions` are its own on the holdout; `metrics` are the candidate's, the trivial model's and the champion's;
    `labels` is None for a table without labels.
    """

    predictions: Predictions
    metrics: Metrics
    decision: GateDecision
    labels: LabelDistribution | None
    candidate_is_best: bool


def examine(
    table: PreparedTable,
    candidate: Predictor,
    metric: str,
    champion: Champion | None,
    answer_unseen: AnswerUnseen | None = None,
) -> Examination:
    """Evaluate a candidate on the holdout and decide whether it may serve; `metric` is the gate's.

    `answer_unseen` is asked only for a first version of which the holdout leaves open whether it is of use.
    """
    holdout, classes, seed = table.holdout, table.classes, table.seed
    predictions = candidate.predict(holdout)
    guess = trivial(table.reference_rows, None if classes is None else len(classes), metric)
    guesses = guess.predict(holdout)
    own = ComparedModel(candidate, table.encoding, classes)
    evidence, champions = (None, None) if champion is None else _champion_evidence(table, own, champion, metric)
    metrics = Metrics(intervals(predictions, seed, (metric,)), intervals(guesses, seed, (metric,)), champions)
    beaten = compare("trivial", metric, predictions, guesses, seed)
    useful = Usefulness()
    if champion is None and not surely_better(beaten):
        useful = _usefulness(metrics, (predictions, guesses), guess, metric, seed, answer_unseen)
    decision = decide(beaten, evidence, margin=table.spec.promotion.margin, usefulness=useful)
    review_checks = [*_copy_checks(table, champion), *_header_checks(table, champion)]
    decision = decision.with_review_checks(review_checks)
    best = evidence is None or _is_best(evidence)
    return Examination(predictions, metrics, decision, labels_of(table.rows, classes), best)


def _usefulness(
    metrics: Metrics, on_holdout: Pair, guess: Predictor, metric: str, seed: int, answer_unseen: AnswerUnseen | None
) -> Usefulness:
    """Return what else tells whether a first version is of use: the rows it was fitted on, and how it ranks."""
    auc = metrics.holdout.get("roc_auc") or {}
    answered = None if answer_unseen is None else answer_unseen()
    if answered is None or any(part.contents is not None for part in (on_holdout[0], answered[1])):
        return Usefulness(auc=auc.get("value"), auc_low=auc.get("low"))
    rows, predictions = answered
    every = joined(on_holdout, (predictions, guess.predict(rows)))
    return Usefulness(compare("trivial_on_all", metric, *every, seed), auc.get("value"), auc.get("low"))


def _copy_checks(table: PreparedTable, champion: Champion | None) -> list[Check]:
    allowed = champion is not None and champion.incumbent.manifest.split.copies
    return list(copy_checks(table.facts.split, table.rows.rows, allowed=allowed))


def _header_checks(table: PreparedTable, champion: Champion | None) -> list[Check]:
    """Return the checks of the line that names the columns; names that the champion has already need no approval."""
    names = {column.name for column in table.encoding.columns}
    known = set() if champion is None else {column.name for column in champion.incumbent.encoding.columns}
    return [] if names <= known else list(header_checks(table.facts.first_line))


def _is_best(evidence: ChampionEvidence) -> bool:
    """Return whether the candidate is the best so far, or the first that can be compared at all."""
    best = evidence.best
    return best is None or not evidence.same_split or best.candidate < best.reference


def labels_of(part: Part, classes: Sequence[Label] | None) -> LabelDistribution:
    """Return how the target of some rows is distributed."""
    if classes is None:
        return LabelDistribution(part.rows, None, float(part.target.mean()), float(part.target.std()))
    counts = np.bincount(part.target.astype(np.intp), minlength=len(classes)).tolist()
    by_class = {label_text(label): count for label, count in zip(classes, counts, strict=True)}
    return LabelDistribution(part.rows, by_class)


def _champion_evidence(
    table: PreparedTable, own: ComparedModel, champion: Champion, metric: str
) -> tuple[ChampionEvidence, Figures | None]:
    """Return what is known about candidate and champion, and the champion's metrics on the new holdout."""
    incumbent, seed = champion.incumbent, table.seed
    before = incumbent.manifest
    theirs, their_metric = incumbent.as_compared(), compared_by(before) or metric
    comparable = before.task == table.task and before.target == table.target
    holdout = _later(table.holdout, before.split.trained_until) if comparable else None
    anchor = _later(champion.anchor, table.trained_until) if comparable else None
    required, other = schema_changes(incumbent.encoding, table.encoding)
    pair = None if holdout is None else predict_shared(holdout, own, (own, theirs), seed)
    now = None if pair is None else _champion_metrics(pair[1], seed, (metric, their_metric))
    then, today = before.metrics.holdout.get(their_metric), (now or {}).get(their_metric)
    numbers = comparable and table.classes is None
    statistics = (deviance.statistic(their_metric), deviance.statistic(metric)) if numbers else None
    metric = _common(their_metric, metric) if numbers else metric
    pooled, best_pooled = _pooled(table, own, champion, metric, pair) if comparable else (None, None)
    evidence = ChampionEvidence(
        holdout=compare_pair("champion_on_holdout", metric, pair, seed),
        anchor=compare_on("champion_on_anchor", metric, anchor, theirs, own, theirs, seed),
        best=_best(table, own, champion, metric, anchor) if comparable else None,
        champion_vs_trivial=_champion_vs_trivial(table, their_metric, holdout, own, theirs),
        score=None if then is None else then.get("value"),
        labels_before=before.labels,
        labels_now=labels_of(table.rows, table.classes),
        newly_required=required,
        other_kind=other,
        same_task=comparable,
        noise=_noise(then, today),
        statistics=statistics,
        same_split=_same_split(before, table),
        pooled=pooled,
        best_pooled=best_pooled,
    )
    return evidence, now


def _pooled(
    table: PreparedTable, own: ComparedModel, champion: Champion, metric: str, on_holdout: Pair | None
) -> tuple[LossComparison | None, LossComparison | None]:
    """Compare with champion and best on the new holdout and the anchor together, each row once.

    None where rows cannot be told apart by the hash that divided them, repeat anyway, or were divided by another rule:
    then the candidate, or the other model, may have been fitted or chosen on some of them.
    """
    incumbent, best, seed = champion.incumbent, champion.best, table.seed
    known, old = table.holdout.identities, champion.anchor.identities
    if on_holdout is None or known is None or old is None or not _poolable(incumbent.manifest, table):
        return None, None
    further, theirs = champion.anchor.take(~np.isin(old, known)), incumbent.as_compared()
    on_anchor = predict_shared(further, theirs, (own, theirs), seed)
    pooled = compare_pair("champion_on_both", metric, joined(on_holdout, on_anchor), seed)
    if best.manifest.run_id == incumbent.manifest.run_id:
        return pooled, None if pooled is None else replace(pooled, name="best_on_both")
    on_holdout = predict_shared(table.holdout, own, (own, best.as_compared()), seed)
    if on_holdout is None or not _poolable(best.manifest, table):
        return pooled, None
    on_anchor = predict_shared(further, theirs, (own, best.as_compared()), seed)
    return pooled, compare_pair("best_on_both", metric, joined(on_holdout, on_anchor), seed)


def _poolable(other: Manifest, table: PreparedTable) -> bool:
    """Return whether rows of a version's holdout and of the table's mean the same, and neither model saw either."""
    classes = set(other.classes or ()) == set(table.classes or ())
    repeated = table.facts.split.different is not None or other.split.different is not None
    return other.split.rule is not None and other.split.rule == table.facts.split.rule and classes and not repeated


def _same_split(before: Manifest, table: PreparedTable) -> bool:
    """Return whether rows are held out by one rule; a version that kept no rule is believed to have the same."""
    return before.split.rule is None or before.split.rule == table.facts.split.rule


def _best(
    table: PreparedTable, own: ComparedModel, champion: Champion, metric: str, anchor: Part | None
) -> LossComparison | None:
    """Compare with the best version so far on the anchor; of ordered tables, whose anchor is past, on newer rows."""
    best, theirs, seed = champion.best.as_compared(), champion.incumbent.as_compared(), table.seed
    comparison = compare_on("best_on_anchor", metric, anchor, theirs, own, best, seed)
    if comparison is not None:
        return comparison
    newer = _later(table.holdout, champion.best.manifest.split.trained_until)
    return compare_on("best_on_holdout", metric, newer, own, own, best, seed)


def compared_by(manifest: Manifest) -> str | None:
    """Return the metric by which the gate let a version pass; None when nothing was compared."""
    return next((comparison.metric for comparison in manifest.gate.comparisons), None)


def _common(theirs: str, ours: str) -> str:
    """Return a metric that is fair to both: RMSE for two different losses of the mean, else the candidate's."""
    means = all(deviance.statistic(metric) == deviance.statistic(deviance.RMSE) for metric in (theirs, ours))
    return deviance.RMSE if theirs != ours and means else ours


def _noise(*figures: dict[str, float | None] | None) -> float:
    """Return the standard error of the difference of figures with 95 % intervals; 0 where intervals are unknown."""
    ends = [(figure.get("low"), figure.get("high")) for figure in figures if figure]
    widths = [high - low for low, high in ends if low is not None and high is not None]
    return math.hypot(*widths) / (2 * Z95)


def _later(part: Part, moment: float | None) -> Part | None:
    """Return the rows that a model fitted until that moment cannot have seen; None when none are left."""
    if moment is not None and part.times is not None:
        part = part.take(part.times > moment)
    return part if part.rows else None


def _champion_metrics(predictions: Predictions, seed: int, named: tuple[str, ...]) -> Figures:
    return intervals(predictions, seed, tuple(name for name in named if is_defined(name, predictions.target)))


def _champion_vs_trivial(
    table: PreparedTable, metric: str, holdout: Part | None, own: ComparedModel, theirs: ComparedModel
) -> LossComparison | None:
    guess = trivial(table.reference_rows, None if table.classes is None else len(table.classes), metric)
    trivial_model = ComparedModel(guess, own.encoding, own.classes)
    return compare_on("champion_against_trivial", metric, holdout, own, theirs, trivial_model, table.seed)
