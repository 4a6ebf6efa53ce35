"""The log of completed trials beside the prepared table: what a repeated attempt replays instead of searching."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import orjson

from modelloop import keys
from modelloop.contracts.manifest_parts import BlendMember, trial_from_json
from modelloop.errors import ArtifactRefusedError, NotFoundError

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from modelloop.contracts.manifest_parts import TrialRecord

FORMAT_VERSION = 1
FILE = "trials.json"


@dataclass(frozen=True, slots=True)
class TrialLog:
    """What an attempt tried, the run of the version whose settings it tried first, and the blend that it kept.

    `blend` is empty where the best model was kept alone.
    """

    trials: list[TrialRecord]
    started_from: str | None = None
    blend: tuple[BlendMember, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the file that is stored."""
        trials = [trial.to_json() for trial in self.trials]
        blend = {"blend": [asdict(member) for member in self.blend]} if self.blend else {}
        return orjson.dumps(
            {"format_version": FORMAT_VERSION, "trials": trials, "started_from": self.started_from, **blend}
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
    blend = tuple(BlendMember(**member) for member in document.get("blend", ()))
    return TrialLog([trial_from_json(trial) for trial in document["trials"]], document["started_from"], blend)


def record_trials(artifacts: Bucket, model: str, run_id: str, log: TrialLog) -> None:
    """Store the log, unless an attempt has done so before."""
    artifacts.put_once(keys.prepared(model, run_id, FILE), log.to_bytes())
