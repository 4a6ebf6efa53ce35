"""Traffic to a successor and its champion, hour by hour, and how the judge ends it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelloop import clock
from modelloop.contracts.version_facts import GateFacts
from modelloop.rollout import judge, trials
from modelloop.rollout.judge import CANARY, EXPIRED, HOLD, PROMOTE, SHADOW, Evidence, VersionEvidence
from modelloop.rollout.sequential import MeanSample
from modelloop.spec.sections import Promotion
from modelloop.versions.gate import APPROVE, REJECT
from tests.support.gate import world

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tests.support.gate.uploads import Succession

    type Numbers = NDArray[np.float64]

START = "2026-01-05T00:00:00.000Z"
POLICY = Promotion()
POOL, BINS = 12_000, 10
REJECTED, ASKED, PROMOTED, ROLLED_BACK, UNDECIDED = "rejected", "asked", "champion", "rolled back", "undecided"
ENDINGS = (PROMOTED, UNDECIDED, ROLLED_BACK, ASKED, REJECTED)


class Stream(NamedTuple):
    """Rows a day, the share of them that gets a label, and how many days later."""

    rows_a_day: int
    labelled: float
    delay_days: int

    @property
    def labels_come(self) -> bool:
        return self.labelled > 0


STREAMS = tuple(
    Stream(rows, labelled, delay)
    for rows, labelled, delay in product((500, 20_000), (0.0, 0.05, 1.0), (0, 7))
    if labelled or not delay
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a succession ended, and how many requests the successor had answered by then (0 as a shadow).

    `unsure` says that the gate was; `hours` is how long the rollout took.
    """

    what: str
    unsure: bool
    answered: int = 0
    hours: int = 0


def follow(succession: Succession, streams: Sequence[Stream], generator: np.random.Generator) -> list[Ending]:
    """Carry a succession to its end in every stream: by the gate, or by the judge in the time of its rollout."""
    decision = succession.decision
    if decision.decision in {REJECT, APPROVE}:
        return [Ending(REJECTED if decision.decision == REJECT else ASKED, unsure=False)] * len(streams)
    pool = _Pool(succession, generator)
    return [_follow(succession, stream, pool, generator) for stream in streams]


def _follow(succession: Succession, stream: Stream, pool: _Pool, generator: np.random.Generator) -> Ending:
    decision = succession.decision
    bake_until = clock.later(START, minutes=POLICY.bake_minutes)
    end, kind = judge.expires_at(bake_until, POLICY.bake_minutes), CANARY
    if decision.unsure:
        facts = GateFacts("release", (), True, decision.margin, decision.rows_to_decide, "log_loss")
        labelled = int(stream.rows_a_day * stream.labelled * trials.SUPPLY_DAYS)
        planned = trials.plan(2, facts, POLICY, labelled, stream.delay_days * 24, START)
        end, kind = planned.trial.expires_at, CANARY if planned.is_canary else SHADOW
    hours = (clock.to_ms(end) - clock.to_ms(START)) // 3_600_000 + 1
    share = POLICY.canary_percent / 100
    ours = pool.side(1, stream, share if kind == CANARY else 1.0, hours, generator)
    theirs = pool.side(0, stream, 1 - share if kind == CANARY else 1.0, hours, generator)
    late = stream.delay_days * 24
    for hour in _looks(hours, stream):
        evidence = Evidence(
            kind, ours.at(hour), theirs.at(hour), clock.later(START, minutes=60 * hour), bake_until,
            POLICY.bake_minutes, agreement=pool.agreement if kind == SHADOW else None, margin=POLICY.margin,
            unsure=decision.unsure, expires_at=end, trivial_loss=succession.trivial_loss,
            labelled_share=max(hour - late, 0) / max(hours - late, 1),
        )  # fmt: skip
        action = judge.judge(evidence).action
        if action != HOLD:
            what = {PROMOTE: PROMOTED, EXPIRED: UNDECIDED}.get(action, ROLLED_BACK)
            answered = int(ours.rows[hour - 1]) if kind == CANARY else 0
            return Ending(what, decision.unsure, answered, hour)
    raise AssertionError("the judge ended no rollout whose time is over")


def _looks(hours: int, stream: Stream) -> list[int]:
    """Return the hours after which the judge looks: each of the first day (of labels), then every fourth and the last.

    Further looks between would see hardly other means.
    """
    begin = stream.delay_days * 24
    close = {*range(1, 25), *range(begin + 1, begin + 25), *range(24, hours, 4), hours}
    return sorted(hour for hour in close if hour <= hours)


class _Side(NamedTuple):
    """What one version did up to the end of every hour."""

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    totals: Numbers
    squares: Numbers
    predictions: NDArray[np.int64]

    def at(self, hour: int) -> VersionEvidence:
        rows, labels = int(self.rows[hour - 1]), int(self.labels[hour - 1])
        counts = self.predictions * rows // max(int(self.predictions.sum()), 1)
        losses = None
        if labels > 1:
            mean = float(self.totals[hour - 1]) / labels
            variance = max(float(self.squares[hour - 1]) - labels * mean**2, 0.0) / (labels - 1)
            losses = MeanSample(labels, mean, variance)
        return VersionEvidence(requests=rows, rows=rows, predictions=counts.tolist(), losses=losses)


class _Pool:
    """Rows that are asked about, with the losses and predictions of champion and successor on them."""

    def __init__(self, succession: Succession, generator: np.random.Generator) -> None:
        matrix, labels = world.traffic(POOL, generator)
        chances = [model.probability(matrix) for model in (succession.champion, succession.candidate)]
        told = [np.where(labels == 1, chance, 1 - chance) for chance in chances]
        self._losses = [-np.log(np.clip(chance, 1e-15, 1.0)) for chance in told]
        self._predictions = [np.bincount((chance >= 0.5).astype(int), minlength=2) for chance in chances]
        differently = int(((chances[0] >= 0.5) != (chances[1] >= 0.5)).sum())
        self.agreement = (POOL, differently)

    def side(self, which: int, stream: Stream, share: float, hours: int, generator: np.random.Generator) -> _Side:
        """Draw what a share of the stream brings one version, hour by hour; labels come after their delay."""
        rows = generator.poisson(stream.rows_a_day / 24 * share, hours)
        labels = generator.binomial(rows, stream.labelled)
        drawn = self._losses[which][generator.integers(0, POOL, int(labels.sum()))]
        ends = np.cumsum(labels)
        totals, squares = (np.concatenate([[0.0], np.cumsum(values)])[ends] for values in (drawn, drawn**2))
        late = ceil(stream.delay_days * 24)
        return _Side(
            np.cumsum(rows), _after(ends, late), _after(totals, late), _after(squares, late), self._predictions[which]
        )


def _after[Number: np.generic](values: NDArray[Number], hours: int) -> NDArray[Number]:
    """Return what is known when values come that many hours later: nothing at first."""
    late = np.concatenate([np.zeros(hours, values.dtype), values])
    return late[: len(values)]
