"""The log of completed trials beside the prepared table: what a repeated attempt replays instead of searching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from modelloop import keys
from modelloop.contracts.manifest_parts import selection_from_json, trial_from_json
from modelloop.errors import ArtifactRefusedError, NotFoundError

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from modelloop.contracts.manifest_parts import Selection, TrialRecord

FORMAT_VERSION = 1
FILE = "trials.json"


@dataclass(frozen=True, slots=True)
class TrialLog:
    """What an attempt tried, the run of the version whose settings it tried first, and how it chose.

    `selection` is None in logs of releases that chose the best trial and fitted nothing again.
    """

    trials: list[TrialRecord]
    started_from: str | None = None
    selection: Selection | None = None

    def to_bytes(self) -> bytes:
        """Return the file that is stored."""
        trials = [trial.to_json() for trial in self.trials]
        chosen = {} if self.selection is None else {"selection": self.selection.to_json()}
        return orjson.dumps(
            {"format_version": FORMAT_VERSION, "trials": trials, "started_from": self.started_from, **chosen}
        )


def read_trials(artifacts: Bucket, model: str, run_id: str) -> TrialLog | None:
    """Return what an earlier attempt recorded, or None; raise ArtifactRefusedError for another format."""
    try:
        body = artifacts.get(keys.prepared(model, run_id, FILE))
    except NotFoundError:
        return None
    document = orjson.loads(body)
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        raise ArtifactRefusedError(
            f"the log of trials has format version {version!r}, and version {FORMAT_VERSION} can be read"
        )
    trials = [trial_from_json(trial) for trial in document["trials"]]
    return TrialLog(trials, document["started_from"], selection_from_json(document.get("selection")))


def record_trials(artifacts: Bucket, model: str, run_id: str, log: TrialLog) -> None:
    """Store the log, unless an attempt has done so before."""
    artifacts.put_once(keys.prepared(model, run_id, FILE), log.to_bytes())
