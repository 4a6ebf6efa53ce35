"""A request from its arrival to what became of it: plain values, each made once, that routes and handler pass on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from modelloop.ids import uuid7

if TYPE_CHECKING:
    from inference.outbox import Answered
    from inference.protocols.exchange import Reply


class Arrival:
    """When a request came (seconds of `time.perf_counter`), whether as its environment's first, and its answer's id."""

    __slots__ = ("cold", "prediction_id", "started")

    def __init__(self, *, cold: bool) -> None:
        self.started = time.perf_counter()
        self.cold = cold
        self.prediction_id = uuid7()

    @property
    def latency_ms(self) -> float:
        """Milliseconds since then."""
        return (time.perf_counter() - self.started) * 1e3


class Target(NamedTuple):
    """What a request asked, as far as it got: the model, the version that answers and as what, and how many rows.

    A request has no `model` until a version was chosen for it, and no `rows` until its body was read. `rollout` names
    the one that chose the version, "" for none.
    """

    model: str | None = None
    version: int | None = None
    variant: str = ""
    rollout: str = ""
    rows: int = 0


UNKNOWN = Target()  # a request that no version was chosen for


class Outcome(NamedTuple):
    """A request that was answered: the reply, by which version, and for a prediction what its capture is made of."""

    reply: Reply
    target: Target = UNKNOWN
    prediction: Answered | None = None


class UnansweredError(Exception):
    """A request ended in an error, the cause of this one, after a version was chosen for it, the target."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.target = target
