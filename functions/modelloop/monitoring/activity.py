"""What a model's loop has done so far, as totals that only rise: runs that ended, retrainings, the judge's decisions.

What is older than a day, and has ended, is folded into a base once; the rest is counted on top of it at every tick. So
a tick reads only what is new, however long the history, and repeating it counts nothing twice.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from modelloop import clock
from modelloop.contracts.loop_state import ActivityTotals, LoopCounts
from modelloop.ids import uuid7_ms
from modelloop.versions.run import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelloop.contracts.audit import AuditEntry
    from modelloop.versions.run import Run

OPEN_MS = 24 * 3_600_000
JUDGE, MONITORING, RETRAIN = "judge", "monitoring", "retrain"
RUNS, RETRAININGS, JUDGED = "runs", "retrainings", "judged"
KINDS = (RUNS, RETRAININGS, JUDGED)


class Happening(NamedTuple):
    """Something that the loop did: when (Unix milliseconds), of which kind (KINDS), and what exactly."""

    at: int
    kind: str
    what: str


def through(previous: ActivityTotals | None) -> int:
    """Return the moment up to which everything is folded into the base, in Unix milliseconds."""
    return 0 if previous is None else previous.through


def totals(
    previous: ActivityTotals | None,
    runs: Sequence[Run],
    entries: Iterable[AuditEntry],
    *,
    model: str,
    now: str,
) -> ActivityTotals:
    """Return the next totals from the ones before, and the runs and audit entries made after `through`."""
    waiting = [run for run in runs if run.state not in ENDED]
    folded = through(previous)
    until = max(folded, min([clock.to_ms(now) - OPEN_MS, *(_made(run.run_id) - 1 for run in waiting)]))
    base = _counters(previous.base if previous else None)
    live = _counters(None)
    happenings = [happening for happening in [*_ended(runs), *_done(entries)] if happening.at > folded]
    for at, kind, what in happenings:
        (base if at <= until else live)[kind][what] += 1
    retrained = max((at for at, kind, _ in happenings if kind == RETRAININGS), default=None)
    return ActivityTotals(
        model=model,
        through=until,
        base=LoopCounts(*(dict(base[kind]) for kind in KINDS)),
        totals=LoopCounts(*(dict(base[kind] + live[kind]) for kind in KINDS)),
        open=dict(Counter(run.state for run in waiting)),
        retrained_at=retrained or (previous.retrained_at if previous else None),
        updated_at=now,
    )


def _counters(counts: LoopCounts | None) -> dict[str, Counter[str]]:
    if counts is None:
        return {kind: Counter() for kind in KINDS}
    return {RUNS: Counter(counts.runs), RETRAININGS: Counter(counts.retrainings), JUDGED: Counter(counts.judged)}


def _ended(runs: Iterable[Run]) -> list[Happening]:
    return [Happening(_made(run.run_id), RUNS, f"{run.cause}/{run.state}") for run in runs if run.state in ENDED]


def _done(entries: Iterable[AuditEntry]) -> list[Happening]:
    happenings = []
    for entry in entries:
        if entry.who == JUDGE:
            happenings.append(Happening(_made(entry.id), JUDGED, entry.action))
        elif (entry.who, entry.action) == (MONITORING, RETRAIN):
            happenings.append(Happening(_made(entry.id), RETRAININGS, str(entry.detail["cause"])))
    return happenings


def _made(identifier: str) -> int:
    return uuid7_ms(identifier) or 0
