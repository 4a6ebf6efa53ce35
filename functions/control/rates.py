"""What this stack pays, from its parameters."""

from __future__ import annotations

from modelloop.monitoring.cost import Rates
from modelloop.settings import settings


def rates() -> Rates:
    """Return the rates of the functions that answer predictions."""
    return Rates(settings().inference_memory, settings().gb_second_price, settings().million_requests_price)
