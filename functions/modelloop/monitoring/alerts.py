"""Events that leave the loop, on the event bus (source `modelloop`); the alert topic sends them to people.

| detail-type            | when                                            | detail                          |
|------------------------|-------------------------------------------------|---------------------------------|
| Drift status changed   | a champion's drift status is another one now    | status, previous, window, rows  |
| Quality status changed | a champion's quality status is another one now  | status, previous, window, rows  |
| Retraining decided     | retraining was started, put off or refused      | action, cause, request_id       |
| Rollout judged         | the judge promoted, rolled back or gave up      | kind, action, reference         |

Every detail has format_version (1), model, version (what it is about), time (UTC) and reasons (sentences); the schema
is infra/observability/events.schema.json. Delivery is at least once: `id` is the same for the same change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.contracts.verdicts import INSUFFICIENT, OK
from modelloop.ids import derived_uuid7

if TYPE_CHECKING:
    from modelloop.contracts.loop_state import RetrainState, RolloutIntent
    from modelloop.contracts.quality_verdict import QualityVerdict
    from modelloop.contracts.verdicts import DriftVerdict
    from modelloop.json_types import JsonValue

FORMAT_VERSION = 1
SOURCE = "modelloop"
QUIET = frozenset({OK, INSUFFICIENT})


@dataclass(frozen=True, slots=True)
class Alert:
    """One event for the bus; `facts` are the fields that its detail type alone has."""

    detail_type: str
    model: str
    version: int | None
    time: str
    facts: dict[str, JsonValue]
    reasons: tuple[str, ...]

    def detail(self, max_reasons: int | None = None) -> dict[str, JsonValue]:
        """Return the event's detail, with at most that many reasons (None: all)."""
        return {
            "format_version": FORMAT_VERSION,
            "id": derived_uuid7(clock.to_ms(self.time), f"{self.detail_type}/{self.model}"),
            "model": self.model,
            "version": self.version,
            "time": self.time,
            **self.facts,
            "reasons": list(self.reasons[:max_reasons]),
        }


def status_changed(verdict: DriftVerdict | QualityVerdict, before: str | None) -> Alert | None:
    """Return the event of a changed status; None when it is the same, or only quiet ones alternate."""
    if verdict.status == before or (verdict.status in QUIET and (before is None or before in QUIET)):
        return None
    facts: dict[str, JsonValue] = {
        "status": verdict.status,
        "window": verdict.window.to_json() if verdict.window else None,
        "rows": verdict.rows,
        "previous": before,
    }
    name = f"{verdict.KIND.capitalize()} status changed"
    return Alert(name, verdict.model, verdict.version, verdict.updated_at, facts, verdict.reasons)


def retraining_decided(state: RetrainState) -> Alert:
    """Return the event of a retraining that was started, put off or refused."""
    facts: dict[str, JsonValue] = {"action": state.action, "cause": state.cause, "request_id": state.request_id}
    return Alert("Retraining decided", state.model, state.version, state.updated_at, facts, (state.reason,))


def rollout_judged(ended: RolloutIntent) -> Alert:
    """Return the event of a rollout that the judge ended: of a candidate, held against a reference."""
    facts: dict[str, JsonValue] = {"kind": ended.kind, "action": ended.action, "reference": ended.reference}
    return Alert("Rollout judged", ended.model, ended.version, ended.updated_at, facts, ended.reasons)
