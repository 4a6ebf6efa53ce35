"""Make a version of a candidate: its files, proven by replay, and last its manifest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from modelloop import clock, keys
from modelloop.contracts import manifest as manifests
from modelloop.errors import NotFoundError
from modelloop.monitoring.drift import baseline
from modelloop.spec.sections import section_to_json
from trainer import report
from trainer.comparison import incumbents
from trainer.comparison.examination import trained_until
from trainer.evaluation import curves, diagnostics
from trainer.evaluation.slices import slices
from trainer.release import bundle, lineage, replaying
from trainer.release.files import File

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from modelloop.contracts.baseline import Baseline
    from modelloop.versions.run import Run
    from trainer.comparison.examination import Examination
    from trainer.comparison.incumbents import Champion
    from trainer.progress import Progress
    from trainer.release.sources import Source
    from trainer.services import Services
    from trainer.table import Part, PreparedTable


@dataclass(frozen=True)
class Candidate:
    """A fitted model that passed the gate, or waits for a person, with everything known of it."""

    table: PreparedTable
    source: Source
    examination: Examination
    champion: Champion | None
    cross_validation: dict[str, Any] | None = None


def find_manifest(artifacts: Bucket, model: str, run_id: str) -> dict[str, Any] | None:
    """Return the manifest that an earlier attempt of the run wrote, or None."""
    try:
        body = artifacts.get(keys.version(model, run_id, keys.MANIFEST))
    except NotFoundError:
        return None
    document: dict[str, Any] = orjson.loads(body)
    manifests.manifest_from_json(document)
    return document


def make_version(services: Services, run: Run, candidate: Candidate, progress: Progress) -> dict[str, Any]:
    """Export, upload, replay and describe a candidate; return its manifest, which is written last."""
    progress.reach("exporting")
    profile = _baseline(candidate)
    predictor, exported = candidate.source.predictor, candidate.source.export(candidate.table.encoding)
    served = bundle.bundle(candidate.table, run.run_id, predictor, exported.form, profile)
    files = [*exported.files, served, *_anchor(candidate)]
    for file in files:
        _put(services.artifacts, run, file)
    progress.reach("replaying")
    verdict = replaying.prove(services, candidate.table, run, candidate.source.proof, served, exported.form)
    progress.reach("registering")
    number = services.registry.reserve_version(run.model, run.run_id)
    document = _manifest(run, number, candidate, profile, verdict)
    page = _report(services.artifacts, run, document)
    document["golden"] = orjson.loads(served.body)["golden"]
    document["files"] = {file.name: file.facts() for file in [*files, page]}
    _put_once(services.artifacts, run, document)
    return document


def report_refusal(artifacts: Bucket, run: Run, candidate: Candidate) -> None:
    """Write the report of a candidate that the gate refused; without a manifest there is no version."""
    _report(artifacts, run, _manifest(run, None, candidate, _baseline(candidate), {}))


def _report(artifacts: Bucket, run: Run, document: dict[str, Any]) -> File:
    page = File(keys.REPORT, report.render(document), "text/html; charset=utf-8")
    _put(artifacts, run, page)
    return page


def _baseline(candidate: Candidate) -> Baseline:
    table = candidate.table
    own = _answers(candidate, table.known)
    unseen = _answers(candidate, table.unseen) if table.train.rows and table.unseen.rows else None
    return baseline.build(
        table.encoding, table.known.matrix, own.predictions, table.classes, table.spec.mask, times=own.times,
        unseen=unseen,
    )  # fmt: skip


def _answers(candidate: Candidate, part: Part) -> baseline.Answers:
    predicted = candidate.source.predictor.outcome(part).predicted if part.rows else np.zeros(0)
    return baseline.Answers(predicted, part.times)


def _anchor(candidate: Candidate) -> list[File]:
    """Return the holdout rows that successors are compared on; rows without labels compare nothing."""
    if candidate.examination.labels is None:
        return []
    return [File(keys.ANCHOR, incumbents.pack_anchor(candidate.table.holdout, candidate.table.seed))]


def _put(artifacts: Bucket, run: Run, file: File) -> None:
    key = keys.version(run.model, run.run_id, file.name)
    artifacts.put(key, file.body, content_type=file.content_type)


def _put_once(artifacts: Bucket, run: Run, document: dict[str, Any]) -> None:
    key = keys.version(run.model, run.run_id, keys.MANIFEST)
    body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    artifacts.put_once(key, body, content_type="application/json")


def _manifest(
    run: Run, number: int | None, candidate: Candidate, profile: Baseline, verdict: dict[str, Any]
) -> dict[str, Any]:
    table, found = candidate.table, candidate.examination
    champion = None if candidate.champion is None else candidate.champion.incumbent.run_id
    return {
        "format_version": manifests.FORMAT_VERSION,
        "model": run.model,
        "version": number,
        "run_id": run.run_id,
        "created_at": clock.now(),
        "cause": run.cause,
        "request_id": run.request_id,
        **{name: table.document[name] for name in ("task", "target", "classes", "dataset", "profile", "warnings")},
        "threshold": table.spec.threshold,
        "spec": table.spec.to_json(),
        "encoding": table.encoding.to_json(),
        "estimator": candidate.source.describe(),
        "trials": [trial.to_json() for trial in candidate.source.trials],
        "started_from": candidate.source.started_from,
        "environment": lineage.environment(),
        "split": _split(table),
        "metrics": found.metrics,
        "cross_validation": candidate.cross_validation,
        "labels": None if found.labels is None else asdict(found.labels),
        "gate": found.decision.to_json(),
        "compared_with": champion,
        "best": _best(run, number, candidate),
        "baseline": profile.to_json(),
        **_diagnostics(candidate),
        "replay": verdict,
        "monitoring": {**section_to_json(table.spec.monitoring), "mask": list(table.spec.mask)},
    }


def _diagnostics(candidate: Candidate) -> dict[str, Any]:
    """Return what labelled holdout rows show; nothing of rows without labels."""
    table, source, outcome = candidate.table, candidate.source, candidate.examination.outcome
    if candidate.examination.labels is None:
        return {"curves": {}, "calibration": None, "confusion": None, "importance": [], "slices": []}
    return {
        "curves": curves.curves(outcome, table.classes, table.seed),
        "calibration": diagnostics.calibration(outcome),
        "confusion": diagnostics.confusion(outcome, table.classes),
        "importance": diagnostics.importance(table, source.predictor, source.gate_metric),
        "slices": slices(table, outcome, source.gate_metric),
    }


def _split(table: PreparedTable) -> dict[str, Any]:
    parts = {"train": table.train.rows, "validation": table.validation.rows, "holdout": table.holdout.rows}
    known = table.document.get("split") or {}
    divided = {name: known.get(name) for name in ("kind", "column", "columns", "rule")}
    return {**parts, **divided, "salt": table.document["salt"], "trained_until": trained_until(table)}


def _best(run: Run, number: int | None, candidate: Candidate) -> dict[str, Any]:
    if candidate.champion is None or candidate.examination.candidate_is_best:
        return {"run_id": run.run_id, "version": number}
    return {"run_id": candidate.champion.best.run_id, "version": candidate.champion.best.version}
