"""A request to train a model again: from the control plane or monitoring to the training trigger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelloop.errors import MalformedBodyError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VERSION = 1  # it is not written: an event without a version has this one
SOURCE = "modelloop.retrain"
REQUEST, DRIFT, QUALITY = "request", "drift", "quality"
_EPOCH = "1970-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class RetrainRequest:
    """A request to train on a model's base rows and the labels that came since.

    `cause` is REQUEST (a person asked), DRIFT or QUALITY (the loop found one). `request_id` leads from the caller's
    logs to the run and its version; `time` is the ISO moment of the request, `reason` a sentence.
    """

    model: str
    cause: str
    reason: str
    request_id: str | None
    time: str = _EPOCH

    def to_json(self) -> dict[str, str | None]:
        """Return the event that the training trigger is invoked with."""
        return {
            "source": SOURCE,
            "model": self.model,
            "cause": self.cause,
            "reason": self.reason,
            "request_id": self.request_id,
            "time": self.time,
        }


def retrain_request_from_json(event: Mapping[str, Any]) -> RetrainRequest | None:
    """Return the request that an event carries, or None when it is another event.

    Raises MalformedBodyError for a format that this release does not read.
    """
    if event.get("source") != SOURCE:
        return None
    version = event.get("format_version", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise MalformedBodyError(
            f"the retrain request has format version {version!r}, and version {FORMAT_VERSION} can be read"
        )
    return RetrainRequest(
        model=str(event.get("model", "")),
        cause=str(event.get("cause") or REQUEST),
        reason=str(event.get("reason") or ""),
        request_id=event.get("request_id"),
        time=str(event.get("time") or _EPOCH),
    )
