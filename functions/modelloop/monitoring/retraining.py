"""Whether to train again by itself, from what drift and quality say; pure, so that every rule can be tested."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.contracts.verdicts import DEGRADED, DRIFT, FAULT
from modelloop.spec.sections import MIN_LABELS, Retraining

if TYPE_CHECKING:
    from collections.abc import Sequence

RETRAIN, WAIT, REFUSE, NOTHING = "retrain", "wait", "refuse", "nothing"
DAY_HOURS = 24
CYCLE_DAYS = {"day": 1, "week": 7, "month": 31, "year": 365}
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the decision looks at.

    `labels` counts the new labelled rows; `earlier` are the moments of earlier automatic retrainings, `for_drift` of
    those that drift caused. `unknown_cycle` is the longest cycle that the champion's training part has not seen twice.
    """

    now: str
    drift: str | None
    quality: str | None
    labels: int
    policy: Retraining = field(default_factory=Retraining)
    earlier: Sequence[str] = ()
    for_drift: Sequence[str] = ()
    unknown_cycle: str | None = None
    masked: bool = False
    frozen: bool = False
    running: bool = False


@dataclass(frozen=True, slots=True)
class RetrainDecision:
    """What to do (retrain, wait, refuse, nothing), for which cause (drift, quality), and why, for the audit log."""

    action: str
    cause: str | None
    reason: str

    def to_json(self) -> dict[str, str | None]:
        """Return the fields that the log has of it."""
        return asdict(self)


def decide(now: Situation) -> RetrainDecision:
    """Return nothing without a cause, refuse for what could do harm or is useless, wait when it is too early."""
    cause = _cause(now)
    if now.drift == FAULT:
        reason = "a data fault: repair what sends the data; a model trained on it would learn the fault"
        return RetrainDecision(REFUSE, "drift", reason)
    if cause is None:
        return RetrainDecision(NOTHING, None, "neither drift nor loss of quality")
    for action, applies, reason in (*_obstacles(now), _season(now, cause)):
        if applies:
            return RetrainDecision(action, cause, f"{_described(cause)}, {reason}")
    return RetrainDecision(RETRAIN, cause, f"{_described(cause)}, {now.labels} new labelled rows to learn from")


def _cause(now: Situation) -> str | None:
    if now.quality == DEGRADED:
        return "quality"
    return "drift" if now.drift == DRIFT and now.policy.on_drift else None


def _obstacles(now: Situation) -> list[tuple[str, bool, str]]:
    ages = [_hours_between(moment, now.now) for moment in now.earlier]
    today = sum(age < DAY_HOURS for age in ages)
    cooldown, most = now.policy.cooldown_hours, now.policy.max_per_day
    return [
        (REFUSE, now.frozen, "but the model is frozen"),
        (REFUSE, now.masked, "but masked columns are not captured, so live rows cannot be learned from"),
        (REFUSE, now.labels < MIN_LABELS, f"labels needed: {now.labels} new labelled rows of {MIN_LABELS}"),
        (WAIT, now.running, "but a run is under way"),
        (WAIT, any(age < cooldown for age in ages), f"but the last retraining is less than {cooldown:g} hours ago"),
        (WAIT, today >= most, f"but there were {today} retrainings within a day, and {most} are allowed"),
    ]


def _season(now: Situation, cause: str) -> tuple[str, bool, str]:
    """Return whether the drift may be a season that was learned from already: one retraining a cycle, while unknown."""
    days = CYCLE_DAYS.get(now.unknown_cycle or "", 0)
    learned = any(_hours_between(moment, now.now) < days * DAY_HOURS for moment in now.for_drift)
    reason = (
        f"but it may be a season: the training part has not seen two of a {now.unknown_cycle}, and a retraining on "
        f"drift began within the last {days} days"
    )
    return WAIT, cause == "drift" and learned, reason


def _described(cause: str) -> str:
    return "drift found" if cause == "drift" else "loss of quality found"


def _hours_between(earlier: str, later: str) -> float:
    return (clock.to_ms(later) - clock.to_ms(earlier)) / _HOUR_MS
