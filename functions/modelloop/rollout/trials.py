"""The rollout of a version that the gate was unsure of: as what it goes on, how long, and what its endings mean.

Only labels can promote it. So it answers callers only where labels come; elsewhere it is a shadow, which nobody sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelloop import clock
from modelloop.contracts.pointer import Trial
from modelloop.contracts.version_facts import ROLLED_BACK
from modelloop.rollout.clearance import WITHDRAWN
from modelloop.rollout.judge import MIN_ROWS, expires_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelloop.contracts.version_facts import GateFacts, VersionRecord
    from modelloop.spec.sections import Promotion

MAX_MINUTES = 14 * 24 * 60
SUPPLY_DAYS = 30
JUDGED_METRICS = frozenset({"log_loss", "rmse"})  # labels are joined with log loss and squared error alone
ASKED_AFTER = 3  # undecided endings in a row


class TrialPlan(NamedTuple):
    """As what an unsure version goes on: as a canary, which answers callers, or as a shadow."""

    trial: Trial
    is_canary: bool


def plan(
    version: int, gate: GateFacts, policy: Promotion, labelled: int, label_delay_hours: float, now: str
) -> TrialPlan:
    """Return how a version that the gate was unsure of goes on; `labelled` rows of the champion got a label lately.

    It is a canary for 14 days, or as long as any rollout if that is longer, where these rows are at least 200, their
    labels come in that time, and they are joined with the loss that the gate compared. A difference of one part in a
    hundred takes more labels than most models get in 14 days.
    """
    bake_until = clock.later(now, minutes=policy.bake_minutes)
    usual = expires_at(bake_until, policy.bake_minutes)
    margin = policy.margin if gate.margin is None else gate.margin
    in_time = policy.bake_minutes + label_delay_hours * 60 < MAX_MINUTES
    decidable = labelled >= MIN_ROWS and in_time and gate.metric in JUDGED_METRICS
    if policy.policy != "auto" or not decidable:
        return TrialPlan(Trial(version, margin, usual), is_canary=False)
    return TrialPlan(Trial(version, margin, max(usual, clock.later(now, minutes=MAX_MINUTES))), is_canary=True)


def delay_hours(own: float | None, stacks: float) -> float:
    """Return how long labels take; a stack with no delay (a laptop) has none for any model."""
    return stacks if own is None or not stacks else own


def undecided_in_a_row(records: Iterable[VersionRecord], champion: int) -> int:
    """Return how many trials ended undecided since one was decided; `records` are versions, newest first.

    Versions that wait for a person, and those without any ending yet, are no endings.
    """
    count = 0
    for record in records:
        if record.version <= champion or any(record.event(name) for name in (*WITHDRAWN, ROLLED_BACK)):
            break
        count += record.kept is not None
    return count


def kept(version: int) -> str:
    """Return what is said of a trial that ended undecided."""
    return f"kept as version {version}, not better than the champion as far as can be known"


def question(version: int, rows: int | None) -> str:
    """Return what a person is asked after too many undecided endings."""
    needed = "" if rows is None else f"; about {rows:,} rows or labels would decide"
    return f"{ASKED_AFTER} versions in a row ended undecided{needed}: add them, or approve version {version} as it is"
