"""What versions cost: the time that environments were busy for them, at the price of their memory, and their requests.

Prices are the stack's parameters, in one currency. Storage, delivery streams and training are not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelloop.contracts.counts import integer, integers
from modelloop.contracts.pointer import SHADOW
from modelloop.monitoring.summary import MICROS

if TYPE_CHECKING:
    from modelloop.contracts.counts import Counts
    from modelloop.json_types import JsonValue
    from modelloop.monitoring.summary import Summary


BUSY = "busy_micros"
CHARGED = "charged"
MB_A_GB = 1_024
PER = 1_000
_DIGITS = 9


class Rates(NamedTuple):
    """What is paid: memory of an environment in MB, the price of a GB for a second, the price of a million requests."""

    memory_mb: float
    gb_second: float
    million_requests: float

    def total(self, counts: Counts) -> float:
        """Return what counts cost."""
        gb_seconds = busy_seconds(counts) * self.memory_mb / MB_A_GB
        return gb_seconds * self.gb_second + integer(counts, CHARGED) * self.million_requests / 1_000_000

    def describe(self, counts: Counts) -> dict[str, JsonValue]:
        """Return busy seconds, the cost of all, and of a thousand predictions (requests) and rows; None: none yet."""
        cost = self.total(counts)
        return {
            "busy_seconds": round(busy_seconds(counts), 6),
            "total": round(cost, _DIGITS),
            "per_1000_predictions": per_thousand(cost, integer(counts, "requests")),
            "per_1000_rows": per_thousand(cost, integer(counts, "rows")),
        }


def busy_seconds(counts: Counts) -> float:
    """Return how long environments were busy: answering, starting up, delivering captures."""
    return integer(counts, BUSY) / MICROS / 1_000


def per_thousand(cost: float, amount: int) -> float | None:
    """Return the cost of a thousand, or None when there was none."""
    return round(cost * PER / amount, _DIGITS) if amount else None


def charged(summary: Summary) -> Counts:
    """Return how many requests a summary is charged: a shadow answers on the champion's request."""
    if summary.key.variant == SHADOW:
        return {CHARGED: 0}
    return {CHARGED: integer(summary.counts, "requests") + sum(integers(summary.counts, "errors").values())}
