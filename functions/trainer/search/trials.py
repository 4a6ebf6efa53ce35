"""The record of completed trials beside the prepared table: what a repeated attempt replays instead of searching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from modelloop import keys
from modelloop.errors import NotFoundError
from trainer.search.candidates import trial_from_json

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from trainer.search.candidates import Trial
    from trainer.search.fitting import Fitted

FILE = "trials.json"


@dataclass(frozen=True, slots=True)
class Record:
    """What an earlier attempt tried, and the run of the version whose settings it tried first."""

    trials: list[Trial]
    started_from: str | None = None


def read(artifacts: Bucket, model: str, run_id: str) -> Record | None:
    """Return what an earlier attempt recorded, or None."""
    try:
        body = artifacts.get(keys.prepared(model, run_id, FILE))
    except NotFoundError:
        return None
    document = orjson.loads(body)
    return Record([trial_from_json(trial) for trial in document["trials"]], document.get("started_from"))


def record(artifacts: Bucket, model: str, run_id: str, fitted: Fitted) -> None:
    """Store the trials, unless an attempt has done so before."""
    predecessor = fitted.predecessor
    document = {
        "format_version": 1,
        "trials": [trial.to_json() for trial in fitted.trials],
        "started_from": None if predecessor is None else predecessor.run_id,
    }
    artifacts.put_once(keys.prepared(model, run_id, FILE), orjson.dumps(document))
