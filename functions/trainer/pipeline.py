"""From a queued run to a version: fit, examine, prove, register, publish."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from modelloop import clock
from modelloop.aws.serving import pointers
from modelloop.versions.evidence import Check
from modelloop.versions.gate import REJECT
from modelloop.versions.run import REJECTED, SUCCEEDED
from modelloop.versions.run_change import RunChange
from trainer import table as tables
from trainer.comparison.examination import examine
from trainer.comparison.incumbents import load_champion
from trainer.comparison.schema_compatibility import keep_old_callers, without_new_values
from trainer.progress import Progress, record_audit
from trainer.release.publishing import publish
from trainer.release.sources import FittedSource
from trainer.release.version import ExaminedCandidate, find_manifest, make_version, report_refusal
from trainer.search.clock import Clock
from trainer.search.cross_validation import cross_validate
from trainer.search.fitting import fit
from trainer.search.fold_answers import answer_unseen
from trainer.search.learning_curve import learning_curve
from trainer.search.predecessor import find_predecessor
from trainer.search.refusal import pointing
from trainer.search.trials import TrialLog, read_trials, record_trials

if TYPE_CHECKING:
    from modelloop.contracts.evaluation import LearningCurve
    from modelloop.contracts.manifest import Manifest
    from modelloop.versions.prepared_table import TableDocument
    from modelloop.versions.run import Run
    from trainer.comparison.examination import Examination
    from trainer.comparison.incumbents import Champion
    from trainer.search.fitting import Fitted
    from trainer.services import Services
    from trainer.table import PreparedTable

FITTING_SHARE = 0.6
CROSS_VALIDATION_SECONDS = CURVE_SECONDS = 15.0


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


def _candidate(services: Services, run: Run, progress: Progress, deadline: float) -> ExaminedCandidate:
    progress.reach("splitting")
    pointer, _ = pointers.read(services.artifacts, run.model)
    champion = load_champion(services, pointer, run.run_id)
    document = tables.read_document(services.artifacts, run.model, run.run_id)
    if document.facts.imported:
        return _import(services, run, progress, document, champion, deadline)
    return _fit(services, run, progress, document, champion, deadline)


def _fit(
    services: Services, run: Run, progress: Progress, document: TableDocument, champion: Champion | None,
    deadline: float,
) -> ExaminedCandidate:  # fmt: skip
    table = tables.load_table(services.artifacts, document)
    if champion is not None:
        incumbent = champion.incumbent
        known = [column.name for column in incumbent.manifest.profile]
        table = without_new_values(table, incumbent.encoding, known)
        table = replace(table, encoding=keep_old_callers(table.encoding, incumbent.encoding))
    began = time.monotonic()
    fitted = _search(services, run, progress, table, champion, deadline)
    progress.reach("evaluating")
    metric = fitted.objective.compared_by
    unseen_until = time.monotonic() + CROSS_VALIDATION_SECONDS
    examination = examine(
        table, fitted.estimator, metric, champion,
        lambda: answer_unseen(table, partial(fitted.fit_anew, table), unseen_until),
    )  # fmt: skip
    examination = _naming_members(examination, fitted)
    crossed = curve = None
    if examination.decision.decision != REJECT:
        now, allowed = time.monotonic(), table.spec.search.seconds or float("inf")
        until = min(began + allowed, now + CROSS_VALIDATION_SECONDS)
        crossed = cross_validate(table, partial(fitted.fit_anew, table), metric, until)
        curve = _learning_curve(table, fitted, metric, began + allowed)
    return ExaminedCandidate(table, FittedSource(fitted), examination, champion, crossed, curve)


def _learning_curve(table: PreparedTable, fitted: Fitted, metric: str, end: float) -> LearningCurve | None:
    """Return whether more rows would help, where the time suffices: what is fitted for it is not part of the model."""
    clock = Clock(min(end, time.monotonic() + CURVE_SECONDS), lambda _: None)
    if not clock.fits_in(fitted.chosen.seconds):
        return None
    whole = fitted.estimator if fitted.unseen is None else None
    return learning_curve(table, partial(fitted.fit_on, table), whole, metric, clock)


def _naming_members(examination: Examination, fitted: Fitted) -> Examination:
    """Return the examination with a check that says what a blend is made of; of other models as it is."""
    if not fitted.blend:
        return examination
    members = ", ".join(f"{member.weight:g} {member.family}" for member in fitted.blend)
    detail = f"a blend of {members}: together better than each alone on rows that they were not fitted on"
    decision = examination.decision
    checks = (*decision.checks, Check("blend", "passed", detail))
    return replace(examination, decision=replace(decision, checks=checks))


def _search(
    services: Services, run: Run, progress: Progress, table: PreparedTable, champion: Champion | None, deadline: float
) -> Fitted:
    """Fit the best candidate, or the winner that an earlier attempt recorded."""
    earlier = read_trials(services.artifacts, run.model, run.run_id)
    manifest = None if champion is None else champion.incumbent.manifest
    predecessor = find_predecessor(services.stores, run.model, manifest, earlier)
    progress.reach("fitting")
    seconds = (deadline - time.monotonic()) * FITTING_SHARE
    known = earlier or TrialLog([])
    with pointing(table.spec):
        fitted = fit(
            table, seconds, lambda share: progress.reach("fitting", share), known.trials, predecessor, known.selection
        )
    started_from = None if predecessor is None else predecessor.name.run_id
    record_trials(services.artifacts, run.model, run.run_id, TrialLog(fitted.trials, started_from, fitted.selection))
    return fitted


def _import(
    services: Services, run: Run, progress: Progress, document: TableDocument, champion: Champion | None,
    deadline: float,
) -> ExaminedCandidate:  # fmt: skip
    from trainer.onnx_import.imported_model import import_model  # noqa: PLC0415  onnx is only for imported models

    progress.reach("evaluating")
    return ExaminedCandidate(*import_model(services, run, document, champion, deadline), champion)


def _reject(services: Services, run: Run, candidate: ExaminedCandidate, progress: Progress) -> None:
    gate, metrics = candidate.examination.decision, candidate.examination.metrics
    reasons = list(gate.reasons)
    report_refusal(services.artifacts, run, candidate)
    at = run.decided_at or clock.now()
    services.registry.update_run(run.model, run.run_id, RunChange(decided_at=at))
    record_audit(services.registry, run, "gate", {"decision": REJECT, "reasons": reasons}, at)
    services.registry.finish_run(
        run.model, run.run_id, REJECTED, f"the gate refused this model: {'; '.join(reasons)}",
        RunChange(gate=gate, metrics=metrics, spent=progress.spent()),
    )  # fmt: skip


def _release(services: Services, run: Run, manifest: Manifest, progress: Progress) -> None:
    number = services.registry.register_version(run.model, run.run_id, manifest.registry_facts())
    progress.reach("publishing")
    outcome = publish(services.stores, manifest, services.label_delay_hours)
    record_audit(services.registry, run, "register", {"version": number, "outcome": outcome}, manifest.created_at)
    services.registry.finish_run(
        run.model, run.run_id, SUCCEEDED, outcome,
        RunChange(
            stage="done", percent=100, gate=manifest.gate, metrics=manifest.metrics, version=manifest.version,
            spent=progress.spent(),
        ),
    )  # fmt: skip
