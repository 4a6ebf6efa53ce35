"""Make a version of a candidate: its files, proven by replay, and last its manifest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import joblib
import orjson

from modelloop import baseline, clock, keys
from modelloop import manifest as manifests
from modelloop.aws import storage
from modelloop.errors import NotFoundError
from modelloop.settings import settings
from trainer import bundle, incumbents, lineage, replaying, report
from trainer.bundle import File
from trainer.evaluation import curves, diagnostics
from trainer.examination import trained_until
from trainer.export import flatten, to_onnx

if TYPE_CHECKING:
    from modelloop.aws.registry import Registry
    from modelloop.run import Run
    from trainer.examination import Examination
    from trainer.fitting import Fitted
    from trainer.incumbents import Champion
    from trainer.progress import Progress
    from trainer.table import PreparedTable


@dataclass(frozen=True)
class Candidate:
    """A fitted model that passed the gate, or waits for a person, with everything known of it."""

    table: PreparedTable
    fitted: Fitted
    examination: Examination
    champion: Champion | None


def find_manifest(model: str, run_id: str) -> dict[str, Any] | None:
    """Return the manifest that an earlier attempt of the run wrote, or None."""
    try:
        body = storage.get(settings().artifacts_bucket, keys.version(model, run_id, keys.MANIFEST))
    except NotFoundError:
        return None
    document: dict[str, Any] = orjson.loads(body)
    manifests.check(document)
    return document


def make_version(registry: Registry, run: Run, candidate: Candidate, progress: Progress) -> dict[str, Any]:
    """Export, upload, replay and describe a candidate; return its manifest, which is written last."""
    progress.reach("exporting")
    profile = _baseline(candidate)
    form, models = _form(candidate)
    estimator = candidate.fitted.estimator
    served = bundle.bundle(candidate.table, run.run_id, estimator, form, profile)
    files = [*models, served, _joblib(candidate), _anchor(candidate)]
    for file in files:
        _put(run, file)
    progress.reach("replaying")
    verdict = replaying.prove(candidate.table, run.run_id, estimator, served, form)
    progress.reach("registering")
    number = registry.reserve_version(run.model, run.run_id)
    document = _manifest(run, number, candidate, profile, verdict)
    page = File(keys.REPORT, report.render(document), "text/html; charset=utf-8")
    _put(run, page)
    document["golden"] = orjson.loads(served.body)["golden"]
    document["files"] = {file.name: file.facts() for file in [*files, page]}
    _put_once(run, document)
    return document


def _form(candidate: Candidate) -> tuple[dict[str, Any], list[File]]:
    """Return the engine's part of the bundle and the files that it names: the flat form where there is one, else ONNX.

    Raises ExportMismatchError when the model has neither.
    """
    model, encoding = candidate.fitted.estimator.model, candidate.table.encoding
    flat = flatten(model, encoding)
    if flat is not None:
        return {"engine": "flat", "flat": flat, "onnx": None}, []
    converted = to_onnx(model, encoding)
    file = File(keys.ONNX, converted.content)
    return {"engine": "onnx", "flat": None, "onnx": converted.facts()}, [file]


def _baseline(candidate: Candidate) -> dict[str, Any]:
    table = candidate.table
    predicted = candidate.fitted.estimator.outcome(table.train).predicted
    return baseline.build(table.encoding, table.train.matrix, predicted, table.classes, table.spec.mask)


def _joblib(candidate: Candidate) -> File:
    buffer = BytesIO()
    joblib.dump(candidate.fitted.estimator.model, buffer, compress=3)
    return File(keys.JOBLIB, buffer.getvalue())


def _anchor(candidate: Candidate) -> File:
    return File(keys.ANCHOR, incumbents.pack_anchor(candidate.table.holdout, candidate.table.seed))


def _put(run: Run, file: File) -> None:
    key = keys.version(run.model, run.run_id, file.name)
    storage.put(settings().artifacts_bucket, key, file.body, content_type=file.content_type)


def _put_once(run: Run, document: dict[str, Any]) -> None:
    key = keys.version(run.model, run.run_id, keys.MANIFEST)
    body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    storage.put_once(settings().artifacts_bucket, key, body, content_type="application/json")


def _manifest(
    run: Run, number: int, candidate: Candidate, profile: dict[str, Any], verdict: dict[str, Any]
) -> dict[str, Any]:
    table, fitted, found = candidate.table, candidate.fitted, candidate.examination
    champion = None if candidate.champion is None else candidate.champion.incumbent.run_id
    return {
        "format_version": manifests.FORMAT_VERSION,
        "model": run.model,
        "version": number,
        "run_id": run.run_id,
        "created_at": clock.now(),
        "cause": run.cause,
        **{name: table.document[name] for name in ("task", "target", "classes", "dataset", "profile", "warnings")},
        "threshold": table.spec.threshold,
        "spec": table.spec.to_json(),
        "encoding": table.encoding.to_json(),
        "estimator": _estimator(fitted),
        "trials": [trial.to_json() for trial in fitted.trials],
        "environment": lineage.environment(),
        "split": _split(table),
        "metrics": found.metrics,
        "labels": asdict(found.labels),
        "gate": found.decision.to_json(),
        "compared_with": champion,
        "best": _best(run, number, candidate),
        "baseline": profile,
        **_diagnostics(candidate),
        "replay": verdict,
        "monitoring": {**table.spec.monitoring, "mask": list(table.spec.mask)},
    }


def _diagnostics(candidate: Candidate) -> dict[str, Any]:
    table, fitted, outcome = candidate.table, candidate.fitted, candidate.examination.outcome
    return {
        "curves": curves.curves(outcome, table.classes, table.seed),
        "calibration": diagnostics.calibration(outcome),
        "confusion": diagnostics.confusion(outcome, table.classes),
        "importance": diagnostics.importance(table, fitted.estimator, fitted.gate_metric),
        "slices": diagnostics.slices(table, outcome),
    }


def _estimator(fitted: Fitted) -> dict[str, Any]:
    estimator = fitted.estimator.model.estimator
    kind = type(estimator)
    params = {name: value for name, value in estimator.get_params(deep=False).items() if _is_plain(value)}
    return {"family": fitted.chosen.family, "class": f"{kind.__module__}.{kind.__qualname__}", "params": params}


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list)


def _split(table: PreparedTable) -> dict[str, Any]:
    parts = {"train": table.train.rows, "validation": table.validation.rows, "holdout": table.holdout.rows}
    return {**parts, "salt": table.document["salt"], "trained_until": trained_until(table)}


def _best(run: Run, number: int, candidate: Candidate) -> dict[str, Any]:
    if candidate.champion is None or candidate.examination.candidate_is_best:
        return {"run_id": run.run_id, "version": number}
    return {"run_id": candidate.champion.best.run_id, "version": candidate.champion.best.version}
