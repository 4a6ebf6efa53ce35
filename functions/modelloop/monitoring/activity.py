"""What a model's loop has done so far, as totals that only rise: runs that ended, retrainings, the judge's decisions.

What is older than a day, and has ended, is folded into a base once; the rest is counted on top of it at every look. So
a look reads only what is new, however long the history, and repeating it counts nothing twice.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from modelloop import clock
from modelloop.ids import uuid7_ms
from modelloop.versions.run import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelloop.versions.run import Run

OPEN_MS = 24 * 3_600_000
JUDGE, MONITORING, RETRAIN = "judge", "monitoring", "retrain"
KINDS = ("runs", "retrainings", "judged")

Happened = tuple[int, str, str]  # when (Unix milliseconds), which kind, what


def through(previous: Mapping[str, Any] | None) -> int:
    """Return the moment up to which everything is folded into the base, in Unix milliseconds."""
    return 0 if previous is None else int(previous["through"])


def totals(
    previous: Mapping[str, Any] | None,
    runs: Sequence[Run],
    entries: Iterable[Mapping[str, Any]],
    *,
    model: str,
    now: str,
) -> dict[str, Any]:
    """Return the next totals from the ones before, and the runs and audit entries made after `through`.

    `runs` counts ended ones by cause and state, `retrainings` by cause, `judged` by what the judge changed; `open` are
    runs that have not ended, by state; `retrained_at` is when the last retraining was started, in Unix milliseconds.
    """
    waiting = [run for run in runs if run.state not in ENDED]
    folded = through(previous)
    until = max(folded, min([clock.to_ms(now) - OPEN_MS, *(_made(run.run_id) - 1 for run in waiting)]))
    base = {kind: Counter(previous["base"][kind]) if previous else Counter() for kind in KINDS}
    live: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    found = [one for one in [*_ended(runs), *_done(entries)] if one[0] > folded]
    for at, kind, what in found:
        (base if at <= until else live)[kind][what] += 1
    retrained = max((at for at, kind, _ in found if kind == "retrainings"), default=None)
    return {
        "model": model,
        "through": until,
        "base": {kind: dict(base[kind]) for kind in KINDS},
        "totals": {kind: dict(base[kind] + live[kind]) for kind in KINDS},
        "open": dict(Counter(run.state for run in waiting)),
        "retrained_at": retrained or (previous or {}).get("retrained_at"),
        "updated_at": now,
    }


def _ended(runs: Iterable[Run]) -> list[Happened]:
    return [(_made(run.run_id), "runs", _name(run)) for run in runs if run.state in ENDED]


def _done(entries: Iterable[Mapping[str, Any]]) -> list[Happened]:
    kinds = [(_made(entry["id"]), _kind(entry), entry) for entry in entries]
    return [
        (at, kind, str(entry["action"] if kind == "judged" else entry["detail"]["cause"]))
        for at, kind, entry in kinds
        if kind is not None
    ]


def _kind(entry: Mapping[str, Any]) -> str | None:
    if entry["who"] == JUDGE:
        return "judged"
    return "retrainings" if (entry["who"], entry["action"]) == (MONITORING, RETRAIN) else None


def _name(run: Run) -> str:
    return f"{run.cause}/{run.state}"


def _made(identifier: str) -> int:
    return uuid7_ms(identifier) or 0
