"""One look of the judge at one model: the evidence, the decision, and the one write it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop.aws.registry.table import MOST_ITEMS
from modelloop.aws.serving import pointers, rollout_evidence
from modelloop.aws.serving.changes import Changes
from modelloop.errors import ConflictError
from modelloop.rollout import judge
from modelloop.rollout.judge import HOLD, PROMOTE, WATCH, Decision

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry
    from modelloop.aws.serving.rollout_evidence import Case
    from modelloop.aws.stores import Stores

WHO = "judge"


def judge_rollouts(stores: Stores, model: str, now: str) -> dict[str, Decision]:
    """Judge what is being rolled out, and act; return the decisions by kind, none when nothing is rolled out.

    Whoever changes the pointer meanwhile wins: the judge looks again at the next tick. Repeating a look is harmless.
    """
    pointer, _ = pointers.read(stores.artifacts, model)
    decisions: dict[str, Decision] = {}
    for case in rollout_evidence.cases(pointer, now) if pointer else ():
        decision = judge.judge(rollout_evidence.gather(stores, case, now))
        decisions[case.kind] = decision if decision.action == HOLD else _act(stores, case, decision, now)
        if decision.action != HOLD:
            break
    if decisions:
        judged = [{"kind": kind, **decision.to_json()} for kind, decision in decisions.items()]
        stores.registry.put_verdict(model, "judge", {"model": model, "updated_at": now, "judged": judged})
    return decisions


def ended(registry: Registry, model: str, known: int | None) -> dict[str, Any] | None:
    """Return what the judge decided of the rollout that it ended last: kind, versions, action, reasons, revision.

    None when there is none, or its revision is the `known` one. It was written down before it was done, so the audit
    log, which has every revision, tells whether it was: somebody else's change may have come first.
    """
    intended = registry.latest_verdict(model, "rollout")
    if intended is None or intended["revision"] == known:
        return None
    made = ((one["who"], one["detail"].get("revision")) for one in registry.list_audit(model, MOST_ITEMS).items)
    return intended if (WHO, intended["revision"]) in made else None


def _act(stores: Stores, case: Case, decision: Decision, now: str) -> Decision:
    """Do what was decided, unless the pointer is no longer the one that was judged."""
    pointer = case.pointer
    stores.registry.put_verdict(pointer.model, "rollout", _intent(case, decision, now))
    changes = Changes(stores, pointer.model, who=WHO, why="; ".join(decision.reasons), seen=pointer.revision)
    try:
        if decision.action == PROMOTE:
            changes.promote(case.candidate.version)
        elif case.kind == WATCH:
            changes.rollback(case.reference.version)
        else:
            changes.reject(case.candidate.version, unpin=False)
    except ConflictError as error:
        return Decision(HOLD, [f"somebody else was first: {error.message}"], decision.findings)
    return decision


def _intent(case: Case, decision: Decision, now: str) -> dict[str, Any]:
    """Return the document of what is about to be done, and of the pointer's revision that it will make."""
    return {
        "model": case.pointer.model,
        "updated_at": now,
        "kind": case.kind,
        "version": case.candidate.version,
        "reference": case.reference.version,
        "action": decision.action,
        "reasons": decision.reasons,
        "revision": case.pointer.revision + 1,
    }
