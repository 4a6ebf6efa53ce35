"""Labels for earlier predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inference.outcome import Arrival, Outcome
    from inference.service import Service
    from modelloop.contracts.http_request import HttpRequest


def accept_feedback(service: Service, request: HttpRequest, _arrival: Arrival) -> Outcome:
    """Store labels and answer what they say; raises as `take_labels` does."""
    from inference.label_requests import take_labels  # noqa: PLC0415  no prediction waits for it

    return take_labels(service, request)
