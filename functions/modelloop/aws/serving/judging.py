"""One check of what is being rolled out for a model: the evidence, the decision, and the one change it asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelloop.aws.registry.table import MAX_ITEMS
from modelloop.aws.serving import pointers, rollout_evidence
from modelloop.aws.serving.changes import Changes
from modelloop.contracts.loop_state import RolloutIntent
from modelloop.contracts.quality_verdict import QualityVerdict
from modelloop.contracts.verdicts import RolloutVerdict
from modelloop.errors import ConflictError
from modelloop.rollout import judge, trials
from modelloop.rollout.judge import EXPIRED, HOLD, PROMOTE, WATCH

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry
    from modelloop.aws.serving.rollout_evidence import Rollout
    from modelloop.aws.stores import Stores
    from modelloop.contracts.verdicts import JudgedRollout

WHO = "judge"


def judge_rollouts(stores: Stores, model: str, now: str, label_delay_hours: float = 0.0) -> dict[str, JudgedRollout]:
    """Judge what is being rolled out, and act; return the decisions by kind, none when nothing is rolled out.

    Labels are those that the newest verdict on quality knows; `label_delay_hours` is how long they take. Whoever
    changes the pointer meanwhile wins: the judge looks again at the next tick. Repeating a check is harmless.
    """
    pointer, _ = pointers.read(stores.artifacts, model)
    quality = stores.registry.latest_verdict(QualityVerdict, model) if pointer and pointer.bake_until else None
    decisions: dict[str, JudgedRollout] = {}
    for rollout in rollout_evidence.open_rollouts(pointer, now) if pointer else ():
        decision = judge.judge(rollout_evidence.collect(stores, rollout, quality, now, label_delay_hours))
        decisions[rollout.kind] = decision if decision.action == HOLD else _act(stores, rollout, decision, now)
        if decision.action != HOLD:
            break
    if decisions:
        judged, until = tuple(decisions.values()), quality.updated_at if quality else None
        stores.registry.put_verdict(RolloutVerdict(model, now, judged, until))
    return decisions


def last_ended(registry: Registry, model: str, told_revision: int | None) -> RolloutIntent | None:
    """Return what the judge decided about the rollout that it ended last.

    None when there is none, or its revision is the one that was told. An intent is written before it is carried out,
    so the audit log, which has every revision, shows whether it was: somebody else's change may have come first.
    """
    intent = registry.get_state(RolloutIntent, model)
    if intent is None or intent.revision == told_revision:
        return None
    made = ((entry.who, entry.detail.get("revision")) for entry in registry.list_audit(model, MAX_ITEMS).items)
    return intent if (WHO, intent.revision) in made else None


def _act(stores: Stores, rollout: Rollout, decision: JudgedRollout, now: str) -> JudgedRollout:
    """Do what was decided, unless the pointer is no longer the one that was judged."""
    pointer = rollout.pointer
    stores.registry.put_state(_intent(rollout, decision, now))
    changes = Changes(stores, pointer.model, who=WHO, why="; ".join(decision.reasons), seen=pointer.revision)
    try:
        if decision.action == PROMOTE:
            changes.promote(rollout.candidate.version)
        elif rollout.kind == WATCH:
            changes.rollback(rollout.reference.version)
        elif decision.action == EXPIRED and decision.margin is not None:
            changes.keep(rollout.candidate.version)
        else:
            changes.reject(rollout.candidate.version, unpin=False)
    except ConflictError as error:
        return replace(decision, action=HOLD, reasons=(f"somebody else was first: {error.message}",))
    return decision


def _intent(rollout: Rollout, decision: JudgedRollout, now: str) -> RolloutIntent:
    """Return what is about to be done, and the pointer's revision that it will make."""
    unsure = decision.margin is not None
    kept = (trials.kept(rollout.candidate.version),) if unsure and decision.action == EXPIRED else ()
    return RolloutIntent(
        model=rollout.pointer.model,
        updated_at=now,
        kind=rollout.kind,
        version=rollout.candidate.version,
        reference=rollout.reference.version,
        action=decision.action,
        reasons=kept + decision.reasons,
        revision=rollout.pointer.revision + 1,
        unsure=unsure,
    )
