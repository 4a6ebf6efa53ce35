"""Find a prediction in the index that every captured object leaves, by the hour inside its id."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import TYPE_CHECKING, Any

import orjson

from modelloop import clock, keys
from modelloop.errors import NotFoundError
from modelloop.ids import uuid7_ms

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket

PARALLEL_READS = 8
LAST_MS = 253_402_300_799_999  # the end of the year 9999, where dates end


def find(artifacts: Bucket, model: str, prediction_id: str) -> tuple[str, list[dict[str, Any]]]:
    """Return when a prediction was made and its index entries: one for each version that answered and chunk of rows.

    Raises NotFoundError when the id is none of ours or the index does not hold it (yet, or any more).
    """
    made = uuid7_ms(prediction_id)
    if made is None or made > LAST_MS:
        raise NotFoundError(f"{prediction_id[:80]!r} is not a prediction id", field="prediction")
    moment = clock.from_ms(made)
    prefix = keys.index(model, moment[:13], "").removesuffix(".jsonl")
    wanted = f'"id":"{prediction_id}"'.encode()
    entries: list[dict[str, Any]] = []
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        for group in batched(artifacts.list_keys(prefix), PARALLEL_READS, strict=False):
            for body in pool.map(artifacts.get, group):
                entries += [orjson.loads(line) for line in body.split(b"\n") if wanted in line]
    if not entries:
        raise NotFoundError(
            f"model {model!r} knows no prediction {prediction_id}: captures take minutes to arrive, and expire in time",
            field="prediction",
        )
    return moment, _once([entry for entry in entries if entry.get("id") == prediction_id])


def _once(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop what the stream delivered twice; champion and challenger come before shadows."""
    known = {(entry["variant"] == "shadow", entry["version"], entry["offset"]): entry for entry in entries}
    return [known[place] for place in sorted(known)]
