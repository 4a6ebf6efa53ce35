"""The sections of the report, each made from its part of the manifest."""

from __future__ import annotations

import json
from math import fsum, isnan
from typing import TYPE_CHECKING

from modelloop.versions.gate import REJECT
from trainer.report import figures
from trainer.report.columns import columns_section
from trainer.report.intervals import intervals_table
from trainer.report.learning import learning_section
from trainer.report.markup import chart, figure, number, pairs, section, shorten, table, text
from trainer.report.names import NAMES, metric_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.evaluation import Calibration, ColumnSlices, Reliability
    from modelloop.contracts.manifest import Manifest
    from modelloop.contracts.manifest_parts import CrossValidation, MemberFacts, Refit, Selection, TrialRecord
    from modelloop.spec.fields import Parameter
    from modelloop.versions.evidence import LossComparison
    from modelloop.versions.prepared_table import Label

RANDOM = "random search"
OUTCOMES = {
    "passed": "passed", "failed": "failed", "unsure": "unsure", "approval": "needs approval",
    "skipped": "not applicable",
}  # fmt: skip
MAX_CLASSES = 20
MAX_NAMED_CURVES = 6


def sections(manifest: Manifest) -> str:
    """Return every section of the page, as HTML."""
    return "".join(make(manifest) for make in _SECTIONS)


def _gate(manifest: Manifest) -> str:
    gate = manifest.gate
    reasons = "".join(f"<li>{text(reason)}</li>" for reason in gate.reasons)
    checks = table(
        ["Check", "Outcome", "Detail"],
        [[text(check.name.replace("_", " ")), _outcome(check.outcome), text(check.detail)] for check in gate.checks],
        caption="Checks of the gate", numeric=3,
    )  # fmt: skip
    return section("gate", "Gate", f"<ul>{reasons}</ul>{_comparisons(manifest)}{checks}")


def compared(manifest: Manifest) -> Sequence[LossComparison]:
    """Return the comparisons to show: those with earlier versions, or all when this is the first version."""
    comparisons = manifest.gate.comparisons
    return [entry for entry in comparisons if entry.name.startswith(("champion_on", "best_on"))] or comparisons


def margin_of(manifest: Manifest) -> float:
    """Return by which share of a reference's loss this version's loss may be larger, between 0 and 1."""
    return manifest.spec.promotion.margin


def _comparisons(manifest: Manifest) -> str:
    entries = compared(manifest)
    if not entries:
        return ""
    label = (
        "Difference of the loss to each reference with its 90 % interval. Left of zero is better. An interval that "
        "ends left of the mark is surely as good; one around the mark leaves it open."
    )
    return chart("comparisons", label, figures.comparisons(entries, margin_of(manifest)))


def _outcome(outcome: str) -> str:
    return f'<span class="mark {text(outcome)}">{text(OUTCOMES.get(outcome, outcome))}</span>'


def _metrics(manifest: Manifest) -> str:
    metrics, champion = manifest.metrics, manifest.metrics.champion or {}
    rows = [
        [text(metric_name(name)), figure(metric), figure(metrics.trivial.get(name)),
         figure(champion.get(name))]
        for name, metric in metrics.holdout.items()
    ]  # fmt: skip
    holdout = table(
        ["Metric", "This version", "Trivial model", "Champion"], rows,
        caption=f"On {manifest.split.holdout:,} holdout rows that were not used for training; 95 % bootstrap intervals"
        + _positive(manifest.classes),
    )  # fmt: skip
    return section("metrics", "Metrics", holdout + _cross_validation(manifest.cross_validation))


def _positive(classes: Sequence[Label] | None) -> str:
    return f"; the positive class is {classes[1]}" if classes and len(classes) == 2 else ""  # noqa: PLR2004  two classes


def _cross_validation(crossed: CrossValidation | None) -> str:
    if crossed is None:
        return ""
    rows = [
        [text(NAMES.get(name, name)), number(spread["mean"]), number(spread["deviation"], 3)]
        for name, spread in crossed.metrics.items()
    ]
    fits = f"{crossed.fits} fits, {crossed.folds} folds"
    caption = f"Cross-validation on all rows, because the holdout is small: {fits}"
    return table(["Metric", "Mean", "Standard deviation"], rows, caption=caption)


def _quality(manifest: Manifest) -> str:
    parts = []
    curves, calibration = manifest.diagnostics.curves, manifest.diagnostics.calibration
    if calibration is not None:
        label = _calibration_label(calibration, manifest.classes or ())
        parts.append(chart("calibration", label, figures.calibration(_shown(calibration))))
    if ranking := curves.ranking:
        naming = "" if len(ranking) <= MAX_NAMED_CURVES else "; the five worst classes are named"
        parts.append(chart("roc", f"ROC curve{naming}", figures.roc(ranking)))
        parts.append(chart("pr", f"Precision by recall{naming}", figures.pr(ranking)))
    if residuals := curves.residuals:
        parts.append(chart("residuals", "Residuals by prediction", figures.residuals(residuals)))
        parts.append(chart("errors", "Distribution of the residuals", figures.errors(residuals)))
    tables = _confusion(manifest) + intervals_table(manifest.diagnostics.intervals)
    return section("quality", "Errors", f'<div class="grid">{"".join(parts)}</div>{tables}')


def _calibration_label(calibration: Calibration, classes: Sequence[Label]) -> str:
    """Return what the calibration chart shows: of two classes the second's probability, else the likeliest's."""
    predicted = "the likeliest class" if calibration.positive is None else classes[1]
    error = number(_shown(calibration).ece, 3)
    return f"Calibration of the probability of {predicted}; expected calibration error {error}"


def _shown(calibration: Calibration) -> Reliability:
    return calibration.positive or calibration.predicted


def _confusion(manifest: Manifest) -> str:
    confusion = manifest.diagnostics.confusion
    if confusion is None or len(confusion.classes) > MAX_CLASSES:
        return ""
    names = [f'<span class="class" title="{text(name)}">{text(name)}</span>' for name in confusion.classes]
    rows = [
        [name, *(_heat(count, sum(row)) for count in row)] for name, row in zip(names, confusion.counts, strict=True)
    ]
    heads = ["Truth", *(shorten(str(name)) for name in confusion.classes)]
    return table(heads, rows, caption="Confusion matrix: a row for each true class, a column for each predicted class")


def _heat(count: int, total: int) -> str:
    if not count:
        return "<small>0</small>"
    share = count / total
    return f'<span class="heat" style="--share:{share:.3f}">{count:,} <small>{share:.0%}</small></span>'


def _importance(manifest: Manifest) -> str:
    columns = manifest.diagnostics.importance
    if not columns:
        return ""
    label = "How much the loss increases when one column is shuffled"
    return section(
        "importance", "Column importance", chart("importance", label, figures.importance(columns), tall=True)
    )


def _slices(manifest: Manifest) -> str:
    return section("slices", "Metrics by slice", "".join(_slice(entry) for entry in manifest.diagnostics.slices))


def _slice(entry: ColumnSlices) -> str:
    if not entry.values:
        return f"<p>{text(entry.column)}: {text(entry.reason or 'every slice has too few rows')}.</p>"
    names = list(entry.values[0].metrics)[:3]
    rows = [
        [text(part.value), number(part.rows), *(figure(part.metrics.get(name)) for name in names)]
        for part in entry.values
    ]
    heads = [entry.column, "Rows", *(NAMES.get(name, name) for name in names)]
    return table(heads, rows, caption=f"Slices of {entry.column}")


def _making(manifest: Manifest) -> str:
    heads = ["Family", "Parameters", "Chosen by", "Rows", "Validation score", "Folds", "Seconds"]
    rows = [_trial(trial, manifest) for trial in manifest.trials]
    estimator = f"<code>{text(manifest.estimator.class_name)}</code>"
    blend = _blend(manifest.estimator.members)
    made = f"<p>{estimator}</p>{blend}{_start(manifest)}{_selection(manifest.selection)}"
    return section("making", "Training", made + table(heads, rows, caption="Candidates that were tried", numeric=3))


def _blend(members: Sequence[MemberFacts]) -> str:
    """Return what a blend is made of; nothing for other models."""
    if not members:
        return ""
    rows = [
        [
            text(member.estimator.family),
            f"<code>{text(_json(member.estimator.settings or {}))}</code>",
            number(member.weight, 3),
        ]
        for member in members
    ]
    caption = "Members of the blend: their scores, before the link, are weighted and added up"
    return table(["Family", "Parameters", "Weight"], rows, caption=caption, numeric=2)


def _start(manifest: Manifest) -> str:
    start = manifest.started_from
    return f"<p>After version {start.version}.</p>" if start else ""


def _trial(trial: TrialRecord, manifest: Manifest) -> list[str]:
    before = "" if manifest.started_from is None else f"version {manifest.started_from.version}"
    origins = {"predecessor": before, "spec": "model.yaml or defaults", "target": "kind of the target"}
    score = number(None if isnan(trial.score) else trial.score)
    return [
        text(trial.family), f"<code>{text(_json(trial.params))}</code>", origins.get(trial.origin, RANDOM),
        number(trial.rows), text(trial.error) if trial.error else score, _folds(trial),
        number(round(trial.seconds, 3), 3),
    ]  # fmt: skip


def _folds(trial: TrialRecord) -> str:
    """Return the mean score over the folds, or over fifths of the validation part."""
    return number(fsum(trial.folds) / len(trial.folds) if trial.folds and not any(map(isnan, trial.folds)) else None)


def _selection(selection: Selection | None) -> str:
    """Return how the model was chosen, what the time did not suffice for, and on which rows it was fitted."""
    if selection is None:
        return ""
    folds = f"{selection.folds} folds of training and validation part"
    by = (folds + (", made twice" if selection.repeats > 1 else "")) if selection.repeats else "the validation part"
    said = [f"Chosen by {by}."]
    if selection.left_out:
        said.append(f"Left out for want of time: {', '.join(selection.left_out)}.")
    return f"<p>{text(' '.join([*said, *_refit(selection.refit)]))}</p>"


def _refit(refit: Refit | None) -> list[str]:
    if refit is None:
        return []
    rows = f"{refit.rows:,} rows"
    shown = "" if refit.gain is None or refit.error is None else f" (gain {refit.gain:.3g} ± {refit.error:.2g})"
    if refit.done:
        boosted = "" if refit.iterations is None else f", with {refit.iterations} iterations of boosting"
        return [f"Fitted again on {rows}, those of the validation part among them{boosted}{shown}."]
    return [f"Fitted on the {rows} of the training part: {refit.reason or f'more rows do not surely help{shown}'}."]


def _lineage(manifest: Manifest) -> str:
    dataset, environment = manifest.dataset, manifest.environment
    packages = ", ".join(f"{name} {version}" for name, version in environment.packages.items())
    origin = pairs([
        ("Run", f"<code>{text(manifest.run_id)}</code>"),
        ("Cause", text(manifest.cause)),
        ("Dataset", f"<code>{text(dataset.uri)}</code>"),
        ("Dataset version", f"<code>{text(dataset.version_id)}</code>"),
        ("Dataset SHA-256", f"<code>{text(dataset.digest)}</code>"),
        ("Code SHA-256", f"<code>{text(environment.code)}</code>"),
        ("Packages SHA-256", f"<code>{text(environment.lock)}</code>"),
        ("Python", f"{text(environment.python)} on {text(environment.machine)}"),
        ("Packages", text(packages)),
        ("Replay", _replay(manifest)),
    ])  # fmt: skip
    spec = json.dumps(manifest.spec.to_json(), indent=1, ensure_ascii=False)
    details = f"<details><summary>Specification</summary><pre>{text(spec)}</pre></details>"
    return section("lineage", "Lineage", origin + details)


def _replay(manifest: Manifest) -> str:
    if manifest.gate.decision == REJECT:
        return "not replayed, because the gate refused the model"
    verdict = manifest.replay
    counts = f"{number(verdict.mismatches)} predictions differ, {number(verdict.label_ties)} labels are ties"
    return f"{number(verdict.rows)} rows through the {text(verdict.engine)} engine: {counts}"


def _json(params: dict[str, Parameter]) -> str:
    return json.dumps(params, ensure_ascii=False) if params else "defaults"


_SECTIONS = (_gate, _metrics, _quality, _importance, _slices, columns_section, _making, learning_section, _lineage)
