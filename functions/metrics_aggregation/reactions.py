"""What follows from verdicts: alerts, and retraining."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from modelloop import clock
from modelloop.aws.monitoring import joins
from modelloop.aws.serving import judging
from modelloop.contracts.retrain_request import RetrainRequest
from modelloop.ids import derived_uuid7
from modelloop.monitoring import alerts, retraining
from modelloop.spec.sections import Retraining, section_from_json
from modelloop.versions.run import ENDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrics_aggregation.services import Services
    from modelloop.aws.storage import Bucket
    from modelloop.contracts.pointer import Pointer

logger = Logger(child=True)
WHO = "monitoring"
RUNS_LOOKED_AT = 5
REMEMBERED = 10


def tell_statuses(services: Services, model: str, verdicts: Mapping[str, Mapping[str, Any]], now: str) -> None:
    """Send an alert for every status that is another than the one that was told last, and remember what was told."""
    told = (services.registry.latest_verdict(model, "alerts") or {}).get("told", {})
    found = [alerts.status_changed(kind, verdict, told.get(kind)) for kind, verdict in verdicts.items()]
    for alert in filter(None, found):
        services.bus.publish(alert)
    statuses = told | {kind: verdict["status"] for kind, verdict in verdicts.items()}
    if statuses != told:
        services.registry.put_verdict(model, "alerts", {"model": model, "told": statuses, "updated_at": now})


def tell_rollout(services: Services, model: str, now: str) -> None:
    """Send an alert for the rollout that the judge ended last, unless it was told."""
    told = (services.registry.latest_verdict(model, "alerts") or {}).get("told", {})
    ended = judging.ended(services.registry, model, told.get("rollout"))
    if ended is None:
        return
    services.bus.publish(alerts.rollout_judged(ended))
    statuses = told | {"rollout": ended["revision"]}
    services.registry.put_verdict(model, "alerts", {"model": model, "told": statuses, "updated_at": now})


def consider_retraining(
    services: Services, pointer: Pointer, manifest: Mapping[str, Any], found: Mapping[str, Any], now: str
) -> str:
    """Decide about retraining, act, and remember; return the action.

    The request is sent before it is remembered: after a crash between the two it is sent again, and the trigger, which
    never trains the same rows twice for the same cause, ignores it.
    """
    model = pointer.model
    previous = services.registry.latest_verdict(model, "retrain") or {}
    situation = retraining.Situation(
        now=now,
        drift=found["drift"],
        quality=found["quality"],
        labels=_new_labels(services.artifacts, model, manifest, now),
        policy=section_from_json(Retraining, (manifest.get("spec") or {}).get("retrain")),
        earlier=previous.get("started") or [],
        masked=bool((manifest.get("spec") or {}).get("mask")),
        frozen=pointer.frozen,
        running=any(run.state not in ENDED for run in services.registry.list_runs(model, limit=RUNS_LOOKED_AT).items),
    )
    decision = retraining.decide(situation)
    request_id = derived_uuid7(clock.to_ms(now), f"{model}/retrain") if decision.action == retraining.RETRAIN else None
    if request_id is not None:
        _start(services, model, decision, request_id, now)
    _remember(services, pointer, decision, previous, now, request_id)
    return decision.action


def _start(services: Services, model: str, decision: retraining.Decision, request_id: str, now: str) -> None:
    """Ask the trigger; the request's id is the audit entry's, and runs through the trigger to the run and version."""
    logger.info("retraining asked for", extra={"correlation_id": request_id, **decision.to_json()})
    request = RetrainRequest(model, decision.cause or "", decision.reason, request_id, now)
    services.trigger.send(request.to_json())
    detail = {"cause": decision.cause, "request_id": request_id}
    services.registry.record_audit(model, "retrain", WHO, decision.reason, detail, audit_id=request_id, time=now)


def _remember(
    services: Services,
    pointer: Pointer,
    decision: retraining.Decision,
    previous: Mapping[str, Any],
    now: str,
    request_id: str | None,
) -> None:
    """Store and tell the decision when it is another than before, or starts something."""
    started = [*(previous.get("started") or []), *([now] if decision.action == retraining.RETRAIN else [])][
        -REMEMBERED:
    ]
    same = (previous.get("action"), previous.get("cause")) == (decision.action, decision.cause)
    if (same or (not previous and decision.action == retraining.NOTHING)) and decision.action != retraining.RETRAIN:
        return
    version = pointer.champion and pointer.champion.version
    told = {"model": pointer.model, "version": version, **decision.to_json(), "request_id": request_id}
    document = {**told, "started": started, "updated_at": now}
    if decision.action != retraining.NOTHING:
        services.bus.publish(alerts.retraining_decided(document, document))
    services.registry.put_verdict(pointer.model, "retrain", document)


def _new_labels(artifacts: Bucket, model: str, manifest: Mapping[str, Any], now: str) -> int:
    """Return the labelled rows of hours after the champion was made: the ones that it cannot have learned from."""
    made = str(manifest.get("created_at") or "")[:13]
    return sum(
        max((counts["labelled"] for counts in joined["versions"].values()), default=0)
        for hour, joined in joins.newest_first(artifacts, model, now)
        if hour >= made
    )
