"""The message that hands a run to the trainer: from the training trigger through the queue of runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from modelloop.errors import MalformedBodyError

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class RunMessage:
    """Which run is to be trained. `request_id` is that of the request it came from, None for an upload."""

    model: str
    run_id: str
    request_id: str | None = None

    def to_body(self) -> str:
        """Return the body of the queue's message: JSON with its keys in order."""
        return json.dumps({"format_version": FORMAT_VERSION, **asdict(self)}, sort_keys=True)


def run_message_from_body(body: str) -> RunMessage:
    """Return the message of a body; raise MalformedBodyError when it is none that this release reads."""
    try:
        document = json.loads(body)
        version = document.get("format_version")
        if version == FORMAT_VERSION:
            return RunMessage(document["model"], document["run_id"], document.get("request_id"))
    except (ValueError, KeyError, AttributeError) as error:
        raise MalformedBodyError(f"the body is not a run's message: {error!r}") from error
    raise MalformedBodyError(f"the message has format version {version!r}, and version {FORMAT_VERSION} can be read")
