"""The sections of the report, each from its part of the manifest."""

from __future__ import annotations

import json
from typing import Any

from modelloop.spec.sections import MARGIN
from trainer.report import figures
from trainer.report.markup import NOTHING, bars, chart, figure, number, pairs, section, table, text

NAMES = {
    "log_loss": "log loss", "roc_auc": "ROC AUC", "pr_auc": "PR AUC", "f1": "F1", "brier": "Brier score",
    "rmse": "RMSE", "mae": "MAE", "r2": "R²", "poisson_deviance": "Poisson deviance",
    "gamma_deviance": "gamma deviance",
}  # fmt: skip
OUTCOMES = {"passed": "passed", "failed": "failed", "approval": "needs approval", "skipped": "not applicable"}
SHOWN_CATEGORIES = 12
FEWEST_SHOWN = 10
MOST_CLASSES = 20
NAMED_CURVES = 6
LONGEST_HEAD = 16

type Manifest = dict[str, Any]


def sections(manifest: Manifest) -> str:
    """Return the whole body."""
    return "".join(part for make in _SECTIONS for part in [make(manifest)])


def _gate(manifest: Manifest) -> str:
    gate = manifest["gate"]
    reasons = "".join(f"<li>{text(reason)}</li>" for reason in gate["reasons"])
    checks = table(
        ["Check", "Outcome", "Detail"],
        [[text(check["name"].replace("_", " ")), _outcome(check["outcome"]), text(check["detail"])]
         for check in gate["checks"]],
        caption="Every question that the gate asked", numeric=3,
    )  # fmt: skip
    return section("gate", "The gate", f"<ul>{reasons}</ul>{_compared(manifest)}{checks}")


def compared(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the comparisons to show: those with earlier versions; of a first version, with the trivial model."""
    found: list[dict[str, Any]] = manifest["gate"]["comparisons"]
    margin = margin_of(manifest)
    shown = [one for one in found if one["name"].startswith(("champion_on", "best_on"))] or found
    return [{**one, "allowed": figures.allowed(one, margin)} for one in shown]


def margin_of(manifest: Manifest) -> float:
    """Return the share of a reference's loss by which this version's may be larger."""
    return float(manifest["spec"]["promotion"].get("margin", MARGIN))


def _compared(manifest: Manifest) -> str:
    found = compared(manifest)
    if not found:
        return ""
    label = (
        "Difference of the loss to each reference with its 90 % interval; left of zero is better, and the interval "
        "must end before the mark"
    )
    return chart("comparisons", label, figures.comparisons(found, margin_of(manifest)))


def _outcome(outcome: str) -> str:
    return f'<span class="mark {text(outcome)}">{text(OUTCOMES.get(outcome, outcome))}</span>'


def _metrics(manifest: Manifest) -> str:
    metrics = manifest["metrics"]
    champion, split = metrics.get("champion"), manifest["split"]
    rows = [
        [text(NAMES.get(name, name.replace("_", " "))), figure(found), figure(metrics["trivial"].get(name)),
         figure(champion.get(name) if champion else None)]
        for name, found in metrics["holdout"].items()
    ]  # fmt: skip
    shown = table(
        ["Metric", "This version", "Trivial model", "Champion"], rows,
        caption=f"On {split['holdout']:,} holdout rows that no fit has seen; intervals of 95 % by bootstrap"
        + _positive(manifest["classes"]),
    )  # fmt: skip
    return section("metrics", "Metrics", shown + _crossed(manifest.get("cross_validation")))


def _positive(classes: list[Any] | None) -> str:
    return f"; positive is {classes[1]}" if classes and len(classes) == 2 else ""  # noqa: PLR2004  two classes


def _crossed(document: dict[str, Any] | None) -> str:
    if document is None:
        return ""
    rows = [
        [text(NAMES.get(name, name)), number(spread["mean"]), number(spread["deviation"], 3)]
        for name, spread in document["metrics"].items()
    ]
    caption = f"The holdout is small: {document['fits']} fits of {document['folds']}-fold cross-validation on all rows"
    return table(["Metric", "Mean", "Standard deviation"], rows, caption=caption)


def _quality(manifest: Manifest) -> str:
    parts = []
    if manifest.get("calibration"):
        parts.append(chart("calibration", _calibrated(manifest), figures.calibration(_positives(manifest))))
    if curves := manifest["curves"].get("ranking"):
        rest = "" if len(curves) <= NAMED_CURVES else "; the five worst classes are named"
        parts.append(chart("roc", f"ROC curve{rest}", figures.roc(curves)))
        parts.append(chart("pr", f"Precision by recall{rest}", figures.pr(curves)))
    if found := manifest["curves"].get("residuals"):
        parts.append(chart("residuals", "Residuals by prediction", figures.residuals(found)))
        parts.append(chart("errors", "How residuals are distributed", figures.errors(found)))
    return section("quality", "How it errs", f'<div class="grid">{"".join(parts)}</div>{_confusion(manifest)}')


def _calibrated(manifest: Manifest) -> str:
    """Return what the calibration chart shows: of two classes the second's chance, else the likeliest's."""
    whose = manifest["classes"][1] if "positive" in manifest["calibration"] else "the likeliest class"
    return f"Calibration, probability of {whose}: expected error {number(_positives(manifest)['ece'], 3)}"


def _positives(manifest: Manifest) -> dict[str, Any]:
    found: dict[str, Any] = manifest["calibration"]
    shown: dict[str, Any] = found.get("positive", found)
    return shown


def _confusion(manifest: Manifest) -> str:
    document = manifest.get("confusion")
    if not document or len(document["classes"]) > MOST_CLASSES:
        return ""
    names = [f'<span class="class" title="{text(name)}">{text(name)}</span>' for name in document["classes"]]
    rows = [
        [name, *(_heat(count, sum(row)) for count in row)] for name, row in zip(names, document["counts"], strict=True)
    ]
    heads = ["Truth", *(_short(str(name)) for name in document["classes"])]
    return table(heads, rows, caption="Confusion: truth by row, prediction by column")


def _short(name: str) -> str:
    half = LONGEST_HEAD // 2
    return name if len(name) <= LONGEST_HEAD else f"{name[: half - 1]}\u2026{name[-half:]}"


def _heat(count: int, total: int) -> str:
    if not count:
        return "<small>0</small>"
    share = count / total
    return f'<span class="heat" style="--share:{share:.3f}">{count:,} <small>{share:.0%}</small></span>'


def _importance(manifest: Manifest) -> str:
    found = manifest.get("importance")
    if not found:
        return ""
    label = "How much the loss grows when one column is shuffled"
    shown = chart("importance", label, figures.importance(found), tall=True)
    return section("importance", "What it looks at", shown)


def _slices(manifest: Manifest) -> str:
    return section("slices", "For whom", "".join(_slice(entry) for entry in manifest.get("slices") or ()))


def _slice(entry: dict[str, Any]) -> str:
    if not entry["values"]:
        return f"<p>{text(entry['column'])}: {text(entry['reason'] or 'too few rows in every slice')}.</p>"
    names = list(entry["values"][0]["metrics"])[:3]
    rows = [
        [text(part["value"]), number(part["rows"]), *(figure(part["metrics"].get(name)) for name in names)]
        for part in entry["values"]
    ]
    heads = [entry["column"], "Rows", *(NAMES.get(name, name) for name in names)]
    return table(heads, rows, caption=f"Slices of {entry['column']}")


def _data(manifest: Manifest) -> str:
    watched = {column["name"]: column for column in manifest["baseline"]["columns"]}
    rows = [
        [
            text(column["name"]),
            text(column.get("kind", "")),
            _role(column),
            number(column.get("missing")),
            number(column.get("distinct")),
            _range(column),
            _distribution(watched.get(column["name"]), column),
        ]
        for column in manifest["profile"]
    ]
    warnings = "".join(f"<li>{text(warning)}</li>" for warning in manifest["warnings"])
    shown = table(
        ["Column", "Kind", "Role", "Missing", "Distinct", "Range", "Distribution"],
        rows,
        caption=_rows(manifest),
        numeric=3,
    )
    return section("data", "The data", (f"<ul>{warnings}</ul>" if warnings else "") + shown)


def _rows(manifest: Manifest) -> str:
    split = manifest["split"]
    parts = (split["train"], split["validation"], split["holdout"])
    return "{:,} rows to train, {:,} to choose and calibrate, {:,} held out".format(*parts)


def _role(column: dict[str, Any]) -> str:
    return text(column.get("role", "")) + (f": {text(column['reason'])}" if column.get("reason") else "")


def _range(profile: dict[str, Any]) -> str:
    ends = [profile.get("min"), profile.get("max")]
    if None not in ends:
        return (
            f'{number(ends[0])} to {number(ends[1])} <span class="interval">mean {number(profile.get("mean"))}</span>'
        )
    if profile.get("first") and profile.get("last"):
        return f"{text(profile['first'])} to {text(profile['last'])}"
    top = profile.get("top") or ()
    return ", ".join(text(_short(str(value))) for value, _ in top[:3]) or NOTHING


def _distribution(column: dict[str, Any] | None, profile: dict[str, Any]) -> str:
    if column is None:
        return ""
    counts = [count if count >= FEWEST_SHOWN else 0 for count in column["counts"]]
    if column.get("categories"):
        return bars(counts[:SHOWN_CATEGORIES])
    return bars(counts, _bounds(column.get("edges"), profile))


def _bounds(edges: list[float] | None, profile: dict[str, Any]) -> list[float] | None:
    low, high = profile.get("min"), profile.get("max")
    if not edges or not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    if not low <= edges[0] <= edges[-1] <= high:
        return None
    return [low, *edges, high]


def _making(manifest: Manifest) -> str:
    heads = ["Family", "Parameters", "Named by", "Rows", "Validation score", "Seconds"]
    rows = [_trial(trial, manifest) for trial in manifest["trials"]]
    estimator = f"<code>{text(manifest['estimator']['class'])}</code>"
    made = f"<p>{estimator}</p>{_start(manifest)}"
    return section("making", "How it was made", made + table(heads, rows, caption="Trials", numeric=3))


def _start(manifest: Manifest) -> str:
    start = manifest["started_from"]
    return f"<p>After version {start['version']}.</p>" if start else ""


def _trial(trial: dict[str, Any], manifest: Manifest) -> list[str]:
    before = f"version {(manifest['started_from'] or {}).get('version')}"
    origins = {"predecessor": before, "spec": "model.yaml or defaults"}
    return [
        text(trial["family"]), f"<code>{text(_json(trial['params']))}</code>", origins.get(trial["origin"], "chance"),
        number(trial["rows"]), text(trial["error"]) if trial["error"] else number(trial["score"]),
        number(trial["seconds"], 3),
    ]  # fmt: skip


def _lineage(manifest: Manifest) -> str:
    dataset, environment = manifest["dataset"], manifest["environment"]
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    shown = pairs([
        ("Run", f"<code>{text(manifest['run_id'])}</code>"),
        ("Cause", text(manifest["cause"])),
        ("Dataset", f"<code>{text(dataset.get('uri', ''))}</code>"),
        ("Dataset version", f"<code>{text(dataset.get('version_id'))}</code>"),
        ("Dataset digest", f"<code>{text(dataset.get('digest'))}</code>"),
        ("Code digest", f"<code>{text(environment.get('code', ''))}</code>"),
        ("Environment digest", f"<code>{text(environment.get('lock', ''))}</code>"),
        ("Python", f"{text(environment['python'])} on {text(environment['machine'])}"),
        ("Packages", text(packages)),
        ("Replay", _replay(manifest["replay"])),
    ])  # fmt: skip
    spec = json.dumps(manifest["spec"], indent=1, ensure_ascii=False)
    details = f"<details><summary>Specification</summary><pre>{text(spec)}</pre></details>"
    return section("lineage", "Where it comes from", shown + details)


def _replay(verdict: dict[str, Any]) -> str:
    if not verdict:
        return "none: the gate refused the model before"
    counts = f"{number(verdict.get('mismatches'))} mismatches, {number(verdict.get('label_ties'))} ties"
    return f"{number(verdict.get('rows'))} rows through the {text(verdict.get('engine'))} engine: {counts}"


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False) if document else "defaults"


_SECTIONS = (_gate, _metrics, _quality, _importance, _slices, _data, _making, _lineage)
