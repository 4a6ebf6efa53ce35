"""From a queued run to a version: fit, examine, prove, register, publish."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from modelloop import clock
from modelloop.aws.serving import pointers
from modelloop.contracts import manifest as manifests
from modelloop.versions.gate import REJECT
from modelloop.versions.run import REJECTED, SUCCEEDED
from trainer import audit
from trainer import table as tables
from trainer.comparison import predecessor
from trainer.comparison.examination import examine
from trainer.comparison.incumbents import load_champion
from trainer.comparison.schema_compatibility import keep_old_callers
from trainer.progress import Progress
from trainer.release.publishing import publish
from trainer.release.sources import FittedSource
from trainer.release.version import Candidate, find_manifest, make_version, report_refusal
from trainer.search import trials
from trainer.search.cross_validation import cross_validate
from trainer.search.fitting import fit
from trainer.search.refusal import pointing

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from trainer.comparison.incumbents import Champion
    from trainer.services import Services

FITTING_SHARE = 0.6
CROSSING_SECONDS = 15.0


def train(services: Services, run: Run, seconds: float) -> None:
    """Work on a run that was taken, and end it SUCCEEDED, or REJECTED by the gate.

    Where an earlier attempt came as far as the manifest, its manifest is taken. `seconds` is all the time there is.
    """
    with threadpool_limits(1):
        _train(services, run, time.monotonic() + seconds)


def _train(services: Services, run: Run, deadline: float) -> None:
    progress = Progress(services.registry, run)
    manifest = find_manifest(services.artifacts, run.model, run.run_id)
    if manifest is None:
        candidate = _candidate(services, run, progress, deadline)
        if candidate.examination.decision.decision == REJECT:
            _reject(services, run, candidate, progress)
            return
        manifest = make_version(services, run, candidate, progress)
    _release(services, run, manifest, progress)


def _candidate(services: Services, run: Run, progress: Progress, deadline: float) -> Candidate:
    progress.reach("splitting")
    pointer, _ = pointers.read(services.artifacts, run.model)
    champion = load_champion(services, pointer, run.run_id)
    document = tables.read_document(services.artifacts, run.model, run.run_id)
    if document.get("brought"):
        return _brought(services, run, progress, document, champion, deadline)
    table = keep_old_callers(tables.load(services.artifacts, run.model, run.run_id, document), champion)
    earlier = trials.read(services.artifacts, run.model, run.run_id)
    before = predecessor.begin(services.stores, run.model, champion, earlier)
    progress.reach("fitting")
    seconds = (deadline - time.monotonic()) * FITTING_SHARE
    recorded = earlier.trials if earlier else []
    with pointing(table.spec):
        fitted = fit(table, seconds, lambda share: progress.reach("fitting", share), recorded, before)
    trials.record(services.artifacts, run.model, run.run_id, fitted)
    progress.reach("evaluating")
    metric = fitted.objective.compared_by
    examination = examine(table, fitted.estimator, metric, champion)
    until = time.monotonic() + CROSSING_SECONDS
    refused = examination.decision.decision == REJECT
    crossed = None if refused else cross_validate(table, fitted.chosen.candidate, metric, until)
    return Candidate(table, FittedSource(fitted), examination, champion, crossed)


def _brought(
    services: Services,
    run: Run,
    progress: Progress,
    document: dict[str, Any],
    champion: Champion | None,
    deadline: float,
) -> Candidate:
    from trainer.onnx_import.bring import bring  # noqa: PLC0415  onnx is only for models without a flat form

    progress.reach("evaluating")
    return Candidate(*bring(services, run, document, champion, deadline), champion)


def _reject(services: Services, run: Run, candidate: Candidate, progress: Progress) -> None:
    gate, metrics = candidate.examination.decision.to_json(), candidate.examination.metrics
    report_refusal(services.artifacts, run, candidate)
    at = run.decided_at or clock.now()
    services.registry.update_run(run.model, run.run_id, decided_at=at)
    audit.record(services.registry, run, "gate", {"decision": REJECT, "reasons": gate["reasons"]}, at)
    reason = f"the gate refused this model: {'; '.join(gate['reasons'])}"
    spent = progress.spent()
    services.registry.finish_run(run.model, run.run_id, REJECTED, reason, gate=gate, metrics=metrics, spent=spent)


def _release(services: Services, run: Run, manifest: dict[str, Any], progress: Progress) -> None:
    number = services.registry.register_version(
        run.model, run.run_id, manifests.manifest_from_json(manifest).registry_facts()
    )
    progress.reach("publishing")
    outcome = publish(services.stores, manifest, manifests.manifest_from_json(manifest).ref)
    audit.record(services.registry, run, "register", {"version": number, "outcome": outcome}, manifest["created_at"])
    facts = {name: manifest[name] for name in ("gate", "metrics", "version")}
    facts["spent"] = progress.spent()
    services.registry.finish_run(run.model, run.run_id, SUCCEEDED, outcome, stage="done", percent=100, **facts)
