"""The record of completed trials beside the prepared table: what a repeated attempt replays instead of searching."""

from __future__ import annotations

import orjson

from modelloop import keys
from modelloop.aws import storage
from modelloop.errors import NotFoundError
from modelloop.settings import settings
from trainer.search import Trial, trial_from_json

FILE = "trials.json"


def read(model: str, run_id: str) -> list[Trial]:
    """Return the trials that an earlier attempt recorded, or none."""
    try:
        body = storage.get(settings().artifacts_bucket, keys.prepared(model, run_id, FILE))
    except NotFoundError:
        return []
    return [trial_from_json(document) for document in orjson.loads(body)["trials"]]


def record(model: str, run_id: str, trials: list[Trial]) -> None:
    """Store the trials, unless an attempt has done so before."""
    body = orjson.dumps({"format_version": 1, "trials": [trial.to_json() for trial in trials]})
    storage.put_once(settings().artifacts_bucket, keys.prepared(model, run_id, FILE), body)
