"""The sections of the report, each made from its part of the manifest."""

from __future__ import annotations

import json
from typing import Any

from modelloop.spec.sections import MARGIN
from trainer.report import figures
from trainer.report.columns import columns_section
from trainer.report.markup import chart, figure, number, pairs, section, shorten, table, text

NAMES = {
    "log_loss": "log loss", "roc_auc": "ROC AUC", "pr_auc": "PR AUC", "f1": "F1", "brier": "Brier score",
    "rmse": "RMSE", "mae": "MAE", "r2": "R²", "poisson_deviance": "Poisson deviance",
    "gamma_deviance": "gamma deviance",
}  # fmt: skip
RANDOM = "random search"
OUTCOMES = {"passed": "passed", "failed": "failed", "approval": "needs approval", "skipped": "not applicable"}
MAX_CLASSES = 20
MAX_NAMED_CURVES = 6

type Manifest = dict[str, Any]


def sections(manifest: Manifest) -> str:
    """Return every section of the page, as HTML."""
    return "".join(make(manifest) for make in _SECTIONS)


def _gate(manifest: Manifest) -> str:
    gate = manifest["gate"]
    reasons = "".join(f"<li>{text(reason)}</li>" for reason in gate["reasons"])
    checks = table(
        ["Check", "Outcome", "Detail"],
        [[text(check["name"].replace("_", " ")), _outcome(check["outcome"]), text(check["detail"])]
         for check in gate["checks"]],
        caption="Checks of the gate", numeric=3,
    )  # fmt: skip
    return section("gate", "Gate", f"<ul>{reasons}</ul>{_comparisons(manifest)}{checks}")


def compared(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the comparisons to show: those with earlier versions, or all when this is the first version.

    Each has `allowed` besides, the largest difference of the loss that passes.
    """
    comparisons: list[dict[str, Any]] = manifest["gate"]["comparisons"]
    earlier = [entry for entry in comparisons if entry["name"].startswith(("champion_on", "best_on"))]
    margin = margin_of(manifest)
    return [{**entry, "allowed": figures.allowed(entry, margin)} for entry in earlier or comparisons]


def margin_of(manifest: Manifest) -> float:
    """Return by which share of a reference's loss this version's loss may be larger, between 0 and 1."""
    return float(manifest["spec"]["promotion"].get("margin", MARGIN))


def _comparisons(manifest: Manifest) -> str:
    entries = compared(manifest)
    if not entries:
        return ""
    label = (
        "Difference of the loss to each reference with its 90 % interval. Left of zero is better. The interval must "
        "end left of the mark."
    )
    return chart("comparisons", label, figures.comparisons(entries, margin_of(manifest)))


def _outcome(outcome: str) -> str:
    return f'<span class="mark {text(outcome)}">{text(OUTCOMES.get(outcome, outcome))}</span>'


def _metrics(manifest: Manifest) -> str:
    metrics = manifest["metrics"]
    champion, split = metrics.get("champion"), manifest["split"]
    rows = [
        [text(NAMES.get(name, name.replace("_", " "))), figure(metric), figure(metrics["trivial"].get(name)),
         figure(champion.get(name) if champion else None)]
        for name, metric in metrics["holdout"].items()
    ]  # fmt: skip
    holdout = table(
        ["Metric", "This version", "Trivial model", "Champion"], rows,
        caption=f"On {split['holdout']:,} holdout rows that were not used for training; 95 % bootstrap intervals"
        + _positive(manifest["classes"]),
    )  # fmt: skip
    return section("metrics", "Metrics", holdout + _cross_validation(manifest.get("cross_validation")))


def _positive(classes: list[Any] | None) -> str:
    return f"; the positive class is {classes[1]}" if classes and len(classes) == 2 else ""  # noqa: PLR2004  two classes


def _cross_validation(document: dict[str, Any] | None) -> str:
    if document is None:
        return ""
    rows = [
        [text(NAMES.get(name, name)), number(spread["mean"]), number(spread["deviation"], 3)]
        for name, spread in document["metrics"].items()
    ]
    fits = f"{document['fits']} fits, {document['folds']} folds"
    caption = f"Cross-validation on all rows, because the holdout is small: {fits}"
    return table(["Metric", "Mean", "Standard deviation"], rows, caption=caption)


def _quality(manifest: Manifest) -> str:
    parts = []
    if manifest.get("calibration"):
        parts.append(chart("calibration", _calibration_label(manifest), figures.calibration(_calibration(manifest))))
    if curves := manifest["curves"].get("ranking"):
        naming = "" if len(curves) <= MAX_NAMED_CURVES else "; the five worst classes are named"
        parts.append(chart("roc", f"ROC curve{naming}", figures.roc(curves)))
        parts.append(chart("pr", f"Precision by recall{naming}", figures.pr(curves)))
    if curve := manifest["curves"].get("residuals"):
        parts.append(chart("residuals", "Residuals by prediction", figures.residuals(curve)))
        parts.append(chart("errors", "Distribution of the residuals", figures.errors(curve)))
    return section("quality", "Errors", f'<div class="grid">{"".join(parts)}</div>{_confusion(manifest)}')


def _calibration_label(manifest: Manifest) -> str:
    """Return what the calibration chart shows: of two classes the second's probability, else the likeliest's."""
    predicted = manifest["classes"][1] if "positive" in manifest["calibration"] else "the likeliest class"
    error = number(_calibration(manifest)["ece"], 3)
    return f"Calibration of the probability of {predicted}; expected calibration error {error}"


def _calibration(manifest: Manifest) -> dict[str, Any]:
    calibration: dict[str, Any] = manifest["calibration"]
    positive: dict[str, Any] = calibration.get("positive", calibration)
    return positive


def _confusion(manifest: Manifest) -> str:
    document = manifest.get("confusion")
    if not document or len(document["classes"]) > MAX_CLASSES:
        return ""
    names = [f'<span class="class" title="{text(name)}">{text(name)}</span>' for name in document["classes"]]
    rows = [
        [name, *(_heat(count, sum(row)) for count in row)] for name, row in zip(names, document["counts"], strict=True)
    ]
    heads = ["Truth", *(shorten(str(name)) for name in document["classes"])]
    return table(heads, rows, caption="Confusion matrix: a row for each true class, a column for each predicted class")


def _heat(count: int, total: int) -> str:
    if not count:
        return "<small>0</small>"
    share = count / total
    return f'<span class="heat" style="--share:{share:.3f}">{count:,} <small>{share:.0%}</small></span>'


def _importance(manifest: Manifest) -> str:
    columns = manifest.get("importance")
    if not columns:
        return ""
    label = "How much the loss increases when one column is shuffled"
    return section(
        "importance", "Column importance", chart("importance", label, figures.importance(columns), tall=True)
    )


def _slices(manifest: Manifest) -> str:
    return section("slices", "Metrics by slice", "".join(_slice(entry) for entry in manifest.get("slices") or ()))


def _slice(entry: dict[str, Any]) -> str:
    if not entry["values"]:
        return f"<p>{text(entry['column'])}: {text(entry['reason'] or 'every slice has too few rows')}.</p>"
    names = list(entry["values"][0]["metrics"])[:3]
    rows = [
        [text(part["value"]), number(part["rows"]), *(figure(part["metrics"].get(name)) for name in names)]
        for part in entry["values"]
    ]
    heads = [entry["column"], "Rows", *(NAMES.get(name, name) for name in names)]
    return table(heads, rows, caption=f"Slices of {entry['column']}")


def _making(manifest: Manifest) -> str:
    heads = ["Family", "Parameters", "Chosen by", "Rows", "Validation score", "Seconds"]
    rows = [_trial(trial, manifest) for trial in manifest["trials"]]
    estimator = f"<code>{text(manifest['estimator']['class'])}</code>"
    made = f"<p>{estimator}</p>{_start(manifest)}"
    return section("making", "Training", made + table(heads, rows, caption="Candidates that were tried", numeric=3))


def _start(manifest: Manifest) -> str:
    start = manifest["started_from"]
    return f"<p>After version {start['version']}.</p>" if start else ""


def _trial(trial: dict[str, Any], manifest: Manifest) -> list[str]:
    before = f"version {(manifest['started_from'] or {}).get('version')}"
    origins = {"predecessor": before, "spec": "model.yaml or defaults"}
    return [
        text(trial["family"]), f"<code>{text(_json(trial['params']))}</code>", origins.get(trial["origin"], RANDOM),
        number(trial["rows"]), text(trial["error"]) if trial["error"] else number(trial["score"]),
        number(trial["seconds"], 3),
    ]  # fmt: skip


def _lineage(manifest: Manifest) -> str:
    dataset, environment = manifest["dataset"], manifest["environment"]
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    origin = pairs([
        ("Run", f"<code>{text(manifest['run_id'])}</code>"),
        ("Cause", text(manifest["cause"])),
        ("Dataset", f"<code>{text(dataset.get('uri', ''))}</code>"),
        ("Dataset version", f"<code>{text(dataset.get('version_id'))}</code>"),
        ("Dataset SHA-256", f"<code>{text(dataset.get('digest'))}</code>"),
        ("Code SHA-256", f"<code>{text(environment.get('code', ''))}</code>"),
        ("Packages SHA-256", f"<code>{text(environment.get('lock', ''))}</code>"),
        ("Python", f"{text(environment['python'])} on {text(environment['machine'])}"),
        ("Packages", text(packages)),
        ("Replay", _replay(manifest["replay"])),
    ])  # fmt: skip
    spec = json.dumps(manifest["spec"], indent=1, ensure_ascii=False)
    details = f"<details><summary>Specification</summary><pre>{text(spec)}</pre></details>"
    return section("lineage", "Lineage", origin + details)


def _replay(verdict: dict[str, Any]) -> str:
    if not verdict:
        return "not replayed, because the gate refused the model"
    mismatches, ties = number(verdict.get("mismatches")), number(verdict.get("label_ties"))
    counts = f"{mismatches} predictions differ, {ties} labels are ties"
    return f"{number(verdict.get('rows'))} rows through the {text(verdict.get('engine'))} engine: {counts}"


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False) if document else "defaults"


_SECTIONS = (_gate, _metrics, _quality, _importance, _slices, columns_section, _making, _lineage)
