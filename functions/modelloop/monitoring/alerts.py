"""Events that leave the loop, on the event bus (source `modelloop`); people get them through the alert topic.

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

from typing import TYPE_CHECKING, Any

from modelloop import clock
from modelloop.ids import derived_uuid7

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMAT_VERSION = 1
SOURCE = "modelloop"
QUIET = frozenset({"ok", "insufficient_data"})

Alert = dict[str, Any]


def status_changed(kind: str, verdict: Mapping[str, Any], before: str | None) -> Alert | None:
    """Return the event of a changed status; None when it is the same, or only quiet ones alternate."""
    if verdict["status"] == before or (verdict["status"] in QUIET and (before is None or before in QUIET)):
        return None
    told = {name: verdict.get(name) for name in ("status", "window", "rows")}
    return _alert(f"{kind.capitalize()} status changed", verdict, {**told, "previous": before}, verdict["reasons"])


def retraining_decided(decision: Mapping[str, Any], verdict: Mapping[str, Any]) -> Alert:
    """Return the event of a retraining that was started, put off or refused."""
    told = {name: decision[name] for name in ("action", "cause", "request_id")}
    return _alert("Retraining decided", verdict, told, [decision["reason"]])


def rollout_judged(ended: Mapping[str, Any]) -> Alert:
    """Return the event of a rollout that the judge ended: of a candidate, held against a reference."""
    told = {name: ended[name] for name in ("kind", "action", "reference")}
    return _alert("Rollout judged", ended, told, ended["reasons"])


def _alert(name: str, verdict: Mapping[str, Any], told: Mapping[str, Any], reasons: Sequence[str]) -> Alert:
    model, time = verdict["model"], verdict["updated_at"]
    detail = {
        "format_version": FORMAT_VERSION,
        "id": derived_uuid7(clock.to_ms(time), f"{name}/{model}"),
        "model": model,
        "version": verdict["version"],
        "time": time,
        **told,
        "reasons": list(reasons),
    }
    return {"source": SOURCE, "detail-type": name, "detail": detail}
