"""Whether to train again by itself, from what drift and quality say; pure, so that every rule can be tested."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.spec.sections import MIN_LABELS, Retraining

if TYPE_CHECKING:
    from collections.abc import Sequence

RETRAIN, WAIT, REFUSE, NOTHING = "retrain", "wait", "refuse", "nothing"
DAY_HOURS = 24
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the decision looks at.

    `labels` counts the new labelled rows; `earlier` are the moments of earlier automatic retrainings.
    """

    now: str
    drift: str | None
    quality: str | None
    labels: int
    policy: Retraining = field(default_factory=Retraining)
    earlier: Sequence[str] = ()
    masked: bool = False
    frozen: bool = False
    running: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do (retrain, wait, refuse, nothing), for which cause (drift, quality), and why, for the audit log."""

    action: str
    cause: str | None
    reason: str

    def to_json(self) -> dict[str, str | None]:
        """Return the document that the verdict stores."""
        return asdict(self)


def decide(now: Situation) -> Decision:
    """Decide: nothing without a cause; refuse what could do harm or teach nothing; wait when it is too early."""
    cause = _cause(now)
    if now.drift == "data_fault":
        return Decision(REFUSE, "drift", "a data fault: mend what sends the data; training on it would learn the fault")
    if cause is None:
        return Decision(NOTHING, None, "neither drift nor loss of quality")
    for action, applies, reason in _obstacles(now):
        if applies:
            return Decision(action, cause, f"{_found(cause)}, {reason}")
    return Decision(RETRAIN, cause, f"{_found(cause)}, {now.labels} new labelled rows to learn from")


def _cause(now: Situation) -> str | None:
    if now.quality == "degraded":
        return "quality"
    return "drift" if now.drift == "drift" and now.policy.on_drift else None


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


def _found(cause: str) -> str:
    return "drift found" if cause == "drift" else "loss of quality found"


def _hours_between(earlier: str, later: str) -> float:
    return (clock.to_ms(later) - clock.to_ms(earlier)) / _HOUR_MS
