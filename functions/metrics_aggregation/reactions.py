"""What follows from verdicts: alerts, and retraining."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from modelloop import clock
from modelloop.aws.monitoring import joins
from modelloop.aws.serving import judging
from modelloop.contracts.counts import branch
from modelloop.contracts.loop_state import AlertsSent, RetrainState
from modelloop.contracts.retrain_request import RetrainRequest
from modelloop.ids import derived_uuid7
from modelloop.monitoring import alerts, retraining
from modelloop.monitoring.quality.outcomes import labelled_rows
from modelloop.versions.run import ENDED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrics_aggregation.services import Services
    from modelloop.aws.registry.registry import Registry
    from modelloop.aws.storage import Bucket
    from modelloop.contracts.manifest import Manifest
    from modelloop.contracts.pointer import Pointer
    from modelloop.contracts.quality_verdict import QualityVerdict
    from modelloop.contracts.verdicts import DriftVerdict
    from modelloop.monitoring.retraining import RetrainDecision

logger = Logger(child=True)
WHO = "monitoring"
RUNS_LOOKED_AT = 5
MAX_STARTED = 10  # moments of retrainings that are kept


def send_status_alerts(
    services: Services, model: str, verdicts: Sequence[DriftVerdict | QualityVerdict], now: str
) -> None:
    """Send an alert for every status that differs from the one that was sent last, and store what was sent."""
    sent = _sent(services.registry, model, now)
    for verdict in verdicts:
        alert = alerts.status_changed(verdict, sent.statuses.get(verdict.KIND))
        if alert is not None:
            services.bus.publish(alert)
    statuses = sent.statuses | {verdict.KIND: verdict.status for verdict in verdicts}
    if statuses != sent.statuses:
        services.registry.put_state(replace(sent, statuses=statuses, updated_at=now))


def send_rollout_alert(services: Services, model: str, now: str) -> None:
    """Send an alert for the rollout that the judge ended last, unless it was sent."""
    sent = _sent(services.registry, model, now)
    ended = judging.last_ended(services.registry, model, sent.rollout)
    if ended is None:
        return
    services.bus.publish(alerts.rollout_judged(ended))
    services.registry.put_state(replace(sent, rollout=ended.revision, updated_at=now))


def _sent(registry: Registry, model: str, now: str) -> AlertsSent:
    return registry.get_state(AlertsSent, model) or AlertsSent(model, {}, None, now)


def consider_retraining(
    services: Services,
    pointer: Pointer,
    manifest: Manifest,
    *,
    drift: DriftVerdict,
    quality: str,
    now: str,
) -> str:
    """Decide about retraining from both statuses, act, and store the decision; return the action.

    The request is sent before it is stored: after a crash between the two it is sent again, and the trigger, which
    never trains the same rows twice for the same cause, ignores it.
    """
    model = pointer.model
    previous = services.registry.get_state(RetrainState, model)
    situation = retraining.Situation(
        now=now,
        drift=drift.status,
        quality=quality,
        labels=_new_labels(services.artifacts, model, manifest.created_at, now),
        policy=manifest.spec.retrain,
        earlier=previous.started if previous else (),
        for_drift=previous.for_drift if previous else (),
        unknown_cycle=drift.season.unknown[-1] if drift.season and drift.season.unknown else None,
        masked=bool(manifest.spec.mask),
        frozen=pointer.frozen,
        running=any(run.state not in ENDED for run in services.registry.list_runs(model, limit=RUNS_LOOKED_AT).items),
    )
    decision = retraining.decide(situation)
    request_id = derived_uuid7(clock.to_ms(now), f"{model}/retrain") if decision.action == retraining.RETRAIN else None
    if request_id is not None:
        _start(services, model, decision, request_id, now)
    _store_decision(services, pointer, decision, previous, now, request_id)
    return decision.action


def _start(services: Services, model: str, decision: RetrainDecision, request_id: str, now: str) -> None:
    """Ask the trigger; the request's id is the audit entry's, and runs through the trigger to the run and version."""
    logger.info("retraining requested", extra={"correlation_id": request_id, **decision.to_json()})
    request = RetrainRequest(model, decision.cause or "", decision.reason, request_id, now)
    services.trigger.send(request.to_json())
    detail = {"cause": decision.cause, "request_id": request_id}
    services.registry.record_audit(model, "retrain", WHO, decision.reason, detail, audit_id=request_id, time=now)


def _store_decision(
    services: Services,
    pointer: Pointer,
    decision: RetrainDecision,
    previous: RetrainState | None,
    now: str,
    request_id: str | None,
) -> None:
    """Store and send the decision when it differs from the one before, or starts something."""
    is_started = decision.action == retraining.RETRAIN
    before = (previous.action, previous.cause) if previous else (retraining.NOTHING, None)
    if before == (decision.action, decision.cause) and not is_started:
        return
    earlier, for_drift = (previous.started, previous.for_drift) if previous else ((), ())
    is_for_drift = is_started and decision.cause == "drift"
    state = RetrainState(
        model=pointer.model,
        version=pointer.champion.version if pointer.champion else None,
        action=decision.action,
        cause=decision.cause,
        reason=decision.reason,
        request_id=request_id,
        started=(*earlier, *([now] if is_started else []))[-MAX_STARTED:],
        updated_at=now,
        for_drift=(*for_drift, *([now] if is_for_drift else []))[-MAX_STARTED:],
    )
    if decision.action != retraining.NOTHING:
        services.bus.publish(alerts.retraining_decided(state))
    services.registry.put_state(state)


def _new_labels(artifacts: Bucket, model: str, created_at: str, now: str) -> int:
    """Return the labelled rows of hours after the champion was made: the ones that it cannot have learned from."""
    labels = 0
    for _, joined in joins.newest_first(artifacts, model, now, since=created_at[:13]):
        versions = branch(joined, "versions")
        labels += max((labelled_rows(branch(versions, version)) for version in versions), default=0)
    return labels
